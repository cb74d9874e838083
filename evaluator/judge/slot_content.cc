#include "evaluator/judge/slot_content.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/judge/screenshot_choice.h"
#include "trajectory/action_line.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kDefaultMaxBytes = 16 << 10;

std::string Cut(const std::string& text, const v1::Slot& slot) {
  const size_t limit = slot.max_bytes() > 0 ? slot.max_bytes() : kDefaultMaxBytes;
  if (text.size() <= limit) return text;
  return absl::StrCat(ToAbsl(TruncateUtf8(text, limit)), "\n[cut here: the whole has ", text.size(), " bytes]");
}

// An untrusted text, or what stands in its place.
SlotContent Untrusted(const std::string& name, const v1::Slot& slot, const std::string& text) {
  if (text.empty()) return {TrustedText{slot.if_empty().empty() ? "(none)" : slot.if_empty()}};
  return {FencedText{name, Cut(text, slot)}};
}

// Where the agent was: the page's URL; of a desktop or a phone, which have none, the window in front.
const std::string& PlaceOf(const v1::Observation& observation) {
  return observation.url().empty() ? observation.title() : observation.url();
}

std::string ActionsText(const v1::ActionsSlot& slot, const RecordView& view, int index) {
  std::string text;
  const int first = slot.current() ? index : 0;
  const int last = slot.current() ? index + 1 : view.step_count();
  for (int i = first; i < last; ++i) {
    const v1::Step& step = view.trajectory().steps(i);
    if (slot.without_answer() && step.action().has_answer()) continue;
    absl::StrAppend(&text, text.empty() ? "" : "\n", i + 1, ". ");
    const std::string& place = PlaceOf(view.Before(i));
    if (slot.urls() && !place.empty()) absl::StrAppend(&text, "on ", place, ": ");
    absl::StrAppend(&text, trajectory::ActionLine(step));
    const std::string& thought = step.agent_data().thought();
    if (slot.thoughts() && !thought.empty()) absl::StrAppend(&text, "\n   thought: ", thought);
  }
  return text;
}

const v1::Observation& ObservationAt(v1::PageMoment moment, const RecordView& view, int index) {
  switch (moment) {
    case v1::PAGE_MOMENT_FIRST:
      return view.trajectory().initial_observation();
    case v1::PAGE_MOMENT_BEFORE:
      return view.Before(index);
    case v1::PAGE_MOMENT_AFTER:
      return view.After(index);
    default:
      return view.Last();
  }
}

// What a stage said of the picture before or after a step.
std::string ResultOfPicture(const std::vector<v1::JudgeQuestion>& questions, const Screenshot* picture) {
  if (picture == nullptr) return "";
  const auto found = std::find_if(questions.begin(), questions.end(),
                                  [&](const v1::JudgeQuestion& q) { return q.index() == picture->number; });
  return found == questions.end() ? "" : found->text();
}

std::string ResultText(const v1::ResultSlot& slot, const PromptSources& sources, int index) {
  const auto found = sources.results.find(slot.stage());
  if (found == sources.results.end() || found->second.empty()) return "";
  const std::vector<v1::JudgeQuestion>& questions = found->second;
  switch (slot.moment()) {
    case v1::RESULT_MOMENT_LAST:
      return questions.back().text();
    case v1::RESULT_MOMENT_BEFORE:
      return ResultOfPicture(questions, sources.view.PictureBefore(index));
    case v1::RESULT_MOMENT_AFTER:
      return ResultOfPicture(questions, sources.view.PictureAfter(index));
    default:
      break;
  }
  if (questions.size() == 1) return questions.front().text();
  std::string text;
  for (const v1::JudgeQuestion& question : questions) {
    if (question.text().empty()) continue;
    absl::StrAppend(&text, text.empty() ? "" : "\n", question.index(), ". ", question.text());
  }
  return text;
}

absl::StatusOr<SlotContent> Pictures(const CallContext& context, const v1::Slot& slot, const v1::JudgeStage& stage,
                                     int index, const PromptSources& sources) {
  const v1::ScreenshotsSlot& wanted = slot.screenshots();
  SlotContent content;
  for (const ChosenScreenshot& chosen : ChooseScreenshots(wanted, stage, index, sources)) {
    content.push_back(
        TrustedText{absl::StrCat(content.empty() ? "" : "\n", "Screenshot ", chosen.screenshot->number, "\n")});
    PROCTOR_ASSIGN_OR_RETURN(model::ImagePart picture,
                             LoadPicture(context, *chosen.screenshot, wanted.draw_actions(), sources));
    content.push_back(std::move(picture));
    if (!chosen.text.empty()) content.push_back(FencedText{"remark", Cut(chosen.text, slot)});
  }
  if (content.empty()) content.push_back(TrustedText{slot.if_empty().empty() ? "(none)" : slot.if_empty()});
  return content;
}

}  // namespace

const std::string& PageText(const v1::PageSlot& slot, const RecordView& view, int index) {
  const v1::Observation& observation = ObservationAt(slot.moment(), view, index);
  switch (slot.part()) {
    case v1::PAGE_PART_TITLE:
      return observation.title();
    case v1::PAGE_PART_ACCESSIBILITY_TREE:
      return observation.accessibility_tree().text();
    case v1::PAGE_PART_TEXT:
      return observation.text().text();
    default:
      return PlaceOf(observation);
  }
}

absl::StatusOr<SlotContent> FillSlot(const CallContext& context, const std::string& name, const v1::Slot& slot,
                                     const v1::JudgeStage& stage, int index, const PromptSources& given) {
  const bool second = slot.side() == v1::RECORD_SIDE_SECOND && given.other != nullptr;
  const PromptSources sources{second ? *given.other : given.view, given.results, given.blobs, given.key, nullptr};
  switch (slot.content_case()) {
    case v1::Slot::kTask:
      return SlotContent{TrustedText{Cut(sources.view.trajectory().task().goal(), slot)}};
    case v1::Slot::kAnswer:
      return Untrusted(name, slot, sources.view.answer());
    case v1::Slot::kScreenshots:
      return Pictures(context, slot, stage, index, sources);
    case v1::Slot::kActions:
      return Untrusted(name, slot, ActionsText(slot.actions(), sources.view, index));
    case v1::Slot::kPage:
      return Untrusted(name, slot, PageText(slot.page(), sources.view, index));
    case v1::Slot::kResult:
      return Untrusted(name, slot, ResultText(slot.result(), sources, index));
    case v1::Slot::CONTENT_NOT_SET:
      break;
  }
  return absl::InternalError(absl::StrCat("slot ", name, " has no content"));
}

}  // namespace proctor::evaluator
