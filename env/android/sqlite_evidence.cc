// Rows of an SQLite file of a device: queried on a copy.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "env/android/android_evidence.h"
#include "storage/query_file.h"

namespace proctor::env::android {
namespace {

constexpr size_t kMaxDatabase = size_t{256} << 20;
// How often a database that an application writes to is copied.
constexpr int kMaxCopies = 4;

// A folder that goes with everything in it.
class ScratchFolder {
 public:
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Create(const std::string& parent) {
    std::error_code error;
    std::filesystem::path base = parent.empty() ? std::filesystem::temp_directory_path(error) : std::filesystem::path(parent);
    std::string pattern = (base / "proctor_sqlite_XXXXXX").string();
    if (error || mkdtemp(pattern.data()) == nullptr) return absl::InternalError(absl::StrCat("no scratch folder in ", base.string()));
    return std::make_unique<ScratchFolder>(std::move(pattern));
  }
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

absl::Status WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  return file ? absl::OkStatus() : absl::ResourceExhaustedError("the copy of the database could not be written");
}

// Copies the database, its write-ahead log and its rollback journal to `copy`; returns what tells this copy from another.
absl::StatusOr<std::string> CopyDatabase(const CallContext& context, Device& device, const std::string& path, const std::string& copy) {
  std::string digests;
  for (const std::string suffix : {"", "-wal", "-journal"}) {
    std::error_code none;
    std::filesystem::remove(copy + suffix, none);
    const absl::StatusOr<std::string> content = device.Pull(context, path + suffix, kMaxDatabase);
    const bool absent = !suffix.empty() && absl::IsNotFound(content.status());
    absl::StrAppend(&digests, absent ? "none" : "", ",");
    if (absent) continue;
    PROCTOR_RETURN_IF_ERROR(content.status());
    PROCTOR_RETURN_IF_ERROR(WriteFile(copy + suffix, *content));
    absl::StrAppend(&digests, Sha256Hex(*content));
  }
  return digests;
}

}  // namespace

// The write-ahead log holds what the application wrote last; the index of it (-shm) is made anew from it. A rollback journal that is
// there is that of a transaction under way: SQLite undoes its half in the copy. A copy of files that the application changes
// meanwhile is torn (rows that go from one to the other are in neither): it counts once the next one is the same.
absl::StatusOr<std::string> EvidenceCollector::SqliteQuery(const CallContext& context,
                                                           const v1::EvidenceRequest::SqliteQuery& query) {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<ScratchFolder> folder, ScratchFolder::Create(scratch_));
  const std::string copy = absl::StrCat(folder->path(), "/db");
  std::string last;
  for (int i = 0; i < kMaxCopies; ++i) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string now, CopyDatabase(context, device_, query.path(), copy));
    if (now == last) return storage::QueryFile(context, copy, query.query());
    last = now;
  }
  return absl::UnavailableError(absl::StrCat(query.path(), " is being written to all the time: no copy of it is whole"));
}

}  // namespace proctor::env::android
