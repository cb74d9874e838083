#include "env/web/start_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/input.h"
#include "env/web/page_settings.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMaxStartUrls = 16;
constexpr size_t kMaxCookies = 2000;
constexpr size_t kMaxOrigins = 50;

absl::Status Bad(std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("start_state.storage_state_json: ", ToAbsl(why)));
}

absl::StatusOr<Json> CookieParams(const Json& cookie) {
  if (!cookie.is_object() || JsonStringOr(cookie, "name").empty() ||
      (JsonStringOr(cookie, "domain").empty() && JsonStringOr(cookie, "url").empty())) {
    return Bad("a cookie needs a name, a value and a domain");
  }
  Json params = {{"name", JsonStringOr(cookie, "name")}, {"value", JsonStringOr(cookie, "value")}};
  for (const char* key : {"domain", "path", "url"}) {
    if (!JsonStringOr(cookie, key).empty()) params[key] = JsonStringOr(cookie, key);
  }
  for (const char* key : {"httpOnly", "secure"}) params[key] = JsonBoolOr(cookie, key);
  const std::string same_site = JsonStringOr(cookie, "sameSite");
  if (same_site == "Strict" || same_site == "Lax" || same_site == "None") params["sameSite"] = same_site;
  // Playwright writes -1 for a cookie of the session.
  const double expires = JsonNumberOr(cookie, "expires", -1);
  if (expires >= 0) params["expires"] = expires;
  return params;
}

absl::StatusOr<StartPlan::OriginStorage> OriginItems(const Json& entry) {
  StartPlan::OriginStorage storage;
  if (!entry.is_object()) return Bad("an origin is not an object");
  storage.origin = JsonStringOr(entry, "origin");
  const absl::StatusOr<std::string> checked = ResolveUrl(storage.origin, {});
  if (!checked.ok() || storage.origin == "about:blank") return Bad("an origin is not http or https");
  const Json items = entry.value("localStorage", Json::array());
  if (!items.is_array()) return Bad("localStorage is not a list");
  for (const Json& item : items) {
    if (!item.is_object()) return Bad("a localStorage item is not an object");
    storage.items.emplace_back(JsonStringOr(item, "name"), JsonStringOr(item, "value"));
  }
  return storage;
}

absl::Status PlanStorage(const std::string& text, StartPlan& plan) {
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<Json> state = ParseJson(text);
  if (!state.ok() || !state->is_object()) return Bad("not a JSON object");
  const Json cookies = state->value("cookies", Json::array());
  const Json origins = state->value("origins", Json::array());
  if (!cookies.is_array() || !origins.is_array()) return Bad("cookies and origins are lists");
  if (cookies.size() > kMaxCookies || origins.size() > kMaxOrigins) return Bad("too many cookies or origins");
  for (const Json& cookie : cookies) {
    PROCTOR_ASSIGN_OR_RETURN(Json params, CookieParams(cookie));
    plan.cookies.push_back(std::move(params));
  }
  for (const Json& entry : origins) {
    PROCTOR_ASSIGN_OR_RETURN(StartPlan::OriginStorage storage, OriginItems(entry));
    plan.local_storage.push_back(std::move(storage));
  }
  return absl::OkStatus();
}

// Answers the origin's page ourselves, so that its storage can be filled without a request that leaves the browser.
absl::Status FillStorage(const CallContext& context, Tab& tab, const StartPlan::OriginStorage& storage) {
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
        {{"expression", absl::StrCat("for (const [k, v] of ", DumpJson(items), ") localStorage.setItem(k, v)")}});
    status = set.status();
    if (set.ok() && set->contains("exceptionDetails")) {
      status = absl::InvalidArgumentError(absl::StrCat("local storage of ", storage.origin, " cannot be filled"));
    }
  }
  devtools.Unsubscribe(subscription);
  return status;
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
  PROCTOR_RETURN_IF_ERROR(PlanStorage(state.storage_state_json(), plan));
  for (const auto& [origin, credentials] : state.http_credentials()) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string resolved, ResolveUrl(origin, base_urls));
    plan.credentials[resolved.substr(0, resolved.find_last_not_of('/') + 1)] = credentials;
  }
  if (state.has_geolocation()) PROCTOR_RETURN_IF_ERROR(CheckGeolocation(state.geolocation()));
  return plan;
}

absl::Status ApplyStart(const CallContext& context, BrowserContext& browser, const StartPlan& plan, int64_t seed,
                        const v1::Geolocation* geolocation) {
  DevTools& devtools = browser.devtools();
  std::vector<DevToolsCommand> commands;
  if (!plan.cookies.empty()) {
    commands.push_back({"", "Storage.setCookies", {{"browserContextId", browser.id()}, {"cookies", plan.cookies}}});
  }
  if (geolocation != nullptr) browser.SetGeolocation(*geolocation);
  const absl::Status sent = AwaitAll(context, devtools.SendAll(std::move(commands)));
  if (sent.code() == absl::StatusCode::kInvalidArgument || sent.code() == absl::StatusCode::kFailedPrecondition) {
    return Bad(ToStd(sent.message()));
  }
  PROCTOR_RETURN_IF_ERROR(sent);
  if (!plan.local_storage.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(const std::shared_ptr<Tab> tab,
                             browser.OpenTab(context, BrowserContext::TabUse::kEvidence));
    absl::Status filled;
    for (const StartPlan::OriginStorage& storage : plan.local_storage) {
      if (filled.ok()) filled = FillStorage(context, *tab, storage);
    }
    const absl::Status closed = browser.CloseTab(context, tab);
    PROCTOR_RETURN_IF_ERROR(filled);
    PROCTOR_RETURN_IF_ERROR(closed);
  }
  return browser.Apply(context, seed, plan.credentials);
}

}  // namespace proctor::env::web
