// A foreign run on its way into or out of the archive.
#ifndef PROCTOR_TRAJECTORY_FORMATS_RUN_H_
#define PROCTOR_TRAJECTORY_FORMATS_RUN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "trajectory/formats/run_files.h"
#include "trajectory/formats/skip_list.h"

namespace proctor::trajectory::formats {

// A run as it was read, not yet stored: a closed record without name, steps, step count and digest.
struct Run {
  v1::Trajectory header;
  std::vector<v1::Step> steps;
  // Files of the pictures that its observations name, by digest.
  std::map<std::string, std::string> pictures;
  // What was not taken over.
  SkipList skips;
};

// One file or folder that holds a run, or several.
struct RunSource {
  const CallContext& context;
  // The folder; a run's other files are read from here.
  const RunFiles& files;
  // The file in it that was recognized.
  std::string file;
  // Names the run in reports: its folder, and its file where a folder may hold many.
  std::string label;
  // Split of tasks of formats that name none.
  v1::Split split = v1::SPLIT_TEST;
};

// Takes runs one by one.
class RunSink {
 public:
  virtual ~RunSink() = default;
  // How many runs the source holds; without a call: one.
  virtual void Expect(int64_t runs) = 0;
  // A whole run, or why it could not be read. Not OK: the reader stops with that status.
  virtual absl::Status Take(const RunFiles& files, const std::string& label,
                            absl::StatusOr<Run> run) = 0;
  // What lies beside the runs of `label` and is read for none of them.
  virtual void Skip(const std::string& label, const SkipList& skips) = 0;
};

// What a record has in every foreign format: format version, closed, the task's origin, the
// environment of the outside world.
v1::Trajectory ForeignHeader(const std::string& recorder, v1::Split split);

// Ends a run: answered or given up if its last step says so, else `kind` and `reason` with
// `message` for people.
void SetEnd(Run& run, v1::EndKind kind, v1::EndReason reason, const std::string& message);

// "step_limit", for texts; UNSPECIFIED for what is no reason.
std::string EndReasonLabel(v1::EndReason reason);
v1::EndReason EndReasonOf(const std::string& label);

// Makes `id` a single file name of at most 200 bytes: "_" for slashes, control characters and a dot
// in front; never empty.
std::string FileNameOf(const std::string& id);
// The same of `[A-Za-z0-9_-]` only.
std::string PlainNameOf(const std::string& id);

// The task's id where it was made, else the task's, else the trajectory's.
std::string ExternalId(const v1::Trajectory& trajectory);

// What was seen before step `index`.
const v1::Observation& SeenBefore(const v1::Trajectory& trajectory, int index);
v1::Observation& SeenBefore(Run& run, size_t index);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_RUN_H_
