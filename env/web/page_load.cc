#include "env/web/page_load.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/origin.h"

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

void TaskSites::Add(std::string_view url) {
  std::string origin = OriginOfUrl(url);
  if (!origin.empty()) origins.insert(std::move(origin));
}

bool TaskSites::Own(std::string_view url) const { return origins.count(OriginOfUrl(url)) > 0; }

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
  outcome.arrived = true;
  // A navigation within the document, a download and a failed load start no loading.
  outcome.error = JsonStringOr(*sent, "errorText");
  if (!outcome.error.empty() || !sent->contains("loaderId")) tab.activity().NavigationEnded();
  // It was answered: what that is worth, the status says.
  if (outcome.error == kEmptyRefusal) outcome.error.clear();
  outcome.settle = settler.Wait(context, settler.Ask());
  // What the proxy says instead of a server is a document to the browser.
  if (LoadFailure failure = tab.Failure(); !failure.text.empty()) outcome.error = std::move(failure.text);
  return outcome;
}

std::string WhatFailed(const std::string& error) {
  if (!absl::StartsWith(error, "net::ERR_CERT")) return error;
  return absl::StrCat("the site's certificate does not verify (", error,
                      "); the session's setting ignore_certificate_errors opens it all the same");
}

std::string LoadProblem(const Tab& tab) {
  const std::string failure = tab.Failure().text;
  return failure.empty() ? "" : absl::StrCat("the page could not be loaded: ", WhatFailed(failure));
}

std::string CutOff(const Tab& tab) {
  const PageActivity::LoadError error = tab.activity().load_error();
  if (!error.partial || error.text == "net::ERR_ABORTED") return "";
  return absl::StrCat("the page was cut off while it was loaded: ", error.text);
}

std::string LoadNotice(const Tab& tab) {
  if (std::string problem = LoadProblem(tab); !problem.empty()) return problem;
  if (std::string cut_off = CutOff(tab); !cut_off.empty()) return cut_off;
  const PageActivity& activity = tab.activity();
  if (activity.document_type() == "application/pdf") {
    return "this is a PDF: its text cannot be seen here";
  }
  if (activity.document_status() >= 400) {
    return absl::StrCat("the server answered with status ", activity.document_status());
  }
  return "";
}

}  // namespace proctor::env::web
