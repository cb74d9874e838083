// Texts and names of trajectory folders (docs/formats/trajectory_folder.md). Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_FOLDER_FORMAT_H_
#define PROCTOR_TRAJECTORY_FOLDER_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/proto_json.h"
#include "google/protobuf/message.h"

namespace proctor::trajectory {

// Version of the folder's layout; records have their own.
inline constexpr int kFolderVersion = 1;

inline constexpr char kExportFile[] = "export.json";
inline constexpr char kHeaderFile[] = "trajectory.json";
inline constexpr char kStepsFile[] = "steps.jsonl";
inline constexpr char kBlobsFile[] = "blobs.json";
inline constexpr char kBlobsFolder[] = "blobs";

// A message as JSON, or wrapped as base64 where JSON would change it.
std::string MessageToText(const google::protobuf::Message& message, JsonLayout layout);
// INVALID_ARGUMENT.
absl::Status MessageFromText(std::string_view text, google::protobuf::Message& message);

// A line of blobs.json.
struct BlobEntry {
  std::string digest;
  // Of kExtensions.
  std::string extension;
  int64_t size_bytes = 0;
  // Empty: the bytes have `digest`.
  std::string content_digest;
};
std::string BlobFileName(const BlobEntry& entry);
// By the first bytes: "png", "jpg", "webp", "bin".
std::string ExtensionOf(std::string_view bytes);

std::string BlobListToText(const std::vector<BlobEntry>& entries);
// INVALID_ARGUMENT for malformed digests, unknown extensions and the same digest twice.
absl::StatusOr<std::vector<BlobEntry>> BlobListFromText(std::string_view text);

std::string ExportListToText(const std::vector<std::string>& ids);
// INVALID_ARGUMENT for another format version and malformed ids.
absl::StatusOr<std::vector<std::string>> ExportListFromText(std::string_view text);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_FOLDER_FORMAT_H_
