#include "proposer/site_evidence.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "proposer/text.h"
#include "trajectory/action_line.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxVisitBytes = 8 << 10;
constexpr size_t kMaxUrlBytes = 200;
constexpr size_t kMaxTitleBytes = 100;
constexpr size_t kMaxActionBytes = 300;
constexpr char kCut[] = "\n[the rest is left out]";

std::string PageOf(const v1::Observation& observation) {
  std::string page = CleanText(observation.url(), kMaxUrlBytes);
  if (!observation.title().empty()) absl::StrAppend(&page, " \"", CleanText(observation.title(), kMaxTitleBytes), "\"");
  return page;
}

std::string DescribeVisit(const v1::Trajectory& visit) {
  std::string text = absl::StrCat("Goal: ", CleanText(visit.task().goal()));
  const v1::Observation* before = &visit.initial_observation();
  for (int i = 0; i < visit.steps_size(); ++i) {
    const v1::Step& step = visit.steps(i);
    absl::StrAppend(&text, "\n", i + 1, ". on ", PageOf(*before), ": ",
                    CleanText(trajectory::ActionLine(step), kMaxActionBytes));
    before = &step.observation();
  }
  if (text.size() <= kMaxVisitBytes) return text;
  return absl::StrCat(ToAbsl(TruncateUtf8(text, kMaxVisitBytes - sizeof(kCut))), kCut);
}

// First, middle and last of the different pictures.
std::vector<std::string> ChoosePictures(const v1::Trajectory& visit) {
  std::vector<std::string> digests;
  const auto add = [&](const v1::Observation& observation) {
    const std::string& digest = observation.screenshot().digest();
    if (!digest.empty() && (digests.empty() || digests.back() != digest)) digests.push_back(digest);
  };
  add(visit.initial_observation());
  for (const v1::Step& step : visit.steps()) add(step.observation());
  if (digests.size() <= 3) return digests;
  return {digests.front(), digests[digests.size() / 2], digests.back()};
}

absl::Status AddPicture(const CallContext& context, const std::string& digest, const storage::BlobStore& blobs,
                        SiteEvidence& evidence) {
  for (const model::ImagePart& known : evidence.pictures) {
    if (known.digest == digest) return absl::OkStatus();
  }
  absl::StatusOr<std::string> bytes = blobs.Get(context, digest);
  PROCTOR_RETURN_IF_ERROR(Annotate(bytes.status(), absl::StrCat("screenshot ", digest)));
  evidence.pictures.push_back({.bytes = *std::move(bytes), .digest = digest});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SiteEvidence> CollectEvidence(const CallContext& context, const v1::ModelSource& source,
                                             const std::vector<v1::Trajectory>& demonstrations,
                                             const storage::BlobStore& blobs) {
  SiteEvidence evidence;
  for (const std::string& digest : source.screenshots()) {
    PROCTOR_RETURN_IF_ERROR(AddPicture(context, digest, blobs, evidence));
  }
  for (const v1::Trajectory& visit : demonstrations) {
    if (!visit.closed()) {
      return absl::FailedPreconditionError(
          absl::StrCat(visit.name(), " is still being recorded: end its episode first"));
    }
    evidence.visits.push_back(DescribeVisit(visit));
    for (const std::string& digest : ChoosePictures(visit)) {
      PROCTOR_RETURN_IF_ERROR(AddPicture(context, digest, blobs, evidence));
    }
  }
  return evidence;
}

}  // namespace proctor::proposer
