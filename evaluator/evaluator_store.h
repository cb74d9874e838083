// Evaluators and verdicts in the database.
#ifndef PROCTOR_EVALUATOR_EVALUATOR_STORE_H_
#define PROCTOR_EVALUATOR_EVALUATOR_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/verdict.pb.h"
#include "storage/database.h"

namespace proctor::evaluator {

// Brings this room's tables to the newest version. Call once at start-up, before the stores.
absl::Status MigrateTables(storage::Database& database);

// Named evaluators. `evaluators/oracle` and the presets are always there. All have the version that is in force (EvaluatorVersion), also
// those that were stored by code with other rules. Thread-safe.
class EvaluatorStore {
 public:
  // `database` and `clock` outlive the store.
  EvaluatorStore(storage::Database& database, Clock& clock) : database_(database), clock_(clock) {}

  // Stores it under its name and returns it with version and time. The same configuration again is
  // returned with the time of the first. INVALID_ARGUMENT; ALREADY_EXISTS the name has another configuration.
  absl::StatusOr<v1::Evaluator> Create(const CallContext& context, const v1::Evaluator& evaluator);

  // Empty: `evaluators/oracle`. INVALID_ARGUMENT malformed name; NOT_FOUND.
  absl::StatusOr<v1::Evaluator> Get(const CallContext& context, const std::string& name);

  // By name, at most 1,000.
  absl::StatusOr<std::vector<v1::Evaluator>> List(const CallContext& context);

 private:
  storage::Database& database_;
  Clock& clock_;
};

// Verdicts, by name. Thread-safe.
class VerdictStore {
 public:
  // `database` and `clock` outlive the store.
  VerdictStore(storage::Database& database, Clock& clock) : database_(database), clock_(clock) {}

  // Stores a verdict under the name that Assess gave it and returns what is stored: the first one, if it was there, but for
  // one whose model was not to be had or understood, which is replaced.
  absl::StatusOr<v1::Verdict> Put(const CallContext& context, const v1::Verdict& verdict);

  // The same inside a transaction of the caller (closing an episode and storing its verdict is one
  // commit).
  absl::StatusOr<v1::Verdict> PutWithin(storage::Transaction& transaction,
                                        const v1::Verdict& verdict);

  // INVALID_ARGUMENT malformed name; NOT_FOUND.
  absl::StatusOr<v1::Verdict> Get(const CallContext& context, const std::string& name);

  // Newest first, without questions and members; page size 1 to 1,000, default 100. A page also ends where the verdicts, questions and
  // members included, have 2 MiB (storage/page.h). INVALID_ARGUMENT: malformed page token.
  absl::StatusOr<v1::ListVerdictsResponse> List(const CallContext& context,
                                                const v1::ListVerdictsRequest& request);

 private:
  storage::Database& database_;
  Clock& clock_;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_EVALUATOR_STORE_H_
