#include "env/web/web_evidence.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/origin.h"

namespace proctor::env::web {
namespace {

constexpr absl::Duration kLoadCap = absl::Seconds(15);
constexpr absl::Duration kEvaluateCap = absl::Seconds(10);
constexpr size_t kMaxValueBytes = size_t{4} << 20;
// What a reply has around a value.
constexpr size_t kEnvelopeBytes = 4096;
constexpr char kWholeHtml[] = "document.documentElement.outerHTML";

struct Evaluated {
  // `undefined` is null, as is what there is none of.
  std::string json;
  // Why there is no value: what the script threw, or that it is too large. Empty: there is one.
  std::string problem;
  bool too_large = false;
};

Evaluated TooLarge() { return {"null", "the value is larger than 4 MiB", true}; }

// The browser writes what is not ASCII as `\u1234`, or two of them: a reply's JSON has no fewer bytes in UTF-8.
size_t LeastBytes(std::string_view reply) {
  size_t bytes = 0;
  for (size_t at = 0; at < reply.size();) {
    const bool escape = reply[at] == '\\' && at + 1 < reply.size();
    const bool by_number = escape && reply[at + 1] == 'u';
    bytes += escape ? 2 : 1;
    at += by_number ? 6 : escape ? 2 : 1;
  }
  return bytes;
}

absl::StatusOr<Evaluated> Read(const Json& reply) {
  Evaluated value;
  if (const Json& details = JsonMember(reply, "exceptionDetails"); !details.is_null()) {
    const std::string described = JsonStringOr(JsonMember(details, "exception"), "description");
    value.problem = absl::StrCat(
        "the expression failed: ", ToAbsl(TruncateUtf8(described.empty() ? JsonStringOr(details, "text") : described, 500)));
    value.json = "null";
    return value;
  }
  value.json = DumpJson(JsonMember(JsonMember(reply, "result"), "value"));
  return value.json.size() > kMaxValueBytes ? TooLarge() : value;
}

// An expression that no page can run is the task's mistake: FAILED_PRECONDITION.
absl::StatusOr<Evaluated> Evaluate(const CallContext& context, Tab& tab, const std::string& expression) {
  const CallContext capped = context.Child(kEvaluateCap);
  PROCTOR_ASSIGN_OR_RETURN(
      const std::string text,
      tab.devtools()
          .Send({tab.session_id(), "Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}}})
          .AwaitText(capped));
  // Parsed, `{},{},...` takes many times its memory.
  if (LeastBytes(text) > kMaxValueBytes + kEnvelopeBytes) return TooLarge();
  PROCTOR_ASSIGN_OR_RETURN(const Json reply, ParseJson(text));
  PROCTOR_ASSIGN_OR_RETURN(Evaluated value, Read(reply));
  if (value.problem.empty() || value.too_large) return value;
  PROCTOR_ASSIGN_OR_RETURN(const Json compiled,
                           tab.devtools().Call(capped, tab.session_id(), "Runtime.compileScript",
                                               {{"expression", expression}, {"sourceURL", ""}, {"persistScript", false}}));
  if (!JsonMember(compiled, "exceptionDetails").is_null()) return absl::FailedPreconditionError(value.problem);
  return value;
}

// Why the page is not there; empty: it is. An error is the browser's.
absl::StatusOr<std::string> TryLoad(const CallContext& context, Tab& tab, const std::string& url) {
  PROCTOR_ASSIGN_OR_RETURN(const LoadOutcome load, LoadPage(context, tab, url, kLoadCap));
  if (!load.error.empty()) return absl::StrCat("the page could not be loaded: ", load.error);
  if (!load.settle.settled && load.settle.waiting_for == "navigation") return std::string("the page did not load in time");
  return CutOff(tab);
}

// What a server that fails says of a page is no answer, whatever an expression makes of it.
bool ServerFailed(const Tab& tab) { return tab.activity().document_status() >= 500; }

absl::Status StatusProblem(const Tab& tab) {
  return absl::UnavailableError(absl::StrCat("the server answered with status ", tab.activity().document_status()));
}

absl::Status Load(const CallContext& context, Tab& tab, const std::string& url) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string problem, TryLoad(context, tab, url));
  if (!problem.empty()) return absl::UnavailableError(problem);
  return ServerFailed(tab) ? StatusProblem(tab) : absl::OkStatus();
}

// The page where the agent is cannot be had. An error: a site of the task's own failed, and nobody knows what the agent left there.
// OK: it chose a place where there is nothing. A request that the proxy does not take failed by what was asked for.
absl::Status CheckAgentsFailure(const TaskSites& sites, const LoadFailure& failure) {
  if (!sites.Own(failure.url) || failure.cause == LoadFailure::Cause::kNotTaken) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the task's own site could not be loaded: ", failure.text));
}

// Half of a page of the task's own, where the agent is, answers for nothing.
absl::Status CheckWhole(const TaskSites& sites, const Tab& tab) {
  const std::string cut_off = CutOff(tab);
  return cut_off.empty() || !sites.Own(tab.url()) ? absl::OkStatus() : absl::UnavailableError(cut_off);
}

// That the page where the agent is gave no such value is the page's answer. A site of the task's own may have more than can be recorded,
// though: nobody knows what is in it.
bool AnswersForAgent(const TaskSites& sites, const Tab& tab, const Evaluated& value) {
  return !value.too_large || !sites.Own(tab.url());
}

// The value, or that there is none: error and value.
void Record(const Evaluated& value, const Tab& tab, v1::Evidence& evidence) {
  evidence.add_json_values(value.json);
  evidence.add_urls(WithoutCredentials(tab.url()));
  evidence.set_error(SanitizeUtf8(value.problem));
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

absl::Status CollectInAgentsTab(const CallContext& context, BrowserContext& browser, const TaskSites& sites,
                                const std::string& expression, v1::Evidence& evidence) {
  const std::shared_ptr<Tab> tab = browser.active();
  if (tab == nullptr) return absl::FailedPreconditionError("no tab is open");
  if (const LoadFailure failure = tab->Failure(); !failure.text.empty()) {
    PROCTOR_RETURN_IF_ERROR(CheckAgentsFailure(sites, failure));
  }
  PROCTOR_RETURN_IF_ERROR(CheckWhole(sites, *tab));
  PROCTOR_ASSIGN_OR_RETURN(const Evaluated value, Evaluate(context, *tab, expression));
  if (!AnswersForAgent(sites, *tab, value)) return absl::FailedPreconditionError(value.problem);
  Record(value, *tab, evidence);
  return absl::OkStatus();
}

absl::Status CollectExpression(const CallContext& context, BrowserContext& browser, const TaskSites& sites,
                               const v1::EvidenceRequest::PageExpression& request, v1::Evidence& evidence) {
  if (request.url().empty()) return CollectInAgentsTab(context, browser, sites, request.expression(), evidence);
  PROCTOR_ASSIGN_OR_RETURN(const std::string url, ResolveUrl(request.url(), sites.base_urls));
  PROCTOR_ASSIGN_OR_RETURN(const EvidenceTab tab, EvidenceTab::Open(context, browser));
  PROCTOR_RETURN_IF_ERROR(Load(context, *tab, url));
  // What the agent was to bring about is not there yet: that is the page's answer.
  PROCTOR_ASSIGN_OR_RETURN(const Evaluated value, Evaluate(context, *tab, request.expression()));
  if (value.too_large) return absl::FailedPreconditionError(value.problem);
  Record(value, *tab, evidence);
  return absl::OkStatus();
}

// Visits the entries of a page sequence one after another. "last" is the agent's page until an entry goes elsewhere, then the page of
// the entry before.
class SequenceVisit {
 public:
  using Entry = v1::EvidenceRequest::PageSequence::Entry;

  SequenceVisit(const CallContext& context, const TaskSites& sites, Tab& agent, Tab& fresh)
      : context_(context), sites_(sites), agent_(agent), fresh_(fresh) {}

  absl::Status Visit(const Entry& entry, v1::Evidence& evidence) {
    moved_ = moved_ || entry.url() != "last" || !entry.url_expression().empty() || entry.prep_actions_size() > 0;
    // A "last" before any navigation reads the agent's page as it stands; to change anything there, it is loaded anew.
    Tab& tab = moved_ ? fresh_ : agent_;
    PROCTOR_RETURN_IF_ERROR(GoTo(entry));
    if (!nothing_.empty()) {
      AddNothing(nothing_, agent_, evidence);
      return absl::OkStatus();
    }
    for (const std::string& action : entry.prep_actions()) Evaluate(context_, tab, action).status().IgnoreError();
    PROCTOR_ASSIGN_OR_RETURN(const Evaluated value,
                             Evaluate(context_, tab, entry.expression().empty() ? kWholeHtml : entry.expression()));
    if (!value.problem.empty()) {
      PROCTOR_RETURN_IF_ERROR(CheckAgentsProblem(value, tab));
      AddNothing(value.problem, tab, evidence);
      return absl::OkStatus();
    }
    evidence.add_json_values(value.json);
    evidence.add_urls(WithoutCredentials(tab.url()));
    return absl::OkStatus();
  }

 private:
  static void AddNothing(const std::string& why, const Tab& where, v1::Evidence& evidence) {
    evidence.add_json_values("\"\"");
    evidence.add_urls(WithoutCredentials(where.url()));
    evidence.set_error(SanitizeUtf8(why));
  }

  // OK: that there is no value counts against the agent.
  absl::Status CheckAgentsProblem(const Evaluated& value, const Tab& tab) const {
    if (at_agents_ && AnswersForAgent(sites_, tab, value)) return absl::OkStatus();
    return absl::FailedPreconditionError(value.problem);
  }

  absl::Status GoTo(const Entry& entry) {
    if (entry.url() != "last") {
      at_agents_ = false;
      nothing_.clear();
      PROCTOR_ASSIGN_OR_RETURN(const std::string url, ResolveUrl(entry.url(), sites_.base_urls));
      PROCTOR_RETURN_IF_ERROR(Load(context_, fresh_, url));
    } else if (at_agents_ && nothing_.empty()) {
      PROCTOR_RETURN_IF_ERROR(GoToAgents());
    }
    if (!nothing_.empty() || entry.url_expression().empty()) return absl::OkStatus();
    PROCTOR_ASSIGN_OR_RETURN(Evaluated where, Evaluate(context_, fresh_, entry.url_expression()));
    const absl::StatusOr<std::string> url = UrlIn(where);
    if (url.ok()) return at_agents_ ? LoadAgents(*url) : Load(context_, fresh_, *url);
    where.problem = std::string(url.status().message());
    PROCTOR_RETURN_IF_ERROR(CheckAgentsProblem(where, fresh_));
    nothing_ = std::move(where.problem);
    return absl::OkStatus();
  }

  // What a URL expression gave.
  absl::StatusOr<std::string> UrlIn(const Evaluated& where) const {
    if (!where.problem.empty()) return absl::FailedPreconditionError(where.problem);
    PROCTOR_ASSIGN_OR_RETURN(const Json target, ParseJson(where.json));
    if (!target.is_string()) return absl::FailedPreconditionError("the URL expression gave no text");
    return ResolveUrl(target.get<std::string>(), sites_.base_urls);
  }

  absl::Status GoToAgents() {
    if (const LoadFailure failure = agent_.Failure(); !failure.text.empty()) return NothingThere(failure);
    if (!moved_) return CheckWhole(sites_, agent_);
    return loaded_ ? absl::OkStatus() : LoadAgents(agent_.url());
  }

  // Where the agent is, or what follows from that.
  absl::Status LoadAgents(const std::string& url) {
    loaded_ = true;
    PROCTOR_ASSIGN_OR_RETURN(const std::string problem, TryLoad(context_, fresh_, url));
    if (problem.empty()) {
      // The agent may have brought its site to fail; else that came later.
      return ServerFailed(fresh_) && !ServerFailed(agent_) && sites_.Own(url) ? StatusProblem(fresh_) : absl::OkStatus();
    }
    LoadFailure failure = fresh_.Failure();
    if (failure.text.empty()) failure = {problem, url, LoadFailure::Cause::kOther};
    return NothingThere(failure);
  }

  absl::Status NothingThere(const LoadFailure& failure) {
    PROCTOR_RETURN_IF_ERROR(CheckAgentsFailure(sites_, failure));
    nothing_ = absl::StrCat("there is nothing where the agent ended: ", failure.text);
    return absl::OkStatus();
  }

  const CallContext& context_;
  const TaskSites& sites_;
  Tab& agent_;
  Tab& fresh_;
  bool moved_ = false;
  bool at_agents_ = true;
  // The agent's page, in the fresh tab.
  bool loaded_ = false;
  // Why there is no page to read; empty: there is one.
  std::string nothing_;
};

absl::Status CollectSequence(const CallContext& context, BrowserContext& browser, const TaskSites& sites,
                             const v1::EvidenceRequest::PageSequence& request, v1::Evidence& evidence) {
  const std::shared_ptr<Tab> agent_tab = browser.active();
  if (agent_tab == nullptr) return absl::FailedPreconditionError("no tab is open");
  PROCTOR_ASSIGN_OR_RETURN(const EvidenceTab fresh, EvidenceTab::Open(context, browser));
  SequenceVisit visit(context, sites, *agent_tab, *fresh);
  for (const auto& entry : request.entries()) PROCTOR_RETURN_IF_ERROR(visit.Visit(entry, evidence));
  return absl::OkStatus();
}

}  // namespace

v1::Evidence CollectWebEvidence(const CallContext& context, BrowserContext& browser, const TaskSites& sites,
                                const v1::EvidenceRequest& request) {
  v1::Evidence evidence;
  absl::Status status;
  switch (request.kind_case()) {
    case v1::EvidenceRequest::kPageExpression:
      status = CollectExpression(context, browser, sites, request.page_expression(), evidence);
      break;
    case v1::EvidenceRequest::kPageSequence:
      status = CollectSequence(context, browser, sites, request.page_sequence(), evidence);
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
