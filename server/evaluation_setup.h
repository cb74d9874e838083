// What the configuration says of judging, in the words of those who judge.
#ifndef PROCTOR_SERVER_EVALUATION_SETUP_H_
#define PROCTOR_SERVER_EVALUATION_SETUP_H_

#include "absl/status/status.h"
#include "evaluator/evaluator_store.h"
#include "evaluator/webarena.h"
#include "proctor/v1/config.pb.h"
#include "server/episode_pipeline.h"
#include "server/judging.h"

namespace proctor::server {

// Who evaluates closed episodes.
EpisodeEvaluation EvaluationOptions(const v1::ServerConfig& config);

// What `func:` in WebArena's oracles means here.
evaluator::WebArenaFunctions ConfiguredFunctions(const v1::ServerConfig& config);

// Every evaluator of the chain is there, and can ask what it needs to ask. NOT_FOUND or FAILED_PRECONDITION says which one does not.
absl::Status CheckChain(const v1::ServerConfig& config, evaluator::EvaluatorStore& evaluators, const Judging& judging);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EVALUATION_SETUP_H_
