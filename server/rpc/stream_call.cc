#include "server/rpc/stream_call.h"

#include "common/status.h"

namespace proctor::server {

StreamCall::StreamCall(const CallBooks* books, grpc::CallbackServerContext& context, std::string_view path)
    : patience_(books == nullptr ? nullptr : &books->patience) {
  if (books == nullptr) return;
  observed_.emplace(books->observer, path, /*streams=*/true);
  observed_->Identify(context.client_metadata(), books->sample_share);
  id_ = observed_->id();
  held_.emplace(books->memory);
  admitted_.emplace(books->guard, books->peers, context, path, /*streams=*/true);
  admitted_->Begin(context.client_metadata());
  caller_ = admitted_->caller();
}

absl::Status StreamCall::Received(const google::protobuf::Message& request) {
  if (!admitted_) return absl::OkStatus();
  PROCTOR_RETURN_IF_ERROR(admitted_->CheckStillKnown());
  admitted_->Received(request);
  return absl::OkStatus();
}

void StreamCall::Sent(const google::protobuf::Message& response) {
  if (admitted_) admitted_->Sent(response);
}

void StreamCall::Ended(absl::StatusCode code) {
  if (observed_) observed_->End(code);
  if (admitted_) admitted_->Ended(code);
}

}  // namespace proctor::server
