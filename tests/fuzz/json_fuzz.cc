// JSON: as values, as messages, and as slices that the DevTools connection cuts out of it.
#include "common/json.h"
#include "common/proto_json.h"
#include "env/web/json_slices.h"
#include "proctor/v1/task.pb.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = proctor::fuzz::View(data, size);
  const auto json = proctor::ParseJson(text);
  bool sliced_object = proctor::env::web::ForEachMember(text, [&](std::string_view name, std::string_view value) {
    proctor::fuzz::Require(name.data() >= text.data() && value.data() + value.size() <= text.data() + text.size(),
                           "slices lie within the text");
  });
  if (json.ok() && json->is_object()) proctor::fuzz::Require(sliced_object, "every object can be sliced");
  proctor::v1::Task task, again;
  if (proctor::ProtoFromJson(text, task).ok()) {
    proctor::fuzz::Require(proctor::ProtoFromJson(proctor::ProtoToJson(task), again).ok(), "what was written can be read");
  }
  return 0;
}
