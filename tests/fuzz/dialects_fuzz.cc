// What models write. The first byte chooses the dialect.
#include "env/dialects/dialect.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  proctor::v1::AgentText text;
  text.set_dialect(static_cast<proctor::v1::Dialect>(data[0] % 12));
  text.set_text(std::string(proctor::fuzz::View(data + 1, size - 1)));
  proctor::v1::Observation last;
  last.mutable_viewport()->set_width(1280);
  last.mutable_viewport()->set_height(720);
  last.mutable_cursor()->set_x(640);
  last.add_elements()->set_mark(3);
  const auto parsed = proctor::env::dialects::ParseAgentText(text, last);
  const bool has_action = parsed.action.kind_case() != proctor::v1::Action::KIND_NOT_SET;
  proctor::fuzz::Require(has_action == parsed.error.empty(), "either an action or an error");
  proctor::fuzz::Require(parsed.error.size() < 2000, "an error is short");
  return 0;
}
