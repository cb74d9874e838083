// A connection to one browser over the DevTools protocol, with flat sessions.
//
//   auto replies = devtools.SendAll({{page, "Input.dispatchMouseEvent", down}, {page, "Runtime.evaluate", frame}});
//   PROCTOR_ASSIGN_OR_RETURN(Json frame, replies[1].Await(context));
//
// Events and replies are delivered by one reader thread in the order in which the browser sent them: what an event handler
// stored is seen by whoever awaits a later reply.
#ifndef PROCTOR_ENV_WEB_DEVTOOLS_H_
#define PROCTOR_ENV_WEB_DEVTOOLS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/json.h"
#include "common/mutex.h"
#include "env/web/devtools_transport.h"

namespace proctor::env::web {

// One command. An empty session is the browser itself.
struct DevToolsCommand {
  std::string session_id;
  std::string method;
  Json params = Json::object();
};

// The reply to one command, maybe not there yet. Cheap to copy. Thread-safe.
class DevToolsReply {
 public:
  // A reply that failed before it was sent.
  explicit DevToolsReply(absl::Status failure);

  // Waits. The result as parsed JSON, or: INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION (the browser refused; the
  // message is its own), UNAVAILABLE (the browser, its tab or the connection is gone), DEADLINE_EXCEEDED, CANCELLED.
  absl::StatusOr<Json> Await(const CallContext& context) const;
  // The same, as the JSON text of the result object: for large results.
  absl::StatusOr<std::string> AwaitText(const CallContext& context) const;
  bool ready() const;

 private:
  friend class DevTools;
  struct State {
    Mutex mutex;
    CondVar done;
    std::optional<absl::StatusOr<std::string>> result ABSL_GUARDED_BY(mutex);
    std::string method;
    // Set before the command is sent; then nobody awaits `result`.
    std::function<void(absl::StatusOr<std::string>)> on_reply;
  };
  explicit DevToolsReply(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

// An event. The views are valid during the handler's call.
struct DevToolsEvent {
  std::string_view session_id;
  std::string_view method;
  // JSON text of the parameters object.
  std::string_view params_text;

  // The parameters, parsed; an empty object if they are malformed.
  Json Params() const;
};

// Runs on the reader thread: quick, never blocking, never awaiting a reply. May send commands.
using DevToolsEventHandler = std::function<void(const DevToolsEvent&)>;

// Thread-safe.
class DevTools {
 public:
  // Starts the reader thread.
  explicit DevTools(std::unique_ptr<DevToolsTransport> transport);
  // Closes the connection; everything that waits ends with UNAVAILABLE. Not from the reader thread.
  ~DevTools();

  // Sends all commands in one write; one reply each, in order.
  std::vector<DevToolsReply> SendAll(std::vector<DevToolsCommand> commands);
  DevToolsReply Send(DevToolsCommand command);

  // Sends one command given as JSON text; `on_reply` is called once with the text of the result, on the reader thread (or
  // at once, on this one, if the connection is broken). It must not block.
  void SendText(std::string_view session_id, std::string_view method, std::string_view params_json,
                std::function<void(absl::StatusOr<std::string>)> on_reply);

  // Sends one command and waits for its reply.
  absl::StatusOr<Json> Call(const CallContext& context, const std::string& session_id,
                            const std::string& method, Json params = Json::object());

  // Calls `handler` for each event of the session until Unsubscribe. Several handlers a session: in order of subscription.
  uint64_t Subscribe(const std::string& session_id, DevToolsEventHandler handler);
  // After return the handler does not run any more and is not running (unless called from within it).
  void Unsubscribe(uint64_t subscription);

  // Commands of this session that still wait for a reply fail with UNAVAILABLE: its target is gone.
  void ForgetSession(const std::string& session_id, std::string_view reason);

  // Called once on the reader thread when the connection ends, or at once if it has.
  void OnClosed(std::function<void()> callback);
  bool closed() const;
  // What came from the browser so far.
  DevToolsTraffic traffic() const { return transport_->traffic(); }
  // Breaks the connection.
  void Close();

 private:
  struct Pending {
    std::string session_id;
    std::shared_ptr<DevToolsReply::State> state;
  };
  struct Subscriber {
    std::string session_id;
    std::shared_ptr<DevToolsEventHandler> handler;
  };

  void ReadLoop();
  void Dispatch(const std::string& message);
  void DeliverReply(uint64_t id, absl::StatusOr<std::string> result);
  void DeliverEvent(const DevToolsEvent& event);
  void FailAll(const absl::Status& reason);

  std::unique_ptr<DevToolsTransport> transport_;
  mutable Mutex mutex_;
  CondVar handler_idle_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t next_subscription_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t running_subscription_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Pending> pending_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Subscriber> subscribers_ ABSL_GUARDED_BY(mutex_);
  std::multimap<std::string, uint64_t> by_session_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> on_closed_ ABSL_GUARDED_BY(mutex_);
  std::thread reader_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_DEVTOOLS_H_
