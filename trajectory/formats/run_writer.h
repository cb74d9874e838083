// Writers of the foreign formats, one a format (docs/formats/).
#ifndef PROCTOR_TRAJECTORY_FORMATS_RUN_WRITER_H_
#define PROCTOR_TRAJECTORY_FORMATS_RUN_WRITER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "nlohmann/json_fwd.hpp"
#include "proctor/v1/trajectory.pb.h"
#include "storage/blob_store.h"
#include "trajectory/folder_writer.h"

namespace proctor::trajectory::formats {

// Where runs are written, and where their pictures are. Both outlive the writer.
struct WriterParts {
  storage::BlobStore& blobs;
  FolderWriter& folder;
};

class RunWriter {
 public:
  explicit RunWriter(WriterParts parts) : parts_(parts) {}
  virtual ~RunWriter() = default;
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  // Writes a closed trajectory with its steps; returns what readers will call it (RunSource.label).
  // FAILED_PRECONDITION: the format cannot carry it, and nothing was written; DATA_LOSS: a blob is
  // corrupt; RESOURCE_EXHAUSTED: disk full.
  virtual absl::StatusOr<std::string> Add(const CallContext& context,
                                          const v1::Trajectory& trajectory) = 0;
  // Writes what belongs to all together; once, last.
  virtual absl::Status Finish() { return absl::OkStatus(); }

 protected:
  FolderWriter& folder() { return parts_.folder; }
  // Writes the picture that an observation names as `path`.
  absl::Status AddPicture(const CallContext& context, const v1::Observation& observation,
                          const std::string& path);
  // A document as text. FAILED_PRECONDITION: readers would refuse it for its size.
  static absl::StatusOr<std::string> TextOf(const nlohmann::json& document);
  // "image", "image-2", ...: each name once.
  std::string Unique(const std::string& name);

 private:
  const WriterParts parts_;
  std::map<std::string, int> used_;
};

// ".png", ".jpg" or ".webp": by the picture's format.
std::string ExtensionOf(const v1::Observation& observation);

std::unique_ptr<RunWriter> NewAerWriter(WriterParts parts);
std::unique_ptr<RunWriter> NewAtifWriter(WriterParts parts);
std::unique_ptr<RunWriter> NewOnlineMind2WebWriter(WriterParts parts);
std::unique_ptr<RunWriter> NewWebVoyagerWriter(WriterParts parts);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_RUN_WRITER_H_
