// People's labels, and what was drawn to be labelled, in the database.
#ifndef PROCTOR_EVALUATOR_LABEL_STORE_H_
#define PROCTOR_EVALUATOR_LABEL_STORE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/label.pb.h"
#include "storage/database.h"

namespace proctor::evaluator {

// Thread-safe. The tables are those of MigrateTables.
class LabelStore {
 public:
  // `database` and `clock` outlive the store.
  LabelStore(storage::Database& database, Clock& clock) : database_(database), clock_(clock) {}

  // Stores a label in place of the annotator's earlier one on the trajectory, and returns it with its name, probability and time.
  // INVALID_ARGUMENT: no trajectory, annotator or outcome, a text too long, a sample that did not draw the trajectory; NOT_FOUND: the
  // sample.
  absl::StatusOr<v1::Label> Put(const CallContext& context, const v1::Label& label);

  // Newest first; page size 1 to 1,000, default 100; a page also ends at 2 MiB (storage/page.h). INVALID_ARGUMENT: malformed page token.
  absl::StatusOr<v1::ListLabelsResponse> List(const CallContext& context, const v1::ListLabelsRequest& request);

  // All labels of a trajectory.
  absl::StatusOr<std::vector<v1::Label>> OfTrajectory(const CallContext& context, const std::string& trajectory);

  // Stores a sample as drawn, named after its content, and returns it with name and time; the same one again is returned as stored.
  absl::StatusOr<v1::LabelSample> PutSample(const CallContext& context, const v1::LabelSample& sample);

  // INVALID_ARGUMENT malformed name; NOT_FOUND.
  absl::StatusOr<v1::LabelSample> GetSample(const CallContext& context, const std::string& name);

 private:
  storage::Database& database_;
  Clock& clock_;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_LABEL_STORE_H_
