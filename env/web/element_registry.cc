#include "env/web/element_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

// Deeper than any honest nesting of frames.
constexpr int kMaxClimb = 30;

DevToolsCommand Evaluate(const FrameInfo& frame, std::string expression) {
  return {frame.session_id,
          "Runtime.evaluate",
          {{"expression", std::move(expression)},
           {"uniqueContextId", frame.context_id},
           {"returnByValue", true}}};
}

// 'mark 7 (button "Buy")', for the agent.
std::string Named(int32_t mark, const Json& result) {
  std::string named = absl::StrCat("Mark ", mark);
  const auto fields = result.find("element");
  if (fields == result.end()) return named;
  const absl::StatusOr<PageElement> element = ParsePageElement(*fields);
  if (!element.ok()) return named;
  absl::StrAppend(&named, " (", element->element.role());
  if (!element->element.name().empty()) {
    absl::StrAppend(&named, " \"", ToAbsl(TruncateUtf8(element->element.name(), 80)), "\"");
  }
  return absl::StrCat(named, ")");
}

absl::Status Gone(int32_t mark) {
  return absl::NotFoundError(absl::StrCat(
      "Mark ", mark, " is not on the page any more. Choose a mark of the current observation."));
}

absl::Status Covered(const std::string& named, const std::string& by) {
  return absl::FailedPreconditionError(absl::StrCat(
      named, " is covered by ", by, ". Deal with that first (close it, scroll, or act on it)."));
}

absl::Status NotVisible(const std::string& named) {
  return absl::FailedPreconditionError(
      absl::StrCat(named, " cannot be seen now. Open what it is in, or choose another mark."));
}

absl::Status Disabled(const std::string& named) {
  return absl::FailedPreconditionError(
      absl::StrCat(named, " is disabled. Do first what enables it, or choose another mark."));
}

// The agent's error for what the page script reported; OK for none.
absl::Status FromProblem(int32_t mark, const Json& result) {
  const std::string problem = JsonStringOr(result, "problem");
  if (problem.empty()) return absl::OkStatus();
  const std::string named = Named(mark, result);
  const std::string detail = JsonStringOr(result, "detail");
  if (problem == "gone") return Gone(mark);
  if (problem == "hidden" || problem == "no_point") return NotVisible(named);
  if (problem == "disabled") return Disabled(named);
  if (problem == "no_focus") {
    return absl::FailedPreconditionError(
        absl::StrCat(named, " does not take the focus. Click it instead."));
  }
  if (problem == "readonly") {
    return absl::FailedPreconditionError(absl::StrCat(named, " is read-only."));
  }
  if (problem == "not_editable") {
    return absl::InvalidArgumentError(absl::StrCat(
        named, " is no text field. Type into an editable element, or click this one."));
  }
  if (problem == "bad_value") {
    return absl::InvalidArgumentError(absl::StrCat(
        named, " does not accept this value for type \"", detail,
        "\": write a date as 2024-12-31, a time as 23:59, a month as 2024-12, a week as 2024-W52, "
        "a "
        "date and time as 2024-12-31T23:59, a colour as #rrggbb, a number within its range."));
  }
  if (problem == "not_select") {
    return absl::InvalidArgumentError(
        absl::StrCat(named, " is no select element. Click it and then what it opens."));
  }
  if (problem == "not_multiple") {
    return absl::InvalidArgumentError(absl::StrCat(named, " takes only one option."));
  }
  if (problem == "no_option") {
    return absl::InvalidArgumentError(
        absl::StrCat(named, " has no such option. Its options: ", detail, "."));
  }
  if (problem == "option_disabled") {
    return absl::FailedPreconditionError(absl::StrCat("The option \"", detail, "\" is disabled."));
  }
  return absl::InternalError(absl::StrCat("unknown problem of the page script: ", problem));
}

FrameOwner OwnerFrom(const Json& result) {
  FrameOwner owner;
  const auto box = result.find("box");
  if (box == result.end() || !box->is_array() || box->size() < 8) return owner;
  const auto number = [&](size_t i) { return (*box)[i].is_number() ? (*box)[i].get<double>() : 0; };
  owner.box.set_x(number(1));
  owner.box.set_y(number(2));
  owner.box.set_width(number(3));
  owner.box.set_height(number(4));
  owner.scale_x = number(5);
  owner.scale_y = number(6);
  return owner;
}

}  // namespace

v1::Rect ToParent(const v1::Rect& box, const FrameOwner& owner) {
  v1::Rect moved;
  moved.set_x(owner.box.x() + box.x() * owner.scale_x);
  moved.set_y(owner.box.y() + box.y() * owner.scale_y);
  moved.set_width(box.width() * owner.scale_x);
  moved.set_height(box.height() * owner.scale_y);
  return moved;
}

void ElementRegistry::BeginObservation() {
  ++observation_;
  if (nodes_.size() <= kMaxMarks) return;
  std::erase_if(nodes_, [&](const auto& entry) {
    const Node& node = entry.second;
    if (node.observation + 2 >= observation_) return false;
    marks_.erase({node.context_id, node.local_id});
    return true;
  });
  owners_.clear();
}

int32_t ElementRegistry::MarkOf(const std::string& context_id, int64_t local_id) {
  const auto [it, inserted] = marks_.try_emplace({context_id, local_id}, 0);
  if (inserted) {
    it->second = ++last_mark_;
    nodes_[it->second] = {context_id, local_id};
  }
  nodes_[it->second].observation = observation_;
  return it->second;
}

absl::StatusOr<FrameInfo> ElementRegistry::FrameOf(const FrameTracker& frames, int32_t mark) const {
  if (mark < 1 || mark > last_mark_) {
    return absl::NotFoundError(absl::StrCat(
        "There is no mark ", mark, ". Choose a mark of the current observation's elements."));
  }
  const auto node = nodes_.find(mark);
  if (node == nodes_.end()) return Gone(mark);
  const std::optional<FrameInfo> frame = frames.FindByContext(node->second.context_id);
  if (!frame.has_value()) return Gone(mark);
  return *frame;
}

absl::StatusOr<Json> ElementRegistry::Act(const CallContext& context, const FrameInfo& frame,
                                          int64_t local_id, std::string_view action,
                                          const Json& argument) {
  const DevToolsReply reply =
      devtools_.Send(Evaluate(frame, absl::StrCat("proctorPage.act(", local_id, ",\"",
                                                  ToAbsl(action), "\",", DumpJson(argument), ")")));
  PROCTOR_ASSIGN_OR_RETURN(const std::string result, reply.AwaitText(context));
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, ScriptString(result));
  return ParseJson(text);
}

absl::StatusOr<Json> ElementRegistry::ActOnMark(const CallContext& context,
                                                const FrameTracker& frames, int32_t mark,
                                                std::string_view action, const Json& argument) {
  PROCTOR_ASSIGN_OR_RETURN(const FrameInfo frame, FrameOf(frames, mark));
  absl::StatusOr<Json> result = Act(context, frame, nodes_.at(mark).local_id, action, argument);
  // The document went away under the call.
  if (!result.ok() && !frames.FindByContext(frame.context_id).has_value()) return Gone(mark);
  if (!result.ok()) {
    // The browser refused the call: a fault of ours or the page's, not the agent's.
    const bool refused = absl::IsInvalidArgument(result.status()) ||
                         absl::IsFailedPrecondition(result.status()) ||
                         absl::IsNotFound(result.status());
    return refused ? absl::InternalError(result.status().message()) : result.status();
  }
  PROCTOR_RETURN_IF_ERROR(FromProblem(mark, *result));
  return result;
}

absl::StatusOr<LocatedElement> ElementRegistry::Locate(const CallContext& context,
                                                       const FrameTracker& frames, int32_t mark,
                                                       const LocateOptions& options) {
  PROCTOR_ASSIGN_OR_RETURN(const FrameInfo frame, FrameOf(frames, mark));
  PROCTOR_ASSIGN_OR_RETURN(const Json result, ActOnMark(context, frames, mark, "locate",
                                                        {{"scroll", options.scroll_into_view}}));
  const std::string named = Named(mark, result);
  if (options.refuse_disabled && JsonBoolOr(result, "disabled")) return Disabled(named);
  const std::string covered = JsonStringOr(result, "covered");
  if (options.refuse_covered && !covered.empty()) return Covered(named, covered);
  const auto fields = result.find("element");
  if (fields == result.end()) return absl::DataLossError("malformed reply of the page script");
  PROCTOR_ASSIGN_OR_RETURN(PageElement element, ParsePageElement(*fields));
  LocatedElement located;
  located.element = std::move(element.element);
  located.element.set_mark(mark);
  located.point.set_x(JsonNumberOr(result, "x"));
  located.point.set_y(JsonNumberOr(result, "y"));
  located.session_id = frame.session_id;
  PROCTOR_RETURN_IF_ERROR(Climb(context, frames, frame, options, located));
  return located;
}

absl::Status ElementRegistry::Climb(const CallContext& context, const FrameTracker& frames,
                                    FrameInfo frame, const LocateOptions& options,
                                    LocatedElement& located) {
  for (int i = 0; i < kMaxClimb && !frame.parent_frame_id.empty(); ++i) {
    const std::optional<FrameInfo> parent = frames.Find(frame.parent_frame_id);
    if (!parent.has_value() || parent->context_id.empty()) return Gone(located.element.mark());
    PROCTOR_ASSIGN_OR_RETURN(const int64_t owner, OwnerOf(context, frames, frame));
    const Json argument = {
        {"x", located.point.x()}, {"y", located.point.y()}, {"scroll", options.scroll_into_view}};
    PROCTOR_ASSIGN_OR_RETURN(const Json result,
                             Act(context, *parent, owner, "fromOwner", argument));
    PROCTOR_RETURN_IF_ERROR(FromProblem(located.element.mark(), result));
    const std::string covered = JsonStringOr(result, "covered");
    if (options.refuse_covered && !covered.empty()) {
      return Covered(absl::StrCat("Mark ", located.element.mark()), covered);
    }
    located.point.set_x(JsonNumberOr(result, "x"));
    located.point.set_y(JsonNumberOr(result, "y"));
    *located.element.mutable_box() = ToParent(located.element.box(), OwnerFrom(result));
    frame = *parent;
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Element> ElementRegistry::DescribeAt(const CallContext& context,
                                                        const FrameTracker& frames,
                                                        const v1::Point& point) {
  const std::vector<FrameInfo> all = frames.Frames();
  if (all.empty()) return absl::NotFoundError("the tab has no page");
  FrameInfo frame = all.front();
  double x = point.x();
  double y = point.y();
  std::vector<FrameOwner> around;
  for (int depth = 0; depth < kMaxClimb; ++depth) {
    const DevToolsReply reply =
        devtools_.Send(Evaluate(frame, absl::StrCat("proctorPage.describeAt(", x, ",", y, ")")));
    PROCTOR_ASSIGN_OR_RETURN(const std::string result_text, reply.AwaitText(context));
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, ScriptString(result_text));
    PROCTOR_ASSIGN_OR_RETURN(const Json result, ParseJson(text));
    if (const auto fields = result.find("element"); fields != result.end()) {
      PROCTOR_ASSIGN_OR_RETURN(PageElement element, ParsePageElement(*fields));
      const auto mark = marks_.find({frame.context_id, element.local_id});
      if (mark != marks_.end()) element.element.set_mark(mark->second);
      for (auto owner = around.rbegin(); owner != around.rend(); ++owner) {
        *element.element.mutable_box() = ToParent(element.element.box(), *owner);
      }
      return std::move(element.element);
    }
    FrameOwner owner;
    owner.local_id = JsonIntegerOr(result, "owner");
    owner.scale_x = JsonNumberOr(result, "scaleX", 1);
    owner.scale_y = JsonNumberOr(result, "scaleY", 1);
    const double inner_x = JsonNumberOr(result, "x");
    const double inner_y = JsonNumberOr(result, "y");
    owner.box.set_x(x - inner_x * owner.scale_x);
    owner.box.set_y(y - inner_y * owner.scale_y);
    const FrameInfo* child = nullptr;
    for (const FrameInfo& candidate : all) {
      if (candidate.parent_frame_id != frame.frame_id || candidate.context_id.empty()) continue;
      const absl::StatusOr<int64_t> id = OwnerOf(context, frames, candidate);
      if (id.ok() && *id == owner.local_id) child = &candidate;
    }
    if (owner.local_id == 0 || child == nullptr) break;
    around.push_back(owner);
    frame = *child;
    x = inner_x;
    y = inner_y;
  }
  return absl::NotFoundError("there is nothing at this point");
}

absl::Status ElementRegistry::Focus(const CallContext& context, const FrameTracker& frames,
                                    int32_t mark) {
  return ActOnMark(context, frames, mark, "focus", Json::object()).status();
}

absl::Status ElementRegistry::SelectText(const CallContext& context, const FrameTracker& frames,
                                         int32_t mark, TextSelection selection) {
  return ActOnMark(context, frames, mark, "selectText", {{"all", selection == TextSelection::kAll}})
      .status();
}

absl::Status ElementRegistry::SetInputValue(const CallContext& context, const FrameTracker& frames,
                                            int32_t mark, std::string_view value) {
  return ActOnMark(context, frames, mark, "setValue", {{"value", value}}).status();
}

absl::Status ElementRegistry::SelectOptions(const CallContext& context, const FrameTracker& frames,
                                            int32_t mark, const std::vector<std::string>& options) {
  return ActOnMark(context, frames, mark, "selectOptions", {{"options", options}}).status();
}

absl::StatusOr<bool> ElementRegistry::ScrollBy(const CallContext& context,
                                               const FrameTracker& frames, int32_t mark,
                                               double delta_x, double delta_y) {
  PROCTOR_ASSIGN_OR_RETURN(const Json result, ActOnMark(context, frames, mark, "scrollBy",
                                                        {{"dx", delta_x}, {"dy", delta_y}}));
  return JsonBoolOr(result, "moved");
}

absl::StatusOr<v1::Element> ElementRegistry::Describe(const CallContext& context,
                                                      const FrameTracker& frames, int32_t mark) {
  PROCTOR_ASSIGN_OR_RETURN(const Json result,
                           ActOnMark(context, frames, mark, "describe", Json::object()));
  const auto fields = result.find("element");
  if (fields == result.end()) return absl::DataLossError("malformed reply of the page script");
  PROCTOR_ASSIGN_OR_RETURN(PageElement element, ParsePageElement(*fields));
  element.element.set_mark(mark);
  return std::move(element.element);
}

absl::StatusOr<ElementRegistry::RemoteNode> ElementRegistry::FileInput(const CallContext& context,
                                                                       const FrameTracker& frames,
                                                                       int32_t mark) {
  PROCTOR_ASSIGN_OR_RETURN(const FrameInfo frame, FrameOf(frames, mark));
  DevToolsCommand command =
      Evaluate(frame, absl::StrCat("proctorPage.fileInputOf(", nodes_.at(mark).local_id, ")"));
  command.params["returnByValue"] = false;
  PROCTOR_ASSIGN_OR_RETURN(const Json reply, devtools_.Send(std::move(command)).Await(context));
  const auto result = reply.find("result");
  const std::string object_id = result == reply.end() ? "" : JsonStringOr(*result, "objectId");
  if (object_id.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("Mark ", mark, " is no file input."));
  }
  return RemoteNode{.session_id = frame.session_id, .object_id = object_id};
}

absl::StatusOr<int64_t> ElementRegistry::OwnerOf(const CallContext& context,
                                                 const FrameTracker& frames,
                                                 const FrameInfo& child) {
  const std::optional<FrameInfo> parent = frames.Find(child.parent_frame_id);
  if (!parent.has_value() || parent->context_id.empty()) {
    return absl::UnavailableError("the frame's parent is gone");
  }
  const std::pair<std::string, std::string> key(parent->context_id, child.frame_id);
  if (const auto known = owners_.find(key); known != owners_.end()) return known->second;
  PROCTOR_ASSIGN_OR_RETURN(const Json owner,
                           devtools_.Call(context, parent->session_id, "DOM.getFrameOwner",
                                          {{"frameId", child.frame_id}}));
  PROCTOR_ASSIGN_OR_RETURN(
      const Json resolved,
      devtools_.Call(context, parent->session_id, "DOM.resolveNode",
                     {{"backendNodeId", JsonIntegerOr(owner, "backendNodeId")},
                      {"executionContextId", parent->execution_context_id}}));
  const auto object = resolved.find("object");
  const std::string object_id = object == resolved.end() ? "" : JsonStringOr(*object, "objectId");
  PROCTOR_ASSIGN_OR_RETURN(
      const Json reply,
      devtools_.Call(context, parent->session_id, "Runtime.callFunctionOn",
                     {{"objectId", object_id},
                      {"functionDeclaration", "function() { return proctorPage.idOf(this); }"},
                      {"returnByValue", true}}));
  devtools_.Send({parent->session_id, "Runtime.releaseObject", {{"objectId", object_id}}});
  const auto result = reply.find("result");
  const int64_t id =
      result == reply.end() ? 0 : JsonIntegerOr(*result, "value");
  if (id == 0) return absl::UnavailableError("the frame's owner is gone");
  owners_[key] = id;
  return id;
}

}  // namespace proctor::env::web
