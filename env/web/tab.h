// One tab: its DevTools sessions (the page's and those of iframes in other processes) and what happened in it.
#ifndef PROCTOR_ENV_WEB_TAB_H_
#define PROCTOR_ENV_WEB_TAB_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "env/web/devtools.h"
#include "env/web/frame_tracker.h"
#include "env/web/page_activity.h"
#include "env/web/proxy_port.h"
#include "proctor/v1/environment.pb.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::web {

// What every tab of a context starts with.
struct TabSetUp {
  v1::WebSettings settings;
  std::string browser_user_agent;
  // The episode's seed for Math.random; 0: the settings'. Its place is in the settings.
  int64_t seed = 0;
  // By origin.
  std::map<std::string, v1::HttpCredentials> credentials;
  // Null: none that could be asked.
  std::shared_ptr<const ProxyPort> proxy;
};

// Why a tab shows no document of a site.
struct LoadFailure {
  enum class Cause {
    // Anything else: a certificate, an answer that is no HTTP, ...
    kOther,
    // The site is not there: its name or its server is not found, does not answer in time, or breaks off without an answer.
    kUnreachable,
    // It fails by what was asked for. The egress proxy takes no such request: refused by its policy, malformed, too many at once. Or the site
    // answers each time that it is elsewhere, without end.
    kNotTaken,
  };
  // "net::ERR_...", with the egress proxy's reason if it has one, or that reason alone. Empty: it does show one, if only in part, or the
  // last load was broken off (a download) and what was there before stays.
  std::string text;
  // What could not be had; after redirects the last.
  std::string url;
  Cause cause = Cause::kOther;
};

// Thread-safe: events come on the reader thread. Shared by its context and whoever works with it.
class Tab : public std::enable_shared_from_this<Tab> {
 public:
  Tab(DevTools& devtools, std::string session_id, std::string target_id, std::string opener_id)
      : devtools_(devtools), session_id_(std::move(session_id)), target_id_(std::move(target_id)),
        opener_id_(std::move(opener_id)), frames_(session_id_), activity_(target_id_) {}

  // Subscribes to the session and sends everything that a new tab needs, then lets it run. Does not block: callable on the
  // reader thread.
  void Start(const TabSetUp& set_up);
  // Unsubscribes; late events find nobody. To be called before the last reference is dropped.
  void Stop();
  // Waits until Start's commands were answered.
  absl::Status AwaitStarted(const CallContext& context);
  // Adds to a tab that runs: the episode's seed and credentials.
  absl::Status Apply(const CallContext& context, const TabSetUp& set_up);

  DevTools& devtools() { return devtools_; }
  const std::string& session_id() const { return session_id_; }
  const std::string& target_id() const { return target_id_; }
  const std::string& opener_id() const { return opener_id_; }
  FrameTracker& frames() { return frames_; }
  PageActivity& activity() { return activity_; }
  const PageActivity& activity() const { return activity_; }

  void SetInfo(std::string url, std::string title);
  std::string url() const;
  std::string title() const;

  LoadFailure Failure() const;

  void MarkCrashed();
  void ClearCrashed();
  bool crashed() const;

  // What happened since it was taken last.
  std::vector<v1::Dialog> dialogs() const;
  std::vector<std::string> console_errors() const;
  std::vector<v1::Dialog> TakeDialogs();
  std::vector<std::string> TakeConsoleErrors();
  // The file input whose chooser the page opened last, as {session, backend node id}; none since the last call.
  struct FileChooser {
    std::string session_id;
    int64_t backend_node_id = 0;
    bool multiple = false;
  };
  std::optional<FileChooser> TakeFileChooser();
  // The HTML5 drag that the last mouse move started (Input.DragData).
  std::optional<Json> TakeDrag();

 private:
  void OnEvent(const DevToolsEvent& event);
  void Attach(const std::string& session_id, bool is_page);
  void OnAttached(const Json& params);
  void OnDetached(const std::string& session_id);
  void OnDialog(const DevToolsEvent& event);
  void AddDialog(v1::Dialog dialog);
  void OnConsole(const DevToolsEvent& event);
  void OnDropped(const DevToolsEvent& event);
  void AddConsoleError(std::string_view text);
  void OnAuthRequired(const DevToolsEvent& event);
  bool InterceptsRequests() const;
  void OnResponse(const Json& params);
  std::vector<DevToolsCommand> CredentialCommands(const std::string& session_id) const;

  DevTools& devtools_;
  const std::string session_id_;
  const std::string target_id_;
  const std::string opener_id_;
  FrameTracker frames_;
  PageActivity activity_;

  mutable Mutex mutex_;
  TabSetUp set_up_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, uint64_t> subscriptions_ ABSL_GUARDED_BY(mutex_);
  std::vector<DevToolsReply> started_ ABSL_GUARDED_BY(mutex_);
  std::string url_ ABSL_GUARDED_BY(mutex_);
  std::string title_ ABSL_GUARDED_BY(mutex_);
  bool crashed_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<v1::Dialog> dialogs_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> console_errors_ ABSL_GUARDED_BY(mutex_);
  std::optional<FileChooser> file_chooser_ ABSL_GUARDED_BY(mutex_);
  std::optional<Json> drag_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> answered_challenges_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_TAB_H_
