// One browser context: the cookies, storage and tabs of one episode, and the files that its pages take and give.
#ifndef PROCTOR_ENV_WEB_BROWSER_CONTEXT_H_
#define PROCTOR_ENV_WEB_BROWSER_CONTEXT_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "env/web/context_downloads.h"
#include "env/web/context_uploads.h"
#include "env/web/devtools.h"
#include "env/web/proxy_port.h"
#include "env/web/tab.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::web {

// Thread-safe.
class BrowserContext {
 public:
  struct Options {
    v1::WebSettings settings;
    std::string browser_user_agent;
    // Null: the browser's own.
    std::shared_ptr<const ProxyPort> proxy;
    // A directory that the browser can write to.
    std::string download_root;
    // One that it can read from; empty: no uploads.
    std::string upload_root;
    // Keeps the browser alive while the context is.
    std::shared_ptr<void> keep_alive;
  };

  // Makes the context with one blank tab in it, everything applied. `devtools` outlives it.
  static absl::StatusOr<std::unique_ptr<BrowserContext>> Create(const CallContext& context, DevTools& devtools,
                                                                Options options);
  // Closes its tabs and forgets its data.
  ~BrowserContext();

  // Tabs of the agent at once. A page that wants more gets none; whoever opens one for the agent
  // asks first. Tabs for evidence do not count, and what they open is limited by itself.
  static constexpr size_t kMaxTabs = 32;

  DevTools& devtools() { return devtools_; }
  const std::string& id() const { return id_; }

  // Takes effect with Apply.
  void SetGeolocation(const v1::Geolocation& geolocation);
  // Applied to every tab there is and every one to come.
  absl::Status Apply(const CallContext& context, int64_t seed,
                     const std::map<std::string, v1::HttpCredentials>& credentials);

  // Tabs in the order of opening. Tabs for evidence are not among them.
  std::vector<std::shared_ptr<Tab>> tabs() const;
  // The tab that the agent sees; null when all are closed.
  std::shared_ptr<Tab> active() const;
  void SetActive(const std::shared_ptr<Tab>& tab);
  // A blank tab; becomes active if it is the agent's.
  enum class TabUse { kAgent, kEvidence };
  absl::StatusOr<std::shared_ptr<Tab>> OpenTab(const CallContext& context, TabUse use);
  absl::Status CloseTab(const CallContext& context, const std::shared_ptr<Tab>& tab);
  // What pages did with tabs and downloads since it was taken last, for the observation's notices.
  std::vector<std::string> notices() const;
  std::vector<std::string> TakeNotices();
  ContextDownloads& downloads() { return *downloads_; }
  // Null: files cannot be given to its pages.
  ContextUploads* uploads() { return uploads_.get(); }

 private:
  BrowserContext(DevTools& devtools, Options options) : devtools_(devtools), options_(std::move(options)) {}
  absl::Status GrantPermissions(const CallContext& context, const v1::WebSettings& settings);
  TabSetUp SetUpLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnBrowserEvent(const DevToolsEvent& event);
  void OnAttached(const Json& params);
  void OnInfoChanged(const Json& info);
  void OnTargetGone(const std::string& target_id);
  void OnTargetCrashed(const std::string& target_id);
  void OnDownloadBegin(const Json& params);
  void OnDownloadProgress(const Json& params);
  void CancelDownload(const Json& params);
  std::shared_ptr<Tab> FindLocked(const std::string& target_id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t CountLocked(TabUse use) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a tab that is there or has closed lately; nothing: of no such tab.
  std::optional<TabUse> UseLocked(const std::string& target_id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // OpenTab opened `target_id` (empty: nothing). What else came without an opener meanwhile a page opened, by a click with Control held.
  void SettleOpenedLocked(const std::string& target_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteLocked(std::string_view notice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  DevTools& devtools_;
  const Options options_;
  std::string id_;
  // Both are there once the context is made.
  std::unique_ptr<ContextDownloads> downloads_;
  std::unique_ptr<ContextUploads> uploads_;
  uint64_t subscription_ = 0;

  mutable Mutex mutex_;
  CondVar changed_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t seed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<v1::Geolocation> geolocation_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::HttpCredentials> credentials_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Tab>> tabs_ ABSL_GUARDED_BY(mutex_);
  // Target ids of the tabs that are not the agent's.
  std::set<std::string> evidence_targets_ ABSL_GUARDED_BY(mutex_);
  // The last tabs that have closed: what they began, a download or another tab, may be told of afterwards.
  std::deque<std::pair<std::string, TabUse>> gone_ ABSL_GUARDED_BY(mutex_);
  // While OpenTab runs: what it opens. The browser tells of the tab before it answers which one it is: until then each without an opener
  // is taken for it.
  std::optional<TabUse> opening_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> maybe_opened_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Tab> active_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> notices_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_BROWSER_CONTEXT_H_
