// A recorded trajectory as judges see it: numbered screenshots, moments around steps, the answer.
#ifndef PROCTOR_EVALUATOR_JUDGE_RECORD_VIEW_H_
#define PROCTOR_EVALUATOR_JUDGE_RECORD_VIEW_H_

#include <string>
#include <vector>

#include "proctor/v1/trajectory.pb.h"

namespace proctor::evaluator {

// One recorded picture.
struct Screenshot {
  // From 1, over the whole trajectory.
  int number = 0;
  // Index of the step it was taken after; -1: before the first.
  int after_step = -1;
  // Never null.
  const v1::Observation* observation = nullptr;
};

// Borrows the trajectory. Immutable.
class RecordView {
 public:
  explicit RecordView(const v1::Trajectory& trajectory);

  const v1::Trajectory& trajectory() const { return trajectory_; }
  // Of the newest observation: its screenshot, if it was asked and could not be had; else null.
  const v1::MissingPart* missing_at_end() const { return missing_at_end_; }
  // In the order taken; observations without a picture are left out.
  const std::vector<Screenshot>& screenshots() const { return screenshots_; }
  int step_count() const { return trajectory_.steps_size(); }

  // What was seen before and after a step, 0 to step_count() - 1.
  const v1::Observation& Before(int step) const;
  const v1::Observation& After(int step) const;
  // What was seen last: a step recorded without an observation, such as an answer in many recordings, left it as it was.
  const v1::Observation& Last() const;

  // The newest picture taken before the step, or after it but before the next; null if there is none.
  const Screenshot* PictureBefore(int step) const;
  const Screenshot* PictureAfter(int step) const;
  // By number; null if there is none.
  const Screenshot* Picture(int number) const;

  // The agent gave a final answer. `answer` is empty otherwise.
  bool answered() const { return answered_; }
  const std::string& answer() const { return answer_; }

 private:
  const v1::Trajectory& trajectory_;
  std::vector<Screenshot> screenshots_;
  const v1::MissingPart* missing_at_end_ = nullptr;
  bool answered_ = false;
  std::string answer_;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_RECORD_VIEW_H_
