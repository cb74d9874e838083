#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"

#include <string>

#include "common/proto_json.h"
#include "evaluator/evidence.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::HasSubstr;

// A closed trajectory with one oracle, built step by step.
class Record {
 public:
  explicit Record(const std::string& oracle_json) {
    trajectory_.set_name("trajectories/t1");
    trajectory_.set_closed(true);
    trajectory_.set_end_kind(v1::END_KIND_TERMINATED);
    trajectory_.set_end_reason(v1::END_REASON_CLIENT_DONE);
    trajectory_.mutable_initial_observation()->set_url("http://a.test/start");
    (*trajectory_.mutable_base_urls())["__SHOP__"] = "http://shop.test";
    if (!oracle_json.empty()) {
      const absl::Status parsed =
          ProtoFromJson(oracle_json, *trajectory_.mutable_task()->mutable_oracle());
      EXPECT_TRUE(parsed.ok()) << parsed << " in " << oracle_json;
    }
  }
  Record& Answer(const std::string& text) {
    NextStep()->mutable_action()->mutable_answer()->set_text(text);
    trajectory_.set_end_reason(v1::END_REASON_ANSWERED);
    return *this;
  }
  Record& GiveUp() {
    NextStep()->mutable_action()->mutable_give_up();
    trajectory_.set_end_reason(v1::END_REASON_GAVE_UP);
    return *this;
  }
  Record& At(const std::string& url) {
    NextStep()->mutable_observation()->set_url(url);
    return *this;
  }
  Record& Impossible() {
    trajectory_.mutable_task()->set_impossible(true);
    return *this;
  }
  // Records `json` for the n-th piece of evidence that the oracle needs.
  Record& Evidence(int n, const std::string& json, bool at_start = false) {
    v1::Evidence& evidence = AddEvidence(n, at_start);
    evidence.add_json_values(json);
    return *this;
  }
  Record& Failed(int n, const std::string& error, bool at_start = false) {
    AddEvidence(n, at_start).set_error(error);
    return *this;
  }
  // What is recorded where the page that the agent ended on gave nothing.
  Record& Nothing(int n, const std::string& json, bool at_start = false) {
    v1::Evidence& evidence = AddEvidence(n, at_start);
    evidence.add_json_values(json);
    evidence.set_error("the expression failed: TypeError");
    return *this;
  }
  v1::Trajectory& operator*() { return trajectory_; }
  v1::Verdict Judge(double threshold = 0) const {
    v1::Evaluator evaluator = TaskOracleEvaluator();
    evaluator.set_success_threshold(threshold);
    const absl::StatusOr<v1::Verdict> verdict = Evaluate(evaluator, trajectory_);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.value_or(v1::Verdict());
  }

 private:
  v1::Step* NextStep() {
    v1::Step* step = trajectory_.add_steps();
    step->set_index(trajectory_.steps_size() - 1);
    return step;
  }
  v1::Evidence& AddEvidence(int n, bool at_start) {
    v1::Evidence& evidence = *trajectory_.add_evidence();
    evidence.set_request_id(RequiredEvidence(trajectory_.task().oracle()).at(n).id());
    evidence.set_at_start(at_start);
    return evidence;
  }
  v1::Trajectory trajectory_;
};

constexpr char kAnswerX[] = R"({"answer":{"match":{"equals":{"values":["x"]}}}})";
constexpr char kUrl[] = R"({"url":{"urls":["http://a.test/goal"]}})";
constexpr char kPage[] = R"({"page":{"expression":"p","match":{"truthy":true}}})";
constexpr char kState[] =
    R"({"site_state":{"site":"SHOP","pointer":"/cart/0","match":{"equals_json":"7"}}})";

std::string List(const std::string& kind, std::initializer_list<std::string> items) {
  std::string out = "{\"" + kind + "\":{\"oracles\":[";
  for (const std::string& item : items) out += (out.back() == '[' ? "" : ",") + item;
  return out + "]}}";
}

TEST(EvaluateTest, JudgesAnswers) {
  EXPECT_EQ(Record(kAnswerX).Answer("X.").Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(kAnswerX).Answer("y").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(kAnswerX).Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(kAnswerX).Answer("").Judge().outcome(), v1::OUTCOME_FAILURE);
}

TEST(EvaluateTest, JudgesTheFinalUrl) {
  EXPECT_EQ(Record(kUrl).Evidence(0, "\"http://a.test/goal\"").Judge().outcome(),
            v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(kUrl).Evidence(0, "\"http://a.test/other\"").Judge().outcome(),
            v1::OUTCOME_FAILURE);
}

constexpr char kFile[] =
    R"({"file":{"path":"sum.csv","format":"FORMAT_CSV","pointer":"/1/1","match":{"text":{"number":{"value":12.5}}}}})";
constexpr char kReward[] =
    R"json({"state":{"request":{"log_lines":{"regex":"reward ([0-9.]+)"}},"pointer":"/sum","match":{"score":true}}})json";

TEST(EvaluateTest, JudgesFiles) {
  EXPECT_EQ(Record(kFile).Evidence(0, R"({"exists":true,"size":14,"text":"a,b\nx,12.50\n"})").Judge().outcome(),
            v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(kFile).Evidence(0, R"({"exists":false})").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(kFile).Failed(0, "the home directory is gone").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(Record(kFile).Judge().outcome(), v1::OUTCOME_UNDETERMINED);
}

TEST(EvaluateTest, AStateCanGiveTheScore) {
  const v1::Verdict verdict = Record(kReward).Evidence(0, R"({"lines":[],"captures":[],"sum":0.5})").Judge(0.4);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_DOUBLE_EQ(verdict.score(), 0.5);
  EXPECT_EQ(Record(kReward).Evidence(0, R"({"lines":[],"captures":[],"sum":0.3})").Judge(0.4).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_THAT(Record(kReward).Failed(0, "the log was cleared").Judge().rationale(), HasSubstr("log_lines: the log was cleared"));
}

TEST(EvaluateTest, AFileThatWasThereBeforeMakesTheTaskTrivial) {
  constexpr char kExists[] = R"({"file":{"path":"a"}})";
  const v1::Verdict verdict =
      Record(kExists).Evidence(0, R"({"exists":true})", true).Evidence(0, R"({"exists":true})").Judge();
  EXPECT_TRUE(verdict.already_solved());
  EXPECT_FALSE(Record(kExists).Evidence(0, R"({"exists":false})", true).Evidence(0, R"({"exists":true})").Judge().already_solved());
}

TEST(EvaluateTest, RecordsFromElsewhereAreJudgedByTheLastUrlSeen) {
  EXPECT_EQ(Record(kUrl).At("http://a.test/goal").Answer("done").Judge().outcome(),
            v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, AFailedCollectionIsUndetermined) {
  const v1::Verdict verdict =
      Record(kUrl).At("http://a.test/goal").Failed(0, "tab is gone").Judge();
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING);
  EXPECT_THAT(verdict.rationale(), HasSubstr("tab is gone"));
  EXPECT_EQ(verdict.confidence(), 0);
}

TEST(EvaluateTest, JudgesPagesAndSiteState) {
  EXPECT_EQ(Record(kPage).Evidence(0, "true").Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(kPage).Evidence(0, "null").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(kPage).Judge().undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING);
  EXPECT_EQ(Record(kState).Evidence(0, R"({"cart":[7]})").Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(kState).Evidence(0, R"({"cart":[]})").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(kState).Evidence(0, "{").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
}

// What `oracle` says of a page whose script threw.
v1::Verdict OfThrown(const std::string& oracle) {
  const v1::Verdict verdict = Record(oracle).Nothing(0, "null", true).Nothing(0, "null").Judge();
  EXPECT_FALSE(verdict.already_solved()) << oracle;
  return verdict;
}

TEST(EvaluateTest, AScriptThatThrewCountsAgainstTheAgent) {
  for (const std::string match : {R"("truthy":true)", R"("equals_json":"7")", R"("text":{"regex":".*"})", R"("contains_json":"7")",
                                  R"("size":"0")", R"("at_least":-1)", R"("score":true)", R"("any_text":{"regex":".*"})"}) {
    const std::string page = R"({"page":{"expression":"p","match":{)" + match + "}}}";
    const v1::Verdict verdict = OfThrown(page);
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE) << match;
    EXPECT_THAT(verdict.rationale(), HasSubstr("TypeError")) << match;
    EXPECT_EQ(OfThrown(R"({"state":{"request":{"page_expression":{"expression":"p"}},"pointer":"/a","match":{)" + match + "}}}").outcome(),
              v1::OUTCOME_FAILURE)
        << match;
    EXPECT_EQ(OfThrown(List("all", {page, page})).outcome(), v1::OUTCOME_FAILURE) << match;
  }
  EXPECT_EQ(Record(List("any", {kPage, kAnswerX})).Nothing(0, "null").Answer("x").Judge().outcome(), v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, AScriptThatThrewIsNeverASuccess) {
  const std::string negation = std::string("{\"negation\":") + kPage + "}";
  const std::string nested = R"({"negation":)" + List("any", {kPage, kAnswerX}) + "}";
  for (const std::string& oracle :
       {std::string(R"({"page":{"expression":"p","match":{"absent":true}}})"),
        std::string(R"({"page":{"expression":"p","match":{"equals_json":"null"}}})"),
        std::string(R"({"state":{"request":{"page_expression":{"expression":"p"}},"pointer":"/a","match":{"absent":true}}})"), negation, nested}) {
    const v1::Verdict verdict = OfThrown(oracle);
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED) << oracle;
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING) << oracle;
    EXPECT_THAT(verdict.rationale(), HasSubstr("TypeError")) << oracle;
  }
  // What stands beside a negation is not beneath it.
  EXPECT_EQ(OfThrown(List("all", {R"({"negation":{"gave_up":{}}})", kPage})).outcome(), v1::OUTCOME_FAILURE);
  // A failed collection has no value, and of other worlds nothing is known that way.
  EXPECT_EQ(Record(kPage).Failed(0, "the page hangs").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(Record(kState).Nothing(0, "null").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
}

TEST(EvaluateTest, APageThatIsNotThereFailsWebArenasProgramAndIsNeverASuccess) {
  const auto program = [](const std::string& required) {
    return R"({"webarena":{"eval_types":["program_html"],"program_html":[{"url":"last",)" + required + "}]}}";
  };
  EXPECT_EQ(Record(program(R"("must_include":["hello"])")).Nothing(0, R"("")").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(program(R"("exact_match":"")")).Nothing(0, R"("")").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(Record(R"({"negation":)" + program(R"("must_include":["hello"])") + "}").Nothing(0, R"("")").Judge().outcome(),
            v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(Record(program(R"("exact_match":"")")).Evidence(0, R"("")").Judge().outcome(), v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, UnknownPlaceholdersAreNotConfigured) {
  Record record(R"({"url":{"urls":["__MAP__/x"]}})");
  EXPECT_EQ(record.Evidence(0, "\"http://m/\"").Judge().undetermined_reason(),
            v1::UNDETERMINED_REASON_NOT_CONFIGURED);
}

// Children: an answer (x holds, y does not) beside a page whose evidence is true, false or missing.
struct LogicCase {
  const char* kind;
  const char* answer;
  const char* page;  // null: missing
  v1::Outcome outcome;
};

TEST(EvaluateTest, ThreeValuedLogic) {
  const LogicCase kCases[] = {
      {"all", "x", "true", v1::OUTCOME_SUCCESS},  {"all", "x", "false", v1::OUTCOME_FAILURE},
      {"all", "y", nullptr, v1::OUTCOME_FAILURE}, {"all", "x", nullptr, v1::OUTCOME_UNDETERMINED},
      {"any", "x", "false", v1::OUTCOME_SUCCESS}, {"any", "y", "false", v1::OUTCOME_FAILURE},
      {"any", "x", nullptr, v1::OUTCOME_SUCCESS}, {"any", "y", nullptr, v1::OUTCOME_UNDETERMINED},
  };
  for (const LogicCase& test : kCases) {
    for (const bool turned : {false, true}) {
      Record record(turned ? List(test.kind, {kPage, kAnswerX})
                           : List(test.kind, {kAnswerX, kPage}));
      record.Answer(test.answer);
      if (test.page != nullptr) record.Evidence(0, test.page);
      EXPECT_EQ(record.Judge().outcome(), test.outcome)
          << test.kind << " " << test.answer << " " << turned;
    }
  }
}

TEST(EvaluateTest, WeighsPartsAndComparesWithTheThreshold) {
  const std::string oracle = std::string(R"({"weighted":{"items":[{"weight":3,"oracle":)") +
                             kAnswerX + "},{\"weight\":1,\"oracle\":" + kPage + "}]}}";
  const v1::Verdict verdict = Record(oracle).Answer("x").Evidence(0, "false").Judge();
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
  EXPECT_DOUBLE_EQ(verdict.score(), 0.75);
  EXPECT_EQ(Record(oracle).Answer("x").Evidence(0, "false").Judge(0.7).outcome(),
            v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(oracle).Answer("y").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
}

TEST(EvaluateTest, AThresholdThatIsReachedOnPaperIsReached) {
  const auto item = [](const char* weight, const std::string& oracle) { return std::string("{\"weight\":") + weight + ",\"oracle\":" + oracle + "}"; };
  // As doubles, (0.7 + 0.1) / (0.7 + 0.1 + 0.2) is 0.7999999999999999.
  const auto weighted = [&](const std::string& last) {
    return R"({"weighted":{"items":[)" + item("0.7", kPage) + "," + item("0.1", kPage) + "," + item("0.2", last) + "]}}";
  };
  const v1::Verdict verdict = Record(weighted(kAnswerX)).Answer("y").Evidence(0, "true").Judge(0.8);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_LT(verdict.score(), 0.8);
  EXPECT_FALSE(verdict.already_solved());
  EXPECT_TRUE(Record(weighted(kAnswerX)).Answer("y").Evidence(0, "true", true).Evidence(0, "true").Judge(0.8).already_solved());
  EXPECT_EQ(Record(weighted(kAnswerX)).Answer("y").Failed(0, "lost", true).Evidence(0, "true").Judge(0.8).outcome(),
            v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(Record(weighted(kAnswerX)).Answer("y").Evidence(0, "true").Judge(0.81).outcome(), v1::OUTCOME_FAILURE);
}

TEST(EvaluateTest, NegationTurnsTheScoreAndKeepsTheUnknown) {
  const std::string negation = std::string("{\"negation\":") + kPage + "}";
  EXPECT_EQ(Record(negation).Evidence(0, "false").Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(negation).Evidence(0, "true").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(negation).Judge().outcome(), v1::OUTCOME_UNDETERMINED);
}

TEST(EvaluateTest, GivingUpCountsOnlyForImpossibleTasks) {
  const std::string gave_up = R"({"gave_up":{}})";
  EXPECT_EQ(Record(gave_up).Impossible().GiveUp().Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(gave_up).Impossible().Answer("N/A").Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(gave_up).GiveUp().Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(gave_up).Impossible().Answer("42").Judge().outcome(), v1::OUTCOME_FAILURE);
}

TEST(EvaluateTest, GuessingNotApplicableNeverPaysOnPossibleTasks) {
  const std::string na = R"({"answer":{"match":{"equals":{"values":["N/A"]}}}})";
  EXPECT_EQ(Record(na).Answer("N/A").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(na).Impossible().Answer("N/A").Judge().outcome(), v1::OUTCOME_SUCCESS);
  // Nor beside a state that happens to hold, nor where a judge would be asked.
  EXPECT_EQ(Record(kPage).GiveUp().Evidence(0, "true").Judge().outcome(), v1::OUTCOME_FAILURE);
  const std::string negation = R"({"negation":{"gave_up":{}}})";
  EXPECT_EQ(Record(negation).GiveUp().Judge().outcome(), v1::OUTCOME_FAILURE);
}

TEST(EvaluateTest, WebArenaTypesMultiplyAndGiveUpMeansNotApplicable) {
  const std::string eval =
      R"({"webarena":{"eval_types":["string_match","url_match"],"reference_answers":{"must_include":["x"]},
          "reference_url":"__SHOP__/goal"}})";
  EXPECT_EQ(Record(eval).Answer("x").Evidence(0, "\"http://shop.test/goal\"").Judge().outcome(),
            v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(eval).Answer("x").Evidence(0, "\"http://shop.test/\"").Judge().outcome(),
            v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(eval).Answer("y").Failed(0, "lost").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(eval).Answer("x").Failed(0, "lost").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
  const std::string na =
      R"({"webarena":{"eval_types":["string_match"],"reference_answers":{"fuzzy_match_na":true},"string_note":"none"}})";
  EXPECT_EQ(Record(na).Impossible().GiveUp().Judge().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Record(na).Impossible().Answer("there is none").Judge().undetermined_reason(),
            v1::UNDETERMINED_REASON_JUDGE_NEEDED);
}

TEST(EvaluateTest, WebArenaFunctionsAreNotConfiguredUnlessCollected) {
  const std::string eval = R"json({"webarena":{"eval_types":["program_html"],"program_html":[
      {"url":"func:reddit_get_post_url('__last_url__')","locator":"","must_include":["hello"]}]}})json";
  EXPECT_EQ(Record(eval).Judge().undetermined_reason(), v1::UNDETERMINED_REASON_NOT_CONFIGURED);
  Record record(eval);
  v1::Evidence& evidence = *(*record).add_evidence();
  evidence.set_request_id(WebArenaPagesId((*record).task().oracle().webarena()));
  evidence.add_json_values("\"<p>Hello</p>\"");
  EXPECT_EQ(record.Judge().outcome(), v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, AlreadySolvedIfTheOracleHeldAtTheStart) {
  EXPECT_TRUE(Record(kPage).Evidence(0, "true", true).Evidence(0, "true").Judge().already_solved());
  EXPECT_FALSE(
      Record(kPage).Evidence(0, "false", true).Evidence(0, "true").Judge().already_solved());
  EXPECT_FALSE(Record(kPage).Evidence(0, "true").Judge().already_solved());
  EXPECT_TRUE(Record(R"({"url":{"urls":["http://a.test/start"]}})")
                  .Evidence(0, "\"http://a.test/start\"")
                  .Judge()
                  .already_solved());
  EXPECT_FALSE(Record(List("all", {kAnswerX, kPage}))
                   .Answer("x")
                   .Evidence(0, "true", true)
                   .Evidence(0, "true")
                   .Judge()
                   .already_solved());
}

TEST(EvaluateTest, ASuccessIsUndeterminedIfTheStartCouldNotBeCollected) {
  const v1::Verdict verdict = Record(kUrl).Failed(0, "the tab did not answer", true).Evidence(0, "\"http://a.test/goal\"").Judge();
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING);
  EXPECT_THAT(verdict.rationale(), HasSubstr("before the first action cannot be known: the tab did not answer"));
  EXPECT_FALSE(verdict.already_solved());
  // What failed is a failure whatever the start was.
  EXPECT_EQ(Record(kUrl).Failed(0, "lost", true).Evidence(0, "\"http://a.test/\"").Judge().outcome(), v1::OUTCOME_FAILURE);
  // What the rest of the start decides needs no more.
  const std::string both = List("all", {kState, kPage});
  EXPECT_EQ(Record(both)
                .Evidence(0, R"({"cart":[]})", true)
                .Failed(1, "lost", true)
                .Evidence(0, R"({"cart":[7]})")
                .Evidence(1, "true")
                .Judge()
                .outcome(),
            v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, APageThatTheOracleNamesMayComeToBeDuringTheTask) {
  const std::string page = R"({"page":{"url":"__SHOP__/orders","expression":"p","match":{"text":{"equals":{"values":["one"]}}}}})";
  // At the start there is nothing to read in it: the task is not solved yet, and can be.
  const v1::Verdict solved = Record(page).Nothing(0, "null", true).Evidence(0, "\"one\"").Judge();
  EXPECT_EQ(solved.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_FALSE(solved.already_solved());
  EXPECT_EQ(Record(page).Nothing(0, "null", true).Nothing(0, "null").Judge().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(Record(page).Nothing(0, "null", true).Failed(0, "its server failed").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(Record(R"({"negation":)" + page + "}").Nothing(0, "null", true).Nothing(0, "null").Judge().outcome(), v1::OUTCOME_UNDETERMINED);
}

TEST(EvaluateTest, AnExpressionThatThrewAtTheStartWasCollected) {
  Record record(kPage);
  record.Failed(0, "TypeError", true).Evidence(0, "true");
  (*record).mutable_evidence(0)->add_json_values("null");
  EXPECT_EQ(record.Judge().outcome(), v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, InterruptedEpisodesAndTasksWithoutOracleAreUndetermined) {
  Record record(kAnswerX);
  record.Answer("x");
  (*record).set_end_kind(v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(record.Judge().undetermined_reason(), v1::UNDETERMINED_REASON_INTERRUPTED);
  EXPECT_EQ(Record("").Answer("x").Judge().undetermined_reason(),
            v1::UNDETERMINED_REASON_NO_EVALUATOR);
}

TEST(EvaluateTest, AStepLimitIsJudgedAsItStands) {
  Record record(kPage);
  record.Evidence(0, "true");
  (*record).set_end_kind(v1::END_KIND_TRUNCATED);
  (*record).set_end_reason(v1::END_REASON_STEP_LIMIT);
  EXPECT_EQ(record.Judge().outcome(), v1::OUTCOME_SUCCESS);
}

TEST(EvaluateTest, GivesTheSameBytesAgainAndAnotherVersionForAnotherOracle) {
  Record record(List("all", {kAnswerX, kPage}));
  record.Answer("x").Evidence(0, "true");
  const v1::Verdict first = record.Judge();
  EXPECT_EQ(ProtoCanonicalBytes(first), ProtoCanonicalBytes(record.Judge()));
  EXPECT_EQ(first.checks_size(), 2);
  EXPECT_EQ(first.checks(0).path(), "all[0].answer");
  EXPECT_EQ(first.cited_steps(0), 0);
  EXPECT_EQ(first.confidence(), 1);
  EXPECT_NE(Record(kAnswerX).Answer("x").Judge().evaluator_version(), first.evaluator_version());
}

TEST(EvaluateTest, StoredTrajectoryGivesTheSameVerdictAfterARoundTrip) {
  Record record(List("any", {kAnswerX, kState}));
  record.Answer("y").Evidence(0, R"({"cart":[7]})");
  const v1::Verdict before = record.Judge();
  v1::Trajectory copy;
  ASSERT_TRUE(ProtoFromJson(ProtoToJson(*record), copy).ok());
  const absl::StatusOr<v1::Verdict> after = Evaluate(TaskOracleEvaluator(), copy);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(ProtoCanonicalBytes(before), ProtoCanonicalBytes(*after));
}

TEST(EvaluateTest, RefusesOpenTrajectoriesAndBrokenOracles) {
  Record open(kAnswerX);
  (*open).set_closed(false);
  EXPECT_EQ(Evaluate(TaskOracleEvaluator(), *open).status().code(),
            absl::StatusCode::kFailedPrecondition);
  Record broken(R"({"all":{}})");
  EXPECT_EQ(Evaluate(TaskOracleEvaluator(), *broken).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(EvaluateTest, DetailsOfHostileAnswersAreShortValidUtf8) {
  std::string answer = "x";
  for (int i = 0; i < 30000; ++i) answer += "\u00E9";
  const v1::Verdict verdict = Record(kAnswerX).Answer(answer).Judge();
  EXPECT_LE(verdict.checks(0).detail().size(), 2000u);
  v1::Verdict parsed;
  EXPECT_TRUE(parsed.ParseFromString(verdict.SerializeAsString()));
}

}  // namespace
}  // namespace proctor::evaluator
