#include "trajectory/record_form.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "common/strings.h"
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

std::string WithoutUserInfo(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t begin = scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const size_t at = url.rfind('@', end);
  if (at == std::string::npos || at < begin || at >= end) return url;
  return url.substr(0, begin) + url.substr(at + 1);
}

void RedactCredentials(v1::Trajectory& header) {
  for (auto& [placeholder, url] : *header.mutable_base_urls()) url = WithoutUserInfo(url);
  if (!header.task().has_start_state()) return;
  v1::StartState& start = *header.mutable_task()->mutable_start_state();
  if (!start.storage_state_json().empty()) start.set_storage_state_json(kRedacted);
  for (auto& [origin, credentials] : *start.mutable_http_credentials()) {
    credentials.set_username(kRedacted);
    credentials.set_password(kRedacted);
  }
  for (auto& [placeholder, url] : *start.mutable_base_urls()) url = WithoutUserInfo(url);
  // Several start URLs are separated by " |AND| ".
  constexpr std::string_view kSeparator = " |AND| ";
  std::string urls;
  std::string_view rest = start.start_url();
  while (true) {
    const size_t end = rest.find(kSeparator);
    urls += WithoutUserInfo(std::string(rest.substr(0, end)));
    if (end == std::string_view::npos) break;
    urls += kSeparator;
    rest.remove_prefix(end + kSeparator.size());
  }
  start.set_start_url(urls);
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
