#include "evaluator/oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/strings.h"
#include "evaluator/evidence.h"
#include "evaluator/matchers.h"
#include "evaluator/text.h"
#include "evaluator/value_check.h"
#include "evaluator/webarena.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxDetailBytes = 2000;

Score Missing(std::string_view what, const v1::Evidence* evidence) {
  return Score::Unknown(
      v1::UNDETERMINED_REASON_EVIDENCE_MISSING,
      absl::StrCat(ToAbsl(what), ": ",
                   evidence == nullptr ? "nothing was collected" : evidence->error()));
}

bool HasValues(const v1::Evidence* evidence) {
  return evidence != nullptr && evidence->error().empty() && !evidence->json_values().empty();
}

// What was collected counts against the agent only: the values stand for what the page where it ended, or one that the oracle names, did
// not give (a script that threw, a page that is not there), and the error says what that was.
bool OnlyAgainst(const v1::Evidence* evidence) {
  return evidence != nullptr && !evidence->error().empty() && !evidence->json_values().empty();
}

// 0 beats all that is unknown; else the unknown wins over every other score.
Score CombineAll(const std::vector<Score>& scores) {
  const Score* unknown = nullptr;
  const Score* least = nullptr;
  for (const Score& score : scores) {
    if (!score.determined) {
      if (unknown == nullptr) unknown = &score;
    } else if (least == nullptr || score.value < least->value) {
      least = &score;
    }
  }
  if (unknown != nullptr && !(least != nullptr && least->value <= 0)) return *unknown;
  return *least;
}

// 1 beats all that is unknown.
Score CombineAny(const std::vector<Score>& scores) {
  const Score* unknown = nullptr;
  const Score* most = nullptr;
  for (const Score& score : scores) {
    if (!score.determined) {
      if (unknown == nullptr) unknown = &score;
    } else if (most == nullptr || score.value > most->value) {
      most = &score;
    }
  }
  if (unknown != nullptr && !(most != nullptr && most->value >= 1)) return *unknown;
  return *most;
}

class TreeEvaluator {
 public:
  TreeEvaluator(const Facts& facts, std::vector<v1::CheckResult>* checks)
      : facts_(facts), checks_(checks) {}

  Score Run(const v1::Oracle& oracle, const std::string& path) {
    const auto at = [&](std::string_view name) {
      return path.empty() ? std::string(name) : absl::StrCat(path, ".", ToAbsl(name));
    };
    switch (oracle.kind_case()) {
      case v1::Oracle::kAnswer:
        return Leaf(at("answer"), Answer(oracle.answer()));
      case v1::Oracle::kUrl:
        return Leaf(at("url"), Url(oracle.url()));
      case v1::Oracle::kPage:
        return Leaf(at("page"), Page(oracle.page()));
      case v1::Oracle::kSiteState:
        return Leaf(at("site_state"), SiteState(oracle.site_state()));
      case v1::Oracle::kWebarena:
        return WebArena(at("webarena"), oracle.webarena());
      case v1::Oracle::kAll:
        return CombineAll(List(oracle.all(), at("all")));
      case v1::Oracle::kAny:
        return CombineAny(List(oracle.any(), at("any")));
      case v1::Oracle::kWeighted:
        return Weighted(oracle.weighted(), at("weighted"));
      case v1::Oracle::kNegation: {
        ++negations_;
        Score score = Run(oracle.negation(), at("negation"));
        --negations_;
        if (score.determined) score.value = 1 - score.value;
        return score;
      }
      case v1::Oracle::kGaveUp:
        return Leaf(at("gave_up"), GaveUp());
      case v1::Oracle::kFile:
        return Leaf(at("file"), File(oracle.file()));
      case v1::Oracle::kState:
        return Leaf(at("state"), State(oracle.state()));
      case v1::Oracle::KIND_NOT_SET:
        break;
    }
    return Score::Of(0, "no kind");
  }

 private:
  Score Leaf(const std::string& path, Score score) {
    v1::CheckResult& check = checks_->emplace_back();
    check.set_path(path);
    check.set_outcome(!score.determined  ? v1::OUTCOME_UNDETERMINED
                      : score.value >= 1 ? v1::OUTCOME_SUCCESS
                                         : v1::OUTCOME_FAILURE);
    check.set_score(score.value);
    score.detail = SanitizeUtf8(TruncateUtf8(score.detail, kMaxDetailBytes));
    check.set_detail(std::string(TruncateUtf8(score.detail, kMaxDetailBytes)));
    return score;
  }

  std::vector<Score> List(const v1::OracleList& list, const std::string& path) {
    std::vector<Score> scores;
    for (int i = 0; i < list.oracles_size(); ++i) {
      scores.push_back(Run(list.oracles(i), absl::StrCat(path, "[", i, "]")));
    }
    return scores;
  }

  Score Weighted(const v1::WeightedOracles& weighted, const std::string& path) {
    double sum = 0;
    double weights = 0;
    std::optional<Score> unknown;
    for (int i = 0; i < weighted.items_size(); ++i) {
      const Score score = Run(weighted.items(i).oracle(), absl::StrCat(path, "[", i, "]"));
      if (!score.determined && !unknown) unknown = score;
      sum += weighted.items(i).weight() * score.value;
      weights += weighted.items(i).weight();
    }
    if (unknown) return *unknown;
    return Score::Of(std::clamp(sum / weights, 0.0, 1.0),
                     absl::StrCat("weighted mean ", sum / weights));
  }

  Score Answer(const v1::AnswerCheck& check) {
    if (!facts_.answer)
      return Score::Of(0, absl::StrCat("no answer; expected ", Describe(check.match())));
    return Score::Of(
        MatchesText(check.match(), *facts_.answer) ? 1 : 0,
        absl::StrCat("expected ", Describe(check.match()), "; answered ", Shown(*facts_.answer)));
  }

  Score GaveUp() {
    if (!facts_.gave_up) return Score::Of(0, "did not give up");
    return facts_.impossible ? Score::Of(1, "gave up, and the task is impossible")
                             : Score::Of(0, "gave up, but the task is possible");
  }

  // The URL of the agent's tab; nothing if it is not known.
  std::optional<std::string> FinalUrl() {
    const v1::Evidence* evidence = facts_.evidence(FinalUrlId());
    if (HasValues(evidence)) {
      const absl::StatusOr<Json> value = ParseJson(evidence->json_values(0));
      if (value.ok() && value->is_string()) return value->get<std::string>();
      return std::nullopt;
    }
    if (evidence == nullptr && !facts_.observed_url.empty()) return facts_.observed_url;
    return std::nullopt;
  }

  Score Url(const v1::UrlCheck& check) {
    const std::optional<std::string> url = FinalUrl();
    if (!url) return Missing("final URL", facts_.evidence(FinalUrlId()));
    std::vector<std::string> resolved;
    for (const std::string& expected : check.urls()) {
      absl::StatusOr<std::string> one = ResolvePlaceholders(expected, *facts_.base_urls);
      if (!one.ok()) {
        return Score::Unknown(v1::UNDETERMINED_REASON_NOT_CONFIGURED,
                              std::string(one.status().message()));
      }
      resolved.push_back(*std::move(one));
    }
    return Score::Of(
        MatchesUrl(check, resolved, *url) ? 1 : 0,
        absl::StrCat(
            "expected ", Shown(resolved[0]),
            resolved.size() > 1 ? absl::StrCat(" or ", resolved.size() - 1, " others") : "",
            "; at ", Shown(*url)));
  }

  Score Page(const v1::PageCheck& check) {
    const v1::Evidence* evidence = facts_.evidence(PageId(check));
    if (!HasValues(evidence) && !OnlyAgainst(evidence)) return Missing("page", evidence);
    return Limited("page", evidence, ScoreValueAt("page", evidence->json_values(0), "", check.match()));
  }

  // A score of values that count against the agent only may be a failure, and no success, nor anything that is turned into one.
  Score Limited(std::string_view what, const v1::Evidence* evidence, Score score) const {
    if (!OnlyAgainst(evidence) || !score.determined) return score;
    if (score.value > 0 || negations_ > 0) return Missing(what, evidence);
    return Score::Of(0, absl::StrCat(score.detail, "; ", evidence->error()));
  }

  Score SiteState(const v1::SiteStateCheck& check) {
    const v1::Evidence* evidence = facts_.evidence(SiteStateId(check));
    if (!HasValues(evidence)) return Missing(absl::StrCat("state of ", check.site()), evidence);
    return ScoreValueAt(absl::StrCat(check.site(), check.pointer()), evidence->json_values(0), check.pointer(),
                        check.match());
  }

  Score File(const v1::FileCheck& check) {
    const v1::Evidence* evidence = facts_.evidence(FileId(check));
    if (!HasValues(evidence)) return Missing(absl::StrCat("file ", check.path()), evidence);
    return ScoreFile(check, evidence->json_values(0));
  }

  Score State(const v1::StateCheck& check) {
    const std::string what = KindName(check.request());
    const v1::Evidence* evidence = facts_.evidence(StateId(check));
    const bool in_page = check.request().has_page_expression();
    if (!HasValues(evidence) && !(in_page && OnlyAgainst(evidence))) return Missing(what, evidence);
    return Limited(what, evidence,
                   ScoreValueAt(absl::StrCat(what, check.pointer()), evidence->json_values(0), check.pointer(), check.match()));
  }

  // "screen_match", "setting", ...
  static std::string KindName(const v1::EvidenceRequest& request) {
    const google::protobuf::FieldDescriptor* field = request.GetReflection()->GetOneofFieldDescriptor(
        request, request.GetDescriptor()->FindOneofByName("kind"));
    return field == nullptr ? "state" : field->name();
  }

  // Each eval type is a leaf; the score is their product, of scores that are 0 or 1.
  Score WebArena(const std::string& path, const v1::WebArenaEval& eval) {
    std::vector<Score> scores;
    for (const std::string& type : eval.eval_types()) {
      scores.push_back(Leaf(absl::StrCat(path, ".", type), WebArenaType(type, eval)));
    }
    return CombineAll(scores);
  }

  Score WebArenaType(const std::string& type, const v1::WebArenaEval& eval) {
    if (type == "string_match") {
      // A give-up is the answer "N/A", as agents of WebArena express it.
      return WebArenaStringMatch(eval, facts_.answer    ? *facts_.answer
                                       : facts_.gave_up ? "N/A"
                                                        : "");
    }
    if (type == "url_match") {
      const std::optional<std::string> url = FinalUrl();
      if (!url) return Missing("final URL", facts_.evidence(FinalUrlId()));
      return WebArenaUrlMatch(eval, *url, *facts_.base_urls);
    }
    const v1::Evidence* evidence = facts_.evidence(WebArenaPagesId(eval));
    if (evidence == nullptr && NeedsFunctions(eval)) {
      return Score::Unknown(v1::UNDETERMINED_REASON_NOT_CONFIGURED,
                            "program_html calls a function of the site that is not configured");
    }
    if (!HasValues(evidence) && !OnlyAgainst(evidence)) return Missing("program_html", evidence);
    return Limited("program_html", evidence,
                   WebArenaProgramHtml(eval, {evidence->json_values().begin(), evidence->json_values().end()}, *facts_.base_urls));
  }

  const Facts& facts_;
  std::vector<v1::CheckResult>* checks_;
  // Around what is being evaluated.
  int negations_ = 0;
};

Facts CommonFacts(const v1::Trajectory& trajectory, bool at_start) {
  Facts facts;
  facts.impossible = trajectory.task().impossible();
  facts.base_urls = &trajectory.base_urls();
  facts.evidence = [&trajectory, at_start](std::string_view id) -> const v1::Evidence* {
    for (const v1::Evidence& evidence : trajectory.evidence()) {
      if (evidence.at_start() == at_start && evidence.request_id() == id) return &evidence;
    }
    return nullptr;
  };
  return facts;
}

}  // namespace

Facts FactsAtEnd(const v1::Trajectory& trajectory) {
  Facts facts = CommonFacts(trajectory, /*at_start=*/false);
  facts.observed_url = trajectory.initial_observation().url();
  if (!trajectory.steps().empty()) {
    const v1::Step& last = *trajectory.steps().rbegin();
    if (last.action().has_answer()) facts.answer = last.action().answer().text();
    facts.gave_up = last.action().has_give_up() || (facts.answer && IsNotApplicable(*facts.answer));
    for (const v1::Step& step : trajectory.steps()) {
      if (!step.observation().url().empty()) facts.observed_url = step.observation().url();
    }
  }
  return facts;
}

Facts FactsAtStart(const v1::Trajectory& trajectory) {
  Facts facts = CommonFacts(trajectory, /*at_start=*/true);
  facts.observed_url = trajectory.initial_observation().url();
  return facts;
}

Score EvaluateOracle(const v1::Oracle& oracle, const Facts& facts,
                     std::vector<v1::CheckResult>* checks) {
  return TreeEvaluator(facts, checks).Run(oracle, "");
}

}  // namespace proctor::evaluator
