#include "server/evaluation_setup.h"

#include <string>

#include "common/call_context.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/configuration.h"

namespace proctor::server {

EpisodeEvaluation EvaluationOptions(const v1::ServerConfig& config) {
  const v1::EvaluationConfig& evaluation = config.evaluation();
  return {.chain = EvaluationChain(config),
          .next_decides = evaluation.chain().empty() ? NextDecides::kWhereLeftToJudge : NextDecides::kAfterAny,
          .audit_share = evaluation.audit_share(),
          .judge_retries = evaluation.judge_retries(),
          .judge_retry_delay = FromProto(evaluation.judge_retry_delay())};
}

evaluator::WebArenaFunctions ConfiguredFunctions(const v1::ServerConfig& config) {
  evaluator::WebArenaFunctions functions;
  for (const auto& [name, function] : config.evaluation().webarena_functions()) {
    functions[name] = {function.page_url(), function.expression()};
  }
  return functions;
}

absl::Status CheckChain(const v1::ServerConfig& config, evaluator::EvaluatorStore& evaluators, const Judging& judging) {
  for (const std::string& name : EvaluationChain(config)) {
    const auto evaluator = evaluators.Get(CallContext::WithTimeout(absl::Seconds(10)), name);
    PROCTOR_RETURN_IF_ERROR(Annotate(evaluator.status(), "evaluation.chain"));
    PROCTOR_RETURN_IF_ERROR(Annotate(judging.CheckCanAsk(*evaluator), "evaluation.chain"));
  }
  return absl::OkStatus();
}

}  // namespace proctor::server
