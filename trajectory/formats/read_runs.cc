#include "trajectory/formats/read_runs.h"

#include "absl/strings/str_cat.h"
#include "trajectory/formats/readers.h"

namespace proctor::trajectory::formats {
namespace {

using Reader = absl::Status (*)(const RunSource&, RunSink&);

Reader ReaderOf(v1::TrajectoryFormat format) {
  switch (format) {
    case v1::TRAJECTORY_FORMAT_WEBVOYAGER:
      return ReadWebVoyager;
    case v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB:
      return ReadOnlineMind2Web;
    case v1::TRAJECTORY_FORMAT_ATIF:
      return ReadAtif;
    case v1::TRAJECTORY_FORMAT_AER:
      return ReadAer;
    default:
      return nullptr;
  }
}

// A folder's name, or the path of a file that may lie beside others.
std::string LabelOf(const Place& place, const std::string& root_name) {
  if (place.format == v1::TRAJECTORY_FORMAT_WEBVOYAGER ||
      place.format == v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB) {
    return place.folder.empty() ? root_name : place.folder;
  }
  return absl::StrCat(place.folder, place.folder.empty() ? "" : "/", place.file);
}

}  // namespace

absl::Status ReadPlace(const CallContext& context, const RunFiles& root, const Place& place,
                       const std::string& root_name, v1::Split split, RunSink& sink) {
  const std::string label = LabelOf(place, root_name);
  const auto files =
      place.folder.empty() ? absl::StatusOr<RunFiles>(root) : root.Below(place.folder);
  if (!files.ok()) return sink.Take(root, label, files.status());
  const Reader reader = ReaderOf(place.format);
  if (reader == nullptr) {
    return sink.Take(*files, label,
                     absl::InvalidArgumentError(
                         absl::StrCat("no reader of format ", FormatLabel(place.format))));
  }
  return reader(
      {.context = context, .files = *files, .file = place.file, .label = label, .split = split},
      sink);
}

}  // namespace proctor::trajectory::formats
