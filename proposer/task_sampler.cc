#include "proposer/task_sampler.h"

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "common/status.h"
#include "proposer/seeded.h"
#include "proposer/task_tables.h"

namespace proctor::proposer {
namespace {

using storage::Row;
using storage::Transaction;

constexpr int kMaxCount = 1'000;
// Of an answer; a task has half of it at most.
constexpr size_t kMaxSampleBytes = 64 << 20;
constexpr double kVersionDecay = 0.7;
// Versions that count less than 1 %.
constexpr int64_t kForgottenVersions = 13;
// More than that: tasks may be drawn for an older version. Versions further behind count as tries only.
constexpr int64_t kKeptVersions = 100;

absl::Status AddVersion(Transaction& transaction, const Outcome& outcome) {
  return transaction
      .Execute(
          "INSERT INTO proposer_policy_versions (policy, version, rank) "
          "SELECT $1, $2, COALESCE(MAX(rank), 0) + 1 FROM proposer_policy_versions WHERE policy = $1 "
          "ON CONFLICT (policy, version) DO NOTHING",
          {outcome.policy, outcome.policy_version})
      .status();
}

absl::Status AddTry(Transaction& transaction, const std::string& task, const Outcome& outcome) {
  return transaction
      .Execute(
          "INSERT INTO proposer_success (policy, version, task, tries, successes) VALUES ($1, $2, $3, 1, $4) "
          "ON CONFLICT (policy, version, task) DO UPDATE SET tries = proposer_success.tries + 1, "
          "successes = proposer_success.successes + $4",
          {outcome.policy, outcome.policy_version, task, static_cast<int64_t>(outcome.success)})
      .status();
}

struct Ranks {
  // At which outcomes count in full.
  int64_t current = 0;
  int64_t newest = 0;
};

absl::StatusOr<Ranks> ReadRanks(Transaction& transaction, const v1::SampleTasksRequest& request) {
  PROCTOR_ASSIGN_OR_RETURN(
      const auto newest,
      transaction.Query("SELECT COALESCE(MAX(rank), 0) FROM proposer_policy_versions WHERE policy = $1",
                        {request.policy()}));
  Ranks ranks{.current = newest[0].Int(0), .newest = newest[0].Int(0)};
  // Outcomes told without a version have a rank too, but it is nobody's present one.
  if (request.policy_version().empty()) return ranks;
  PROCTOR_ASSIGN_OR_RETURN(
      const auto known,
      transaction.Query("SELECT rank FROM proposer_policy_versions WHERE policy = $1 AND version = $2",
                        {request.policy(), request.policy_version()}));
  ranks.current = known.empty() ? ranks.newest + 1 : known[0].Int(0);
  return ranks;
}

// 0 for what Prune folds, whether it did so yet or not.
double WeightOf(int64_t rank, const Ranks& ranks) {
  const int64_t age = ranks.current - rank;
  if (age >= kForgottenVersions || rank <= ranks.newest - kKeptVersions) return 0;
  return std::pow(kVersionDecay, static_cast<double>(age));
}

struct Record {
  double tries = 0;
  double successes = 0;
  double all_tries = 0;
};

absl::StatusOr<std::map<std::string, Record>> ReadRecords(Transaction& transaction,
                                                          const v1::SampleTasksRequest& request) {
  PROCTOR_ASSIGN_OR_RETURN(const Ranks ranks, ReadRanks(transaction, request));
  PROCTOR_ASSIGN_OR_RETURN(
      const auto rows,
      transaction.Query("SELECT s.task, s.tries, s.successes, v.rank FROM proposer_success s "
                        "JOIN proposer_policy_versions v ON v.policy = s.policy AND v.version = s.version "
                        "WHERE s.policy = $1 AND v.rank <= $2",
                        {request.policy(), ranks.current}));
  std::map<std::string, Record> records;
  for (const Row& row : rows) {
    const double weight = WeightOf(row.Int(3), ranks);
    Record& record = records[row.Text(0)];
    record.all_tries += static_cast<double>(row.Int(1));
    record.tries += weight * static_cast<double>(row.Int(1));
    record.successes += weight * static_cast<double>(row.Int(2));
  }
  return records;
}

absl::StatusOr<std::vector<Candidate>> ReadCandidates(Transaction& transaction,
                                                      const v1::SampleTasksRequest& request) {
  v1::TaskFilter filter = request.filter();
  filter.clear_states();
  filter.add_states(v1::TASK_STATE_ACCEPTED);
  if (filter.splits().empty()) filter.add_splits(v1::SPLIT_TRAIN);
  const TaskCondition condition = ConditionOf(filter);
  PROCTOR_ASSIGN_OR_RETURN(
      const auto rows,
      transaction.Query(absl::StrCat("SELECT id, optimal_steps FROM proposer_tasks WHERE ", condition.sql),
                        condition.parameters));
  PROCTOR_ASSIGN_OR_RETURN(const auto records, ReadRecords(transaction, request));
  std::vector<Candidate> candidates;
  candidates.reserve(rows.size());
  for (const Row& row : rows) {
    Candidate candidate{.id = row.Text(0), .optimal_steps = static_cast<int>(row.Int(1))};
    if (const auto record = records.find(candidate.id); record != records.end()) {
      candidate.tries = record->second.tries;
      candidate.successes = record->second.successes;
      candidate.all_tries = record->second.all_tries;
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// Adds what is told of old versions to what is told of their policy's first one: a length that was given up on is known
// by the tries of all versions.
absl::Status FoldOldVersions(Transaction& transaction) {
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute(
              "INSERT INTO proposer_success (policy, version, task, tries, successes) "
              "SELECT s.policy, one.version, s.task, SUM(s.tries), SUM(s.successes) FROM proposer_success s "
              "JOIN proposer_policy_versions v ON v.policy = s.policy AND v.version = s.version "
              "JOIN proposer_policy_versions one ON one.policy = s.policy AND one.rank = 1 "
              "WHERE v.rank > 1 AND v.rank <= "
              "(SELECT MAX(w.rank) FROM proposer_policy_versions w WHERE w.policy = s.policy) - $1 "
              "GROUP BY s.policy, one.version, s.task "
              "ON CONFLICT (policy, version, task) DO UPDATE SET tries = proposer_success.tries + excluded.tries, "
              "successes = proposer_success.successes + excluded.successes",
              {kKeptVersions})
          .status());
  return transaction
      .Execute(
          "DELETE FROM proposer_success WHERE EXISTS (SELECT 1 FROM proposer_policy_versions v "
          "WHERE v.policy = proposer_success.policy AND v.version = proposer_success.version AND v.rank > 1 AND v.rank <= "
          "(SELECT MAX(w.rank) FROM proposer_policy_versions w WHERE w.policy = v.policy) - $1)",
          {kKeptVersions})
      .status();
}

uint64_t SeedOf(const v1::SampleTasksRequest& request) {
  return request.seed() != 0 ? static_cast<uint64_t>(request.seed()) : SeededHash(0, NewId());
}

}  // namespace

absl::Status TaskSampler::RecordOutcome(const CallContext& context, const Outcome& outcome) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string task, ResourceId("tasks", outcome.task));
  if (outcome.policy.empty() || outcome.episode.empty()) {
    return absl::InvalidArgumentError("an outcome needs a policy and an episode");
  }
  return database_.Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(
        const int64_t added,
        transaction.Execute("INSERT INTO proposer_outcomes (episode, create_time) VALUES ($1, $2) "
                            "ON CONFLICT (episode) DO NOTHING",
                            {outcome.episode, absl::ToUnixMicros(clock_.Now())}));
    if (added == 0) return absl::OkStatus();
    PROCTOR_RETURN_IF_ERROR(AddVersion(transaction, outcome));
    return AddTry(transaction, task, outcome);
  });
}

absl::Status TaskSampler::Prune(const CallContext& context, absl::Time before) {
  return database_.Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_RETURN_IF_ERROR(transaction
                                .Execute("DELETE FROM proposer_outcomes WHERE create_time < $1",
                                         {absl::ToUnixMicros(before)})
                                .status());
    return FoldOldVersions(transaction);
  });
}

absl::StatusOr<v1::SampleTasksResponse> TaskSampler::SampleTasks(const CallContext& context,
                                                                 const v1::SampleTasksRequest& request) const {
  if (request.count() < 1 || request.count() > kMaxCount) return absl::InvalidArgumentError("count: 1 to 1,000");
  PROCTOR_RETURN_IF_ERROR(CheckFilter(request.filter()));
  const bool uniform = request.strategy() == v1::SAMPLING_STRATEGY_UNIFORM;
  v1::SampleTasksResponse response;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](Transaction& transaction) -> absl::Status {
    response.Clear();
    PROCTOR_ASSIGN_OR_RETURN(const auto candidates, ReadCandidates(transaction, request));
    if (!uniform) response.set_frontier_steps(FrontierSteps(candidates, options_));
    const auto ids = uniform ? DrawUniform(candidates, request.count(), SeedOf(request))
                             : DrawCurriculum(candidates, request.count(), SeedOf(request), options_);
    size_t bytes = 0;
    for (const std::string& id : ids) {
      PROCTOR_ASSIGN_OR_RETURN(*response.add_tasks(), ReadTask(transaction, id));
      bytes += response.tasks().rbegin()->ByteSizeLong();
      if (bytes > kMaxSampleBytes) {
        return absl::InvalidArgumentError(
            absl::StrCat("count: ", request.count(), " of these tasks have more than 64 MiB together; ask for fewer at a time"));
      }
    }
    return absl::OkStatus();
  }));
  return response;
}

}  // namespace proctor::proposer
