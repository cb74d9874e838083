// Why a call gave nothing: the reasons, told apart from what servers say.
#ifndef PROCTOR_MODEL_FAILURE_H_
#define PROCTOR_MODEL_FAILURE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

struct Failure {
  v1::ModelFailure kind = v1::MODEL_FAILURE_UNSPECIFIED;
  // For people; at most 500 bytes of valid UTF-8.
  std::string detail;
  // For lack of the caller's time nobody waited, or tried again, as would have been done otherwise: it says nothing to another caller.
  bool hurried = false;

  bool ok() const { return kind == v1::MODEL_FAILURE_UNSPECIFIED; }
};

// A failure whose detail is made valid and cut to its limit.
Failure Fail(v1::ModelFailure kind, std::string_view detail);

// What an HTTP status of 300 or more means, with the body that came with it: any of the known forms of errors, or none.
// The status alone says too little: a wrong key is 400 at some, an overlong prompt 400 or 413, an empty account 402,
// 403 or 429.
Failure ClassifyHttpError(int http_status, std::string_view body);

// The same for an error inside a stream or inside a reply of status 200: `http_status` is 200 then, and what the error
// says of itself decides; MODEL_FAILURE_STREAM if that is nothing known.
Failure ClassifyErrorText(int http_status, std::string_view type, std::string_view code, std::string_view message);

// The same request may succeed in a moment: it is sent again.
bool IsTransient(v1::ModelFailure failure);

// It lies with the endpoint, not with the request: another endpoint may do better.
bool IsOfEndpoint(v1::ModelFailure failure);

// The failure as a status: OK; UNAVAILABLE what is transient, DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED (rate,
// quota, budget), UNAUTHENTICATED, NOT_FOUND, INVALID_ARGUMENT (the request), FAILED_PRECONDITION (what the reply or
// endpoint lacks).
absl::Status ToStatus(const v1::ModelCall& call);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_FAILURE_H_
