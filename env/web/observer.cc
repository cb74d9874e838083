#include "env/web/observer.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/screenshot.h"
#include "env/web/frame_merge.h"
#include "env/web/json_slices.h"
#include "env/web/origin.h"
#include "env/web/page_reply.h"
#include "google/protobuf/util/time_util.h"
#include "imaging/image.h"
#include "imaging/marks.h"

namespace proctor::env::web {
namespace {

// The top one counts.
constexpr size_t kMaxFrames = 64;
constexpr size_t kMaxTextBytes = size_t{4} << 20;
// Child frames whose processes hang must not hold the observation up for longer, all together.
constexpr absl::Duration kChildFramesCap = absl::Seconds(5);
// Of an element's description, about.
constexpr size_t kElementUnits = 300;

// page_script/observe.js, kAsk.
enum Ask { kAskElements = 1, kAskTree = 2, kAskHtml = 4, kAskText = 8, kAskFocus = 16 };

struct Wanted {
  int ask = 0;
  bool screenshot = false;
  bool draw_marks = false;
  // The request asks for elements, not only the overlay.
  bool elements = false;
  size_t max_text_bytes = kMaxTextBytes;
};

Wanted WantedBy(const v1::ObservationRequest& request) {
  Wanted wanted;
  for (const int part : request.parts()) {
    switch (part) {
      case v1::OBSERVATION_PART_SCREENSHOT:
        wanted.screenshot = true;
        break;
      case v1::OBSERVATION_PART_ELEMENTS:
        wanted.ask |= kAskElements;
        break;
      case v1::OBSERVATION_PART_ACCESSIBILITY_TREE:
        wanted.ask |= kAskTree;
        break;
      case v1::OBSERVATION_PART_HTML:
        wanted.ask |= kAskHtml;
        break;
      case v1::OBSERVATION_PART_TEXT:
        wanted.ask |= kAskText;
        break;
      case v1::OBSERVATION_PART_FOCUS_AND_SCROLL:
        wanted.ask |= kAskFocus;
        break;
      default:
        break;
    }
  }
  wanted.elements = (wanted.ask & kAskElements) != 0;
  wanted.draw_marks = wanted.screenshot && request.screenshot().draw_marks();
  if (wanted.draw_marks) wanted.ask |= kAskElements;
  if (request.max_text_bytes() > 0) {
    wanted.max_text_bytes = std::min(kMaxTextBytes, static_cast<size_t>(request.max_text_bytes()));
  }
  return wanted;
}

// Parts that come from the page script, with the bit that asks for each.
struct ScriptPart {
  Ask ask;
  v1::ObservationPart part;
};
constexpr ScriptPart kScriptParts[] = {
    {kAskElements, v1::OBSERVATION_PART_ELEMENTS},
    {kAskTree, v1::OBSERVATION_PART_ACCESSIBILITY_TREE},
    {kAskHtml, v1::OBSERVATION_PART_HTML},
    {kAskText, v1::OBSERVATION_PART_TEXT},
    {kAskFocus, v1::OBSERVATION_PART_FOCUS_AND_SCROLL},
};

void AddMissing(v1::ObservationPart part, std::string_view reason, v1::Observation& observation) {
  v1::MissingPart* missing = observation.add_missing();
  missing->set_part(part);
  missing->set_reason(SanitizeUtf8(TruncateUtf8(reason, 500)));
}

DevToolsCommand CaptureCommand(const std::string& session_id,
                               const v1::ScreenshotOptions& options) {
  Json params = {{"captureBeyondViewport", false}};
  // With marks the picture is encoded again, so the first encoding must lose nothing.
  const v1::ImageFormat format = options.draw_marks() ? v1::IMAGE_FORMAT_PNG : options.format();
  if (format == v1::IMAGE_FORMAT_JPEG || format == v1::IMAGE_FORMAT_WEBP) {
    params["format"] = format == v1::IMAGE_FORMAT_JPEG ? "jpeg" : "webp";
    params["quality"] = EncodingOf(options).quality;
  } else {
    params["format"] = "png";
    params["optimizeForSpeed"] = true;
  }
  return {session_id, "Page.captureScreenshot", std::move(params)};
}

DevToolsCommand ScriptCommand(const FrameInfo& frame, int ask, size_t limit) {
  return {frame.session_id,
          "Runtime.evaluate",
          {{"expression", absl::StrCat("proctorPage.observe(", ask, ",", limit, ")")},
           {"uniqueContextId", frame.context_id},
           {"returnByValue", true}}};
}

absl::StatusOr<PageReply> AwaitPage(const CallContext& context, const DevToolsReply& reply) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string result, reply.AwaitText(context));
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, ScriptString(result));
  return ParsePageReply(text);
}

absl::StatusOr<std::string> AwaitPicture(const CallContext& context, const DevToolsReply& reply) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string result, reply.AwaitText(context));
  std::string bytes;
  if (!absl::Base64Unescape(ToAbsl(PlainString(FindMember(result, "data"))), &bytes) ||
      bytes.empty()) {
    return absl::DataLossError("malformed picture");
  }
  return bytes;
}

void SetText(std::string text, size_t max_bytes, v1::TextPart* part) {
  part->set_truncated(text.size() > max_bytes);
  if (part->truncated()) text = std::string(TruncateUtf8(text, max_bytes));
  part->set_text(std::move(text));
}

absl::StatusOr<std::string> DrawOver(const std::string& picture, const v1::Observation& observation,
                                     const v1::ScreenshotOptions& options, double scale) {
  PROCTOR_ASSIGN_OR_RETURN(imaging::Image image, imaging::Decode(picture));
  std::vector<imaging::MarkBox> boxes;
  for (const v1::Element& element : observation.elements()) {
    if (!element.in_viewport()) continue;
    boxes.push_back({.mark = element.mark(),
                     .x = element.box().x() * scale,
                     .y = element.box().y() * scale,
                     .width = element.box().width() * scale,
                     .height = element.box().height() * scale});
  }
  imaging::DrawMarks(boxes, image);
  return imaging::Encode(image, EncodingOf(options));
}

bool IsFault(const absl::Status& status) { return absl::IsCancelled(status); }

}  // namespace

absl::StatusOr<v1::Observation> Observer::Observe(const CallContext& context,
                                                  const ObservedTab& tab,
                                                  const v1::ObservationRequest& request,
                                                  const std::optional<DevToolsReply>& early) {
  const Wanted wanted = WantedBy(request);
  v1::Observation observation;
  *observation.mutable_viewport() = tab.viewport;

  std::vector<FrameInfo> frames = tab.frames.Frames();
  std::erase_if(frames, [](const FrameInfo& frame) { return frame.context_id.empty(); });
  // Children matter only for what merges over frames.
  if (wanted.ask == 0 && frames.size() > 1) frames.resize(1);
  const bool frames_cut = frames.size() > kMaxFrames;
  if (frames_cut) frames.resize(kMaxFrames);
  std::vector<DevToolsCommand> commands;
  const bool capture = wanted.screenshot && !early;
  if (capture) {
    commands.push_back(CaptureCommand(tab.frames.page_session_id(), request.screenshot()));
  }
  // All are asked at once: child frames together may say as much as the top one.
  const size_t share = frames.size() > 1 ? kMaxTextBytes / (frames.size() - 1) : 0;
  for (const FrameInfo& frame : frames) commands.push_back(ScriptCommand(frame, wanted.ask, &frame == &frames.front() ? kMaxTextBytes : share));
  const std::vector<DevToolsReply> replies = devtools_.SendAll(std::move(commands));
  *observation.mutable_observe_time() = google::protobuf::util::TimeUtil::GetCurrentTime();

  const size_t first_frame = capture ? 1 : 0;
  absl::Status script_failure;
  if (frames.empty()) script_failure = absl::UnavailableError("the page has no document");
  std::vector<ObservedFrame> observed;
  std::optional<CallContext> children;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i == 1) children.emplace(context.Child(kChildFramesCap));
    absl::StatusOr<PageReply> reply = AwaitPage(i == 0 ? context : *children, replies[first_frame + i]);
    if (reply.ok()) {
      observed.push_back({.frame = frames[i], .reply = *std::move(reply)});
    } else if (i == 0) {
      script_failure = reply.status();
      break;
    }
  }
  if (IsFault(script_failure)) return script_failure;
  if (script_failure.ok()) {
    if (children) HearOut(*children, wanted.ask, share, observed);
    FillFromPages(children.value_or(context), tab, wanted.ask, wanted.max_text_bytes, observed, observation);
    int64_t cut = frames_cut ? -1 : 0;
    for (const ObservedFrame& frame : observed) cut |= frame.reply.cut;
    observation.set_elements_truncated(observation.elements_truncated() || (cut & kAskElements) != 0);
    for (const auto& [ask, part] : {std::pair(kAskTree, observation.mutable_accessibility_tree()),
                                    std::pair(kAskHtml, observation.mutable_html()), std::pair(kAskText, observation.mutable_text())}) {
      SetText(std::move(*part->mutable_text()), wanted.max_text_bytes, part);
      part->set_truncated(part->truncated() || (cut & ask) != 0);
    }
    if (!(wanted.ask & kAskTree)) observation.clear_accessibility_tree();
    if (!(wanted.ask & kAskHtml)) observation.clear_html();
    if (!(wanted.ask & kAskText)) observation.clear_text();
  } else {
    for (const ScriptPart& part : kScriptParts) {
      const bool asked = std::find(request.parts().begin(), request.parts().end(), part.part) !=
                         request.parts().end();
      if (asked) AddMissing(part.part, ToStd(script_failure.message()), observation);
    }
  }
  if (wanted.screenshot) {
    absl::StatusOr<std::string> picture = AwaitPicture(context, capture ? replies[0] : *early);
    if (!picture.ok() && !capture) {
      picture = AwaitPicture(context, devtools_.Send(CaptureCommand(tab.frames.page_session_id(), request.screenshot())));
    }
    PROCTOR_RETURN_IF_ERROR(FillPicture(tab, request.screenshot(), std::move(picture), observation));
  }
  if (!wanted.elements) {
    observation.clear_elements();
    observation.clear_elements_truncated();
  }
  return observation;
}

std::optional<DevToolsCommand> Observer::EarlyLook(const ObservedTab& tab, const v1::ObservationRequest& request) {
  if (!WantedBy(request).screenshot) return std::nullopt;
  return CaptureCommand(tab.frames.page_session_id(), request.screenshot());
}

void Observer::HearOut(const CallContext& context, int ask, size_t share, std::vector<ObservedFrame>& observed) {
  std::vector<ObservedFrame*> cut;
  size_t left = kMaxTextBytes;
  for (size_t i = 1; i < observed.size(); ++i) {
    const PageReply& reply = observed[i].reply;
    if (reply.cut != 0) cut.push_back(&observed[i]);
    const size_t said = std::max({reply.tree.size(), reply.html.size(), reply.text.size(), reply.elements.size() * kElementUnits});
    left -= reply.cut != 0 ? 0 : std::min(left, said);
  }
  if (cut.empty() || left / cut.size() <= share) return;
  std::vector<DevToolsCommand> commands;
  for (const ObservedFrame* frame : cut) commands.push_back(ScriptCommand(frame->frame, ask, left / cut.size()));
  const std::vector<DevToolsReply> replies = devtools_.SendAll(std::move(commands));
  for (size_t i = 0; i < cut.size(); ++i) {
    if (absl::StatusOr<PageReply> reply = AwaitPage(context, replies[i]); reply.ok()) cut[i]->reply = *std::move(reply);
  }
}

void Observer::FillFromPages(const CallContext& context, const ObservedTab& tab, int ask, size_t max_text_bytes,
                             std::vector<ObservedFrame>& observed, v1::Observation& observation) {
  for (size_t i = 1; i < observed.size(); ++i) {
    const absl::StatusOr<int64_t> owner =
        registry_.OwnerOf(context, tab.frames, observed[i].frame);
    observed[i].owner_id = owner.ok() ? *owner : 0;
  }
  if (ask & (kAskElements | kAskTree)) registry_.BeginObservation();
  const PageReply& top = observed.front().reply;
  observation.set_url(WithoutCredentials(top.url));
  observation.set_title(top.title);
  FrameMerge merge(observed, [this](const std::string& context_id, int64_t local_id) {
    return registry_.MarkOf(context_id, local_id);
  });
  if (ask & kAskElements) merge.FillElements(observation);
  if (ask & kAskTree) observation.mutable_accessibility_tree()->set_text(merge.Tree(max_text_bytes));
  if (ask & kAskHtml) observation.mutable_html()->set_text(merge.Html(max_text_bytes));
  if (ask & kAskText) observation.mutable_text()->set_text(merge.Text(max_text_bytes));
  if (ask & kAskFocus) {
    observation.set_focused_mark(merge.FocusedMark());
    *observation.mutable_scroll() = top.scroll;
  }
}

absl::Status Observer::FillPicture(const ObservedTab& tab, const v1::ScreenshotOptions& options,
                                   absl::StatusOr<std::string> picture, v1::Observation& observation) {
  if (picture.ok() && options.draw_marks()) {
    picture = DrawOver(*picture, observation, options, tab.device_scale);
  }
  absl::StatusOr<v1::Image> screenshot =
      picture.ok() ? DescribeScreenshot(*std::move(picture), options) : absl::StatusOr<v1::Image>(picture.status());
  if (IsFault(screenshot.status())) return screenshot.status();
  if (screenshot.ok()) {
    *observation.mutable_screenshot() = *std::move(screenshot);
  } else {
    AddMissing(v1::OBSERVATION_PART_SCREENSHOT, ToStd(screenshot.status().message()), observation);
  }
  return absl::OkStatus();
}

}  // namespace proctor::env::web
