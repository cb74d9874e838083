// Several observers where one is asked for.
#ifndef PROCTOR_SERVER_FAN_OUT_H_
#define PROCTOR_SERVER_FAN_OUT_H_

#include <string>
#include <utility>
#include <vector>

#include "env/session_observer.h"
#include "server/judging_observer.h"
#include "server/rpc/call_observer.h"

namespace proctor::server {

// Tells all of them, in the order in which they were added. Add before use; then thread-safe as they are.
class FanOut final : public CallObserver, public env::SessionObserver, public JudgingObserver {
 public:
  // Outlives the fan-out.
  template <typename Observer>
  void Add(Observer& observer) {
    AddCalls(observer);
    sessions_.push_back(&observer);
    judging_.push_back(&observer);
  }
  void AddCalls(CallObserver& observer) { calls_.push_back(&observer); }

  void CallBegan(const CallStart& call) override {
    for (CallObserver* each : calls_) each->CallBegan(call);
  }
  void CallEnded(const CallEnd& call) override {
    for (CallObserver* each : calls_) each->CallEnded(call);
  }
  void StepRecorded(const env::StepReport& step) override {
    for (env::SessionObserver* each : sessions_) each->StepRecorded(step);
  }
  void EpisodeEnded(const std::string& environment_id, v1::EndReason reason) override {
    for (env::SessionObserver* each : sessions_) each->EpisodeEnded(environment_id, reason);
  }
  void ModelAsked() override {
    for (JudgingObserver* each : judging_) each->ModelAsked();
  }
  void ModelAnswered(const CallContext& context, const std::string& route, absl::Time asked, const v1::ModelCall& call) override {
    for (JudgingObserver* each : judging_) each->ModelAnswered(context, route, asked, call);
  }
  void VerdictMade(const CallContext& context, const v1::Verdict& verdict) override {
    for (JudgingObserver* each : judging_) each->VerdictMade(context, verdict);
  }

 private:
  std::vector<CallObserver*> calls_;
  std::vector<env::SessionObserver*> sessions_;
  std::vector<JudgingObserver*> judging_;
};

// Writes a line for every call that ended: those that failed by our fault as errors, others for those who look for something.
class CallLog final : public CallObserver {
 public:
  void CallBegan(const CallStart&) override {}
  void CallEnded(const CallEnd& call) override;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_FAN_OUT_H_
