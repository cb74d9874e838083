#include "evaluator/judge/screenshot_choice.h"

#include <algorithm>

namespace proctor::evaluator {
namespace {

constexpr int kDefaultMax = 50;

void KeepLast(int count, std::vector<ChosenScreenshot>& chosen) {
  const int surplus = static_cast<int>(chosen.size()) - count;
  if (surplus > 0) chosen.erase(chosen.begin(), chosen.begin() + surplus);
}

std::vector<ChosenScreenshot> One(const Screenshot* screenshot) {
  if (screenshot == nullptr) return {};
  return {{screenshot, ""}};
}

std::vector<ChosenScreenshot> All(const RecordView& view) {
  std::vector<ChosenScreenshot> chosen;
  for (const Screenshot& screenshot : view.screenshots()) chosen.push_back({&screenshot, ""});
  return chosen;
}

std::vector<ChosenScreenshot> Key(const v1::KeyScreenshots& key, const PromptSources& sources) {
  std::vector<ChosenScreenshot> chosen;
  const auto found = sources.results.find(key.stage());
  if (found == sources.results.end()) return chosen;
  for (const v1::JudgeQuestion& question : found->second) {
    const Screenshot* screenshot = sources.view.Picture(question.index());
    if (screenshot == nullptr || !question.valid() || question.value() < key.min_value()) continue;
    chosen.push_back({screenshot, key.with_text() ? question.text() : ""});
  }
  return chosen;
}

}  // namespace

std::vector<ChosenScreenshot> ChooseScreenshots(const v1::ScreenshotsSlot& slot, const v1::JudgeStage& stage, int index,
                                                const PromptSources& sources) {
  const RecordView& view = sources.view;
  const bool of_step = stage.scope() == v1::QUESTION_SCOPE_STEP;
  std::vector<ChosenScreenshot> chosen;
  switch (slot.which_case()) {
    case v1::ScreenshotsSlot::kCurrent:
      return One(of_step ? view.PictureAfter(index) : view.Picture(index));
    case v1::ScreenshotsSlot::kBefore:
      return One(of_step ? view.PictureBefore(index) : view.Picture(index - 1));
    case v1::ScreenshotsSlot::kLast:
      chosen = All(view);
      KeepLast(slot.last(), chosen);
      return chosen;
    case v1::ScreenshotsSlot::kKey:
      chosen = Key(slot.key(), sources);
      break;
    default:
      chosen = All(view);
      break;
  }
  KeepLast(slot.max() > 0 ? slot.max() : kDefaultMax, chosen);
  return chosen;
}

}  // namespace proctor::evaluator
