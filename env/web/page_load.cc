#include "env/web/page_load.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::web {

absl::StatusOr<std::string> ResolveUrl(std::string_view url, const BaseUrls& base_urls) {
  std::string text(absl::StripAsciiWhitespace(ToAbsl(url)));
  if (text.rfind("__", 0) == 0) {
    const size_t end = text.find("__", 2);
    const std::string name = end == std::string::npos ? text : text.substr(0, end + 2);
    const auto found = base_urls.find(name);
    if (found == base_urls.end()) {
      return absl::InvalidArgumentError(absl::StrCat("no base URL is known for ", ToAbsl(TruncateUtf8(name, 80))));
    }
    std::string base = found->second;
    const std::string rest = text.substr(name.size());
    if (!rest.empty() && rest[0] == '/' && absl::EndsWith(base, "/")) base.pop_back();
    text = base + rest;
  }
  if (text == "about:blank") return text;
  const std::string lower = absl::AsciiStrToLower(text.substr(0, 8));
  if (absl::StartsWith(lower, "http://") || absl::StartsWith(lower, "https://")) return text;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", ToAbsl(TruncateUtf8(text, 100)), "\" cannot be opened: give a URL that starts with http:// or https://"));
}

std::string WithoutCredentials(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t end = url.find_first_of("/?#", scheme + 3);
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return absl::StrCat(ToAbsl(url.substr(0, scheme + 3)), ToAbsl(url.substr(at + 1)));
}

absl::StatusOr<LoadOutcome> LoadPage(const CallContext& context, Tab& tab, const std::string& url, absl::Duration cap) {
  Settler settler(tab, cap);
  tab.activity().NavigationBegins();
  const CallContext capped = context.Child(cap);
  const absl::StatusOr<Json> sent = tab.devtools().Call(capped, tab.session_id(), "Page.navigate", {{"url", url}});
  LoadOutcome outcome;
  if (sent.status().code() == absl::StatusCode::kDeadlineExceeded && context.Check("load").ok()) {
    tab.activity().NavigationEnded();
    outcome.settle.waiting_for = "navigation";
    return outcome;
  }
  if (!sent.ok()) {
    tab.activity().NavigationEnded();
    return sent.status();
  }
  // A navigation within the document, a download and a failed load start no loading.
  outcome.error = JsonStringOr(*sent, "errorText");
  if (!outcome.error.empty() || !sent->contains("loaderId")) tab.activity().NavigationEnded();
  outcome.settle = settler.Wait(context, settler.Ask());
  return outcome;
}

std::string LoadNotice(const Tab& tab, PageActivity& activity) {
  const std::string error = activity.load_error();
  if (absl::StartsWith(error, "net::ERR_CERT")) {
    return absl::StrCat("the site's certificate does not verify (", error, "): the page was not opened");
  }
  if (!error.empty() && error != "net::ERR_ABORTED") {
    return absl::StrCat("the page could not be loaded: ", error);
  }
  if (activity.document_type() == "application/pdf") {
    return "this is a PDF: its text cannot be seen here";
  }
  if (activity.document_status() >= 400) {
    return absl::StrCat("the server answered with status ", activity.document_status());
  }
  (void)tab;
  return "";
}

}  // namespace proctor::env::web
