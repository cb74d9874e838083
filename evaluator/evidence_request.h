// What can be asked of the live world at an episode's end.
#ifndef PROCTOR_EVALUATOR_EVIDENCE_REQUEST_H_
#define PROCTOR_EVALUATOR_EVIDENCE_REQUEST_H_

#include <string_view>

#include "absl/status/status.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT, naming the field and what it must be, for a request that no world can answer: no kind, a field out of the
// range that oracle.proto gives it, a regex that does not compile, a picture that is none, SQL that is not one SELECT by its
// shape (that its tables exist is not known here). `id` is not looked at.
absl::Status ValidateEvidenceRequest(const v1::EvidenceRequest& request);

// INVALID_ARGUMENT: empty, longer than 4,096 bytes, control characters, or a `..` part.
absl::Status ValidateFilePath(std::string_view path);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_EVIDENCE_REQUEST_H_
