#include "evaluator/judge/record_view.h"

#include <algorithm>

namespace proctor::evaluator {
namespace {

const v1::MissingPart* MissingScreenshot(const v1::Observation& observation) {
  const auto found = std::find_if(observation.missing().begin(), observation.missing().end(),
                                  [](const v1::MissingPart& part) { return part.part() == v1::OBSERVATION_PART_SCREENSHOT; });
  return found == observation.missing().end() ? nullptr : &*found;
}

}  // namespace

RecordView::RecordView(const v1::Trajectory& trajectory) : trajectory_(trajectory) {
  const auto add = [&](const v1::Observation& observation, int after_step) {
    missing_at_end_ = MissingScreenshot(observation);
    if (observation.screenshot().digest().empty()) return;
    const int number = static_cast<int>(screenshots_.size()) + 1;
    screenshots_.push_back({.number = number, .after_step = after_step, .observation = &observation});
  };
  add(trajectory.initial_observation(), -1);
  for (int i = 0; i < trajectory.steps_size(); ++i) {
    const v1::Step& step = trajectory.steps(i);
    if (step.has_observation()) add(step.observation(), i);
    if (step.action().has_answer()) {
      answered_ = true;
      answer_ = step.action().answer().text();
    }
  }
}

const v1::Observation& RecordView::Before(int step) const { return After(step - 1); }

const v1::Observation& RecordView::After(int step) const {
  return step < 0 ? trajectory_.initial_observation() : trajectory_.steps(step).observation();
}

const v1::Observation& RecordView::Last() const {
  int step = step_count() - 1;
  while (step >= 0 && After(step).ByteSizeLong() == 0) --step;
  return After(step);
}

const Screenshot* RecordView::PictureBefore(int step) const {
  const auto later = std::find_if(screenshots_.begin(), screenshots_.end(),
                                  [&](const Screenshot& s) { return s.after_step >= step; });
  return later == screenshots_.begin() ? nullptr : &*(later - 1);
}

const Screenshot* RecordView::PictureAfter(int step) const {
  const auto found = std::find_if(screenshots_.begin(), screenshots_.end(),
                                  [&](const Screenshot& s) { return s.after_step == step; });
  return found == screenshots_.end() ? nullptr : &*found;
}

const Screenshot* RecordView::Picture(int number) const {
  return number < 1 || number > static_cast<int>(screenshots_.size()) ? nullptr : &screenshots_[number - 1];
}

}  // namespace proctor::evaluator
