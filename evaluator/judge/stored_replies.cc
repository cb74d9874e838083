#include "evaluator/judge/stored_replies.h"

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "common/mutex.h"
#include "model/request_digest.h"
#include "model/wire.h"

namespace proctor::evaluator {
namespace {

class StoredRepliesModel final : public JudgeModel {
 public:
  explicit StoredRepliesModel(const v1::Verdict& verdict) { Add(verdict); }

  void Ask(const CallContext&, const std::string&, model::ChatRequest request, Done done) override {
    const std::string digest = model::RequestDigest(request);
    model::ChatReply reply;
    reply.call.set_failure(v1::MODEL_FAILURE_UNREACHABLE);
    reply.call.set_failure_detail("the verdict keeps no reply to this question");
    {
      MutexLock lock(mutex_);
      const auto found = calls_.find(digest);
      if (found != calls_.end() && !found->second.empty()) {
        reply = model::DecodeCall(found->second.front());
        found->second.pop_front();
      }
    }
    done(std::move(reply));
  }

 private:
  void Add(const v1::Verdict& verdict) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const v1::JudgeQuestion& question : verdict.questions()) {
      for (const v1::ModelCall& call : question.calls()) calls_[call.prompt_digest()].push_back(call);
    }
    for (const v1::Verdict& member : verdict.members()) Add(member);
  }

  Mutex mutex_;
  std::map<std::string, std::deque<v1::ModelCall>> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<JudgeModel> StoredReplies(const v1::Verdict& verdict) {
  return std::make_unique<StoredRepliesModel>(verdict);
}

}  // namespace proctor::evaluator
