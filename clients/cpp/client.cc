#include "clients/cpp/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_interceptor.h>

#include <algorithm>
#include <array>
#include <climits>
#include <random>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/address.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/rpc_stream.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "common/status.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"

namespace proctor::client {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// Messages carry screenshots: the default of 4 MiB is too small.
constexpr int kMaxMessageBytes = 256 << 20;
constexpr absl::Duration kMaxBackoff = absl::Seconds(5);
// The name under which a status says that it is proctord's own.
constexpr char kAnswer[] = "proctor.client/answer";

const MethodDescriptor* FindMethod(const Message& request) {
  static constexpr std::array kServices = {
      "proctor.v1.EnvironmentService", "proctor.v1.TaskService",   "proctor.v1.TrajectoryService",
      "proctor.v1.EvaluationService",  "proctor.v1.RewardService", "proctor.v1.JobService"};
  for (const char* name : kServices) {
    const auto* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
      const MethodDescriptor* method = service->method(i);
      if (method->input_type() == request.GetDescriptor() && !method->client_streaming())
        return method;
    }
  }
  return nullptr;
}

std::string MethodPath(const MethodDescriptor& method) {
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

// Whether a second call does no more than the first. Those with a request_id are safe by that.
bool IsRepeatable(const MethodDescriptor& method) {
  static constexpr std::array kOnce = {"AcceptTask", "RejectTask",     "PauseJob",
                                       "ResumeJob",  "DeleteConsumer", "DeleteTrajectory"};
  return std::none_of(kOnce.begin(), kOnce.end(),
                      [&](const char* name) { return method.name() == name; });
}

// A copy with its empty request_id filled in; null if there is nothing to fill.
std::unique_ptr<Message> WithRequestId(const Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr || !request.GetReflection()->GetString(request, field).empty())
    return nullptr;
  std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  copy->GetReflection()->SetString(copy.get(), field, NewId());
  return copy;
}

// As gRPC counts them; the largest one means never.
int Milliseconds(absl::Duration duration) {
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, INT_MAX));
}

// Makes the attempt again while the server is away, as often as the options say and within the deadline.
absl::Status Retry(const ConnectOptions& options, absl::Time deadline, const std::function<absl::Status()>& attempt) {
  for (int made = 1;; ++made) {
    absl::Status status = attempt();
    if (!absl::IsUnavailable(status) || made >= options.max_attempts) return status;
    const absl::Duration delay = RetryDelay(status, made, options.first_backoff);
    if (absl::Now() + delay >= deadline) return status;
    absl::SleepFor(delay);
  }
}

absl::StatusOr<std::string> ReadBlobOnce(const std::shared_ptr<grpc::Channel>& channel, const std::string& digest, int64_t max_bytes,
                                         absl::Time deadline) {
  const auto stream = RpcStream::Open(channel, "/proctor.v1.TrajectoryService/ReadBlob", deadline);
  v1::ReadBlobRequest request;
  request.set_digest(digest);
  stream->Write(request);
  stream->HalfClose();
  std::string bytes;
  v1::ReadBlobResponse chunk;
  while (true) {
    PROCTOR_ASSIGN_OR_RETURN(const bool more, stream->Read(chunk, deadline - absl::Now()));
    if (!more) return bytes;
    if (static_cast<int64_t>(bytes.size() + chunk.data().size()) > max_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat("blob larger than ", max_bytes, " bytes"));
    }
    bytes += chunk.data();
  }
}

bool IsEnded(const v1::Job& job) {
  return job.state() == v1::JOB_STATE_SUCCEEDED || job.state() == v1::JOB_STATE_FAILED ||
         job.state() == v1::JOB_STATE_CANCELLED;
}

// Adds the token to every call. (gRPC's own call credentials would send it over TLS only, and never
// to a unix socket; LoadCredentials has decided where it may go.)
class TokenSender final : public grpc::experimental::Interceptor {
 public:
  explicit TokenSender(const std::string& value) : value_(value) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->insert({"authorization", value_});
    }
    methods->Proceed();
  }

 private:
  const std::string& value_;
};

class TokenSenders final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenSenders(const std::string& token) : value_("Bearer " + token) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new TokenSender(value_);
  }

 private:
  const std::string value_;
};

}  // namespace

std::string FullName(std::string_view collection, std::string_view name) {
  const std::string prefix = absl::StrCat(ToAbsl(collection), "/");
  return absl::StartsWith(ToAbsl(name), prefix) ? std::string(name)
                                                : absl::StrCat(prefix, ToAbsl(name));
}

absl::Duration RetryDelay(const absl::Status& failure, int attempt, absl::Duration first) {
  if (const auto hint = RetryHint(failure)) return *hint;
  thread_local absl::BitGen random;
  const absl::Duration delay = std::min(kMaxBackoff, first * (1 << std::min(attempt - 1, 10)));
  return delay * absl::Uniform(random, 0.75, 1.25);
}

bool IsAnswer(const absl::Status& failure) { return failure.GetPayload(kAnswer).has_value(); }

absl::Status AsAnswer(absl::Status failure) {
  failure.SetPayload(kAnswer, absl::Cord());
  return failure;
}

Client::Client(ConnectOptions options, const Credentials& credentials)
    : options_(std::move(options)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // A channel of its own, not one shared with other clients of this process; quick to come back
  // after a restart.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options_.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options_.keepalive_timeout));
  // By default gRPC stops after two pings on a stream that only listens.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  if (!credentials.server_name.empty()) arguments.SetSslTargetNameOverride(credentials.server_name);
  const auto security =
      credentials.tls ? grpc::SslCredentials({credentials.root_certificates, credentials.key,
                                              credentials.certificate})
                      : grpc::InsecureChannelCredentials();
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  if (!credentials.token.empty()) {
    interceptors.push_back(std::make_unique<TokenSenders>(credentials.token));
  }
  channel_ = grpc::experimental::CreateCustomChannelWithInterceptors(
      options_.address, security, arguments, std::move(interceptors));
}

Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ConnectOptions options) {
  if (options.address.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(options.address, DefaultAddress());
  }
  PROCTOR_RETURN_IF_ERROR(CheckAddress(options.address));
  PROCTOR_ASSIGN_OR_RETURN(const Credentials credentials,
                           LoadCredentials(options.security, options.address));
  std::unique_ptr<Client> client(new Client(std::move(options), credentials));
  const absl::Time deadline = absl::Now() + client->options_.connect_timeout;
  if (!client->channel_->WaitForConnected(absl::ToChronoTime(deadline))) {
    return absl::UnavailableError(WhyUnreachable(client->address(), credentials.tls, client->options_.connect_timeout));
  }
  return client;
}

absl::Status Client::CallMessage(const Message& request, Message& response,
                                 absl::Duration timeout) {
  const MethodDescriptor* method = FindMethod(request);
  if (method == nullptr || method->server_streaming() ||
      method->output_type() != response.GetDescriptor()) {
    return absl::InvalidArgumentError(absl::StrCat("no unary method takes ", request.GetTypeName(),
                                                   " and returns ", response.GetTypeName()));
  }
  const std::unique_ptr<Message> filled = WithRequestId(request);
  const Message& sent = filled == nullptr ? request : *filled;
  const absl::Time deadline =
      absl::Now() + (timeout == absl::ZeroDuration() ? options_.call_timeout : timeout);
  const auto attempt = [&] { return CallOnce(MethodPath(*method), sent, response, deadline); };
  return IsRepeatable(*method) ? Retry(options_, deadline, attempt) : attempt();
}

absl::Status Client::CallOnce(const std::string& method, const Message& request, Message& response,
                              absl::Time deadline) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  const grpc::ByteBuffer sent = ToBuffer(request);
  grpc::ByteBuffer received;
  Mutex mutex;
  CondVar changed;
  bool done = false;
  grpc::Status status;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &sent, &received, [&](grpc::Status result) {
    MutexLock lock(mutex);
    status = std::move(result);
    done = true;
    changed.SignalAll();
  });
  {
    // gRPC ends the call at its deadline: no second clock is needed.
    MutexLock lock(mutex);
    while (!done) changed.Wait(mutex);
  }
  if (!status.ok()) return FromGrpc(EndedByServer(status), context);
  if (!FromBuffer(received, response))
    return absl::InternalError("the server sent a malformed message");
  return absl::OkStatus();
}

absl::StatusOr<v1::Job> Client::WaitJob(const std::string& name, absl::Duration timeout,
                                        const std::function<void(const v1::Job&)>& progress,
                                        const std::function<void(const absl::Status&)>& away) {
  const absl::Time deadline = absl::Now() + timeout;
  v1::WatchJobRequest request;
  request.set_name(FullName("jobs", name));
  absl::Time give_up;
  for (int failures = 0;;) {
    const auto stream = RpcStream::Open(channel_, "/proctor.v1.JobService/WatchJob", deadline);
    stream->Write(request);
    stream->HalfClose();
    v1::Job job;
    absl::StatusOr<bool> more = false;
    while ((more = stream->Read(job, deadline - absl::Now())).ok() && *more) {
      failures = 0;
      if (progress) progress(job);
      if (IsEnded(job)) return job;
    }
    const absl::Status status =
        more.ok() ? absl::UnavailableError("the watch ended before the job") : more.status();
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    // Not from the last message on: a watch may have been silent for hours before it broke.
    if (failures++ == 0) give_up = absl::Now() + options_.watch_patience;
    const absl::Duration delay = RetryDelay(status, failures, options_.first_backoff);
    if (absl::Now() + delay >= std::min(deadline, give_up)) return status;
    if (failures == 1 && away) away(status);
    absl::SleepFor(delay);
  }
}

absl::StatusOr<std::string> Client::ReadBlob(const std::string& digest, int64_t max_bytes) {
  const absl::Time deadline = absl::Now() + options_.call_timeout;
  absl::StatusOr<std::string> bytes;
  PROCTOR_RETURN_IF_ERROR(Retry(options_, deadline, [&] {
    bytes = ReadBlobOnce(channel_, digest, max_bytes, deadline);
    return bytes.status();
  }));
  return bytes;
}

}  // namespace proctor::client
