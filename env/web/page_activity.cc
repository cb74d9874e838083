#include "env/web/page_activity.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/strings.h"
#include "net/egress_proxy.h"

namespace proctor::env::web {
namespace {

// A page that starts requests without end must not fill our memory.
constexpr size_t kMaxRequests = 4096;

bool IsLongLived(const std::string& type) {
  return type == "EventSource" || type == "WebSocket" || type == "Ping" || type == "Media" || type == "Prefetch" ||
         type == "CSPViolationReport" || type == "Preflight" || type == "SignedExchange";
}

}  // namespace

void PageActivity::OnEvent(const DevToolsEvent& event) {
  const bool page = event.method.starts_with("Page.");
  // The others are many, or hold what pages send and receive: not worth parsing.
  const bool network = event.method == "Network.requestWillBeSent" || event.method == "Network.responseReceived" ||
                       event.method == "Network.loadingFinished" || event.method == "Network.loadingFailed";
  if (!(page || network) || event.method == "Page.lifecycleEvent") return;
  const Json params = event.Params();
  MutexLock lock(mutex_);
  if (event.method == "Network.requestWillBeSent") {
    OnRequest(params);
  } else if (event.method == "Network.responseReceived") {
    OnResponse(params);
  } else if (event.method == "Network.loadingFinished") {
    OnRequestEnd(params, false);
  } else if (event.method == "Network.loadingFailed") {
    OnRequestEnd(params, true);
  } else if (page) {
    OnPageEvent(event.method, params);
  }
  changed_.SignalAll();
}

void PageActivity::OnRequest(const Json& params) {
  const std::string type = JsonStringOr(params, "type");
  const bool document = type == "Document" && JsonStringOr(params, "frameId") == main_frame_id_;
  if (IsLongLived(type)) return;
  // A worker's own script: its end is told to the worker's session, which nobody listens to.
  if (type == "Script" && JsonStringOr(params, "loaderId").empty()) return;
  const auto request = params.find("request");
  if (request != params.end() && JsonStringOr(*request, "url").rfind("data:", 0) == 0) return;
  ++changes_;
  if (document) load_error_ = {};
  if (document || requests_.size() < kMaxRequests) {
    requests_[JsonStringOr(params, "requestId")] = {
        absl::Now(), document, document && request != params.end() ? JsonStringOr(*request, "url") : "", false};
  }
}

void PageActivity::OnResponse(const Json& params) {
  const auto request = requests_.find(JsonStringOr(params, "requestId"));
  if (request == requests_.end()) return;
  const auto response = params.find("response");
  if (response == params.end()) return;
  if (request->second.document) {
    document_status_ = static_cast<int>(std::clamp<int64_t>(JsonIntegerOr(*response, "status"), 0, 999));
    document_type_ = JsonStringOr(*response, "mimeType");
    request->second.answered = true;
    if (std::string failure = ProxyFailure(*response); !failure.empty()) {
      load_error_ = {std::move(failure), request->second.url, false, document_status_};
    } else {
      answered_url_ = request->second.url;
    }
  }
  // Streams have no end to wait for.
  if (JsonStringOr(*response, "mimeType") == "text/event-stream" ||
      JsonStringOr(*response, "mimeType") == "multipart/x-mixed-replace") {
    requests_.erase(request);
  }
}

std::string PageActivity::ProxyFailure(const Json& response) const {
  // The proxy takes the header out of what http:// servers send. It does not see into https, and service workers make replies up.
  if (proxy_mark_.empty() || !JsonStringOr(response, "url").starts_with("http://") || JsonBoolOr(response, "fromServiceWorker")) return "";
  const Json& headers = JsonMember(response, "headers");
  if (!headers.is_object()) return "";
  const std::string mark = proxy_mark_ + " ";
  for (const auto& [name, value] : headers.items()) {
    if (!absl::EqualsIgnoreCase(name, net::kEgressFailureHeader) || !value.is_string()) continue;
    const std::string text = value.get<std::string>();
    if (text.starts_with(mark)) return SanitizeUtf8(text.substr(mark.size()));
  }
  return "";
}

void PageActivity::OnRequestEnd(const Json& params, bool failed) {
  const auto request = requests_.find(JsonStringOr(params, "requestId"));
  if (request == requests_.end()) return;
  ++changes_;
  // What the proxy said is said, even if the page of it does not come to its end.
  const std::string error = JsonStringOr(params, "errorText");
  if (failed && request->second.document && load_error_.text.empty() && error != kEmptyRefusal) {
    load_error_ = {error, request->second.url, request->second.answered, 0};
  }
  requests_.erase(request);
}

void PageActivity::OnPageEvent(std::string_view method, const Json& params) {
  const bool main_frame = JsonStringOr(params, "frameId") == main_frame_id_;
  if (method == "Page.frameNavigated") {
    const auto frame = params.find("frame");
    if (frame == params.end()) return;
    ++changes_;
    if (JsonStringOr(*frame, "id") == main_frame_id_) {
      ++navigations_;
      requested_ = false;
      committed_ = true;
      // It goes on to another document, and no second time does the browser say that loading starts.
      if (complete_) loading_ = true;
      complete_ = false;
    }
  } else if (!main_frame) {
    return;
  } else if (method == "Page.frameRequestedNavigation") {
    if (JsonStringOr(params, "disposition") == "currentTab") {
      ++changes_;
      requested_ = true;
    }
  } else if (method == "Page.frameStartedLoading" || method == "Page.frameStartedNavigating") {
    ++changes_;
    if (method == "Page.frameStartedLoading") {
      requested_ = committed_ = complete_ = false;
      loading_ = true;
    }
  } else if (method == "Page.frameClearedScheduledNavigation" || method == "Page.navigatedWithinDocument") {
    ++changes_;
    requested_ = false;
  } else if (method == "Page.frameStoppedLoading") {
    if (!complete_) ++stops_;
    requested_ = loading_ = complete_ = false;
  }
}

void PageActivity::SetProxyMark(std::string mark) {
  MutexLock lock(mutex_);
  proxy_mark_ = std::move(mark);
}

void PageActivity::NavigationBegins() {
  MutexLock lock(mutex_);
  requested_ = true;
  load_error_ = {};
  ++changes_;
}

void PageActivity::NavigationEnded() {
  MutexLock lock(mutex_);
  requested_ = false;
  changed_.SignalAll();
}

void PageActivity::Gone() {
  MutexLock lock(mutex_);
  gone_ = true;
  requests_.clear();
  changed_.SignalAll();
}

void PageActivity::Revived() {
  MutexLock lock(mutex_);
  gone_ = requested_ = loading_ = committed_ = complete_ = false;
}

void PageActivity::MarkActionStart() {
  MutexLock lock(mutex_);
  action_start_ = absl::Now();
}

int64_t PageActivity::navigations() const {
  MutexLock lock(mutex_);
  return navigations_;
}

int64_t PageActivity::changes() const {
  MutexLock lock(mutex_);
  return changes_ + stops_;
}

PageActivity::LoadError PageActivity::load_error() const {
  MutexLock lock(mutex_);
  return load_error_;
}

int PageActivity::document_status() const {
  MutexLock lock(mutex_);
  return document_status_;
}

std::string PageActivity::document_type() const {
  MutexLock lock(mutex_);
  return document_type_;
}

std::string PageActivity::answered_url() const {
  MutexLock lock(mutex_);
  return answered_url_;
}

bool PageActivity::RequestsLocked() const {
  return std::any_of(requests_.begin(), requests_.end(),
                     [this](const auto& request) ABSL_NO_THREAD_SAFETY_ANALYSIS { return request.second.start >= action_start_; });
}

PageActivity::Busy PageActivity::BusyLocked() const {
  if (gone_) return Busy::kGone;
  if (requested_ || loading_) return Busy::kNavigation;
  return RequestsLocked() ? Busy::kRequests : Busy::kIdle;
}

PageActivity::Busy PageActivity::busy() const {
  MutexLock lock(mutex_);
  return BusyLocked();
}

std::optional<int64_t> PageActivity::AwaitArrival(const CallContext& context) {
  MutexLock lock(mutex_);
  const auto arrived = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !gone_ && loading_ && committed_ && !requested_ && !RequestsLocked();
  };
  const absl::Status status = AwaitWithContext(
      context, mutex_, changed_,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return gone_ || !(requested_ || loading_) || arrived(); }, "arrival");
  if (!status.ok() || !arrived()) return std::nullopt;
  return changes_;
}

std::optional<int64_t> PageActivity::DocumentComplete(int64_t arrival) {
  MutexLock lock(mutex_);
  if (gone_ || changes_ != arrival) return std::nullopt;
  complete_ = loading_;
  loading_ = false;
  return changes_ + stops_;
}

PageActivity::Busy PageActivity::AwaitIdle(const CallContext& context) {
  MutexLock lock(mutex_);
  const absl::Status status = AwaitWithContext(
      context, mutex_, changed_,
      [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const Busy busy = BusyLocked();
        return busy == Busy::kIdle || busy == Busy::kGone;
      },
      "settling");
  (void)status;
  return BusyLocked();
}

}  // namespace proctor::env::web
