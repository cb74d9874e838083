#include "storage/blob_check.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/ids.h"
#include "common/status.h"
#include "storage/file_system.h"

namespace proctor::storage {
namespace {

constexpr size_t kDigestSize = 64;

BlobFile::State StateOf(std::string_view name, std::string_view bytes) {
  const std::string_view digest = name.substr(0, kDigestSize);
  if (name.size() == kDigestSize) return Sha256Hex(bytes) == digest ? BlobFile::State::kSound : BlobFile::State::kDamaged;
  // Another encoding, with the digest of its own bytes in front.
  const bool sound = bytes.size() >= kDigestSize && Sha256Hex(bytes.substr(kDigestSize)) == bytes.substr(0, kDigestSize);
  return sound ? BlobFile::State::kSound : BlobFile::State::kDamaged;
}

bool IsBlobName(const std::string& name, const std::string& shard) {
  if (name.size() < kDigestSize || !IsDigest(name.substr(0, kDigestSize)) || !name.starts_with(shard)) return false;
  const std::string suffix = name.substr(kDigestSize);
  return suffix.empty() || suffix == ".alt" || suffix == ".ext";
}

}  // namespace

absl::Status CheckBlobFiles(const CallContext& context, const std::string& directory,
                            const std::function<void(const BlobFile&)>& visit) {
  FileSystem& files = LocalFileSystem();
  for (int number = 0; number < 256; ++number) {
    const std::string shard = absl::StrFormat("%02x", number);
    const std::string folder = absl::StrCat(directory, "/", shard);
    const auto names = files.List(folder);
    if (absl::IsNotFound(names.status())) continue;  // The store makes it when it needs it.
    PROCTOR_RETURN_IF_ERROR(names.status());
    for (const std::string& name : *names) {
      PROCTOR_RETURN_IF_ERROR(context.Check("checking blobs"));
      BlobFile file{.path = absl::StrCat(folder, "/", name), .digest = ""};
      if (!IsBlobName(name, shard)) {
        file.state = BlobFile::State::kForeign;
        visit(file);
        continue;
      }
      file.digest = name.substr(0, kDigestSize);
      const absl::StatusOr<std::string> bytes = files.Read(file.path);
      // It may be one bad sector: the others are looked at.
      if (!bytes.ok() && !absl::IsDataLoss(bytes.status())) return bytes.status();
      if (bytes.ok()) file.bytes = static_cast<int64_t>(bytes->size());
      file.state = bytes.ok() ? StateOf(name, *bytes) : BlobFile::State::kUnreadable;
      visit(file);
    }
  }
  return absl::OkStatus();
}

}  // namespace proctor::storage
