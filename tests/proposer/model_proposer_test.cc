#include "proposer/model_proposer.h"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proposer/model_source.h"

namespace proctor::proposer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Subjects that no two goals share much of.
constexpr const char* kGoals[] = {
    "Report the height of the lighthouse at the northern cape.",
    "Open the list of museums sorted by year of foundation.",
    "Which bridge was finished first, the iron or the stone one?",
    "Filter railway stations to those with glass roofs.",
    "Name the architect who designed the opera house.",
    "Show a map that marks every public garden.",
    "How many rooms does the largest castle have?",
    "Find out what a guided tour for children costs.",
    "Read when the library closes on Saturdays.",
    "Go to the page about recent restorations of windmills.",
};

std::string AllText(const model::ChatRequest& request) {
  std::string all;
  for (const model::Message& message : request.messages) {
    for (const model::Part& part : message.parts) {
      if (const auto* text = std::get_if<model::TextPart>(&part)) all += text->text;
    }
  }
  return all;
}

std::string Line(const std::string& goal, const std::string& area = "buildings") {
  return absl::StrCat(R"({"goal": ")", goal, R"(", "area": ")", area,
                      R"(", "kind": "find_information", "difficulty": "easy", "persona": 1})");
}

model::ChatReply Says(const std::string& text) {
  model::ChatReply reply;
  model::Choice choice;
  choice.text = text;
  reply.choices.push_back(std::move(choice));
  reply.call.set_model("scripted-2");
  reply.call.mutable_usage()->set_input_tokens(100);
  reply.call.mutable_usage()->set_output_tokens(20);
  reply.call.mutable_usage()->set_cost_usd(0.25);
  return reply;
}

model::ChatReply Fails(v1::ModelFailure failure) {
  model::ChatReply reply;
  reply.call.set_failure(failure);
  reply.call.set_failure_detail("as scripted");
  return reply;
}

struct Question {
  std::string text;
  // What counts in the reply comes after it.
  std::string tag;
  // From 1.
  int batch = 0;
};

class ScriptedModel final : public ProposerModel {
 public:
  // A batch's reply without the tag's line; whether a task is accepted, as a filter says it.
  std::function<model::ChatReply(const Question&)> propose;
  std::function<model::ChatReply(const Question&)> examine = [](const Question& question) {
    return Says(absl::StrCat("Fine.\n", question.tag, ": ACCEPT"));
  };
  std::vector<Question> batches;
  std::vector<Question> examined;
  size_t most_at_once = 0;

  std::vector<model::ChatReply> Ask(const CallContext&, const std::string& model,
                                    std::vector<model::ChatRequest> requests) override {
    most_at_once = std::max(most_at_once, requests.size());
    std::vector<model::ChatReply> replies;
    for (const model::ChatRequest& request : requests) {
      Question question{.text = AllText(request), .tag = "", .batch = 0};
      question.tag = question.text.substr(question.text.find("VERDICT-"), 24);
      if (model == "judge") {
        examined.push_back(question);
        replies.push_back(examine(question));
      } else {
        question.batch = static_cast<int>(batches.size()) + 1;
        batches.push_back(question);
        replies.push_back(propose(question));
      }
    }
    return replies;
  }

  void ProposeLines(std::vector<std::vector<std::string>> replies) {
    propose = [replies = std::move(replies)](const Question& question) {
      std::string text = absl::StrCat("Let me think.\n", question.tag, "\n");
      const size_t index = static_cast<size_t>(question.batch) - 1;
      if (index < replies.size()) {
        for (const std::string& line : replies[index]) absl::StrAppend(&text, line, "\n");
      }
      return Says(text);
    };
  }
};

class ModelProposerTest : public testing::Test {
 protected:
  ModelProposerTest() {
    request_.set_count(4);
    v1::ModelSource& source = *request_.mutable_model();
    source.set_site_name("Towers");
    source.set_start_url("https://towers.example/");
    source.set_batch_size(3);
    source.add_demonstrations("trajectories/v");
  }

  absl::StatusOr<v1::ProposeTasksResult> Run(const CallContext& context = CallContext()) {
    v1::ModelSource source = *NormalizeModelSource(request_);
    source.set_model("proposer");
    source.mutable_filter()->set_model("judge");
    return ProposeFromModel(
        context, request_, "jobs/j",
        {.model = model_,
         .source = source,
         .evidence = evidence_,
         .known = known_,
         .secret = "secret",
         .store = [this](int batch, std::vector<v1::Task> tasks) -> absl::StatusOr<std::vector<v1::Task>> {
           const auto already = stored_.find(batch);
           if (already != stored_.end()) return already->second;
           if (!tasks.empty()) stored_[batch] = tasks;
           return tasks;
         },
         .replay = replay_,
         .progress =
             [this](const v1::ProposeTasksResult& result) {
               told_.push_back(result);
               return absl::OkStatus();
             }});
  }
  std::vector<v1::Task> Stored() const {
    std::vector<v1::Task> tasks;
    for (const auto& [batch, of_batch] : stored_) tasks.insert(tasks.end(), of_batch.begin(), of_batch.end());
    return tasks;
  }
  void Know(const std::string& goal, v1::Split split, const std::string& area = "") {
    v1::Task task;
    task.set_goal(goal);
    task.set_split(split);
    task.set_kind("reach_page");
    if (!area.empty()) (*task.mutable_tags())["area"] = area;
    known_.push_back(task);
  }

  v1::ProposeTasksRequest request_;
  SiteEvidence evidence_;
  std::vector<v1::Task> known_;
  ScriptedModel model_;
  std::map<int, std::vector<v1::Task>> stored_;
  std::vector<v1::ProposeTasksResult> told_;
  TryDemonstration replay_;
};

TEST_F(ModelProposerTest, ProposesInBatchesUntilEnoughAreAccepted) {
  (*request_.mutable_tags())["campaign"] = "spring";
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1], "museums"), Line(kGoals[2])},
                       {Line(kGoals[3]), Line(kGoals[4]), Line(kGoals[5])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accepted(), 4);
  EXPECT_EQ(result->drafted(), 6);
  EXPECT_EQ(result->batches(), 2);
  EXPECT_EQ(result->rejected_by_reason().at("more than were wanted"), 2);
  EXPECT_EQ(result->accepted_by_kind().at("find_information"), 4);
  EXPECT_THAT(result->tasks(), ElementsAre("tasks/j-1-0", "tasks/j-1-1", "tasks/j-1-2", "tasks/j-2-0"));
  const std::vector<v1::Task> stored = Stored();
  ASSERT_THAT(stored, SizeIs(4));
  const v1::Task& task = stored[1];
  EXPECT_EQ(task.goal(), kGoals[1]);
  EXPECT_EQ(task.state(), v1::TASK_STATE_ACCEPTED);
  EXPECT_EQ(task.environment(), "environments/web");
  EXPECT_EQ(task.start_state().start_url(), "https://towers.example/");
  EXPECT_EQ(task.site(), "towers.example");
  EXPECT_FALSE(task.has_oracle());
  EXPECT_NE(task.split(), v1::SPLIT_UNSPECIFIED);
  EXPECT_EQ(task.tags().at("area"), "museums");
  EXPECT_EQ(task.tags().at("difficulty"), "easy");
  EXPECT_EQ(task.tags().at("campaign"), "spring");
  EXPECT_THAT(model_.batches[0].text, HasSubstr(absl::StrCat("1. ", task.tags().at("persona"))));
  EXPECT_EQ(task.lineage().source(), "model");
  EXPECT_EQ(task.lineage().job(), "jobs/j");
  EXPECT_EQ(task.lineage().model(), "scripted-2");
  EXPECT_EQ(task.lineage().prompt_digest().size(), 64u);
  EXPECT_NE(task.lineage().prompt_digest(), stored[3].lineage().prompt_digest());
  EXPECT_THAT(task.lineage().demonstrations(), ElementsAre("trajectories/v"));
}

TEST_F(ModelProposerTest, CountsWhatEveryReplyCost) {
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2]), Line(kGoals[3])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->replies(), 6);
  EXPECT_DOUBLE_EQ(result->usage().cost_usd(), 1.5);
  EXPECT_EQ(result->usage().input_tokens(), 600);
  // Told while it grows.
  ASSERT_GE(told_.size(), 4u);
  EXPECT_DOUBLE_EQ(told_[0].usage().cost_usd(), 0.25);
  EXPECT_EQ(told_[0].accepted(), 0);
  EXPECT_EQ(told_[0].drafted(), 2);
}

TEST_F(ModelProposerTest, LaterBatchesSeeWhatIsCovered) {
  Know("Visit the page of the town hall.", v1::SPLIT_TRAIN, "town");
  model_.ProposeLines({{Line(kGoals[0], "coast"), Line(kGoals[1], "museums")}, {Line(kGoals[2]), Line(kGoals[3])}});
  ASSERT_TRUE(Run().ok());
  ASSERT_THAT(model_.batches, SizeIs(2));
  EXPECT_THAT(model_.batches[0].text, HasSubstr("town: 1 (reach_page 1)"));
  EXPECT_THAT(model_.batches[0].text, Not(HasSubstr("coast")));
  EXPECT_THAT(model_.batches[1].text,
              HasSubstr("coast: 1 (find_information 1)\nmuseums: 1 (find_information 1)\ntown: 1 (reach_page 1)"));
  EXPECT_THAT(model_.batches[1].text, HasSubstr(kGoals[0]));
  // Other users, too.
  EXPECT_NE(model_.batches[0].text.substr(model_.batches[0].text.find("these users")),
            model_.batches[1].text.substr(model_.batches[1].text.find("these users")));
}

TEST_F(ModelProposerTest, ABadLineCostsOneTaskAndIsTold) {
  request_.set_count(2);
  model_.ProposeLines({{Line(kGoals[0]), "oops", Line(kGoals[1])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 2);
  EXPECT_EQ(result->bad_lines(), 1);
  ASSERT_EQ(result->bad_lines_by_reason_size(), 1);
  EXPECT_EQ(result->bad_lines_by_reason(0).reason(), v1::BAD_LINE_REASON_NOT_JSON);
  EXPECT_EQ(result->bad_lines_by_reason(0).count(), 1);
  EXPECT_EQ(result->first_bad_lines(0).batch(), 1);
  EXPECT_EQ(result->first_bad_lines(0).line(), 4);
  EXPECT_EQ(result->first_bad_lines(0).excerpt(), "oops");
}

TEST_F(ModelProposerTest, DropsWhatIsAskedAlready) {
  request_.set_count(3);
  Know("report the height of the lighthouse, at the northern cape", v1::SPLIT_TRAIN);
  model_.ProposeLines(
      {{Line(kGoals[0]), Line(kGoals[1]), Line(kGoals[1])}, {Line(kGoals[1]), Line(kGoals[2]), Line(kGoals[3])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 3);
  EXPECT_EQ(result->duplicates(), 3);
  EXPECT_EQ(result->rejected_by_reason().at("near-duplicate"), 3);
  EXPECT_EQ(result->rejected(0).goal(), kGoals[0]);
  EXPECT_EQ(result->rejected(0).detail(), known_[0].goal());
  // No money is spent on them.
  EXPECT_THAT(model_.examined, SizeIs(3));
}

TEST_F(ModelProposerTest, WhatIsSomewhatLikeAKnownTaskStaysOnItsSide) {
  request_.set_count(1);
  for (const v1::Split side : {v1::SPLIT_TRAIN, v1::SPLIT_VALIDATION, v1::SPLIT_TEST}) {
    known_.clear();
    stored_.clear();
    model_.batches.clear();
    Know("Report in which year the lighthouse at the northern cape of the island was built.", side);
    model_.ProposeLines({{Line("Report in which year the old mill at the northern cape of the island was built.")}});
    ASSERT_TRUE(Run().ok());
    ASSERT_THAT(Stored(), SizeIs(1));
    EXPECT_EQ(Stored()[0].split(), side);
  }
  // The request has no share of that side.
  stored_.clear();
  model_.batches.clear();
  request_.mutable_split_shares()->set_train(1);
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->rejected_by_reason().at("near-duplicate on another side"), 1);
  EXPECT_THAT(Stored(), IsEmpty());
}

TEST_F(ModelProposerTest, OtherGoalsAreSpreadOverTheSides) {
  request_.mutable_split_shares()->set_test(1);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2]), Line(kGoals[3])}});
  ASSERT_TRUE(Run().ok());
  for (const v1::Task& task : Stored()) EXPECT_EQ(task.split(), v1::SPLIT_TEST);
}

TEST_F(ModelProposerTest, TheFilterRejectsWithItsReason) {
  request_.set_count(2);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1]), Line(kGoals[2])}, {Line(kGoals[3])}});
  model_.examine = [](const Question& question) {
    if (absl::StrContains(question.text, kGoals[0]))
      return Says(absl::StrCat("It takes an account.\n", question.tag, ": REJECT NEEDS_LOGIN"));
    if (absl::StrContains(question.text, kGoals[1])) return Says("ACCEPT");
    return Says(absl::StrCat(question.tag, ": ACCEPT"));
  };
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 2);
  EXPECT_EQ(result->rejected_by_reason().at("needs a login"), 1);
  EXPECT_EQ(result->rejected_by_reason().at("undetermined"), 1);
  EXPECT_EQ(result->rejected(0).goal(), kGoals[0]);
  EXPECT_EQ(result->rejected(0).detail(), "It takes an account.");
  EXPECT_THAT(model_.batches[1].text, HasSubstr(absl::StrCat(kGoals[0], " (needs a login)")));
}

std::string LineOfVisit(const std::string& goal, int visit) {
  std::string line = Line(goal);
  line.pop_back();
  return absl::StrCat(line, ", \"visit\": ", visit, "}");
}

TEST_F(ModelProposerTest, DropsTasksWhoseDemonstrationCannotBeDoneAgain) {
  request_.set_count(3);
  request_.mutable_model()->add_demonstrations("trajectories/w");
  request_.mutable_model()->set_replay(true);
  std::vector<int> tried;
  replay_ = [&](const CallContext&, int visit, const v1::Task& start) -> absl::StatusOr<DemonstrationReplay> {
    tried.push_back(visit);
    EXPECT_EQ(start.environment(), "environments/web");
    EXPECT_EQ(start.start_state().start_url(), "https://towers.example/");
    if (visit == 0) return DemonstrationReplay();
    return DemonstrationReplay{.reason = kCannotBeReplayed, .detail = "step 2: the button is gone"};
  };
  model_.ProposeLines({{LineOfVisit(kGoals[0], 1), LineOfVisit(kGoals[1], 2), LineOfVisit(kGoals[2], 2)},
                       {LineOfVisit(kGoals[3], 1), LineOfVisit(kGoals[4], 2), LineOfVisit(kGoals[5], 1)}});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accepted(), 3);
  EXPECT_EQ(result->rejected_by_reason().at(kCannotBeReplayed), 3);
  EXPECT_EQ(result->rejected(0).goal(), kGoals[1]);
  EXPECT_EQ(result->rejected(0).detail(), "trajectories/w: step 2: the button is gone");
  // Each once, however many tasks it showed.
  EXPECT_THAT(tried, ElementsAre(0, 1));
  // No money is spent on what is dropped, and the model is told.
  EXPECT_THAT(model_.examined, SizeIs(3));
  EXPECT_THAT(model_.batches[1].text, HasSubstr(absl::StrCat(kGoals[1], " (", kCannotBeReplayed, ")")));
  EXPECT_THAT(Stored()[0].lineage().demonstrations(), ElementsAre("trajectories/v"));
}

TEST_F(ModelProposerTest, WhatCouldNotBeTriedIsTriedAgainInTheNextBatch) {
  request_.set_count(1);
  request_.mutable_model()->set_replay(true);
  int tries = 0;
  replay_ = [&](const CallContext&, int, const v1::Task&) -> absl::StatusOr<DemonstrationReplay> {
    if (++tries == 1) return absl::UnavailableError("the browser does not start");
    return DemonstrationReplay();
  };
  model_.ProposeLines({{LineOfVisit(kGoals[0], 1), LineOfVisit(kGoals[1], 1)}, {LineOfVisit(kGoals[2], 1)}});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->rejected_by_reason().at("its demonstration could not be tried"), 2);
  EXPECT_THAT(result->rejected(0).detail(), HasSubstr("the browser does not start"));
  EXPECT_EQ(tries, 2);
}

TEST_F(ModelProposerTest, AFilterThatDeclinesIsUndeterminedNeverAccepted) {
  request_.set_count(1);
  model_.ProposeLines({{Line(kGoals[0])}});
  model_.examine = [](const Question& question) {
    model::ChatReply reply = Says(absl::StrCat(question.tag, ": ACCEPT"));
    reply.choices[0].failure = v1::MODEL_FAILURE_REFUSAL;
    return reply;
  };
  auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 0);
  EXPECT_EQ(result->rejected_by_reason().at("undetermined"), 1);
  EXPECT_THAT(result->rejected(0).detail(), HasSubstr("REFUSAL"));
  model_.batches.clear();
  model_.examine = [](const Question&) { return Fails(v1::MODEL_FAILURE_CONTENT_FILTER); };
  result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 0);
}

TEST_F(ModelProposerTest, WithoutTheFilterNothingIsExaminedAndTasksWait) {
  request_.set_count(1);
  request_.mutable_model()->mutable_filter()->set_disabled(true);
  model_.ProposeLines({{Line(kGoals[0])}});
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(model_.examined, IsEmpty());
  EXPECT_EQ(Stored()[0].state(), v1::TASK_STATE_PROPOSED);
}

TEST_F(ModelProposerTest, ExaminesNoMoreThanAreWantedAndNotAllAtOnce) {
  request_.set_count(1);
  request_.mutable_model()->set_batch_size(3);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1]), Line(kGoals[2])}});
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(model_.examined, SizeIs(1));
  EXPECT_EQ(model_.most_at_once, 1u);
}

TEST_F(ModelProposerTest, EndsAfterThreeFruitlessBatches) {
  request_.mutable_model()->set_max_batches(50);
  model_.ProposeLines({{Line(kGoals[0])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->batches(), 4);
}

TEST_F(ModelProposerTest, EndsAfterMaxBatches) {
  request_.mutable_model()->set_max_batches(2);
  model_.ProposeLines({{Line(kGoals[0])}, {Line(kGoals[1])}, {Line(kGoals[2])}});
  EXPECT_EQ(Run()->batches(), 2);
}

TEST_F(ModelProposerTest, ARefusalCostsItsBatch) {
  model_.propose = [](const Question& question) {
    if (question.batch > 1) return Says(absl::StrCat(question.tag, "\n", Line(kGoals[question.batch])));
    model::ChatReply reply = Says("I would rather not.");
    reply.choices[0].failure = v1::MODEL_FAILURE_REFUSAL;
    return reply;
  };
  request_.set_count(1);
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->first_bad_lines(0).reason(), v1::BAD_LINE_REASON_NO_TEXT);
  EXPECT_THAT(result->first_bad_lines(0).detail(), HasSubstr("REFUSAL"));
}

TEST_F(ModelProposerTest, ACutOffReplyKeepsItsWholeLines) {
  request_.set_count(1);
  model_.propose = [](const Question& question) {
    model::ChatReply reply = Says(absl::StrCat(question.tag, "\n", Line(kGoals[0]), "\n{\"goal\": \"Hal"));
    reply.choices[0].failure = v1::MODEL_FAILURE_TRUNCATED;
    return reply;
  };
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->first_bad_lines(0).reason(), v1::BAD_LINE_REASON_CUT_OFF);
}

TEST_F(ModelProposerTest, AModelThatCannotBeAskedIsAnError) {
  const std::vector<std::pair<v1::ModelFailure, absl::StatusCode>> failures = {
      {v1::MODEL_FAILURE_BUDGET, absl::StatusCode::kResourceExhausted},
      {v1::MODEL_FAILURE_UNREACHABLE, absl::StatusCode::kUnavailable},
      {v1::MODEL_FAILURE_UNAUTHENTICATED, absl::StatusCode::kUnauthenticated},
      {v1::MODEL_FAILURE_NOT_CAPABLE, absl::StatusCode::kFailedPrecondition},
      {v1::MODEL_FAILURE_CANCELLED, absl::StatusCode::kCancelled}};
  for (const auto& [failure, code] : failures) {
    model_.batches.clear();
    model_.propose = [failure = failure](const Question&) { return Fails(failure); };
    EXPECT_EQ(Run().status().code(), code) << v1::ModelFailure_Name(failure);
    model_.batches.clear();
    model_.ProposeLines({{Line(kGoals[0])}});
    model_.examine = [failure = failure](const Question&) { return Fails(failure); };
    EXPECT_EQ(Run().status().code(), code) << v1::ModelFailure_Name(failure);
  }
}

TEST_F(ModelProposerTest, ABudgetThatEndsLeavesWhatWasStored) {
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2])}});
  const auto propose = model_.propose;
  model_.propose = [propose](const Question& question) {
    return question.batch == 2 ? Fails(v1::MODEL_FAILURE_BUDGET) : propose(question);
  };
  EXPECT_TRUE(absl::IsResourceExhausted(Run().status()));
  EXPECT_THAT(Stored(), SizeIs(2));
}

TEST_F(ModelProposerTest, StartedAgainItAsksTheSameAndTakesWhatIsStored) {
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2]), Line(kGoals[3])}});
  const auto first = Run();
  ASSERT_TRUE(first.ok());
  const std::vector<Question> asked = model_.batches;
  const std::vector<Question> examined = model_.examined;
  model_.batches.clear();
  model_.examined.clear();
  const auto second = Run();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->DebugString(), first->DebugString());
  ASSERT_EQ(model_.batches.size(), asked.size());
  for (size_t i = 0; i < asked.size(); ++i) EXPECT_EQ(model_.batches[i].text, asked[i].text);
  ASSERT_EQ(model_.examined.size(), examined.size());
  for (size_t i = 0; i < examined.size(); ++i) EXPECT_EQ(model_.examined[i].text, examined[i].text);
}

TEST_F(ModelProposerTest, ABatchThatIsStoredStaysAsItIsWhateverTheModelSaysNow) {
  request_.set_count(2);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}});
  ASSERT_TRUE(Run().ok());
  model_.batches.clear();
  model_.ProposeLines({{Line(kGoals[5]), Line(kGoals[6]), Line(kGoals[7])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 2);
  EXPECT_EQ(Stored()[0].goal(), kGoals[0]);
}

TEST_F(ModelProposerTest, ACancelledJobAsksNothingMore) {
  const auto cancel = std::make_shared<CancelToken>();
  model_.propose = [cancel](const Question& question) {
    cancel->Cancel();
    return Says(absl::StrCat(question.tag, "\n", Line(kGoals[0])));
  };
  EXPECT_TRUE(absl::IsCancelled(Run(CallContext(absl::InfiniteFuture(), cancel)).status()));
  EXPECT_THAT(model_.batches, SizeIs(1));
  EXPECT_THAT(Stored(), IsEmpty());
}

}  // namespace
}  // namespace proctor::proposer
