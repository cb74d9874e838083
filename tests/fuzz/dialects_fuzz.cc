// What models write. The first byte chooses the dialect.
#include "env/dialects/dialect.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  proctor::v1::AgentText text;
  text.set_dialect(static_cast<proctor::v1::Dialect>(data[0] % 5));
  text.set_text(std::string(proctor::fuzz::View(data + 1, size - 1)));
  proctor::v1::Observation last;
  last.mutable_viewport()->set_width(1280);
  last.mutable_viewport()->set_height(720);
  const auto parsed = proctor::env::dialects::ParseAgentText(text, last);
  const bool has_action = parsed.action.kind_case() != proctor::v1::Action::KIND_NOT_SET;
  proctor::fuzz::Require(has_action == parsed.error.empty(), "either an action or an error");
  return 0;
}
