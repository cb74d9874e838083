// Reflections in the database.
#ifndef PROCTOR_EVALUATOR_REFLECTION_STORE_H_
#define PROCTOR_EVALUATOR_REFLECTION_STORE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "proctor/v1/reflection.pb.h"
#include "storage/database.h"

namespace proctor::evaluator {

// Thread-safe. The tables are those of MigrateTables.
class ReflectionStore {
 public:
  // A chain is no longer than this.
  static constexpr int kMaxDepth = 9;

  // `database` and `clock` outlive the store.
  ReflectionStore(storage::Database& database, Clock& clock) : database_(database), clock_(clock) {}

  // The name of the reflection on this attempt, verdict and predecessor.
  static std::string NameOf(const std::string& trajectory, const std::string& verdict, const std::string& previous);

  // INVALID_ARGUMENT malformed name; NOT_FOUND.
  absl::StatusOr<v1::Reflection> Get(const CallContext& context, const std::string& name);

  // The reflection and its predecessors, oldest first; nothing for an empty name. FAILED_PRECONDITION: already kMaxDepth long.
  absl::StatusOr<std::vector<v1::Reflection>> Chain(const CallContext& context, const std::string& name);

  // Stores it under its name and returns what is stored: the first one, if it was there.
  absl::StatusOr<v1::Reflection> Put(const CallContext& context, const v1::Reflection& reflection);

 private:
  storage::Database& database_;
  Clock& clock_;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_REFLECTION_STORE_H_
