#include "env/web/storage_state.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/origin.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMaxCookies = 2000;
constexpr size_t kMaxOrigins = 50;
constexpr size_t kMaxItems = 100'000;
constexpr size_t kMaxNameInMessage = 80;

absl::Status Bad(std::string_view place, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("start_state.storage_state_json: ", ToAbsl(place), place.empty() ? "" : ": ", ToAbsl(why)));
}

std::string Shown(std::string_view text) { return SanitizeUtf8(TruncateUtf8(text, kMaxNameInMessage)); }

std::string Element(std::string_view list, size_t index) { return absl::StrCat(ToAbsl(list), "[", index, "]"); }

bool CarriesNothing(const Json& value) {
  return value.is_null() || ((value.is_array() || value.is_object()) && value.empty());
}

// One object of the state, and where it is.
class Reader {
 public:
  Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {}

  std::string Place(std::string_view key) const { return absl::StrCat(place_, place_.empty() ? "" : ".", ToAbsl(key)); }
  absl::Status BadMember(std::string_view key, std::string_view why) const { return Bad(Place(key), why); }
  bool Has(std::string_view key) const { return object_.contains(key); }

  absl::Status CheckKeys(std::initializer_list<std::string_view> known) const {
    if (!object_.is_object()) return Bad(place_, "must be an object");
    for (const auto& [key, value] : object_.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end() || CarriesNothing(value)) continue;
      return BadMember(Shown(key), "is not supported: cookies and local storage are brought, nothing else");
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Text(std::string_view key) const {
    const Json& value = JsonMember(object_, key);
    if (!value.is_string()) return BadMember(key, Has(key) ? "must be a string" : "is missing");
    return value.get<std::string>();
  }
  absl::StatusOr<bool> Flag(std::string_view key, bool otherwise) const {
    if (!Has(key)) return otherwise;
    const Json& value = JsonMember(object_, key);
    if (!value.is_boolean()) return BadMember(key, "must be true or false");
    return value.get<bool>();
  }
  // An empty one where there is none.
  absl::StatusOr<Json> List(std::string_view key, size_t max_size) const {
    if (!Has(key)) return Json::array();
    const Json& value = JsonMember(object_, key);
    if (!value.is_array()) return BadMember(key, "must be a list");
    if (value.size() > max_size) return BadMember(key, absl::StrCat("more than ", max_size));
    return value;
  }
  const Json& operator[](std::string_view key) const { return JsonMember(object_, key); }

 private:
  const Json& object_;
  const std::string place_;
};

// A dot in front: also for the hosts below.
absl::StatusOr<std::string> CookieDomain(const Reader& cookie) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, cookie.Text("domain"));
  const bool below = !text.empty() && text.front() == '.';
  const absl::StatusOr<std::string> host = NormalHost(std::string_view(text).substr(below ? 1 : 0));
  if (!host.ok()) return cookie.BadMember("domain", ToStd(host.status().message()));
  return absl::StrCat(below && !IsAddress(*host) ? "." : "", *host);
}

// -1 for a cookie of the session, as Playwright writes it.
absl::StatusOr<double> Expires(const Reader& cookie) {
  if (!cookie.Has("expires")) return -1.0;
  const Json& value = cookie["expires"];
  const double seconds = value.is_number() ? value.get<double>() : NAN;
  if (!std::isfinite(seconds) || (seconds < 0 && seconds != -1)) {
    return cookie.BadMember("expires", "must be seconds since 1970, or -1 for a cookie of the session");
  }
  return seconds;
}

absl::Status AddSameSite(const Reader& cookie, Json& params) {
  if (!cookie.Has("sameSite")) return absl::OkStatus();
  const Json& value = cookie["sameSite"];
  if (value != "Strict" && value != "Lax" && value != "None") {
    return cookie.BadMember("sameSite", "must be \"Strict\", \"Lax\" or \"None\"");
  }
  if (value == "None" && !params["secure"].get<bool>()) {
    return cookie.BadMember("sameSite", "\"None\" needs \"secure\": true, or browsers drop the cookie");
  }
  params["sameSite"] = value;
  return absl::OkStatus();
}

absl::Status AddPartition(const Reader& cookie, Json& params) {
  constexpr char kAncestor[] = "_crHasCrossSiteAncestor";
  if (!cookie.Has("partitionKey")) {
    return cookie.Has(kAncestor) ? cookie.BadMember(kAncestor, "needs a partitionKey") : absl::OkStatus();
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, cookie.Text("partitionKey"));
  const absl::StatusOr<std::string> site = NormalOrigin(text);
  if (!site.ok()) return cookie.BadMember("partitionKey", ToStd(site.status().message()));
  if (!params["secure"].get<bool>()) return cookie.BadMember("partitionKey", "needs \"secure\": true");
  // Playwright's own default.
  PROCTOR_ASSIGN_OR_RETURN(const bool ancestor, cookie.Flag(kAncestor, true));
  params["partitionKey"] = {{"topLevelSite", *site}, {"hasCrossSiteAncestor", ancestor}};
  return absl::OkStatus();
}

absl::StatusOr<Json> CookieParams(const Json& json, size_t index) {
  const Reader cookie(json, Element("cookies", index));
  PROCTOR_RETURN_IF_ERROR(cookie.CheckKeys({"name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite",
                                            "partitionKey", "_crHasCrossSiteAncestor"}));
  Json params = {{"path", "/"}};
  for (const char* key : {"name", "value", "path"}) {
    if (std::string_view(key) == "path" && !cookie.Has(key)) continue;
    PROCTOR_ASSIGN_OR_RETURN(params[key], cookie.Text(key));
  }
  PROCTOR_ASSIGN_OR_RETURN(params["domain"], CookieDomain(cookie));
  for (const char* key : {"httpOnly", "secure"}) {
    PROCTOR_ASSIGN_OR_RETURN(params[key], cookie.Flag(key, false));
  }
  PROCTOR_ASSIGN_OR_RETURN(const double expires, Expires(cookie));
  if (expires >= 0) params["expires"] = expires;
  PROCTOR_RETURN_IF_ERROR(AddSameSite(cookie, params));
  PROCTOR_RETURN_IF_ERROR(AddPartition(cookie, params));
  return params;
}

absl::StatusOr<OriginStorage> ReadOrigin(const Json& json, size_t index) {
  const Reader entry(json, Element("origins", index));
  PROCTOR_RETURN_IF_ERROR(entry.CheckKeys({"origin", "localStorage"}));
  OriginStorage storage;
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, entry.Text("origin"));
  const absl::StatusOr<std::string> origin = NormalOrigin(text);
  if (!origin.ok()) return entry.BadMember("origin", ToStd(origin.status().message()));
  storage.origin = *origin;
  PROCTOR_ASSIGN_OR_RETURN(const Json items, entry.List("localStorage", kMaxItems));
  std::set<std::string> names;
  for (size_t i = 0; i < items.size(); ++i) {
    const Reader item(items[i], Element(entry.Place("localStorage"), i));
    PROCTOR_RETURN_IF_ERROR(item.CheckKeys({"name", "value"}));
    PROCTOR_ASSIGN_OR_RETURN(std::string name, item.Text("name"));
    PROCTOR_ASSIGN_OR_RETURN(std::string value, item.Text("value"));
    if (!names.insert(name).second) return item.BadMember("name", "is given twice");
    storage.items.emplace_back(std::move(name), std::move(value));
  }
  return storage;
}

// What tells one cookie from another.
std::string Identity(const Json& cookie) {
  return DumpJson(Json::array({JsonStringOr(cookie, "name"), JsonStringOr(cookie, "domain"), JsonStringOr(cookie, "path"),
                               JsonMember(cookie, "partitionKey")}));
}

// Not how long it lives: browsers shorten that.
bool IsAsGiven(const Json& given, const Json& has) {
  for (const char* key : {"value", "sameSite"}) {
    if (JsonStringOr(given, key) != JsonStringOr(has, key)) return false;
  }
  for (const char* key : {"httpOnly", "secure"}) {
    if (JsonBoolOr(given, key) != JsonBoolOr(has, key)) return false;
  }
  return given.contains("expires") != JsonBoolOr(has, "session");
}

}  // namespace

absl::StatusOr<StorageState> ParseStorageState(std::string_view text) {
  StorageState state;
  if (text.empty()) return state;
  const absl::StatusOr<Json> json = ParseJson(text);
  if (!json.ok() || !json->is_object()) return Bad("", "not a JSON object");
  const Reader root(*json, "");
  PROCTOR_RETURN_IF_ERROR(root.CheckKeys({"cookies", "origins"}));
  PROCTOR_ASSIGN_OR_RETURN(const Json cookies, root.List("cookies", kMaxCookies));
  PROCTOR_ASSIGN_OR_RETURN(const Json origins, root.List("origins", kMaxOrigins));
  for (size_t i = 0; i < cookies.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(Json params, CookieParams(cookies[i], i));
    state.cookies.push_back(std::move(params));
  }
  for (size_t i = 0; i < origins.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(OriginStorage storage, ReadOrigin(origins[i], i));
    state.origins.push_back(std::move(storage));
  }
  return state;
}

absl::Status CookieError(const Json& cookies, size_t index, std::string_view why) {
  const Json& cookie = cookies[index];
  return Bad(Element("cookies", index), absl::StrCat("\"", Shown(JsonStringOr(cookie, "name")), "\" of ",
                                                     Shown(JsonStringOr(cookie, "domain")), ": ", ToAbsl(why)));
}

absl::Status CheckCookiesTaken(const Json& cookies, const Json& has, absl::Time now) {
  std::map<std::string, const Json*> by_identity;
  for (const Json& cookie : JsonMember(has, "cookies")) by_identity[Identity(cookie)] = &cookie;
  for (size_t i = 0; i < cookies.size(); ++i) {
    const Json& given = cookies[i];
    if (given.contains("expires") && JsonNumberOr(given, "expires") <= absl::ToDoubleSeconds(now - absl::UnixEpoch())) continue;
    const auto found = by_identity.find(Identity(given));
    if (found == by_identity.end()) return CookieError(cookies, i, "the browser did not take it");
    if (!IsAsGiven(given, *found->second)) {
      return CookieError(cookies, i, "the browser has it with another value or attribute; is it given twice?");
    }
  }
  return absl::OkStatus();
}

}  // namespace proctor::env::web
