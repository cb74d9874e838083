// The C++ client of a Proctor server. Start here, then session.h (act), rewards.h (learn),
// actions.h.
//
//   auto client = proctor::client::Client::Connect();
//   auto task = (*client)->Call<proctor::v1::Task>(request);
#ifndef PROCTOR_CLIENTS_CPP_CLIENT_H_
#define PROCTOR_CLIENTS_CPP_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/security.h"
#include "google/protobuf/message.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/job_service.pb.h"
#include "proctor/v1/reward_service.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "proctor/v1/trajectory_service.pb.h"

namespace grpc {
class Channel;
}

namespace proctor::client {

// `environments/web` from `web` or `environments/web`.
std::string FullName(std::string_view collection, std::string_view name);

struct ConnectOptions {
  // "unix:/path/to.sock" or "host:port". Empty: DefaultAddress() (address.h).
  std::string address;
  // How long Connect waits for the server to answer.
  absl::Duration connect_timeout = absl::Seconds(10);
  // Deadline of a call, all its attempts included, unless given with the call.
  absl::Duration call_timeout = absl::Seconds(60);
  // The first try included. 1: no retries. The default's pauses are 5 to 8 s together, so that a restart of the server is no error.
  int max_attempts = 7;
  // The first retry comes after about this long; each further one doubles it, up to 5 s, with
  // jitter. A delay that the server asks for counts instead.
  absl::Duration first_backoff = absl::Milliseconds(100);
  // How long WaitJob tries to come back to a server that went away, from the first failure on.
  absl::Duration watch_patience = absl::Minutes(1);
  // While calls run, a silent connection is pinged after this time, so that a server or a network that is gone without a word is
  // noticed: the calls end UNAVAILABLE, and what is retried goes over another connection. Servers disconnect those who ping more
  // often than they like (connections.min_client_ping_interval, 10 s by default). At least 1 ms; infinite: never.
  absl::Duration keepalive_time = absl::Seconds(30);
  // How long the answer to that may take. At least 1 ms.
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // TLS and token.
  Security security = {};
};

// All services of one server. Thread-safe. Outlives the sessions and subscriptions made from it.
class Client {
 public:
  // UNAVAILABLE: nobody answers at the address within `connect_timeout`, or TLS failed; INVALID_ARGUMENT: no such address; errors of
  // DefaultAddress and LoadCredentials. Whether a token is
  // good shows in the first call (UNAUTHENTICATED, PERMISSION_DENIED).
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ConnectOptions options = {});
  ~Client();

  // Calls the unary method that takes `request`: each method has a request type of its own. Empty
  // `request_id`s are filled in, so that calls that create or act can be retried safely.
  // UNAVAILABLE is tried again, up to `max_attempts` in all and within the deadline, but for the few
  // methods that are neither safe nor carry a request_id (AcceptTask, RejectTask, PauseJob,
  // ResumeJob, Delete...). A server that stops, and ends the call CANCELLED, is UNAVAILABLE. Errors as the
  // service's .proto says; a server's wish to wait is in RetryHint(status) (common/retry_hint.h).
  //   client->Call<v1::Session>(v1::KeepAliveRequest)
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const Request& request,
                                absl::Duration timeout = absl::ZeroDuration()) {
    Response response;
    absl::Status status = CallMessage(request, response, timeout);
    if (!status.ok()) return status;
    return response;
  }
  // The same, untyped. `timeout` 0: the options'. INVALID_ARGUMENT: no unary method has these
  // types.
  absl::Status CallMessage(const google::protobuf::Message& request,
                           google::protobuf::Message& response, absl::Duration timeout);

  // Calls `page` with every response of a List method, following page tokens, until it returns
  // false. `Response` has `next_page_token`.
  template <typename Response, typename Request>
  absl::Status ListPages(Request request, const std::function<bool(const Response&)>& page) {
    while (true) {
      absl::StatusOr<Response> response = Call<Response>(request);
      if (!response.ok()) return response.status();
      if (!page(*response) || response->next_page_token().empty()) return absl::OkStatus();
      request.set_page_token(response->next_page_token());
    }
  }

  // Watches a job until it has ended; `progress` sees every state (may be null). Reconnects; UNAVAILABLE
  // after `watch_patience`. `away` (may be null) is told why, once, whenever the server goes away and is waited for.
  // A job that FAILED or was CANCELLED is an OK status: look at `state`.
  absl::StatusOr<v1::Job> WaitJob(const std::string& name, absl::Duration timeout,
                                  const std::function<void(const v1::Job&)>& progress = nullptr,
                                  const std::function<void(const absl::Status&)>& away = nullptr);

  // A blob's bytes, within `call_timeout`; tried again as by Call. NOT_FOUND; RESOURCE_EXHAUSTED if larger than `max_bytes`.
  absl::StatusOr<std::string> ReadBlob(const std::string& digest, int64_t max_bytes = 256 << 20);

  const std::string& address() const { return options_.address; }
  const ConnectOptions& options() const { return options_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  Client(ConnectOptions options, const Credentials& credentials);
  absl::Status CallOnce(const std::string& method, const google::protobuf::Message& request,
                        google::protobuf::Message& response, absl::Time deadline);

  const ConnectOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
};

// How long to wait before attempt `attempt` (from 1) after `failure`: the server's hint, else
// `first` doubled, with jitter of a quarter each way. At most 5 s without a hint.
absl::Duration RetryDelay(const absl::Status& failure, int attempt, absl::Duration first);

// Whether proctord itself gave this error of a unary call; false: no answer of it came. Errors of streams do not tell: false.
bool IsAnswer(const absl::Status& failure);
// `failure` (not OK) as such an answer.
absl::Status AsAnswer(absl::Status failure);

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_CLIENT_H_
