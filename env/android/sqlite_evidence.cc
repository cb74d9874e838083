// Rows of an SQLite file of a device: queried on a copy.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "env/android/android_evidence.h"
#include "storage/query_file.h"

namespace proctor::env::android {
namespace {

constexpr size_t kMaxDatabase = size_t{256} << 20;

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

}  // namespace

// The write-ahead log holds what the application wrote last; the index of it (-shm) is made anew from it. A rollback journal that is
// there is that of a transaction under way: SQLite undoes its half in the copy.
absl::StatusOr<std::string> EvidenceCollector::SqliteQuery(const CallContext& context,
                                                           const v1::EvidenceRequest::SqliteQuery& query) {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<ScratchFolder> folder, ScratchFolder::Create(scratch_));
  const std::string copy = absl::StrCat(folder->path(), "/db");
  for (const std::string suffix : {"", "-wal", "-journal"}) {
    const absl::StatusOr<std::string> content = device_.Pull(context, query.path() + suffix, kMaxDatabase);
    if (!suffix.empty() && absl::IsNotFound(content.status())) continue;
    PROCTOR_RETURN_IF_ERROR(content.status());
    PROCTOR_RETURN_IF_ERROR(WriteFile(copy + suffix, *content));
  }
  return storage::QueryFile(context, copy, query.query());
}

}  // namespace proctor::env::android
