// WebArena's configuration files.
#include "evaluator/webarena_config.h"
#include "tests/fuzz/input.h"

namespace {

// Whether it has tasks.
bool Load(const uint8_t* data, size_t size) {
  proctor::evaluator::WebArenaConfigOptions options;
  options.base_urls = {{"__SHOPPING__", "http://127.0.0.1:7770"}};
  const auto tasks = proctor::evaluator::LoadWebArenaConfig(proctor::fuzz::View(data, size), options);
  if (!tasks.ok()) return false;
  for (const auto& task : *tasks) {
    proctor::fuzz::Require(task.name().starts_with("tasks/webarena-"), "tasks have their name");
  }
  return !tasks->empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Load(data, size);
  return 0;
}

extern "C" bool IsCurrent(const uint8_t* data, size_t size) { return Load(data, size); }
