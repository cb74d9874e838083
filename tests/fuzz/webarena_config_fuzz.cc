// WebArena's configuration files.
#include "evaluator/webarena_config.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proctor::evaluator::WebArenaConfigOptions options;
  options.base_urls = {{"__SHOPPING__", "http://127.0.0.1:7770"}};
  const auto tasks = proctor::evaluator::LoadWebArenaConfig(proctor::fuzz::View(data, size), options);
  if (!tasks.ok()) return 0;
  for (const auto& task : *tasks) {
    proctor::fuzz::Require(task.name().starts_with("tasks/webarena-"), "tasks have their name");
  }
  return 0;
}
