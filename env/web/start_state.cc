#include "env/web/start_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/origin.h"
#include "env/web/page_settings.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMaxStartUrls = 16;
constexpr size_t kMaxKeyInMessage = 100;

bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

// Answers the origin's page ourselves, so that its storage can be filled without a request that leaves the browser.
absl::Status FillStorage(const CallContext& context, Tab& tab, const OriginStorage& storage) {
  DevTools& devtools = tab.devtools();
  const std::string session = tab.session_id();
  const uint64_t subscription = devtools.Subscribe(session, [&devtools, session](const DevToolsEvent& event) {
    if (event.method != "Fetch.requestPaused") return;
    devtools.Send({session, "Fetch.fulfillRequest",
                   {{"requestId", JsonStringOr(event.Params(), "requestId")},
                    {"responseCode", 200},
                    {"responseHeaders", Json::array({{{"name", "Content-Type"}, {"value", "text/html"}}})},
                    {"body", ""}}});
  });
  Json items = Json::array();
  for (const auto& [name, value] : storage.items) items.push_back({name, value});
  absl::Status status = devtools.Call(context, session, "Fetch.enable", Json::object()).status();
  if (status.ok()) {
    status = LoadPage(context, tab, storage.origin, absl::Seconds(5)).status();
  }
  if (status.ok()) {
    const absl::StatusOr<Json> set = devtools.Call(
        context, session, "Runtime.evaluate",
        {{"expression", absl::StrCat("if (location.origin !== ", DumpJson(storage.origin), ") throw 0;",
                                     "for (const [k, v] of ", DumpJson(items), ") localStorage.setItem(k, v)")}});
    status = set.status();
    if (set.ok() && set->contains("exceptionDetails")) {
      status = absl::InvalidArgumentError(
          absl::StrCat("start_state.storage_state_json: the local storage of ", storage.origin,
                       " cannot be filled: it is too large, or the browser opens another origin in its place"));
    }
  }
  devtools.Unsubscribe(subscription);
  return status;
}

absl::Status PlanCredentials(const std::string& key, const v1::HttpCredentials& credentials, const BaseUrls& base_urls,
                             StartPlan& plan) {
  const std::string shown(TruncateUtf8(WithoutCredentials(key), kMaxKeyInMessage));
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("start_state.http_credentials[\"", shown, "\"]: ", why));
  };
  const absl::StatusOr<std::string> url = ResolveUrl(key, base_urls);
  if (!url.ok()) return bad("must be an origin, http[s]://host[:port], or a placeholder that has a base URL");
  const absl::StatusOr<std::string> origin = NormalOrigin(*url);
  if (!origin.ok()) return bad(origin.status().message());
  if (!plan.credentials.emplace(*origin, credentials).second) return bad("the same origin is given twice");
  return absl::OkStatus();
}

// One cookie at a time, to tell which of them the browser refused; all were refused together before.
absl::Status FindRefusedCookie(const CallContext& context, BrowserContext& browser, const Json& cookies) {
  for (size_t i = 0; i < cookies.size(); ++i) {
    const absl::Status set = browser.devtools()
                                 .Call(context, "", "Storage.setCookies",
                                       {{"browserContextId", browser.id()}, {"cookies", Json::array({cookies[i]})}})
                                 .status();
    if (IsRefusal(set)) return CookieError(cookies, i, absl::StrCat("the browser refuses it: ", set.message()));
    PROCTOR_RETURN_IF_ERROR(set);
  }
  return absl::OkStatus();
}

absl::Status SetCookies(const CallContext& context, BrowserContext& browser, const Json& cookies) {
  if (cookies.empty()) return absl::OkStatus();
  const absl::Status set = browser.devtools()
                               .Call(context, "", "Storage.setCookies", {{"browserContextId", browser.id()}, {"cookies", cookies}})
                               .status();
  if (IsRefusal(set)) {
    PROCTOR_RETURN_IF_ERROR(FindRefusedCookie(context, browser, cookies));
  } else {
    PROCTOR_RETURN_IF_ERROR(set);
  }
  // Some it drops without a word.
  PROCTOR_ASSIGN_OR_RETURN(
      const Json has, browser.devtools().Call(context, "", "Storage.getCookies", {{"browserContextId", browser.id()}}));
  return CheckCookiesTaken(cookies, has, absl::Now());
}

}  // namespace

absl::StatusOr<StartPlan> PlanStart(const v1::StartState& state, const BaseUrls& base_urls) {
  StartPlan plan;
  const std::string start = state.start_url().empty() ? "about:blank" : state.start_url();
  for (const auto part : absl::StrSplit(start, " |AND| ")) {
    PROCTOR_ASSIGN_OR_RETURN(std::string url, ResolveUrl(ToStd(part), base_urls));
    plan.urls.push_back(std::move(url));
  }
  if (plan.urls.size() > kMaxStartUrls) return absl::InvalidArgumentError("start_state.start_url: more than 16 tabs");
  PROCTOR_ASSIGN_OR_RETURN(plan.storage, ParseStorageState(state.storage_state_json()));
  for (const auto& [key, credentials] : state.http_credentials()) {
    PROCTOR_RETURN_IF_ERROR(PlanCredentials(key, credentials, base_urls, plan));
  }
  if (state.has_geolocation()) PROCTOR_RETURN_IF_ERROR(CheckGeolocation(state.geolocation()));
  return plan;
}

absl::Status ApplyStart(const CallContext& context, BrowserContext& browser, const StartPlan& plan, int64_t seed,
                        const v1::Geolocation* geolocation) {
  if (geolocation != nullptr) browser.SetGeolocation(*geolocation);
  PROCTOR_RETURN_IF_ERROR(SetCookies(context, browser, plan.storage.cookies));
  if (!plan.storage.origins.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(const std::shared_ptr<Tab> tab,
                             browser.OpenTab(context, BrowserContext::TabUse::kEvidence));
    absl::Status filled;
    for (const OriginStorage& storage : plan.storage.origins) {
      if (filled.ok()) filled = FillStorage(context, *tab, storage);
    }
    const absl::Status closed = browser.CloseTab(context, tab);
    PROCTOR_RETURN_IF_ERROR(filled);
    PROCTOR_RETURN_IF_ERROR(closed);
  }
  return browser.Apply(context, seed, plan.credentials);
}

}  // namespace proctor::env::web
