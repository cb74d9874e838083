#include "env/web/tab.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/devtools_message.h"
#include "env/web/json_slices.h"
#include "env/web/page_settings.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMaxDialogs = 50;
constexpr size_t kMaxDialogBytes = 2000;
constexpr size_t kMaxConsoleErrors = 50;
constexpr size_t kMaxConsoleBytes = 1000;
// A larger message of the console is not parsed: one text fills it, and the beginning of that is what is told.
constexpr size_t kMaxParsedConsoleBytes = 64 << 10;

std::string Cut(std::string_view text, size_t bytes) {
  // Nothing of what is cut off is worth looking at; a character that it splits is cut off, too.
  return std::string(TruncateUtf8(SanitizeUtf8(text.substr(0, bytes + 4)), bytes));
}

// Of a request whose event was too large for what it sends: the id comes first.
std::string RequestIdIn(std::string_view head) {
  constexpr std::string_view kMember = R"("requestId":")";
  const size_t at = head.find(kMember);
  if (at == std::string_view::npos) return "";
  const std::string_view id = head.substr(at + kMember.size());
  return std::string(id.substr(0, id.find('"')));
}

bool IsConsole(std::string_view method) {
  return method == "Runtime.exceptionThrown" || method == "Runtime.consoleAPICalled" || method == "Log.entryAdded";
}

// Whether the event is an error of the page, as told by the beginning of its text; the names that are looked for stand before
// anything that the page chose, and in a page's text they would have their quotes escaped.
bool IsConsoleError(std::string_view method, std::string_view text) {
  const absl::string_view head = ToAbsl(text.substr(0, kDroppedHeadBytes));
  if (method == "Log.entryAdded") return absl::StrContains(head, R"("level":"error")");
  if (method != "Runtime.consoleAPICalled") return method == "Runtime.exceptionThrown";
  return absl::StrContains(head, R"({"type":"error","args")") || absl::StrContains(head, R"({"type":"assert","args")");
}

// What is told of an event of the console that is too large to be read: the text that fills it, as far as `head` goes.
std::string BeginningOfHuge(std::string_view head, uint64_t bytes) {
  std::string text = UnendedString(head);
  return text.empty() ? absl::StrCat("an error of ", bytes, " bytes") : text;
}

DevToolsCommand AttachToFrames(const std::string& session_id) {
  // Paused until set up, or a frame's first script would see other settings than its page. Workers are paused too, whether they are named
  // here or not: those that are not would never be told of, and never run.
  return {session_id, "Target.setAutoAttach",
          {{"autoAttach", true},
           {"waitForDebuggerOnStart", true},
           {"flatten", true},
           {"filter", Json::array({{{"type", "iframe"}}, {{"type", "worker"}}})}}};
}

// Of a load that the proxy did not end.
LoadFailure::Cause CauseOfNetError(std::string_view error) {
  static constexpr std::array<std::string_view, 16> kUnreachable = {
      "net::ERR_ADDRESS_UNREACHABLE",   "net::ERR_CONNECTION_ABORTED",      "net::ERR_CONNECTION_CLOSED",
      "net::ERR_CONNECTION_FAILED",     "net::ERR_CONNECTION_REFUSED",      "net::ERR_CONNECTION_RESET",
      "net::ERR_CONNECTION_TIMED_OUT",  "net::ERR_DNS_TIMED_OUT",           "net::ERR_EMPTY_RESPONSE",
      "net::ERR_INTERNET_DISCONNECTED", "net::ERR_NAME_NOT_RESOLVED",       "net::ERR_NAME_RESOLUTION_FAILED",
      "net::ERR_NETWORK_CHANGED",       "net::ERR_PROXY_CONNECTION_FAILED", "net::ERR_SOCKET_NOT_CONNECTED",
      "net::ERR_TIMED_OUT"};
  if (error == "net::ERR_TOO_MANY_REDIRECTS") return LoadFailure::Cause::kNotTaken;
  const bool found = std::find(kUnreachable.begin(), kUnreachable.end(), error) != kUnreachable.end();
  return found ? LoadFailure::Cause::kUnreachable : LoadFailure::Cause::kOther;
}

LoadFailure::Cause CauseOfProxyStatus(int status) {
  return net::EgressFailure::IsUnreachable(status) ? LoadFailure::Cause::kUnreachable : LoadFailure::Cause::kNotTaken;
}

// Scheme, host and port of a URL, as in StartState.http_credentials.
std::string OriginOf(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return "";
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

}  // namespace

void Tab::Start(const TabSetUp& set_up) {
  {
    MutexLock lock(mutex_);
    set_up_ = set_up;
  }
  if (set_up.proxy != nullptr) activity_.SetProxyMark(set_up.proxy->mark());
  Attach(session_id_, true);
}

void Tab::Attach(const std::string& session_id, bool is_page) {
  const std::weak_ptr<Tab> weak = weak_from_this();
  const uint64_t subscription = devtools_.Subscribe(session_id, [weak](const DevToolsEvent& event) {
    if (const std::shared_ptr<Tab> tab = weak.lock()) tab->OnEvent(event);
  });
  TabSetUp set_up;
  bool stopped = false;
  {
    MutexLock lock(mutex_);
    stopped = stopped_;
    if (!stopped) subscriptions_[session_id] = subscription;
    set_up = set_up_;
  }
  if (stopped) {
    devtools_.Unsubscribe(subscription);
    return;
  }
  if (set_up.seed != 0) set_up.settings.set_random_seed(set_up.seed);
  std::vector<DevToolsCommand> commands = FrameTracker::SetUpCommands(session_id);
  std::vector<DevToolsCommand> own =
      is_page ? PageSetUpCommands(session_id, set_up.settings, set_up.browser_user_agent)
              : FrameSetUpCommands(session_id, set_up.settings, set_up.browser_user_agent);
  own.push_back({session_id, "Log.enable", {}});
  own.push_back(AttachToFrames(session_id));
  for (DevToolsCommand& command : CredentialCommands(session_id)) own.push_back(std::move(command));
  for (DevToolsCommand& command : own) commands.push_back(std::move(command));
  commands.push_back({session_id, "Runtime.runIfWaitingForDebugger", {}});
  // The frame tree's reply goes to the tracker; the rest only matters if it fails.
  size_t tree = 0;
  while (tree < commands.size() && commands[tree].method != "Page.getFrameTree") ++tree;
  std::vector<DevToolsCommand> before(std::make_move_iterator(commands.begin()),
                                      std::make_move_iterator(commands.begin() + static_cast<ptrdiff_t>(tree)));
  std::vector<DevToolsCommand> after;
  if (tree < commands.size()) {
    after.assign(std::make_move_iterator(commands.begin() + static_cast<ptrdiff_t>(tree) + 1),
                 std::make_move_iterator(commands.end()));
  }
  std::vector<DevToolsReply> replies = devtools_.SendAll(std::move(before));
  devtools_.SendText(session_id, "Page.getFrameTree", "{}", [weak, session_id](absl::StatusOr<std::string> text) {
    const std::shared_ptr<Tab> tab = weak.lock();
    if (tab == nullptr || !text.ok()) return;
    const absl::StatusOr<Json> tree_json = ParseJson(*text);
    if (tree_json.ok()) tab->frames_.SetFrameTree(session_id, *tree_json);
  });
  for (DevToolsReply& reply : devtools_.SendAll(std::move(after))) replies.push_back(std::move(reply));
  if (!is_page) return;
  MutexLock lock(mutex_);
  started_ = std::move(replies);
}

void Tab::Stop() {
  std::map<std::string, uint64_t> subscriptions;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    subscriptions.swap(subscriptions_);
  }
  for (const auto& [session, id] : subscriptions) {
    devtools_.Unsubscribe(id);
    devtools_.ForgetSession(session, "the tab was closed");
  }
  activity_.Gone();
}

absl::Status Tab::AwaitStarted(const CallContext& context) {
  std::vector<DevToolsReply> replies;
  {
    MutexLock lock(mutex_);
    replies.swap(started_);
  }
  absl::Status first;
  for (const DevToolsReply& reply : replies) {
    const absl::Status status = reply.AwaitText(context).status();
    // An override that another tab of the same process already made is not made twice.
    if (status.message().find("already in effect") != absl::string_view::npos) continue;
    if (first.ok() && !status.ok()) first = status;
  }
  return first;
}

absl::Status Tab::Apply(const CallContext& context, const TabSetUp& set_up) {
  const std::string session = session_id_;
  std::vector<DevToolsCommand> commands;
  {
    MutexLock lock(mutex_);
    set_up_ = set_up;
  }
  if (set_up.seed != 0 && set_up.seed != set_up.settings.random_seed()) {
    commands.push_back({session, "Page.addScriptToEvaluateOnNewDocument",
                        {{"source", RandomSeedScript(set_up.seed)}, {"runImmediately", true}}});
  }
  if (set_up.settings.has_geolocation()) {
    commands.push_back({session, "Emulation.setGeolocationOverride", GeolocationParams(set_up.settings.geolocation())});
  }
  for (DevToolsCommand& command : CredentialCommands(session)) commands.push_back(std::move(command));
  for (const DevToolsReply& reply : devtools_.SendAll(std::move(commands))) {
    PROCTOR_RETURN_IF_ERROR(reply.AwaitText(context).status());
  }
  return absl::OkStatus();
}

std::vector<DevToolsCommand> Tab::CredentialCommands(const std::string& session_id) const {
  MutexLock lock(mutex_);
  if (set_up_.credentials.empty()) return {};
  Json patterns = Json::array();
  for (const auto& [origin, credentials] : set_up_.credentials) {
    patterns.push_back({{"urlPattern", absl::StrCat(origin, "/*")}});
  }
  return {{session_id, "Fetch.enable", {{"handleAuthRequests", true}, {"patterns", patterns}}}};
}

void Tab::OnEvent(const DevToolsEvent& event) {
  frames_.OnEvent(event);
  activity_.OnEvent(event);
  if (event.method == "Target.attachedToTarget") {
    OnAttached(event.Params());
  } else if (event.method == "Target.detachedFromTarget") {
    OnDetached(JsonStringOr(event.Params(), "sessionId"));
  } else if (event.method == "Page.javascriptDialogOpening") {
    OnDialog(event);
  } else if (IsConsole(event.method)) {
    OnConsole(event);
  } else if (event.method == kMessageDropped) {
    OnDropped(event);
  } else if (event.method == "Fetch.authRequired" || event.method == "Fetch.requestPaused") {
    OnAuthRequired(event);
  } else if (event.method == "Network.responseReceived") {
    OnResponse(event.Params());
  } else if (event.method == "Inspector.targetCrashed") {
    // A frame with a process of its own crashes alone: the page lives on.
    if (event.session_id == session_id_) {
      MarkCrashed();
    } else {
      devtools_.ForgetSession(std::string(event.session_id), "the frame crashed");
    }
  } else if (event.method == "Page.fileChooserOpened") {
    const Json params = event.Params();
    MutexLock lock(mutex_);
    file_chooser_ = FileChooser{std::string(event.session_id),
                                JsonIntegerOr(params, "backendNodeId"),
                                JsonStringOr(params, "mode") == "selectMultiple"};
  } else if (event.method == "Input.dragIntercepted") {
    const Json params = event.Params();
    MutexLock lock(mutex_);
    if (params.contains("data")) drag_ = params["data"];
  }
}

void Tab::OnAttached(const Json& params) {
  const std::string session = JsonStringOr(params, "sessionId");
  const auto info = params.find("targetInfo");
  if (session.empty() || info == params.end()) return;
  if (JsonStringOr(*info, "type") == "iframe") {
    Attach(session, false);
    return;
  }
  // Nothing else is asked of a worker. What it was told holds as long as its session does.
  TabSetUp set_up;
  {
    MutexLock lock(mutex_);
    set_up = set_up_;
  }
  std::vector<DevToolsCommand> commands = WorkerSetUpCommands(session, set_up.settings, set_up.browser_user_agent);
  commands.push_back({session, "Runtime.runIfWaitingForDebugger", {}});
  devtools_.SendAll(std::move(commands));
}

void Tab::OnDetached(const std::string& session_id) {
  uint64_t subscription = 0;
  {
    MutexLock lock(mutex_);
    // Workers have none.
    const auto found = subscriptions_.find(session_id);
    if (found != subscriptions_.end()) {
      subscription = found->second;
      subscriptions_.erase(found);
    }
  }
  if (subscription != 0) devtools_.Unsubscribe(subscription);
  devtools_.ForgetSession(session_id, "the frame or worker is gone");
}

void Tab::OnDialog(const DevToolsEvent& event) {
  const Json params = event.Params();
  // Accepted at once: a dialog blocks the page, and all that the agent can do is read about it afterwards.
  Json answer = {{"accept", true}};
  if (JsonStringOr(params, "type") == "prompt") answer["promptText"] = JsonStringOr(params, "defaultPrompt");
  devtools_.Send({std::string(event.session_id), "Page.handleJavaScriptDialog", std::move(answer)});
  v1::Dialog dialog;
  dialog.set_kind(JsonStringOr(params, "type"));
  dialog.set_message(Cut(JsonStringOr(params, "message"), kMaxDialogBytes));
  dialog.set_accepted(true);
  AddDialog(std::move(dialog));
}

void Tab::AddDialog(v1::Dialog dialog) {
  MutexLock lock(mutex_);
  if (dialogs_.size() < kMaxDialogs) dialogs_.push_back(std::move(dialog));
}

bool Tab::InterceptsRequests() const {
  MutexLock lock(mutex_);
  return !set_up_.credentials.empty();
}

void Tab::OnConsole(const DevToolsEvent& event) {
  if (!IsConsoleError(event.method, event.params_text)) return;
  if (event.params_text.size() > kMaxParsedConsoleBytes) {
    AddConsoleError(BeginningOfHuge(event.params_text.substr(0, kDroppedHeadBytes), event.params_text.size()));
    return;
  }
  const Json params = event.Params();
  std::string text;
  if (event.method == "Runtime.exceptionThrown") {
    const auto details = params.find("exceptionDetails");
    if (details == params.end()) return;
    text = JsonStringOr(*details, "text");
    const auto exception = details->find("exception");
    if (exception != details->end()) text = absl::StrCat(text, " ", JsonStringOr(*exception, "description"));
  } else if (event.method == "Runtime.consoleAPICalled") {
    if (JsonStringOr(params, "type") != "error" && JsonStringOr(params, "type") != "assert") return;
    for (const Json& argument : JsonMember(params, "args")) {
      const auto value = argument.find("value");
      if (!text.empty()) text.push_back(' ');
      text += value == argument.end() ? JsonStringOr(argument, "description")
              : value->is_string()    ? value->get<std::string>()
                                      : DumpJson(*value);
    }
  } else {
    const auto entry = params.find("entry");
    if (entry == params.end() || JsonStringOr(*entry, "level") != "error") return;
    text = absl::StrCat(JsonStringOr(*entry, "text"), " ", JsonStringOr(*entry, "url"));
  }
  AddConsoleError(text);
}

void Tab::OnDropped(const DevToolsEvent& event) {
  const Json params = event.Params();
  const std::string method = JsonStringOr(params, "method");
  const std::string head = JsonStringOr(params, "head");
  if (IsConsole(method) && IsConsoleError(method, head)) {
    AddConsoleError(BeginningOfHuge(head, static_cast<uint64_t>(JsonIntegerOr(params, "bytes"))));
  } else if (method == "Page.javascriptDialogOpening") {
    // Only what a prompt proposes may be so large. Unanswered it would block the page for good.
    devtools_.Send({std::string(event.session_id), "Page.handleJavaScriptDialog", {{"accept", true}}});
    v1::Dialog dialog;
    dialog.set_kind("prompt");
    dialog.set_message("(too long to be read)");
    dialog.set_accepted(true);
    AddDialog(std::move(dialog));
  } else if (method == "Fetch.requestPaused" && InterceptsRequests()) {
    devtools_.Send({std::string(event.session_id), "Fetch.continueRequest", {{"requestId", RequestIdIn(head)}}});
  } else if (method == "Fetch.authRequired" && InterceptsRequests()) {
    // Who asks, the site or a proxy, stands behind what is kept: nobody is told a password. The page gets the refusal.
    devtools_.Send({std::string(event.session_id), "Fetch.continueWithAuth",
                    {{"requestId", RequestIdIn(head)}, {"authChallengeResponse", {{"response", "CancelAuth"}}}}});
  }
}

void Tab::AddConsoleError(std::string_view text) {
  MutexLock lock(mutex_);
  if (console_errors_.size() >= kMaxConsoleErrors) console_errors_.pop_front();
  console_errors_.push_back(Cut(text, kMaxConsoleBytes));
}

void Tab::OnAuthRequired(const DevToolsEvent& event) {
  // Whoever else intercepts requests of this tab answers them.
  if (!InterceptsRequests()) return;
  const Json params = event.Params();
  const std::string id = JsonStringOr(params, "requestId");
  const std::string session(event.session_id);
  if (event.method == "Fetch.requestPaused") {
    devtools_.Send({session, "Fetch.continueRequest", {{"requestId", id}}});
    return;
  }
  const auto request = params.find("request");
  const std::string url = request == params.end() ? "" : JsonStringOr(*request, "url");
  Json response = {{"response", "CancelAuth"}};
  {
    MutexLock lock(mutex_);
    const auto found = set_up_.credentials.find(OriginOf(url));
    const auto challenge = params.find("authChallenge");
    const bool from_proxy = challenge != params.end() && JsonStringOr(*challenge, "source") == "Proxy";
    // Offered once a request: refused credentials would be asked for again without end.
    if (found != set_up_.credentials.end() && !from_proxy && answered_challenges_.insert(id).second) {
      response = {{"response", "ProvideCredentials"},
                  {"username", found->second.username()},
                  {"password", found->second.password()}};
    }
    if (answered_challenges_.size() > 1000) answered_challenges_.clear();
  }
  devtools_.Send({session, "Fetch.continueWithAuth", {{"requestId", id}, {"authChallengeResponse", response}}});
}

void Tab::OnResponse(const Json& params) {
  const auto response = params.find("response");
  if (response == params.end() || JsonNumberOr(*response, "status") != 401 ||
      JsonStringOr(params, "type") != "Document") {
    return;
  }
  v1::Dialog dialog;
  dialog.set_kind("http_auth");
  dialog.set_message(Cut(absl::StrCat("login asked for by ", OriginOf(JsonStringOr(*response, "url"))), kMaxDialogBytes));
  dialog.set_accepted(false);
  AddDialog(std::move(dialog));
}

void Tab::SetInfo(std::string url, std::string title) {
  MutexLock lock(mutex_);
  url_ = std::move(url);
  title_ = std::move(title);
}

std::string Tab::url() const {
  MutexLock lock(mutex_);
  return url_;
}

std::string Tab::title() const {
  MutexLock lock(mutex_);
  return title_;
}

LoadFailure Tab::Failure() const {
  const PageActivity::LoadError error = activity_.load_error();
  if (error.text.empty() || error.text == "net::ERR_ABORTED" || error.partial) return {};
  if (error.proxy_status != 0) return {error.text, error.url, CauseOfProxyStatus(error.proxy_status)};
  if (error.text != "net::ERR_TUNNEL_CONNECTION_FAILED") return {error.text, error.url, CauseOfNetError(error.text)};
  std::shared_ptr<const ProxyPort> proxy;
  {
    MutexLock lock(mutex_);
    proxy = set_up_.proxy;
  }
  const net::EgressFailure failure = proxy == nullptr ? net::EgressFailure() : proxy->FailureOf(error.url);
  // Connections beyond the limit are refused before it is known where they want to go.
  if (failure.reason.empty()) return {error.text, error.url, LoadFailure::Cause::kNotTaken};
  return {absl::StrCat(error.text, ": ", failure.reason), error.url, CauseOfProxyStatus(failure.status)};
}

void Tab::MarkCrashed() {
  {
    MutexLock lock(mutex_);
    crashed_ = true;
  }
  activity_.Crashed();
  devtools_.ForgetSession(session_id_, "the tab crashed");
}

void Tab::ClearCrashed() {
  {
    MutexLock lock(mutex_);
    crashed_ = false;
  }
  activity_.Revived();
}

bool Tab::crashed() const {
  MutexLock lock(mutex_);
  return crashed_;
}

std::vector<v1::Dialog> Tab::dialogs() const {
  MutexLock lock(mutex_);
  return {dialogs_.begin(), dialogs_.end()};
}

std::vector<std::string> Tab::console_errors() const {
  MutexLock lock(mutex_);
  return {console_errors_.begin(), console_errors_.end()};
}

std::vector<v1::Dialog> Tab::TakeDialogs() {
  MutexLock lock(mutex_);
  std::vector<v1::Dialog> taken(dialogs_.begin(), dialogs_.end());
  dialogs_.clear();
  return taken;
}

std::vector<std::string> Tab::TakeConsoleErrors() {
  MutexLock lock(mutex_);
  std::vector<std::string> taken(console_errors_.begin(), console_errors_.end());
  console_errors_.clear();
  return taken;
}

std::optional<Tab::FileChooser> Tab::TakeFileChooser() {
  MutexLock lock(mutex_);
  return std::exchange(file_chooser_, std::nullopt);
}

std::optional<Json> Tab::TakeDrag() {
  MutexLock lock(mutex_);
  return std::exchange(drag_, std::nullopt);
}

}  // namespace proctor::env::web
