// What an evaluation would ask, before anything is asked.
#ifndef PROCTOR_EVALUATOR_JUDGE_ESTIMATE_H_
#define PROCTOR_EVALUATOR_JUDGE_ESTIMATE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/blob_store.h"

namespace proctor::evaluator {

// Tokens of one model.
struct TokenEstimate {
  int64_t questions = 0;
  // A token for 4 bytes of text, 1,000 for a picture. Results of earlier stages are not counted.
  int64_t input_tokens = 0;
  // If every reply is as long as it may be.
  int64_t output_tokens = 0;
};

// By the model that stages name (empty: the default one). All tiers of cascades and escalations of panels count, retries do not.
// `evaluator` is valid. Errors: those of RenderPrompt.
absl::StatusOr<std::map<std::string, TokenEstimate>> EstimateTokens(const CallContext& context,
                                                                    const v1::Evaluator& evaluator,
                                                                    const v1::Trajectory& trajectory,
                                                                    const storage::BlobStore& blobs);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_ESTIMATE_H_
