#include "env/web/page_reply.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

// Fields of an element's description.
enum Field {
  kId,
  kRole,
  kName,
  kTag,
  kText,
  kValue,
  kStates,
  kX,
  kY,
  kWidth,
  kHeight,
  kEditable,
  kOptions,
  kPlaceholder,
  kHeading,
  kLabel,
  kHref,
  kType,
  kInViewport,
  kFieldCount
};

absl::Status Malformed() { return absl::DataLossError("malformed reply of the page script"); }

std::string Text(const Json& json) {
  return json.is_string() ? SanitizeUtf8(json.get_ref<const std::string&>()) : std::string();
}

double Number(const Json& json) { return json.is_number() ? json.get<double>() : 0; }

// Whole numbers a double holds exactly; 0 for anything else.
int64_t Integer(const Json& json) {
  constexpr double kLimit = 9007199254740992;
  const double number = Number(json);
  return number > -kLimit && number < kLimit ? static_cast<int64_t>(number) : 0;
}

v1::Rect MakeRect(const Json& fields, size_t first) {
  v1::Rect rect;
  rect.set_x(Number(fields[first]));
  rect.set_y(Number(fields[first + 1]));
  rect.set_width(Number(fields[first + 2]));
  rect.set_height(Number(fields[first + 3]));
  return rect;
}

absl::StatusOr<FrameOwner> ParseOwner(const Json& fields) {
  constexpr size_t kMinFields = 8;
  if (!fields.is_array() || fields.size() < kMinFields) return Malformed();
  FrameOwner owner;
  owner.local_id = Integer(fields[0]);
  owner.box = MakeRect(fields, 1);
  owner.scale_x = Number(fields[5]);
  owner.scale_y = Number(fields[6]);
  owner.visible = Number(fields[7]) != 0;
  if (fields.size() > kMinFields)
    owner.element_index = static_cast<size_t>(std::max<int64_t>(0, Integer(fields[8])));
  return owner;
}

std::string Member(const Json& reply, std::string_view name) {
  const auto found = reply.find(name);
  return found == reply.end() ? std::string() : Text(*found);
}

}  // namespace

absl::StatusOr<PageElement> ParsePageElement(const Json& fields) {
  if (!fields.is_array() || fields.size() != kFieldCount) return Malformed();
  PageElement parsed;
  parsed.local_id = Integer(fields[kId]);
  v1::Element& element = parsed.element;
  element.set_role(Text(fields[kRole]));
  element.set_name(Text(fields[kName]));
  element.set_tag(Text(fields[kTag]));
  element.set_text(Text(fields[kText]));
  element.set_value(Text(fields[kValue]));
  for (const Json& state : fields[kStates]) {
    if (state.is_number_integer() && v1::ElementState_IsValid(state.get<int>())) {
      element.add_states(static_cast<v1::ElementState>(state.get<int>()));
    }
  }
  *element.mutable_box() = MakeRect(fields, kX);
  element.set_editable(Number(fields[kEditable]) != 0);
  if (fields[kOptions].is_array()) {
    for (const Json& option : fields[kOptions]) element.add_options(Text(option));
  }
  element.set_placeholder(Text(fields[kPlaceholder]));
  element.set_heading(Text(fields[kHeading]));
  element.set_label(Text(fields[kLabel]));
  element.set_href(Text(fields[kHref]));
  element.set_input_type(Text(fields[kType]));
  element.set_in_viewport(Number(fields[kInViewport]) != 0);
  return parsed;
}

absl::StatusOr<PageReply> ParsePageReply(std::string_view text) {
  PROCTOR_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  if (!json.is_object()) return Malformed();
  PageReply reply;
  reply.url = Member(json, "u");
  reply.title = Member(json, "t");
  if (const auto cut = json.find("k"); cut != json.end()) reply.cut = Integer(*cut);
  reply.tree = Member(json, "a");
  reply.html = Member(json, "h");
  reply.text = Member(json, "x");
  if (const auto focused = json.find("f"); focused != json.end()) reply.focused = Integer(*focused);
  if (const auto size = json.find("v");
      size != json.end() && size->is_array() && size->size() == 2) {
    reply.viewport_width = Number((*size)[0]);
    reply.viewport_height = Number((*size)[1]);
  }
  if (const auto scroll = json.find("s");
      scroll != json.end() && scroll->is_array() && scroll->size() == 4) {
    reply.scroll.set_x(Number((*scroll)[0]));
    reply.scroll.set_y(Number((*scroll)[1]));
    reply.scroll.set_page_width(Number((*scroll)[2]));
    reply.scroll.set_page_height(Number((*scroll)[3]));
  }
  if (const auto elements = json.find("e"); elements != json.end()) {
    for (const Json& fields : *elements) {
      PROCTOR_ASSIGN_OR_RETURN(PageElement element, ParsePageElement(fields));
      reply.elements.push_back(std::move(element));
    }
  }
  if (const auto owners = json.find("o"); owners != json.end()) {
    for (const Json& fields : *owners) {
      PROCTOR_ASSIGN_OR_RETURN(FrameOwner owner, ParseOwner(fields));
      reply.owners.push_back(owner);
    }
  }
  return reply;
}

absl::StatusOr<std::string> ScriptString(std::string_view result_text) {
  PROCTOR_ASSIGN_OR_RETURN(Json json, ParseJson(result_text));
  if (const auto thrown = json.find("exceptionDetails"); thrown != json.end()) {
    const auto exception = thrown->find("exception");
    const std::string text = exception == thrown->end() ? JsonStringOr(*thrown, "text")
                                                        : JsonStringOr(*exception, "description");
    return absl::FailedPreconditionError(
        absl::StrCat("the page script failed: ", ToAbsl(TruncateUtf8(text, 500))));
  }
  const auto result = json.find("result");
  if (result == json.end() || !result->is_object()) return Malformed();
  const auto value = result->find("value");
  if (value == result->end() || !value->is_string()) return Malformed();
  return std::move(value->get_ref<std::string&>());
}

}  // namespace proctor::env::web
