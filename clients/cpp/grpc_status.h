// Conversions at the edge to gRPC. Internal to the client library; for .cc files only (gRPC's
// headers are heavy).
#ifndef PROCTOR_CLIENTS_CPP_GRPC_STATUS_H_
#define PROCTOR_CLIENTS_CPP_GRPC_STATUS_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "common/retry_hint.h"
#include "google/protobuf/message.h"

namespace proctor::client {

// How a call ended that this side did not cancel. CANCELLED is UNAVAILABLE: so gRPC's server ends what comes in while it stops, without
// a word of proctord's.
inline grpc::Status EndedByServer(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return status;
  const std::string told = status.error_message();
  return {grpc::StatusCode::UNAVAILABLE,
          absl::StrCat("the server ended the call while it stopped", told.empty() || told == "CANCELLED" ? "" : ": " + told)};
}

// With the server's retry delay, if it sent one; tells whether it is proctord's answer (IsAnswer).
inline absl::Status FromGrpc(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  const auto& trailers = context.GetServerTrailingMetadata();
  // What proctord's unary methods put to their errors, and nobody else.
  if (trailers.contains("proctor-request-id")) result = AsAnswer(std::move(result));
  const auto it = trailers.find("grpc-retry-pushback-ms");
  int64_t delay_ms = 0;
  if (it != trailers.end() &&
      absl::SimpleAtoi(std::string(it->second.data(), it->second.size()), &delay_ms)) {
    return WithRetryHint(std::move(result), absl::Milliseconds(delay_ms));
  }
  return result;
}

inline grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

inline bool FromBuffer(const grpc::ByteBuffer& buffer, google::protobuf::Message& message) {
  grpc::Slice slice;
  return buffer.DumpToSingleSlice(&slice).ok() &&
         message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

inline void SetDeadline(grpc::ClientContext& context, absl::Time deadline) {
  if (deadline != absl::InfiniteFuture()) context.set_deadline(absl::ToChronoTime(deadline));
}

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_GRPC_STATUS_H_
