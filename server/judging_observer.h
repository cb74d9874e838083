// Who is told of questions to models and of verdicts.
#ifndef PROCTOR_SERVER_JUDGING_OBSERVER_H_
#define PROCTOR_SERVER_JUDGING_OBSERVER_H_

#include <string>

#include "absl/time/time.h"
#include "common/call_context.h"
#include "proctor/v1/model.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::server {

// Thread-safe; quick, never blocks.
class JudgingObserver {
 public:
  virtual ~JudgingObserver() = default;
  // A model is asked; ModelAnswered follows.
  virtual void ModelAsked() = 0;
  // `route` is what was asked for; `call` says what came of it, and where. `context` is the asker's.
  virtual void ModelAnswered(const CallContext& context, const std::string& route, absl::Time asked,
                             const v1::ModelCall& call) = 0;
  // A verdict was made and is stored, where it is to be. `context` is the asker's.
  virtual void VerdictMade(const CallContext& context, const v1::Verdict& verdict) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGING_OBSERVER_H_
