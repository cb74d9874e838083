#include "env/android/observer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/pause.h"
#include "env/observation_parts.h"

namespace proctor::env::android {
namespace {

constexpr size_t kMaxTextBytes = size_t{4} << 20;
// A device that takes longer for one of these is taken for lost.
constexpr absl::Duration kPictureCap = absl::Seconds(30);
constexpr absl::Duration kStateCap = absl::Seconds(20);
// uiautomator waits for a screen without events, which one that shows a film never is.
constexpr absl::Duration kDumpCap = absl::Seconds(20);

bool NeedsTree(const v1::ObservationRequest& request) {
  return Asks(request, v1::OBSERVATION_PART_ELEMENTS) || Asks(request, v1::OBSERVATION_PART_ACCESSIBILITY_TREE) ||
         (Asks(request, v1::OBSERVATION_PART_SCREENSHOT) && request.screenshot().draw_marks());
}

void AddMissing(v1::ObservationPart part, std::string_view reason, v1::Observation& observation) {
  v1::MissingPart* missing = observation.add_missing();
  missing->set_part(part);
  missing->set_reason(SanitizeUtf8(TruncateUtf8(reason, 500)));
}

std::vector<imaging::MarkBox> Boxes(const UiView& view) {
  std::vector<imaging::MarkBox> boxes;
  for (size_t i = 0; i < view.marks.size(); ++i) {
    const UiNode& node = view.tree.nodes[i];
    if (view.marks[i] == 0) continue;
    boxes.push_back({.mark = view.marks[i],
                     .x = static_cast<double>(node.left),
                     .y = static_cast<double>(node.top),
                     .width = static_cast<double>(node.right - node.left),
                     .height = static_cast<double>(node.bottom - node.top)});
  }
  return boxes;
}

}  // namespace

bool IsFault(const CallContext& context, const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsUnavailable(status) || (!status.ok() && !context.Check("the device").ok());
}

Observer::Observer(Device& device, const v1::AndroidSettings& settings)
    : device_(device), still_(FromProto(settings.settle_still())), screen_(device) {}

absl::Status Observer::Begin(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(natural_, ReadScreenSize(context.Child(kStateCap), device_));
  viewport_ = natural_;
  marks_.Clear();
  view_.reset();
  return screen_.Calibrate(context.Child(2 * kPictureCap));
}

absl::Status Observer::Picture(const CallContext& context, bool& same) {
  const absl::StatusOr<bool> taken = screen_.Capture(context.Child(kPictureCap));
  same = taken.ok() && *taken;
  no_picture_ = std::string(taken.status().message());
  if (taken.ok()) {
    viewport_ = screen_.size();
    return absl::OkStatus();
  }
  if (absl::IsDeadlineExceeded(taken.status())) return absl::UnavailableError("the device takes no picture of its screen in 30 s");
  return IsFault(context, taken.status()) ? taken.status() : absl::OkStatus();
}

absl::Status Observer::ReadFront(const CallContext& context) {
  const absl::StatusOr<Foreground> front = ReadForeground(context.Child(kStateCap), device_);
  if (!front.ok()) {
    return absl::IsCancelled(front.status()) ? front.status()
                                             : absl::UnavailableError(absl::StrCat("what is in front: ", front.status().message()));
  }
  foreground_ = *front;
  return absl::OkStatus();
}

absl::StatusOr<v1::SettleReport> Observer::Settle(const CallContext& context, absl::Duration cap) {
  const absl::Time begin = absl::Now();
  v1::SettleReport report;
  bool same = false;
  PROCTOR_RETURN_IF_ERROR(Picture(context, same));
  while (true) {
    const absl::Time taken = absl::Now();
    PROCTOR_RETURN_IF_ERROR(ReadFront(context));
    const bool over = absl::Now() - begin >= cap;
    if (over) break;
    PROCTOR_RETURN_IF_ERROR(Pause(context, taken + still_ - absl::Now()));
    PROCTOR_RETURN_IF_ERROR(Picture(context, same));
    if (!same) continue;
    report.set_settled(true);
    break;
  }
  if (!report.settled()) report.set_waiting_for("screen");
  *report.mutable_timing()->mutable_settle() = ToProto(absl::Now() - begin);
  touched_ = false;
  return report;
}

absl::Status Observer::Glance(const CallContext& context, const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(ReadFront(context));
  viewport_ = Turned(natural_, foreground_.rotation);
  bool same = false;
  // The tree's age is told by the picture, too.
  if (Asks(request, v1::OBSERVATION_PART_SCREENSHOT) || NeedsTree(request)) PROCTOR_RETURN_IF_ERROR(Picture(context, same));
  return absl::OkStatus();
}

absl::StatusOr<v1::Observation> Observer::Look(const CallContext& context, const v1::ObservationRequest& request) {
  v1::Observation observation;
  *observation.mutable_observe_time() = ToProto(absl::Now());
  observation.set_title(foreground_.activity);
  *observation.mutable_viewport() = viewport_;
  if (NeedsTree(request)) PROCTOR_RETURN_IF_ERROR(AddTree(context, request, observation));
  if (Asks(request, v1::OBSERVATION_PART_SCREENSHOT)) PROCTOR_RETURN_IF_ERROR(AddPicture(context, request, observation));
  if (Asks(request, v1::OBSERVATION_PART_DEVICE)) {
    absl::StatusOr<v1::DeviceState> state = ReadDeviceState(context.Child(kStateCap), device_, foreground_);
    if (IsFault(context, state.status())) return state.status();
    if (state.ok()) {
      *observation.mutable_device() = *std::move(state);
    } else {
      AddMissing(v1::OBSERVATION_PART_DEVICE, ToStd(state.status().message()), observation);
    }
  }
  return observation;
}

absl::Status Observer::Dump(const CallContext& context, std::string& reason) {
  view_.reset();
  // Half of what is left: a screen that cannot be dumped must leave time to say so.
  absl::StatusOr<UiTree> tree = DumpUi(context.Child(std::min(kDumpCap, context.remaining() / 2)), device_);
  reason = std::string(tree.status().message());
  if (!tree.ok()) return IsFault(context, tree.status()) ? tree.status() : absl::OkStatus();
  view_ = MakeView(*std::move(tree), marks_);
  view_version_ = screen_.version();
  return absl::OkStatus();
}

absl::Status Observer::AddTree(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation) {
  std::string reason;
  PROCTOR_RETURN_IF_ERROR(Dump(context, reason));
  const bool elements = Asks(request, v1::OBSERVATION_PART_ELEMENTS);
  const bool text = Asks(request, v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  if (!view_.has_value()) {
    if (elements) AddMissing(v1::OBSERVATION_PART_ELEMENTS, reason, observation);
    if (text) AddMissing(v1::OBSERVATION_PART_ACCESSIBILITY_TREE, reason, observation);
    return absl::OkStatus();
  }
  if (elements) FillElements(*view_, viewport_, observation);
  if (!text) return absl::OkStatus();
  std::string lines = TreeText(*view_);
  const size_t limit =
      request.max_text_bytes() > 0 ? std::min(kMaxTextBytes, static_cast<size_t>(request.max_text_bytes())) : kMaxTextBytes;
  observation.mutable_accessibility_tree()->set_truncated(lines.size() > limit);
  if (lines.size() > limit) lines = std::string(TruncateUtf8(lines, limit));
  observation.mutable_accessibility_tree()->set_text(std::move(lines));
  return absl::OkStatus();
}

absl::Status Observer::AddPicture(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation) {
  absl::Status status = no_picture_.empty() ? absl::OkStatus() : absl::DataLossError(no_picture_);
  const bool boxes = request.screenshot().draw_marks() && view_.has_value();
  if (status.ok()) {
    status = screen_.Fill(request.screenshot(), boxes ? Boxes(*view_) : std::vector<imaging::MarkBox>(),
                          observation.mutable_screenshot());
  }
  if (status.ok()) return absl::OkStatus();
  if (IsFault(context, status)) return status;
  observation.clear_screenshot();
  AddMissing(v1::OBSERVATION_PART_SCREENSHOT, ToStd(status.message()), observation);
  return absl::OkStatus();
}

const UiView* Observer::ViewIfCurrent() const {
  return view_.has_value() && !touched_ && view_version_ == screen_.version() ? &*view_ : nullptr;
}

absl::StatusOr<const UiView*> Observer::View(const CallContext& context, std::string& reason) {
  if (const UiView* current = ViewIfCurrent(); current != nullptr) return current;
  PROCTOR_RETURN_IF_ERROR(Dump(context, reason));
  touched_ = false;
  return view_.has_value() ? &*view_ : nullptr;
}

}  // namespace proctor::env::android
