// Which screenshots a slot shows.
#ifndef PROCTOR_EVALUATOR_JUDGE_SCREENSHOT_CHOICE_H_
#define PROCTOR_EVALUATOR_JUDGE_SCREENSHOT_CHOICE_H_

#include <string>
#include <vector>

#include "evaluator/judge/prompt.h"

namespace proctor::evaluator {

struct ChosenScreenshot {
  // Of the view; never null.
  const Screenshot* screenshot = nullptr;
  // What an earlier stage said of it, where that is to be shown.
  std::string text;
};

// In the order taken. `index` as in JudgeQuestion.
std::vector<ChosenScreenshot> ChooseScreenshots(const v1::ScreenshotsSlot& slot, const v1::JudgeStage& stage, int index,
                                                const PromptSources& sources);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_SCREENSHOT_CHOICE_H_
