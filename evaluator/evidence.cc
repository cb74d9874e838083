#include "evaluator/evidence.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "evaluator/evidence_request.h"
#include "evaluator/matchers.h"
#include "evaluator/score.h"
#include "evaluator/urls.h"

namespace proctor::evaluator {
namespace {

constexpr int kMaxNodes = 256;
constexpr int kMaxDepth = 32;
constexpr size_t kIdDigits = 16;

// Checks the tree; `nodes` counts over all of it.
class Validator {
 public:
  absl::Status Check(const v1::Oracle& oracle, int depth) {
    if (++nodes_ > kMaxNodes) {
      return absl::InvalidArgumentError(absl::StrCat("oracle has more than ", kMaxNodes, " nodes"));
    }
    if (depth > kMaxDepth) {
      return absl::InvalidArgumentError(absl::StrCat("oracle is nested deeper than ", kMaxDepth));
    }
    switch (oracle.kind_case()) {
      case v1::Oracle::kAnswer:
        return Annotate(ValidateTextMatch(oracle.answer().match()), "answer");
      case v1::Oracle::kUrl:
        return Annotate(ValidateUrlCheck(oracle.url()), "url");
      case v1::Oracle::kPage:
        if (oracle.page().expression().empty())
          return absl::InvalidArgumentError("page: expression is empty");
        return Annotate(ValidateJsonMatch(oracle.page().match()), "page");
      case v1::Oracle::kSiteState:
        if (oracle.site_state().site().empty())
          return absl::InvalidArgumentError("site_state: site is empty");
        PROCTOR_RETURN_IF_ERROR(
            Annotate(ValidateJsonPointer(oracle.site_state().pointer()), "site_state"));
        return Annotate(ValidateJsonMatch(oracle.site_state().match()), "site_state");
      case v1::Oracle::kWebarena:
        return ValidateWebArena(oracle.webarena());
      case v1::Oracle::kAll:
        return CheckList(oracle.all(), "all", depth);
      case v1::Oracle::kAny:
        return CheckList(oracle.any(), "any", depth);
      case v1::Oracle::kWeighted:
        return CheckWeighted(oracle.weighted(), depth);
      case v1::Oracle::kNegation:
        return Annotate(Check(oracle.negation(), depth + 1), "negation");
      case v1::Oracle::kGaveUp:
        return absl::OkStatus();
      case v1::Oracle::kFile:
        return Annotate(CheckFile(oracle.file()), "file");
      case v1::Oracle::kState:
        return Annotate(CheckState(oracle.state()), "state");
      case v1::Oracle::KIND_NOT_SET:
        break;
    }
    return absl::InvalidArgumentError("an oracle needs a kind");
  }

 private:
  static absl::Status CheckFile(const v1::FileCheck& check) {
    PROCTOR_RETURN_IF_ERROR(ValidateFilePath(check.path()));
    PROCTOR_RETURN_IF_ERROR(ValidateJsonPointer(check.pointer()));
    if (!v1::FileCheck::Format_IsValid(check.format())) {
      return absl::InvalidArgumentError(absl::StrCat("there is no format ", static_cast<int>(check.format())));
    }
    if (!check.has_match()) {
      if (check.pointer().empty()) return absl::OkStatus();
      return absl::InvalidArgumentError("a pointer needs a match");
    }
    if (!check.pointer().empty() && check.format() <= v1::FileCheck::FORMAT_TEXT) {
      return absl::InvalidArgumentError("a pointer needs a format with parts: JSON, INI or CSV");
    }
    return ValidateJsonMatch(check.match());
  }

  static absl::Status CheckState(const v1::StateCheck& check) {
    if (!check.request().id().empty()) return absl::InvalidArgumentError("request: leave id empty");
    PROCTOR_RETURN_IF_ERROR(Annotate(ValidateEvidenceRequest(check.request()), "request"));
    if (check.request().has_page_sequence()) {
      return absl::InvalidArgumentError("request: page_sequence has several values; use page once for each");
    }
    PROCTOR_RETURN_IF_ERROR(ValidateJsonPointer(check.pointer()));
    return ValidateJsonMatch(check.match());
  }

  absl::Status CheckList(const v1::OracleList& list, std::string_view what, int depth) {
    if (list.oracles().empty())
      return absl::InvalidArgumentError(absl::StrCat(std::string(what), " is empty"));
    for (int i = 0; i < list.oracles_size(); ++i) {
      PROCTOR_RETURN_IF_ERROR(Annotate(Check(list.oracles(i), depth + 1),
                                       absl::StrCat(std::string(what), "[", i, "]")));
    }
    return absl::OkStatus();
  }

  absl::Status CheckWeighted(const v1::WeightedOracles& weighted, int depth) {
    if (weighted.items().empty()) return absl::InvalidArgumentError("weighted is empty");
    for (int i = 0; i < weighted.items_size(); ++i) {
      const auto& item = weighted.items(i);
      if (!(item.weight() > 0 && item.weight() < 1e12)) {
        return absl::InvalidArgumentError(
            absl::StrCat("weighted[", i, "]: the weight must be greater than 0"));
      }
      PROCTOR_RETURN_IF_ERROR(
          Annotate(Check(item.oracle(), depth + 1), absl::StrCat("weighted[", i, "]")));
    }
    return absl::OkStatus();
  }

  int nodes_ = 0;
};

std::string ContentId(std::string_view kind, const google::protobuf::Message& content) {
  return absl::StrCat(std::string(kind), ":",
                      Sha256Hex(ProtoCanonicalBytes(content)).substr(0, kIdDigits));
}

// Walks the tree and lists each request once.
class Collector {
 public:
  explicit Collector(const WebArenaFunctions& functions) : functions_(functions) {}

  void Visit(const v1::Oracle& oracle) {
    switch (oracle.kind_case()) {
      case v1::Oracle::kUrl:
        AddFinalUrl();
        break;
      case v1::Oracle::kPage:
        AddPage(oracle.page());
        break;
      case v1::Oracle::kSiteState:
        AddSiteState(oracle.site_state());
        break;
      case v1::Oracle::kWebarena:
        AddWebArena(oracle.webarena());
        break;
      case v1::Oracle::kAll:
        for (const v1::Oracle& child : oracle.all().oracles()) Visit(child);
        break;
      case v1::Oracle::kAny:
        for (const v1::Oracle& child : oracle.any().oracles()) Visit(child);
        break;
      case v1::Oracle::kWeighted:
        for (const auto& item : oracle.weighted().items()) Visit(item.oracle());
        break;
      case v1::Oracle::kNegation:
        Visit(oracle.negation());
        break;
      case v1::Oracle::kFile:
        AddFile(oracle.file());
        break;
      case v1::Oracle::kState:
        AddState(oracle.state());
        break;
      case v1::Oracle::kAnswer:
      case v1::Oracle::kGaveUp:
      case v1::Oracle::KIND_NOT_SET:
        break;
    }
  }

  std::vector<v1::EvidenceRequest> Take() { return std::move(requests_); }

 private:
  // The new request, or null if the id is there already.
  v1::EvidenceRequest* Add(const std::string& id) {
    if (!ids_.insert(id).second) return nullptr;
    requests_.emplace_back().set_id(id);
    return &requests_.back();
  }
  void AddFinalUrl() {
    if (auto* request = Add(FinalUrlId())) request->mutable_final_url();
  }
  void AddPage(const v1::PageCheck& check) {
    if (auto* request = Add(PageId(check))) {
      request->mutable_page_expression()->set_url(check.url());
      request->mutable_page_expression()->set_expression(check.expression());
    }
  }
  void AddSiteState(const v1::SiteStateCheck& check) {
    if (auto* request = Add(SiteStateId(check)))
      request->mutable_site_state()->set_site(check.site());
  }
  void AddFile(const v1::FileCheck& check) {
    if (auto* request = Add(FileId(check))) request->mutable_file()->set_path(check.path());
  }
  void AddState(const v1::StateCheck& check) {
    const std::string id = StateId(check);
    if (!ids_.insert(id).second) return;
    requests_.push_back(check.request());
    requests_.back().set_id(id);
  }
  void AddWebArena(const v1::WebArenaEval& eval) {
    const auto& types = eval.eval_types();
    if (std::find(types.begin(), types.end(), "url_match") != types.end()) AddFinalUrl();
    if (auto pages = WebArenaPages(eval, functions_)) {
      if (auto* request = Add(WebArenaPagesId(eval)))
        *request->mutable_page_sequence() = *std::move(pages);
    }
  }

  const WebArenaFunctions& functions_;
  std::set<std::string> ids_;
  std::vector<v1::EvidenceRequest> requests_;
};

// The least and the most that an oracle can score before anything was answered.
struct Range {
  double low = 0;
  double high = 1;
};

Range RangeWithoutAnswer(const v1::Oracle& oracle) {
  const auto fold = [](const auto& children, const auto& combine) {
    Range range = RangeWithoutAnswer(children[0]);
    for (int i = 1; i < static_cast<int>(children.size()); ++i) {
      const Range child = RangeWithoutAnswer(children[i]);
      range = {combine(range.low, child.low), combine(range.high, child.high)};
    }
    return range;
  };
  switch (oracle.kind_case()) {
    case v1::Oracle::kAnswer:
    case v1::Oracle::kGaveUp:
      return {0, 0};
    case v1::Oracle::kWebarena: {
      const auto& types = oracle.webarena().eval_types();
      const bool needs_answer =
          std::find(types.begin(), types.end(), "string_match") != types.end();
      return needs_answer ? Range{0, 0} : Range{0, 1};
    }
    case v1::Oracle::kAll:
      return fold(oracle.all().oracles(), [](double a, double b) { return std::min(a, b); });
    case v1::Oracle::kAny:
      return fold(oracle.any().oracles(), [](double a, double b) { return std::max(a, b); });
    case v1::Oracle::kWeighted: {
      Range sum{0, 0};
      double weights = 0;
      for (const auto& item : oracle.weighted().items()) {
        const Range child = RangeWithoutAnswer(item.oracle());
        sum.low += item.weight() * child.low;
        sum.high += item.weight() * child.high;
        weights += item.weight();
      }
      return {sum.low / weights, sum.high / weights};
    }
    case v1::Oracle::kNegation: {
      const Range child = RangeWithoutAnswer(oracle.negation());
      return {1 - child.high, 1 - child.low};
    }
    case v1::Oracle::kUrl:
    case v1::Oracle::kPage:
    case v1::Oracle::kSiteState:
    case v1::Oracle::kFile:
    case v1::Oracle::kState:
    case v1::Oracle::KIND_NOT_SET:
      break;
  }
  return {};
}

}  // namespace

absl::Status ValidateOracle(const v1::Oracle& oracle) {
  return Annotate(Validator().Check(oracle, 1), "oracle");
}

std::vector<v1::EvidenceRequest> RequiredEvidence(const v1::Oracle& oracle,
                                                  const WebArenaFunctions& functions) {
  Collector collector(functions);
  collector.Visit(oracle);
  return collector.Take();
}

std::vector<v1::EvidenceRequest> RequiredStartEvidence(const v1::Oracle& oracle,
                                                       double success_threshold,
                                                       const WebArenaFunctions& functions) {
  if (success_threshold <= 0) success_threshold = 1;
  if (!Reaches(RangeWithoutAnswer(oracle).high, success_threshold)) return {};
  return RequiredEvidence(oracle, functions);
}

const v1::Oracle* OracleOf(const v1::Evaluator& evaluator, const v1::Task& task) {
  if (evaluator.has_oracle()) return &evaluator.oracle();
  return task.has_oracle() && task.oracle().kind_case() != v1::Oracle::KIND_NOT_SET ? &task.oracle()
                                                                                    : nullptr;
}

std::string FinalUrlId() { return "final_url"; }

std::string PageId(const v1::PageCheck& check) {
  v1::EvidenceRequest::PageExpression content;
  content.set_url(check.url());
  content.set_expression(check.expression());
  return ContentId("page", content);
}

std::string SiteStateId(const v1::SiteStateCheck& check) {
  return absl::StrCat("site_state:", check.site());
}

std::string FileId(const v1::FileCheck& check) {
  v1::EvidenceRequest::File content;
  content.set_path(check.path());
  return ContentId("file", content);
}

std::string StateId(const v1::StateCheck& check) {
  const v1::EvidenceRequest& request = check.request();
  switch (request.kind_case()) {
    case v1::EvidenceRequest::kFinalUrl:
      return FinalUrlId();
    case v1::EvidenceRequest::kPageExpression:
      return ContentId("page", request.page_expression());
    case v1::EvidenceRequest::kSiteState:
      return absl::StrCat("site_state:", request.site_state().site());
    case v1::EvidenceRequest::kFile:
      return ContentId("file", request.file());
    default:
      return ContentId("state", request);
  }
}

std::string WebArenaPagesId(const v1::WebArenaEval& eval) {
  v1::WebArenaEval content;
  *content.mutable_program_html() = eval.program_html();
  return ContentId("pages", content);
}

}  // namespace proctor::evaluator
