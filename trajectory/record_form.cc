#include "trajectory/record_form.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "trajectory/digest_chain.h"

namespace proctor::trajectory {
namespace {

constexpr char kRedacted[] = "[redacted]";
constexpr char kFullUrl[] = "proctor/record-is-full";

absl::Status TooLarge(std::string_view what, uint64_t size, int64_t limit) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(what), " has ", size, " bytes, more than ", limit));
}

absl::Status CheckBlobs(const v1::Observation& observation) {
  for (const std::string& digest : NamedBlobs(observation)) {
    if (!IsDigest(digest)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", ToAbsl(TruncateUtf8(digest, 80)), "' is not a sha256 in hex"));
    }
  }
  return absl::OkStatus();
}

int64_t EvidenceBytes(const v1::Trajectory& record) {
  size_t bytes = 0;
  for (const v1::Evidence& item : record.evidence()) bytes += item.ByteSizeLong();
  return static_cast<int64_t>(bytes);
}

}  // namespace

absl::Status CheckTask(const v1::Task& task) {
  const size_t size = task.ByteSizeLong();
  return size > kMaxTaskBytes ? TooLarge("the task with its files", size, kMaxTaskBytes) : absl::OkStatus();
}

absl::Status CheckStep(const v1::Step& step) {
  const std::string name = absl::StrCat("step ", step.index());
  if (step.index() >= static_cast<int64_t>(kMaxSteps)) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is one too many: a record has at most ", kMaxSteps, " steps"));
  }
  if (step.agent_data().ByteSizeLong() > kMaxAgentDataBytes) {
    return TooLarge(name + ": agent_data", step.agent_data().ByteSizeLong(), kMaxAgentDataBytes);
  }
  const size_t size = step.ByteSizeLong() - step.observation().screenshot().data().size();
  if (size > kMaxStepBytes) return TooLarge(name, size, kMaxStepBytes);
  return Annotate(CheckBlobs(step.observation()), name);
}

absl::Status CheckHeader(const v1::Trajectory& header) {
  PROCTOR_RETURN_IF_ERROR(ResourceId("trajectories", header.name()).status());
  PROCTOR_RETURN_IF_ERROR(CheckTask(header.task()));
  PROCTOR_RETURN_IF_ERROR(CheckEnding(header));
  const size_t size = header.ByteSizeLong() - header.initial_observation().screenshot().data().size() -
                      header.task().ByteSizeLong() - static_cast<size_t>(EvidenceBytes(header));
  if (size > kMaxHeaderBytes) {
    return TooLarge("the header without task and evidence, which is the initial observation for the most part,", size, kMaxHeaderBytes);
  }
  if (header.steps_size() > 0) {
    return absl::InvalidArgumentError("the header has steps: append them one by one");
  }
  return CheckBlobs(header.initial_observation());
}

absl::Status CheckEnding(const v1::Trajectory& ending) {
  const int64_t bytes = EvidenceBytes(ending);
  if (bytes <= kMaxEvidenceBytes) return absl::OkStatus();
  return TooLarge("the evidence", static_cast<uint64_t>(bytes), kMaxEvidenceBytes);
}

absl::Status RecordIsFull(const std::string& name, int64_t index, int64_t bytes) {
  absl::Status status = absl::ResourceExhaustedError(
      absl::StrCat("step ", index, " does not fit: all steps of ", name, " would have ", bytes, " bytes, more than ", kMaxAllStepsBytes,
                   "; observe less with each step (pictures and downloads do not count), or take fewer"));
  status.SetPayload(kFullUrl, absl::Cord());
  return status;
}

bool SaysRecordIsFull(const absl::Status& status) { return status.GetPayload(kFullUrl).has_value(); }

namespace {

// Those of an oracle stand in fields named `url`, `urls` and `..._url`.
void RedactUrls(google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const bool is_url = field->name() == "url" || field->name() == "urls" || field->name().ends_with("_url");
    if (field->type() == google::protobuf::FieldDescriptor::TYPE_MESSAGE && !field->is_repeated()) {
      RedactUrls(*reflection.MutableMessage(&message, field));
    } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_MESSAGE) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) RedactUrls(*reflection.MutableRepeatedMessage(&message, field, i));
    } else if (is_url && field->type() == google::protobuf::FieldDescriptor::TYPE_STRING && !field->is_repeated()) {
      reflection.SetString(&message, field, WithoutUserInfo(reflection.GetString(message, field)));
    } else if (is_url && field->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        reflection.SetRepeatedString(&message, field, i, WithoutUserInfo(reflection.GetRepeatedString(message, field, i)));
      }
    }
  }
}

}  // namespace

std::string WithoutUserInfo(std::string_view urls) {
  std::string without;
  for (size_t scheme; (scheme = urls.find("://")) != std::string_view::npos;) {
    const size_t begin = scheme + 3;
    without += urls.substr(0, begin);
    urls.remove_prefix(begin);
    const size_t at = urls.substr(0, urls.find_first_of("/?# ")).rfind('@');
    if (at != std::string_view::npos) urls.remove_prefix(at + 1);
  }
  without += urls;
  return without;
}

void RedactCredentials(v1::Trajectory& header) {
  for (auto& [placeholder, url] : *header.mutable_base_urls()) url = WithoutUserInfo(url);
  if (header.task().has_oracle()) RedactUrls(*header.mutable_task()->mutable_oracle());
  if (!header.task().has_start_state()) return;
  v1::StartState& start = *header.mutable_task()->mutable_start_state();
  if (!start.storage_state_json().empty()) start.set_storage_state_json(kRedacted);
  for (auto& [origin, credentials] : *start.mutable_http_credentials()) {
    credentials.set_username(kRedacted);
    credentials.set_password(kRedacted);
  }
  for (auto& [placeholder, url] : *start.mutable_base_urls()) url = WithoutUserInfo(url);
  start.set_start_url(WithoutUserInfo(start.start_url()));
}

bool ThinningTakes(int64_t step_index, int64_t step_count) { return step_index < step_count - kThinKeeps; }

std::vector<std::string> NamedBlobs(const v1::Observation& observation) {
  std::vector<std::string> digests;
  if (!observation.screenshot().digest().empty()) {
    digests.push_back(observation.screenshot().digest());
  }
  for (const v1::Download& download : observation.downloads()) {
    if (!download.digest().empty()) digests.push_back(download.digest());
  }
  return digests;
}

std::vector<std::string> NamedBlobs(const v1::Trajectory& trajectory) {
  std::set<std::string> digests;
  const auto add = [&](const v1::Observation& observation, int64_t step_index) {
    if (trajectory.has_thin_time() && ThinningTakes(step_index, trajectory.steps_size())) return;
    for (std::string& digest : NamedBlobs(observation)) digests.insert(std::move(digest));
  };
  add(trajectory.initial_observation(), -1);
  for (int i = 0; i < trajectory.steps_size(); ++i) add(trajectory.steps(i).observation(), i);
  return {digests.begin(), digests.end()};
}

std::string StepSha256(const v1::Step& step) { return Sha256Hex(ProtoCanonicalBytes(step)); }

std::string TrajectoryDigest(const v1::Trajectory& header, const std::vector<std::string>& step_sha256s) {
  DigestChain chain(header);
  for (const std::string& sha256 : step_sha256s) chain.Add(sha256);
  return chain.End(header);
}

std::string TrajectoryDigest(const v1::Trajectory& trajectory) {
  std::vector<std::string> sha256s;
  sha256s.reserve(static_cast<size_t>(trajectory.steps_size()));
  for (const v1::Step& step : trajectory.steps()) sha256s.push_back(StepSha256(step));
  return TrajectoryDigest(trajectory, sha256s);
}

}  // namespace proctor::trajectory
