#include "evaluator/judge/judge_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status.h"
#include "evaluator/judge/aggregate.h"
#include "evaluator/judge/prompt.h"
#include "evaluator/judge/questions.h"
#include "evaluator/judge/record_view.h"
#include "model/request_digest.h"

namespace proctor::evaluator {
namespace {

// Pictures of this many questions are in memory at once.
constexpr int kSideBySide = 16;

// One run: alive as long as a question of it is.
class JudgeRun : public std::enable_shared_from_this<JudgeRun> {
 public:
  JudgeRun(const CallContext& context, JudgeWork work, const JudgeParts& parts, JudgeDone done)
      : context_(context), work_(std::move(work)), parts_(parts), done_(std::move(done)), view_(*work_.trajectory),
        other_(work_.other == nullptr ? nullptr : std::make_unique<const RecordView>(*work_.other)), results_(work_.given) {}

  // Goes on with the next stage; on the pool.
  void BeginStage() {
    const v1::JudgeStage& stage = work_.judge.stages(stage_);
    {
      MutexLock lock(mutex_);
      questions_ = PlanQuestions(stage, view_);
      next_ = 0;
    }
    Continue(/*ended=*/0);
  }

 private:
  // Takes note of so many questions that have ended, and starts as many as may run. Both under one lock: exactly one thread, the last one
  // at work in this stage, sees that none is left, and goes on alone.
  void Continue(int ended) {
    std::vector<size_t> started;
    bool last = false;
    {
      MutexLock lock(mutex_);
      running_ -= ended;
      for (; next_ < questions_.size() && running_ < kSideBySide && status_.ok(); ++next_) {
        if (questions_[next_].skipped()) continue;
        ++running_;
        started.push_back(next_);
      }
      last = running_ == 0;
    }
    for (const size_t question : started) Ask(question, /*attempt=*/0);
    if (last) EndStage();
  }

  // Asks for the samples that the question still lacks.
  void Ask(size_t question, int attempt) {
    const v1::JudgeStage& stage = work_.judge.stages(stage_);
    int index = 0, missing = 0;
    {
      MutexLock lock(mutex_);
      index = questions_[question].index();
      missing = MissingSamples(stage, questions_[question]);
    }
    const PromptSources sources{view_, results_, parts_.blobs,
                                model::FenceKey{parts_.secret, work_.evaluator_version, attempt}, other_.get()};
    absl::StatusOr<Prompt> prompt = RenderPrompt(context_, stage, index, sources);
    if (!prompt.ok()) {
      Fail(prompt.status());
      return;
    }
    model::ChatRequest request{.model = "", .messages = std::move(prompt->messages), .sampling = stage.sampling()};
    request.sampling.set_n(missing);
    std::string digest = model::RequestDigest(request);
    parts_.model.Ask(context_, stage.model(), std::move(request),
                     [run = shared_from_this(), question, attempt, tag = prompt->verdict_tag,
                      digest = std::move(digest)](model::ChatReply reply) {
                       reply.call.set_prompt_digest(digest);
                       run->parts_.pool.Post([run, question, attempt, tag, reply = std::move(reply)]() mutable {
                         run->Answered(question, attempt, tag, std::move(reply));
                       });
                     });
  }

  void Answered(size_t question, int attempt, const std::string& tag, model::ChatReply reply) {
    const absl::Status status = StatusOf(reply.call);
    if (!status.ok()) {
      Fail(status);
      return;
    }
    const v1::JudgeStage& stage = work_.judge.stages(stage_);
    bool again = false;
    {
      MutexLock lock(mutex_);
      AddReply(stage, work_.success_threshold, tag, std::move(reply), questions_[question]);
      again = status_.ok() && attempt < stage.retries() && WorthAskingAgain(stage, questions_[question]);
      if (!again) {
        Aggregate(stage, work_.success_threshold, questions_[question]);
      }
    }
    if (again) {
      Ask(question, attempt + 1);
    } else {
      Continue(/*ended=*/1);
    }
  }

  // What ends the whole run.
  absl::Status StatusOf(const v1::ModelCall& call) const {
    // First, for it may have waited for room until the deadline.
    if (call.failure() == v1::MODEL_FAILURE_BUDGET) return absl::ResourceExhaustedError(call.failure_detail());
    return context_.Check("asking a judge");
  }

  void Fail(const absl::Status& status) {
    {
      MutexLock lock(mutex_);
      if (status_.ok()) status_ = status;
    }
    Continue(/*ended=*/1);
  }

  void EndStage() {
    const v1::JudgeStage& stage = work_.judge.stages(stage_);
    absl::Status status;
    {
      MutexLock lock(mutex_);
      status = status_;
      results_[stage.id()] = std::move(questions_);
    }
    if (!status.ok()) {
      std::exchange(done_, nullptr)(status);
      return;
    }
    const std::vector<v1::JudgeQuestion>& ended = results_[stage.id()];
    all_.insert(all_.end(), ended.begin(), ended.end());
    const bool useless = std::none_of(ended.begin(), ended.end(), [](const auto& q) { return q.valid(); });
    // What a later stage would be shown in its place ("(none)", no picture) would be taken for what the agent did.
    const bool incomplete = std::any_of(ended.begin(), ended.end(), Failed);
    if (useless || incomplete || ++stage_ == work_.judge.stages_size()) {
      std::exchange(done_, nullptr)(std::move(all_));
    } else {
      BeginStage();
    }
  }

  const CallContext context_;
  const JudgeWork work_;
  const JudgeParts parts_;
  JudgeDone done_;
  const RecordView view_;
  const std::unique_ptr<const RecordView> other_;
  // Between stages only.
  int stage_ = 0;
  StageResults results_;
  std::vector<v1::JudgeQuestion> all_;

  Mutex mutex_;
  // Of this stage.
  std::vector<v1::JudgeQuestion> questions_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  // The first error.
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void RunJudge(const CallContext& context, JudgeWork work, const JudgeParts& parts, JudgeDone done) {
  auto run = std::make_shared<JudgeRun>(context, std::move(work), parts, std::move(done));
  parts.pool.Post([run] { run->BeginStage(); });
}

}  // namespace proctor::evaluator
