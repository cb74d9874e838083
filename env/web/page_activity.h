// What a tab is busy with: navigations and requests, by the events of its DevTools sessions.
#ifndef PROCTOR_ENV_WEB_PAGE_ACTIVITY_H_
#define PROCTOR_ENV_WEB_PAGE_ACTIVITY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "env/web/devtools.h"

namespace proctor::env::web {

// The error of a status of 400 or more that came without a body: the browser then shows a page of its own, but the server has answered.
inline constexpr std::string_view kEmptyRefusal = "net::ERR_HTTP_RESPONSE_CODE_FAILURE";

// Thread-safe: fed by the reader thread, asked by the session's.
class PageActivity {
 public:
  // What there is to wait for, the most important first.
  enum class Busy { kIdle, kNavigation, kRequests, kGone };

  explicit PageActivity(std::string main_frame_id) : main_frame_id_(std::move(main_frame_id)) {}

  void OnEvent(const DevToolsEvent& event);
  // By it the egress proxy's own replies are known (net::kEgressFailureHeader). Before the first event.
  void SetProxyMark(std::string mark);
  // We asked for a navigation ourselves: counts as busy until it started loading or `NavigationEnded`.
  void NavigationBegins();
  void NavigationEnded();
  // The target is gone, or its renderer crashed: nobody needs to wait any more.
  void Gone();
  void Crashed() { Gone(); }
  // A new renderer took over.
  void Revived();

  // Requests that were in flight before an action are not waited for: long polls, streams.
  void MarkActionStart();
  // Documents committed in the main frame so far.
  int64_t navigations() const;
  // Counts everything that happened, to see whether something did between two moments.
  int64_t changes() const;
  // Why there is no document of a site: an error page of the browser (net::ERR_...), or what the egress proxy says. Empty text: there is
  // one. Cleared by the next navigation.
  struct LoadError {
    std::string text;
    // What could not be had; after redirects the last.
    std::string url;
    // The document is there, as far as it came.
    bool partial = false;
    // Of the egress proxy's own reply, if this is one.
    int proxy_status = 0;
  };
  LoadError load_error() const;
  // Status and media type of the main document.
  int document_status() const;
  std::string document_type() const;
  // Of the last main document that a server answered, whatever it said; the egress proxy is none. Empty: there was none.
  std::string answered_url() const;

  Busy busy() const;
  // Waits until idle or gone; returns what it was busy with at the end of `context`, kIdle otherwise.
  Busy AwaitIdle(const CallContext& context);
  // Waits until the document that is loading is there with all that was requested for it, though the browser did not yet say that it
  // stopped loading. Returns what DocumentComplete takes; nothing if the navigation is over, the tab is gone, or `context` ended first.
  std::optional<int64_t> AwaitArrival(const CallContext& context);
  // The page says that the document that arrived is complete: there is no need to wait for the browser to say so, and that it does is no
  // change. Returns `changes()`; nothing, and does nothing, if something else happened since it arrived.
  std::optional<int64_t> DocumentComplete(int64_t arrival);

 private:
  struct Request {
    absl::Time start;
    bool document = false;
    // Of a document.
    std::string url;
    bool answered = false;
  };

  // What the egress proxy says if the reply is its own.
  std::string ProxyFailure(const Json& response) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool RequestsLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Busy BusyLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRequest(const Json& params) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnResponse(const Json& params) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRequestEnd(const Json& params, bool failed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnPageEvent(std::string_view method, const Json& params) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string main_frame_id_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool loading_ ABSL_GUARDED_BY(mutex_) = false;
  // What loads now was committed.
  bool committed_ ABSL_GUARDED_BY(mutex_) = false;
  // Loaded, says the page, and the browser is still to say so.
  bool complete_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t navigations_ ABSL_GUARDED_BY(mutex_) = 0;
  // All changes but that loading stopped; these.
  int64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t stops_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time action_start_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::string proxy_mark_ ABSL_GUARDED_BY(mutex_);
  LoadError load_error_ ABSL_GUARDED_BY(mutex_);
  int document_status_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string document_type_ ABSL_GUARDED_BY(mutex_);
  std::string answered_url_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Request> requests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_PAGE_ACTIVITY_H_
