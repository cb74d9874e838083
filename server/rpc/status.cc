#include "server/rpc/status.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/strings.h"
#include "google/protobuf/any.pb.h"
#include "server/rpc/call_observer.h"

namespace proctor::server {
namespace {

// A unary call.
constexpr absl::Duration kLongestCall = absl::Minutes(15);

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendBytesField(std::string& out, int field, const std::string& bytes) {
  AppendVarint(out, static_cast<uint64_t>(field) << 3 | 2);
  AppendVarint(out, bytes.size());
  out += bytes;
}

// google.rpc.Status {code = 1, message = 2, details = 3} with one google.rpc.RetryInfo {retry_delay = 1}. Debian ships
// no .proto of these two, and the wire is three fields.
std::string RetryDetails(const absl::Status& status, absl::Duration delay) {
  std::string retry_info;
  AppendBytesField(retry_info, 1, ToProto(delay).SerializeAsString());
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  any.set_value(retry_info);
  std::string details;
  AppendVarint(details, 1 << 3);
  AppendVarint(details, static_cast<uint64_t>(status.code()));
  AppendBytesField(details, 2, std::string(status.message()));
  AppendBytesField(details, 3, any.SerializeAsString());
  return details;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase& context) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message = SanitizeUtf8(ToStd(status.message()));
  const auto delay = RetryHint(status);
  if (!delay) return grpc::Status(code, message);
  context.AddTrailingMetadata("grpc-retry-pushback-ms",
                              absl::StrCat(absl::ToInt64Milliseconds(*delay)));
  return grpc::Status(code, message, RetryDetails(status, *delay));
}

v1::RpcError ToRpcError(const absl::Status& status) {
  v1::RpcError error;
  error.set_code(static_cast<int>(status.code()));
  error.set_message(SanitizeUtf8(ToStd(status.message())));
  if (const auto delay = RetryHint(status)) *error.mutable_retry_delay() = ToProto(*delay);
  return error;
}

CallContext ContextOf(const grpc::ServerContextBase& context) { return StreamContextOf(context).Child(kLongestCall); }

CallContext StreamContextOf(const grpc::ServerContextBase& context) {
  const auto id = context.client_metadata().find(kRequestIdMetadata);
  return StreamContextOf(context, id == context.client_metadata().end() ? "" : std::string(id->second.data(), id->second.size()));
}

CallContext StreamContextOf(const grpc::ServerContextBase& context, std::string id) {
  // gRPC's word for a call without a deadline.
  constexpr auto kNone = std::chrono::system_clock::time_point::max();
  const absl::Time deadline = context.deadline() == kNone ? absl::InfiniteFuture() : absl::FromChrono(context.deadline());
  return CallContext(deadline, std::make_shared<CancelToken>(), std::move(id));
}

}  // namespace proctor::server
