// A proposer's model that says what a test tells it to, and what a proposer makes of it.
#ifndef PROCTOR_TESTS_PROPOSER_MODEL_PROPOSER_FIXTURE_H_
#define PROCTOR_TESTS_PROPOSER_MODEL_PROPOSER_FIXTURE_H_

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proposer/model_proposer.h"
#include "proposer/model_source.h"

namespace proctor::proposer {

// Subjects that no two goals share much of.
inline constexpr const char* kGoals[] = {
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

inline std::string AllText(const model::ChatRequest& request) {
  std::string all;
  for (const model::Message& message : request.messages) {
    for (const model::Part& part : message.parts) {
      if (const auto* text = std::get_if<model::TextPart>(&part)) all += text->text;
    }
  }
  return all;
}

inline std::string Line(const std::string& goal, const std::string& area = "buildings") {
  return absl::StrCat(R"({"goal": ")", goal, R"(", "area": ")", area,
                      R"(", "kind": "find_information", "difficulty": "easy", "persona": 1})");
}

inline model::ChatReply Says(const std::string& text) {
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

inline model::ChatReply Fails(v1::ModelFailure failure) {
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

// Replies as it is told, and notes what it was asked.
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

// Proposes tasks from a scripted model, into a store in memory.
class ModelProposerFixture : public testing::Test {
 protected:
  ModelProposerFixture() {
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

}  // namespace proctor::proposer

#endif  // PROCTOR_TESTS_PROPOSER_MODEL_PROPOSER_FIXTURE_H_
