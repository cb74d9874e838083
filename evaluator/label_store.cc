#include "evaluator/label_store.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/stored_message.h"
#include "storage/page.h"

namespace proctor::evaluator {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;
constexpr size_t kIdDigits = 32;
constexpr size_t kMaxAnnotatorBytes = 64;
constexpr size_t kMaxNoteBytes = 4000;

absl::Status CheckLabel(const v1::Label& label) {
  PROCTOR_RETURN_IF_ERROR(ResourceId("trajectories", label.trajectory()).status());
  if (label.annotator().empty() || label.annotator().size() > kMaxAnnotatorBytes) {
    return absl::InvalidArgumentError("annotator: 1 to 64 bytes are needed");
  }
  if (label.outcome() != v1::OUTCOME_SUCCESS && label.outcome() != v1::OUTCOME_FAILURE &&
      label.outcome() != v1::OUTCOME_UNDETERMINED) {
    return absl::InvalidArgumentError("outcome must be SUCCESS, FAILURE or UNDETERMINED");
  }
  if (label.note().size() > kMaxNoteBytes) return absl::InvalidArgumentError("note: at most 4,000 bytes");
  return absl::OkStatus();
}

// With which probability the sample drew the trajectory.
absl::StatusOr<double> DrawnWith(storage::Transaction& transaction, const std::string& sample,
                                 const std::string& trajectory) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("labelSamples", sample));
  PROCTOR_ASSIGN_OR_RETURN(const auto samples,
                           transaction.Query("SELECT 1 FROM evaluator_label_samples WHERE id = $1", {id}));
  if (samples.empty()) return absl::NotFoundError(absl::StrCat("there is no ", sample));
  PROCTOR_ASSIGN_OR_RETURN(
      const auto rows,
      transaction.Query("SELECT probability FROM evaluator_drawn WHERE sample = $1 AND trajectory = $2", {id, trajectory}));
  if (rows.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(sample, " did not draw ", trajectory, "; leave `label_sample` out for one chosen by hand"));
  }
  return rows[0].Double(0);
}

}  // namespace

absl::StatusOr<v1::Label> LabelStore::Put(const CallContext& context, const v1::Label& label) {
  PROCTOR_RETURN_IF_ERROR(CheckLabel(label));
  const std::string id = Sha256Hex(absl::StrCat(label.trajectory(), "\n", label.annotator())).substr(0, kIdDigits);
  v1::Label stored = label;
  stored.set_name(ResourceName("labels", id));
  stored.clear_inclusion_probability();
  *stored.mutable_create_time() = ToProto(clock_.Now());
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    if (!label.label_sample().empty()) {
      PROCTOR_ASSIGN_OR_RETURN(const double probability,
                               DrawnWith(transaction, label.label_sample(), label.trajectory()));
      stored.set_inclusion_probability(probability);
    }
    PROCTOR_RETURN_IF_ERROR(transaction.Execute("DELETE FROM evaluator_labels WHERE id = $1", {id}).status());
    return transaction
        .Execute("INSERT INTO evaluator_labels (id, sequence, trajectory, body) "
                 "SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3 FROM evaluator_labels",
                 {id, stored.trajectory(), storage::Bytes{stored.SerializeAsString()}})
        .status();
  }));
  return stored;
}

absl::StatusOr<v1::ListLabelsResponse> LabelStore::List(const CallContext& context,
                                                        const v1::ListLabelsRequest& request) {
  if (request.page_size() < 0) return absl::InvalidArgumentError("page_size must not be negative");
  const int size = request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  int64_t before = std::numeric_limits<int64_t>::max();
  if (!request.page_token().empty() && (!absl::SimpleAtoi(request.page_token(), &before) || before <= 0)) {
    return absl::InvalidArgumentError("page_token is not one that this method gave");
  }
  std::string sql = "SELECT sequence, body FROM evaluator_labels WHERE sequence < $1";
  std::vector<storage::Value> parameters = {before};
  if (!request.trajectory().empty()) {
    parameters.push_back(request.trajectory());
    absl::StrAppend(&sql, " AND trajectory = $2");
  }
  parameters.push_back(int64_t{size} + 1);
  absl::StrAppend(&sql, " ORDER BY sequence DESC LIMIT $", parameters.size());
  v1::ListLabelsResponse response;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    int64_t last = 0;
    const auto add = [&](const storage::Row& row) -> absl::Status {
      last = row.Int(0);
      PROCTOR_ASSIGN_OR_RETURN(*response.add_labels(), Decode<v1::Label>(row, 1, "label"));
      return absl::OkStatus();
    };
    PROCTOR_ASSIGN_OR_RETURN(const bool more, storage::ForEachOfPage(transaction, sql, parameters, size, add));
    if (more) response.set_next_page_token(absl::StrCat(last));
    return absl::OkStatus();
  }));
  return response;
}

absl::StatusOr<std::vector<v1::Label>> LabelStore::OfTrajectory(const CallContext& context,
                                                                const std::string& trajectory) {
  v1::ListLabelsRequest request;
  request.set_trajectory(trajectory);
  request.set_page_size(kMaxPageSize);
  std::vector<v1::Label> labels;
  do {
    PROCTOR_ASSIGN_OR_RETURN(v1::ListLabelsResponse page, List(context, request));
    for (v1::Label& label : *page.mutable_labels()) labels.push_back(std::move(label));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return labels;
}

absl::StatusOr<v1::LabelSample> LabelStore::PutSample(const CallContext& context, const v1::LabelSample& sample) {
  v1::LabelSample stored = sample;
  stored.clear_name();
  stored.clear_create_time();
  const std::string id = Sha256Hex(ProtoCanonicalBytes(stored)).substr(0, kIdDigits);
  stored.set_name(ResourceName("labelSamples", id));
  *stored.mutable_create_time() = ToProto(clock_.Now());
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(auto found, Find<v1::LabelSample>(transaction, "evaluator_label_samples", id));
    if (found) {
      stored = *std::move(found);
      return absl::OkStatus();
    }
    for (const v1::DrawnTrajectory& drawn : stored.drawn()) {
      PROCTOR_RETURN_IF_ERROR(
          transaction
              .Execute("INSERT INTO evaluator_drawn (sample, trajectory, probability) VALUES ($1, $2, $3)",
                       {id, drawn.trajectory(), drawn.inclusion_probability()})
              .status());
    }
    return transaction
        .Execute("INSERT INTO evaluator_label_samples (id, body) VALUES ($1, $2)",
                 {id, storage::Bytes{stored.SerializeAsString()}})
        .status();
  }));
  return stored;
}

absl::StatusOr<v1::LabelSample> LabelStore::GetSample(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("labelSamples", name));
  std::optional<v1::LabelSample> found;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(found, Find<v1::LabelSample>(transaction, "evaluator_label_samples", id));
    return absl::OkStatus();
  }));
  if (!found) return absl::NotFoundError(absl::StrCat("there is no ", name));
  return *std::move(found);
}

}  // namespace proctor::evaluator
