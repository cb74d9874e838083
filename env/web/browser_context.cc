#include "env/web/browser_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/page_settings.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMaxNotices = 50;
// Closed tabs that are remembered.
constexpr size_t kMaxGone = 256;
constexpr std::string_view kOpenedATab = "the page opened a new tab, which is active now";
constexpr absl::Duration kCloseCap = absl::Seconds(2);

// A taken-over browser may answer anything, and folders are named by it.
bool IsContextId(const std::string& id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-'; });
}

absl::StatusOr<std::string> ContextIdOf(absl::StatusOr<std::string> reply) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, std::move(reply));
  PROCTOR_ASSIGN_OR_RETURN(const Json created, ParseJson(text));
  std::string id = JsonStringOr(created, "browserContextId");
  if (!IsContextId(id)) return absl::InternalError("the browser named no context");
  return id;
}

// One that comes after the caller gave up is nobody's, and is disposed of when it does.
absl::StatusOr<std::string> MakeContext(const CallContext& context, DevTools& devtools, const Json& params) {
  struct Answer {
    Mutex mutex;
    CondVar came;
    bool unwanted ABSL_GUARDED_BY(mutex) = false;
    std::optional<absl::StatusOr<std::string>> id ABSL_GUARDED_BY(mutex);
  };
  auto answer = std::make_shared<Answer>();
  devtools.SendText("", "Target.createBrowserContext", DumpJson(params), [answer, &devtools](absl::StatusOr<std::string> reply) {
    absl::StatusOr<std::string> id = ContextIdOf(std::move(reply));
    {
      MutexLock lock(answer->mutex);
      if (!answer->unwanted) {
        answer->id = std::move(id);
        answer->came.SignalAll();
        return;
      }
    }
    if (id.ok()) devtools.SendText("", "Target.disposeBrowserContext", DumpJson({{"browserContextId", *id}}), [](const auto&) {});
  });
  Answer& shared = *answer;
  MutexLock lock(shared.mutex);
  const absl::Status came = AwaitWithContext(
      context, shared.mutex, shared.came, [&shared]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared.id.has_value(); },
      "Target.createBrowserContext");
  if (!came.ok()) {
    shared.unwanted = true;
    return came;
  }
  if (!shared.id->ok()) return Annotate(shared.id->status(), "Target.createBrowserContext");
  return **shared.id;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrowserContext>> BrowserContext::Create(const CallContext& context, DevTools& devtools,
                                                                       Options options) {
  auto made = std::unique_ptr<BrowserContext>(new BrowserContext(devtools, std::move(options)));
  BrowserContext& self = *made;
  Json params = {{"disposeOnDetach", true}};
  if (self.options_.proxy != nullptr) {
    params["proxyServer"] = self.options_.proxy->address();
    params["proxyBypassList"] = "<-loopback>";
  }
  PROCTOR_ASSIGN_OR_RETURN(self.id_, MakeContext(context, devtools, params));
  const std::string& download_root = self.options_.download_root;
  const std::string download_directory = download_root.empty() ? "" : absl::StrCat(download_root, "/", self.id_);
  self.downloads_ = std::make_unique<ContextDownloads>(download_directory, self.options_.settings.max_download_bytes());
  if (!self.options_.upload_root.empty()) {
    self.uploads_ = std::make_unique<ContextUploads>(absl::StrCat(self.options_.upload_root, "/", self.id_));
  }
  self.subscription_ = devtools.Subscribe("", [&self](const DevToolsEvent& event) { self.OnBrowserEvent(event); });
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> permissions, PermissionTypes(self.options_.settings));
  Json downloads = {{"behavior", "deny"}, {"browserContextId", self.id_}, {"eventsEnabled", true}};
  if (!download_directory.empty()) {
    downloads["behavior"] = "allowAndName";
    downloads["downloadPath"] = download_directory;
  }
  std::vector<DevToolsCommand> commands = {{"", "Browser.setDownloadBehavior", std::move(downloads)}};
  if (!permissions.empty()) {
    commands.push_back({"", "Browser.grantPermissions", {{"browserContextId", self.id_}, {"permissions", permissions}}});
  }
  for (const DevToolsReply& reply : devtools.SendAll(std::move(commands))) {
    PROCTOR_RETURN_IF_ERROR(reply.AwaitText(context).status());
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::shared_ptr<Tab> tab, self.OpenTab(context, TabUse::kAgent));
  return made;
}

BrowserContext::~BrowserContext() {
  if (id_.empty()) return;
  std::vector<std::shared_ptr<Tab>> tabs;
  {
    MutexLock lock(mutex_);
    closing_ = true;
    tabs.swap(tabs_);
    active_.reset();
  }
  devtools_.Unsubscribe(subscription_);
  for (const auto& tab : tabs) tab->Stop();
  // A renderer that hangs must not hold the session up.
  const absl::Status closed = devtools_.Call(CallContext::WithTimeout(kCloseCap), "", "Target.disposeBrowserContext",
                                             {{"browserContextId", id_}}).status();
  if (!closed.ok() && !devtools_.closed()) {
    LogWarning("a browser context did not close", {{"error", std::string(closed.message())}});
  }
}

TabSetUp BrowserContext::SetUpLocked() const {
  TabSetUp set_up = {options_.settings, options_.browser_user_agent, seed_, credentials_, options_.proxy};
  if (geolocation_.has_value()) *set_up.settings.mutable_geolocation() = *geolocation_;
  return set_up;
}

void BrowserContext::SetGeolocation(const v1::Geolocation& geolocation) {
  MutexLock lock(mutex_);
  geolocation_ = geolocation;
}

absl::Status BrowserContext::Apply(const CallContext& context, int64_t seed,
                                   const std::map<std::string, v1::HttpCredentials>& credentials) {
  TabSetUp set_up;
  std::vector<std::shared_ptr<Tab>> tabs;
  {
    MutexLock lock(mutex_);
    seed_ = seed;
    credentials_ = credentials;
    set_up = SetUpLocked();
    tabs = tabs_;
  }
  if (set_up.settings.has_geolocation() && !options_.settings.has_geolocation()) {
    PROCTOR_RETURN_IF_ERROR(GrantPermissions(context, set_up.settings));
  }
  for (const auto& tab : tabs) PROCTOR_RETURN_IF_ERROR(tab->Apply(context, set_up));
  return absl::OkStatus();
}

// What is not among them is taken back.
absl::Status BrowserContext::GrantPermissions(const CallContext& context, const v1::WebSettings& settings) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> permissions, PermissionTypes(settings));
  return devtools_.Call(context, "", "Browser.grantPermissions", {{"browserContextId", id_}, {"permissions", permissions}})
      .status();
}

std::vector<std::shared_ptr<Tab>> BrowserContext::tabs() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Tab>> tabs;
  for (const auto& tab : tabs_) {
    if (evidence_targets_.count(tab->target_id()) == 0) tabs.push_back(tab);
  }
  return tabs;
}

std::shared_ptr<Tab> BrowserContext::active() const {
  MutexLock lock(mutex_);
  return active_;
}

void BrowserContext::SetActive(const std::shared_ptr<Tab>& tab) {
  {
    MutexLock lock(mutex_);
    if (FindLocked(tab->target_id()) != tab) return;  // It has closed itself meanwhile: another one is active.
    active_ = tab;
  }
  devtools_.Send({tab->session_id(), "Page.bringToFront", {}});
}

std::shared_ptr<Tab> BrowserContext::FindLocked(const std::string& target_id) const {
  for (const auto& tab : tabs_) {
    if (tab->target_id() == target_id) return tab;
  }
  return nullptr;
}

size_t BrowserContext::CountLocked(TabUse use) const {
  return static_cast<size_t>(std::count_if(
      tabs_.begin(), tabs_.end(), [&](const auto& tab) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return (evidence_targets_.count(tab->target_id()) > 0) == (use == TabUse::kEvidence);
      }));
}

std::optional<BrowserContext::TabUse> BrowserContext::UseLocked(const std::string& target_id) const {
  if (FindLocked(target_id) != nullptr) return evidence_targets_.count(target_id) > 0 ? TabUse::kEvidence : TabUse::kAgent;
  const auto gone = std::find_if(gone_.begin(), gone_.end(), [&](const auto& tab) { return tab.first == target_id; });
  if (gone == gone_.end()) return std::nullopt;
  return gone->second;
}

void BrowserContext::SettleOpenedLocked(const std::string& target_id) {
  opening_.reset();
  for (const std::string& other : std::exchange(maybe_opened_, {})) {
    const std::shared_ptr<Tab> tab = FindLocked(other);
    if (other == target_id || tab == nullptr) continue;
    evidence_targets_.erase(other);
    active_ = tab;
    NoteLocked(kOpenedATab);
  }
}

void BrowserContext::NoteLocked(std::string_view notice) {
  if (notices_.size() < kMaxNotices) notices_.emplace_back(notice);
}

absl::StatusOr<std::shared_ptr<Tab>> BrowserContext::OpenTab(const CallContext& context, TabUse use) {
  {
    MutexLock lock(mutex_);
    opening_ = use;
  }
  const absl::StatusOr<Json> created = devtools_.Call(context, "", "Target.createTarget",
                                                      {{"url", "about:blank"}, {"browserContextId", id_}});
  const std::string target = created.ok() ? JsonStringOr(*created, "targetId") : "";
  std::shared_ptr<Tab> tab;
  {
    MutexLock lock(mutex_);
    if (created.ok()) {
      const absl::Status attached = AwaitWithContext(
          context, mutex_, changed_,
          [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return (tab = FindLocked(target)) != nullptr; }, "opening a tab");
      (void)attached;
    }
    SettleOpenedLocked(target);
  }
  PROCTOR_RETURN_IF_ERROR(created.status());
  if (tab == nullptr) return absl::UnavailableError("the browser opened no tab");
  PROCTOR_RETURN_IF_ERROR(Annotate(tab->AwaitStarted(context), "setting up a tab"));
  if (use == TabUse::kAgent) {
    MutexLock lock(mutex_);
    if (FindLocked(tab->target_id()) != tab) return absl::UnavailableError("the new tab was closed at once");
    active_ = tab;
  }
  return tab;
}

absl::Status BrowserContext::CloseTab(const CallContext& context, const std::shared_ptr<Tab>& tab) {
  {
    MutexLock lock(mutex_);
    if (FindLocked(tab->target_id()) != tab) return absl::OkStatus();  // It has closed itself.
  }
  PROCTOR_RETURN_IF_ERROR(
      devtools_.Call(context, "", "Target.closeTarget", {{"targetId", tab->target_id()}}).status());
  OnTargetGone(tab->target_id());
  return absl::OkStatus();
}

std::vector<std::string> BrowserContext::notices() const {
  MutexLock lock(mutex_);
  return notices_;
}

std::vector<std::string> BrowserContext::TakeNotices() {
  MutexLock lock(mutex_);
  return std::exchange(notices_, {});
}

void BrowserContext::OnBrowserEvent(const DevToolsEvent& event) {
  if (event.method == "Target.attachedToTarget") {
    if (event.params_text.find(id_) != std::string_view::npos) OnAttached(event.Params());
  } else if (event.method == "Target.targetInfoChanged") {
    if (event.params_text.find(id_) == std::string_view::npos) return;
    const Json params = event.Params();
    if (params.contains("targetInfo")) OnInfoChanged(params["targetInfo"]);
  } else if (event.method == "Target.targetDestroyed") {
    OnTargetGone(JsonStringOr(event.Params(), "targetId"));
  } else if (event.method == "Target.targetCrashed") {
    OnTargetCrashed(JsonStringOr(event.Params(), "targetId"));
  } else if (event.method == "Browser.downloadWillBegin") {
    OnDownloadBegin(event.Params());
  } else if (event.method == "Browser.downloadProgress") {
    OnDownloadProgress(event.Params());
  }
}

void BrowserContext::OnAttached(const Json& params) {
  const auto info = params.find("targetInfo");
  if (info == params.end() || JsonStringOr(*info, "browserContextId") != id_ || JsonStringOr(*info, "type") != "page") return;
  auto tab = std::make_shared<Tab>(devtools_, JsonStringOr(params, "sessionId"), JsonStringOr(*info, "targetId"),
                                   JsonStringOr(*info, "openerId"));
  TabSetUp set_up;
  bool too_many = false;
  {
    MutexLock lock(mutex_);
    if (closing_ || FindLocked(tab->target_id()) != nullptr) return;
    set_up = SetUpLocked();
    const bool popup = !tab->opener_id().empty() || !opening_.has_value();
    const bool evidence = (popup ? UseLocked(tab->opener_id()) : opening_) == TabUse::kEvidence;
    // Never one that was asked for here: OpenTab waits for it.
    too_many = popup && CountLocked(evidence ? TabUse::kEvidence : TabUse::kAgent) >= kMaxTabs;
    if (!too_many) {
      tabs_.push_back(tab);
      if (evidence) evidence_targets_.insert(tab->target_id());
      if (!popup) maybe_opened_.push_back(tab->target_id());
    }
    if (popup && !evidence) NoteLocked(too_many ? "the page tried to open another tab: too many are open" : kOpenedATab);
    if (popup && !evidence && !too_many) active_ = tab;
  }
  if (too_many) {
    devtools_.Send({"", "Target.closeTarget", {{"targetId", tab->target_id()}}});
    return;
  }
  tab->SetInfo(JsonStringOr(*info, "url"), JsonStringOr(*info, "title"));
  tab->Start(set_up);
  MutexLock lock(mutex_);
  changed_.SignalAll();
}

void BrowserContext::OnInfoChanged(const Json& info) {
  std::shared_ptr<Tab> tab;
  {
    MutexLock lock(mutex_);
    tab = FindLocked(JsonStringOr(info, "targetId"));
  }
  if (tab != nullptr) tab->SetInfo(SanitizeUtf8(JsonStringOr(info, "url")), SanitizeUtf8(JsonStringOr(info, "title")));
}

void BrowserContext::OnTargetGone(const std::string& target_id) {
  std::shared_ptr<Tab> gone;
  {
    MutexLock lock(mutex_);
    gone = FindLocked(target_id);
    if (gone == nullptr) return;
    const bool evidence = evidence_targets_.erase(target_id) > 0;
    if (gone_.size() == kMaxGone) gone_.pop_front();
    gone_.emplace_back(target_id, evidence ? TabUse::kEvidence : TabUse::kAgent);
    tabs_.erase(std::find(tabs_.begin(), tabs_.end(), gone));
    if (active_ == gone) {
      active_.reset();
      // The tab that opened it, else the last one.
      for (const auto& tab : tabs_) {
        if (evidence_targets_.count(tab->target_id()) == 0) active_ = tab;
        if (tab->target_id() == gone->opener_id()) break;
      }
    }
  }
  gone->Stop();
}

void BrowserContext::OnTargetCrashed(const std::string& target_id) {
  std::shared_ptr<Tab> tab;
  {
    MutexLock lock(mutex_);
    tab = FindLocked(target_id);
  }
  if (tab != nullptr) tab->MarkCrashed();
}

void BrowserContext::OnDownloadBegin(const Json& params) {
  const std::string frame = JsonStringOr(params, "frameId");
  {
    MutexLock lock(mutex_);
    bool ours = UseLocked(frame).has_value();
    for (const auto& tab : tabs_) ours = ours || tab->frames().Find(frame).has_value();
    if (!ours) return;
  }
  if (downloads_->Begin(params)) return;
  // Also one that ended already leaves no file that way.
  CancelDownload(params);
  const std::string notice =
      absl::StrCat("more than ", ContextDownloads::kMost, " downloads at once: the others were cancelled");
  MutexLock lock(mutex_);
  if (std::find(notices_.begin(), notices_.end(), notice) == notices_.end()) notices_.push_back(notice);
}

void BrowserContext::OnDownloadProgress(const Json& params) {
  if (!downloads_->Progress(params)) CancelDownload(params);
}

void BrowserContext::CancelDownload(const Json& params) {
  devtools_.Send({"", "Browser.cancelDownload", {{"guid", JsonStringOr(params, "guid")}, {"browserContextId", id_}}});
}

}  // namespace proctor::env::web
