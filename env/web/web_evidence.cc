#include "env/web/web_evidence.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

constexpr absl::Duration kLoadCap = absl::Seconds(15);
constexpr absl::Duration kEvaluateCap = absl::Seconds(10);
constexpr size_t kMaxValueBytes = size_t{4} << 20;
constexpr char kWholeHtml[] = "document.documentElement.outerHTML";

// The value of an expression as JSON; `undefined` is null.
absl::StatusOr<std::string> Evaluate(const CallContext& context, Tab& tab, const std::string& expression) {
  PROCTOR_ASSIGN_OR_RETURN(const Json reply,
                           tab.devtools().Call(context.Child(kEvaluateCap), tab.session_id(), "Runtime.evaluate",
                                               {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}}));
  if (const Json& details = JsonMember(reply, "exceptionDetails"); !details.is_null()) {
    const std::string described = JsonStringOr(JsonMember(details, "exception"), "description");
    return absl::FailedPreconditionError(absl::StrCat(
        "the expression failed: ", ToAbsl(TruncateUtf8(described.empty() ? JsonStringOr(details, "text") : described, 500))));
  }
  std::string text = DumpJson(JsonMember(JsonMember(reply, "result"), "value"));
  if (text.size() > kMaxValueBytes) return absl::ResourceExhaustedError("the value is larger than 4 MiB");
  return text;
}

absl::Status Load(const CallContext& context, Tab& tab, const std::string& url) {
  PROCTOR_ASSIGN_OR_RETURN(const LoadOutcome load, LoadPage(context, tab, url, kLoadCap));
  if (!load.error.empty()) return absl::UnavailableError(absl::StrCat("the page could not be loaded: ", load.error));
  if (!load.settle.settled && load.settle.waiting_for == "navigation") {
    return absl::DeadlineExceededError("the page did not load in time");
  }
  return absl::OkStatus();
}

// Closes its tab whatever happens.
class EvidenceTab {
 public:
  static absl::StatusOr<EvidenceTab> Open(const CallContext& context, BrowserContext& browser) {
    PROCTOR_ASSIGN_OR_RETURN(std::shared_ptr<Tab> tab, browser.OpenTab(context, BrowserContext::TabUse::kEvidence));
    return EvidenceTab(browser, std::move(tab));
  }
  EvidenceTab(EvidenceTab&&) = default;
  EvidenceTab& operator=(EvidenceTab&&) = delete;
  ~EvidenceTab() {
    if (tab_ != nullptr) browser_.CloseTab(CallContext::WithTimeout(absl::Seconds(2)), tab_).IgnoreError();
  }
  Tab& operator*() const { return *tab_; }

 private:
  EvidenceTab(BrowserContext& browser, std::shared_ptr<Tab> tab) : browser_(browser), tab_(std::move(tab)) {}
  BrowserContext& browser_;
  std::shared_ptr<Tab> tab_;
};

absl::Status CollectExpression(const CallContext& context, BrowserContext& browser, const BaseUrls& base_urls,
                               const v1::EvidenceRequest::PageExpression& request, v1::Evidence& evidence) {
  if (request.url().empty()) {
    const std::shared_ptr<Tab> tab = browser.active();
    if (tab == nullptr) return absl::FailedPreconditionError("no tab is open");
    PROCTOR_ASSIGN_OR_RETURN(const std::string value, Evaluate(context, *tab, request.expression()));
    evidence.add_json_values(value);
    evidence.add_urls(WithoutCredentials(tab->url()));
    return absl::OkStatus();
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::string url, ResolveUrl(request.url(), base_urls));
  PROCTOR_ASSIGN_OR_RETURN(const EvidenceTab tab, EvidenceTab::Open(context, browser));
  PROCTOR_RETURN_IF_ERROR(Load(context, *tab, url));
  PROCTOR_ASSIGN_OR_RETURN(const std::string value, Evaluate(context, *tab, request.expression()));
  evidence.add_json_values(value);
  evidence.add_urls(WithoutCredentials((*tab).url()));
  return absl::OkStatus();
}

// Goes where an entry says; "last" is the agent's page before the first navigation, else the page of the entry before.
absl::Status GoToEntry(const CallContext& context, Tab& tab, const BaseUrls& base_urls,
                       const v1::EvidenceRequest::PageSequence::Entry& entry) {
  if (entry.url() != "last") {
    PROCTOR_ASSIGN_OR_RETURN(const std::string url, ResolveUrl(entry.url(), base_urls));
    PROCTOR_RETURN_IF_ERROR(Load(context, tab, url));
  }
  if (entry.url_expression().empty()) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const std::string value, Evaluate(context, tab, entry.url_expression()));
  PROCTOR_ASSIGN_OR_RETURN(const Json target, ParseJson(value));
  if (!target.is_string()) return absl::FailedPreconditionError("the URL expression gave no text");
  PROCTOR_ASSIGN_OR_RETURN(const std::string url, ResolveUrl(target.get<std::string>(), base_urls));
  return Load(context, tab, url);
}

absl::Status CollectSequence(const CallContext& context, BrowserContext& browser, const BaseUrls& base_urls,
                             const v1::EvidenceRequest::PageSequence& request, v1::Evidence& evidence) {
  const std::shared_ptr<Tab> agent_tab = browser.active();
  if (agent_tab == nullptr) return absl::FailedPreconditionError("no tab is open");
  PROCTOR_ASSIGN_OR_RETURN(const EvidenceTab fresh, EvidenceTab::Open(context, browser));
  bool moved = false;
  for (const auto& entry : request.entries()) {
    moved = moved || entry.url() != "last" || !entry.url_expression().empty() || entry.prep_actions_size() > 0;
    // A "last" before any navigation reads the agent's page as it stands; to change anything there, it is loaded anew.
    Tab& tab = moved ? *fresh : *agent_tab;
    if (moved && entry.url() == "last" && (*fresh).url() == "about:blank") {
      PROCTOR_RETURN_IF_ERROR(Load(context, *fresh, agent_tab->url()));
    }
    PROCTOR_RETURN_IF_ERROR(GoToEntry(context, tab, base_urls, entry));
    for (const std::string& action : entry.prep_actions()) {
      Evaluate(context, tab, action).status().IgnoreError();
    }
    PROCTOR_ASSIGN_OR_RETURN(const std::string value,
                             Evaluate(context, tab, entry.expression().empty() ? kWholeHtml : entry.expression()));
    evidence.add_json_values(value);
    evidence.add_urls(WithoutCredentials(tab.url()));
  }
  return absl::OkStatus();
}

}  // namespace

v1::Evidence CollectWebEvidence(const CallContext& context, BrowserContext& browser, const BaseUrls& base_urls,
                                const v1::EvidenceRequest& request) {
  v1::Evidence evidence;
  absl::Status status;
  switch (request.kind_case()) {
    case v1::EvidenceRequest::kPageExpression:
      status = CollectExpression(context, browser, base_urls, request.page_expression(), evidence);
      break;
    case v1::EvidenceRequest::kPageSequence:
      status = CollectSequence(context, browser, base_urls, request.page_sequence(), evidence);
      break;
    case v1::EvidenceRequest::kFinalUrl:
      if (const std::shared_ptr<Tab> tab = browser.active()) {
        const std::string url = WithoutCredentials(tab->url());
        evidence.add_json_values(DumpJson(Json(url)));
        evidence.add_urls(url);
      } else {
        status = absl::FailedPreconditionError("no tab is open");
      }
      break;
    default:
      status = absl::UnimplementedError("this world has no such evidence");
  }
  if (!status.ok()) {
    evidence.clear_json_values();
    evidence.clear_urls();
    evidence.set_error(SanitizeUtf8(ToStd(status.message())));
  }
  evidence.set_request_id(request.id());
  *evidence.mutable_collect_time() = ToProto(absl::Now());
  return evidence;
}

}  // namespace proctor::env::web
