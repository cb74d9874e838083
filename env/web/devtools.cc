#include "env/web/devtools.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/thread.h"
#include "env/web/json_slices.h"

namespace proctor::env::web {
namespace {

// JSON-RPC codes of the protocol.
constexpr int kInvalidParams = -32602;
constexpr int kMethodNotFound = -32601;
constexpr int kSessionNotFound = -32001;

absl::Status ErrorFrom(std::string_view error_text) {
  const absl::StatusOr<Json> error = ParseJson(error_text);
  if (!error.ok() || !error->is_object()) return absl::InternalError("malformed error of the browser");
  const int64_t code = JsonIntegerOr(*error, "code");
  const std::string message = JsonStringOr(*error, "message", "unknown error");
  if (code == kSessionNotFound) return absl::UnavailableError(absl::StrCat("the tab is gone: ", message));
  if (code == kInvalidParams) return absl::InvalidArgumentError(message);
  if (code == kMethodNotFound) return absl::UnimplementedError(message);
  if (message.find("closed") != std::string::npos || message.find("crashed") != std::string::npos) {
    return absl::UnavailableError(message);
  }
  return absl::FailedPreconditionError(message);
}

struct Envelope {
  uint64_t id = 0;
  std::string_view method, session_id, params, result, error;
};

bool ParseEnvelope(std::string_view message, Envelope* envelope) {
  return ForEachMember(message, [&](std::string_view name, std::string_view value) {
    if (name == "id") {
      if (!absl::SimpleAtoi(ToAbsl(value), &envelope->id)) envelope->id = 0;
    } else if (name == "method") {
      envelope->method = PlainString(value);
    } else if (name == "sessionId") {
      envelope->session_id = PlainString(value);
    } else if (name == "params") {
      envelope->params = value;
    } else if (name == "result") {
      envelope->result = value;
    } else if (name == "error") {
      envelope->error = value;
    }
  });
}

absl::StatusOr<std::string> Annotated(absl::StatusOr<std::string> result, std::string_view method) {
  if (result.ok()) return result;
  return Annotate(result.status(), method);
}

}  // namespace

DevToolsReply::DevToolsReply(absl::Status failure) : state_(std::make_shared<State>()) {
  MutexLock lock(state_->mutex);
  state_->result = std::move(failure);
}

absl::StatusOr<std::string> DevToolsReply::AwaitText(const CallContext& context) const {
  MutexLock lock(state_->mutex);
  PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
      context, state_->mutex, state_->done,
      [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return state_->result.has_value(); }, state_->method));
  if (!state_->result->ok()) return Annotate(state_->result->status(), state_->method);
  return *state_->result;
}

absl::StatusOr<Json> DevToolsReply::Await(const CallContext& context) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, AwaitText(context));
  return ParseJson(text);
}

bool DevToolsReply::ready() const {
  MutexLock lock(state_->mutex);
  return state_->result.has_value();
}

Json DevToolsEvent::Params() const {
  absl::StatusOr<Json> params = ParseJson(params_text);
  return params.ok() && params->is_object() ? *std::move(params) : Json::object();
}

DevTools::DevTools(std::unique_ptr<DevToolsTransport> transport)
    : transport_(std::move(transport)) {
  absl::StatusOr<std::thread> reader = StartThread([this] { ReadLoop(); });
  if (reader.ok()) {
    reader_ = *std::move(reader);
  } else {
    FailAll(reader.status());
  }
}

DevTools::~DevTools() {
  Close();
  if (reader_.joinable()) reader_.join();
}

std::vector<DevToolsReply> DevTools::SendAll(std::vector<DevToolsCommand> commands) {
  std::vector<DevToolsReply> replies;
  std::vector<std::string> messages;
  std::vector<uint64_t> ids;
  for (DevToolsCommand& command : commands) {
    auto state = std::make_shared<DevToolsReply::State>();
    state->method = command.method;
    Json message = {{"method", std::move(command.method)}, {"params", command.params.is_null() ? Json::object() : std::move(command.params)}};
    if (!command.session_id.empty()) message["sessionId"] = command.session_id;
    {
      MutexLock lock(mutex_);
      if (!closed_.ok()) {
        replies.push_back(DevToolsReply(closed_));
        continue;
      }
      const uint64_t id = next_id_++;
      message["id"] = id;
      ids.push_back(id);
      pending_[id] = {std::move(command.session_id), state};
    }
    messages.push_back(DumpJson(message));
    replies.push_back(DevToolsReply(std::move(state)));
  }
  if (messages.empty()) return replies;
  const absl::Status written = transport_->Write(messages);
  if (!written.ok()) {
    for (const uint64_t id : ids) DeliverReply(id, written);
  }
  return replies;
}

DevToolsReply DevTools::Send(DevToolsCommand command) {
  std::vector<DevToolsCommand> commands;
  commands.push_back(std::move(command));
  return SendAll(std::move(commands)).front();
}

void DevTools::SendText(std::string_view session_id, std::string_view method,
                        std::string_view params_json,
                        std::function<void(absl::StatusOr<std::string>)> on_reply) {
  auto state = std::make_shared<DevToolsReply::State>();
  state->method = std::string(method);
  state->on_reply = std::move(on_reply);
  uint64_t id = 0;
  absl::Status closed;
  {
    MutexLock lock(mutex_);
    closed = closed_;
    if (closed.ok()) {
      id = next_id_++;
      pending_[id] = {std::string(session_id), state};
    }
  }
  if (!closed.ok()) {
    state->on_reply(closed);
    return;
  }
  std::string message = absl::StrCat("{\"id\":", id, ",\"method\":", DumpJson(std::string(method)),
                                     ",\"params\":", ToAbsl(params_json.empty() ? "{}" : params_json));
  if (!session_id.empty()) {
    absl::StrAppend(&message, ",\"sessionId\":", DumpJson(std::string(session_id)));
  }
  message.push_back('}');
  const absl::Status written = transport_->Write({std::move(message)});
  if (!written.ok()) DeliverReply(id, written);
}

absl::StatusOr<Json> DevTools::Call(const CallContext& context, const std::string& session_id,
                                    const std::string& method, Json params) {
  return Send({session_id, method, std::move(params)}).Await(context);
}

uint64_t DevTools::Subscribe(const std::string& session_id, DevToolsEventHandler handler) {
  MutexLock lock(mutex_);
  const uint64_t id = next_subscription_++;
  subscribers_[id] = {session_id, std::make_shared<DevToolsEventHandler>(std::move(handler))};
  by_session_.emplace(session_id, id);
  return id;
}

void DevTools::Unsubscribe(uint64_t subscription) {
  MutexLock lock(mutex_);
  const auto found = subscribers_.find(subscription);
  if (found != subscribers_.end()) {
    const auto range = by_session_.equal_range(found->second.session_id);
    for (auto it = range.first; it != range.second; ++it) {
      if (it->second == subscription) {
        by_session_.erase(it);
        break;
      }
    }
    subscribers_.erase(found);
  }
  if (std::this_thread::get_id() == reader_.get_id()) return;
  // 0 is no subscription, and says here that no handler runs.
  while (subscription != 0 && running_subscription_ == subscription) handler_idle_.Wait(mutex_);
}

void DevTools::ForgetSession(const std::string& session_id, std::string_view reason) {
  std::vector<uint64_t> ids;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, pending] : pending_) {
      if (pending.session_id == session_id) ids.push_back(id);
    }
  }
  for (const uint64_t id : ids) DeliverReply(id, absl::UnavailableError(ToAbsl(reason)));
}

void DevTools::OnClosed(std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    if (closed_.ok()) {
      on_closed_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

bool DevTools::closed() const {
  MutexLock lock(mutex_);
  return !closed_.ok();
}

void DevTools::Close() { transport_->Close(); }

void DevTools::ReadLoop() {
  uint64_t told = 0;
  for (;;) {
    absl::StatusOr<std::string> message = transport_->Read();
    if (!message.ok()) {
      FailAll(absl::UnavailableError(message.status().message()));
      return;
    }
    Dispatch(*message);
    // A page can do this as often as it likes: told the first time, and each time it doubled.
    const uint64_t dropped = transport_->traffic().dropped_messages;
    if (dropped >= std::max<uint64_t>(1, 2 * told)) {
      told = dropped;
      LogWarning("messages of a browser were dropped: too large", {{"so_far", absl::StrCat(dropped)}});
    }
  }
}

void DevTools::Dispatch(const std::string& message) {
  Envelope envelope;
  if (!ParseEnvelope(message, &envelope)) {
    LogWarning("malformed message of a browser", {{"bytes", absl::StrCat(message.size())}});
    return;
  }
  if (envelope.id == 0) {
    DeliverEvent({envelope.session_id, envelope.method, envelope.params});
  } else if (!envelope.error.empty()) {
    DeliverReply(envelope.id, ErrorFrom(envelope.error));
  } else {
    DeliverReply(envelope.id, std::string(envelope.result));
  }
}

void DevTools::DeliverReply(uint64_t id, absl::StatusOr<std::string> result) {
  std::shared_ptr<DevToolsReply::State> state;
  {
    MutexLock lock(mutex_);
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    state = std::move(found->second.state);
    pending_.erase(found);
  }
  if (state->on_reply) {
    state->on_reply(Annotated(std::move(result), state->method));
    return;
  }
  MutexLock lock(state->mutex);
  state->result = std::move(result);
  state->done.SignalAll();
}

void DevTools::DeliverEvent(const DevToolsEvent& event) {
  std::vector<uint64_t> ids;
  {
    MutexLock lock(mutex_);
    const auto range = by_session_.equal_range(std::string(event.session_id));
    for (auto it = range.first; it != range.second; ++it) ids.push_back(it->second);
  }
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    std::shared_ptr<DevToolsEventHandler> handler;
    {
      MutexLock lock(mutex_);
      const auto found = subscribers_.find(id);
      if (found == subscribers_.end()) continue;
      handler = found->second.handler;
      running_subscription_ = id;
    }
    (*handler)(event);
    MutexLock lock(mutex_);
    running_subscription_ = 0;
    handler_idle_.SignalAll();
  }
}

void DevTools::FailAll(const absl::Status& reason) {
  std::vector<uint64_t> ids;
  std::vector<std::function<void()>> callbacks;
  {
    MutexLock lock(mutex_);
    closed_ = reason;
    for (const auto& [id, pending] : pending_) ids.push_back(id);
    callbacks.swap(on_closed_);
  }
  for (const uint64_t id : ids) DeliverReply(id, reason);
  for (const auto& callback : callbacks) callback();
}

}  // namespace proctor::env::web
