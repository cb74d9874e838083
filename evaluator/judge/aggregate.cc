#include "evaluator/judge/aggregate.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "evaluator/judge/reply_parser.h"
#include "evaluator/score.h"

namespace proctor::evaluator {
namespace {

std::vector<const v1::JudgeSample*> Valid(const v1::JudgeQuestion& question) {
  std::vector<const v1::JudgeSample*> valid;
  for (const v1::JudgeSample& sample : question.samples()) {
    if (sample.valid()) valid.push_back(&sample);
  }
  return valid;
}

// The sample whose grade is the most frequent; null for a tie.
const v1::JudgeSample* Majority(const std::vector<const v1::JudgeSample*>& valid) {
  std::map<std::string, int> counts;
  for (const v1::JudgeSample* sample : valid) ++counts[sample->grade()];
  int most = 0, holders = 0;
  for (const auto& [grade, count] : counts) {
    holders = count > most ? 1 : holders + (count == most ? 1 : 0);
    most = std::max(most, count);
  }
  if (holders != 1) return nullptr;
  return *std::find_if(valid.begin(), valid.end(),
                       [&](const v1::JudgeSample* sample) { return counts[sample->grade()] == most; });
}

const v1::JudgeSample* Median(std::vector<const v1::JudgeSample*> valid) {
  std::stable_sort(valid.begin(), valid.end(),
                   [](const v1::JudgeSample* a, const v1::JudgeSample* b) { return a->score() < b->score(); });
  return valid[(valid.size() - 1) / 2];
}

void SetMean(const std::vector<const v1::JudgeSample*>& valid, v1::JudgeQuestion& question) {
  double score = 0, value = 0;
  for (const v1::JudgeSample* sample : valid) {
    score += sample->score();
    value += sample->value();
  }
  question.set_score(score / static_cast<double>(valid.size()));
  question.set_value(value / static_cast<double>(valid.size()));
}

void Take(const v1::JudgeSample& sample, v1::JudgeQuestion& question) {
  question.set_score(sample.score());
  question.set_value(sample.value());
  question.set_grade(sample.grade());
}

// False for a tie.
bool SetValue(v1::SampleAggregation aggregation, const std::vector<const v1::JudgeSample*>& valid,
              v1::JudgeQuestion& question) {
  switch (aggregation) {
    case v1::SAMPLE_AGGREGATION_MAJORITY: {
      const v1::JudgeSample* winner = Majority(valid);
      if (winner != nullptr) Take(*winner, question);
      return winner != nullptr;
    }
    case v1::SAMPLE_AGGREGATION_MEDIAN:
      Take(*Median(valid), question);
      return true;
    case v1::SAMPLE_AGGREGATION_MINIMUM:
      Take(**std::min_element(valid.begin(), valid.end(), [](auto* a, auto* b) { return a->score() < b->score(); }),
           question);
      return true;
    default:
      SetMean(valid, question);
      return true;
  }
}

v1::SampleAggregation AggregationOf(const v1::JudgeStage& stage) {
  if (stage.aggregation() != v1::SAMPLE_AGGREGATION_UNSPECIFIED) return stage.aggregation();
  const bool grades = stage.parser().has_grade() || stage.parser().json().grades_size() > 0;
  return grades ? v1::SAMPLE_AGGREGATION_MAJORITY : v1::SAMPLE_AGGREGATION_MEAN;
}

// The share of samples, by their probabilities, on the side of the threshold where the score is.
double Confidence(const std::vector<const v1::JudgeSample*>& valid, bool success) {
  double share = 0;
  for (const v1::JudgeSample* sample : valid) {
    share += success ? sample->success_probability() : 1 - sample->success_probability();
  }
  return share / static_cast<double>(valid.size());
}

// Of the first sample that says what the question came to.
std::string TextOf(const std::vector<const v1::JudgeSample*>& valid, const std::string& grade, bool success) {
  const auto speaker = std::find_if(valid.begin(), valid.end(), [&](const v1::JudgeSample* sample) {
    return grade.empty() ? (sample->success_probability() >= 0.5) == success : sample->grade() == grade;
  });
  return speaker == valid.end() ? valid.front()->text() : (*speaker)->text();
}

std::string WhyInvalid(const v1::JudgeQuestion& question) {
  std::map<std::string, int> reasons;
  for (const v1::JudgeSample& sample : question.samples()) {
    if (!sample.valid() && !sample.undetermined()) ++reasons[sample.invalid_reason()];
  }
  std::string text;
  for (const auto& [reason, count] : reasons) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", count, " of ", question.samples_size(), ": ", reason);
  }
  return text.empty() ? "no reply" : text;
}

}  // namespace

v1::JudgeSample ReadSample(const v1::JudgeStage& stage, std::string_view verdict_tag, double success_threshold,
                           const model::Choice& choice) {
  v1::JudgeSample sample;
  // A reply that reached its length may yet have given its verdict, unless the text itself is what is asked for.
  const bool readable = choice.failure == v1::MODEL_FAILURE_UNSPECIFIED ||
                        (choice.failure == v1::MODEL_FAILURE_TRUNCATED && !stage.parser().has_text());
  if (!readable) {
    sample.set_failure(choice.failure);
    sample.set_invalid_reason(choice.failure_detail);
    return sample;
  }
  ReadReply reply = ParseReply(stage.parser(), verdict_tag, choice.text);
  sample = std::move(reply.sample);
  sample.set_failure(choice.failure);
  sample.set_text(std::move(reply.text));
  if (!sample.valid()) return sample;
  sample.set_success_probability(Reaches(sample.score(), success_threshold) ? 1 : 0);
  if (AggregationOf(stage) == v1::SAMPLE_AGGREGATION_LOGPROB_EXPECTATION) {
    const v1::NumberParser& scale = stage.parser().number();
    const auto expectation = ExpectationAt(choice.tokens, reply.value_begin, reply.value_end, scale, success_threshold);
    if (expectation.has_value()) {
      sample.set_value(expectation->value);
      sample.set_score((expectation->value - scale.min()) / (scale.max() - scale.min()));
      sample.set_success_probability(expectation->success_probability);
    }
  }
  return sample;
}

void Aggregate(const v1::JudgeStage& stage, double success_threshold, v1::JudgeQuestion& question) {
  const std::vector<const v1::JudgeSample*> valid = Valid(question);
  const auto said = static_cast<std::ptrdiff_t>(valid.size());
  const auto unsure = std::count_if(question.samples().begin(), question.samples().end(),
                                    [](const v1::JudgeSample& sample) { return sample.undetermined(); });
  const auto failed = question.samples_size() - said - unsure;
  if (unsure > said && unsure > failed) {
    question.set_undetermined(true);
    question.set_invalid_reason(absl::StrCat(unsure, " of ", question.samples_size(), " say that they cannot tell"));
    return;
  }
  if (valid.empty() || unsure > said) {
    question.set_invalid_reason(WhyInvalid(question));
    return;
  }
  if (stage.parser().has_text()) {
    question.set_valid(true);
    question.set_text(valid.front()->text());
    return;
  }
  if (!SetValue(AggregationOf(stage), valid, question)) {
    question.set_invalid_reason(absl::StrCat("a tie among ", valid.size(), " samples"));
    return;
  }
  const bool success = Reaches(question.score(), success_threshold);
  question.set_valid(true);
  question.set_confidence(Confidence(valid, success));
  question.set_text(TextOf(valid, question.grade(), success));
}

}  // namespace proctor::evaluator
