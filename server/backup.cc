#include "server/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "storage/file_system.h"
#include "storage/sqlite_backup.h"
#include "storage/sqlite_database.h"
#include "trajectory/record_check.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;

// Each begins with a new copy of the database; another one is only needed if a trajectory was deleted during the last.
constexpr int kMaxRounds = 5;

absl::Status Failed(const std::string& what, const std::error_code& error) {
  const std::string message = absl::StrCat(what, ": ", error.message());
  const bool full = error.value() == ENOSPC || error.value() == EDQUOT;
  return full ? absl::ResourceExhaustedError(message) : absl::UnavailableError(message);
}

class Copier {
 public:
  Copier(const CallContext& context, std::string directory, std::string target,
         const std::function<void(int64_t, int64_t)>& progress)
      : context_(context), directory_(std::move(directory)), target_(std::move(target)), progress_(progress) {}

  absl::StatusOr<BackupResult> Run() {
    std::error_code error;
    const bool there = fs::exists(directory_ + "/proctor.db", error);
    if (error) return Failed(directory_, error);
    if (!there) return absl::NotFoundError(absl::StrCat("no database in ", directory_, ": name the data directory of a server (--data-dir)"));
    PROCTOR_RETURN_IF_ERROR(TakeTarget());
    absl::StatusOr<BackupResult> copied = Copy();
    if (!copied.ok()) GiveTargetBack();
    return copied;
  }

 private:
  absl::StatusOr<BackupResult> Copy() {
    std::vector<std::string> missing_before;
    for (int round = 0;; ++round) {
      PROCTOR_RETURN_IF_ERROR(storage::BackupSqliteDatabase(context_, directory_, target_));
      PROCTOR_ASSIGN_OR_RETURN(const std::set<std::string> digests, NamedBlobs());
      PROCTOR_ASSIGN_OR_RETURN(std::vector<std::string> missing, CopyBlobs(digests));
      // Named by a database that is newer than the look that missed them: not deleted, but lost.
      if (std::includes(missing_before.begin(), missing_before.end(), missing.begin(), missing.end())) {
        result_.lost = std::move(missing);
        break;
      }
      if (round + 1 == kMaxRounds) {
        return absl::AbortedError(absl::StrCat("blob ", missing[0], " and ", missing.size() - 1, " more were gone before they could be copied, as others were ",
                                               kMaxRounds - 1, " times before: try while less is deleted"));
      }
      missing_before = std::move(missing);
      RemoveDatabase();
    }
    PROCTOR_ASSIGN_OR_RETURN(const bool secret, CopyFile(directory_ + "/secret", target_ + "/secret"));
    if (!secret) return absl::NotFoundError(absl::StrCat(directory_, "/secret is missing: is this the data directory of a server?"));
    PROCTOR_RETURN_IF_ERROR(CopyAuditLog());
    PROCTOR_RETURN_IF_ERROR(DropForeignBlobs());
    std::error_code error;
    result_.bytes += static_cast<int64_t>(fs::file_size(target_ + "/proctor.db", error));
    if (error) return Failed(target_ + "/proctor.db", error);
    PROCTOR_RETURN_IF_ERROR(Seal());
    return result_;
  }

  absl::Status TakeTarget() {
    std::error_code error;
    if (fs::exists(target_, error) && !fs::is_empty(target_, error)) {
      return absl::AlreadyExistsError(absl::StrCat(target_, " is not empty: name another folder"));
    }
    made_target_ = fs::create_directories(target_, error);
    if (error) return Failed(target_, error);
    permissions_ = fs::status(target_, error).permissions();
    fs::permissions(target_, fs::perms::owner_all, error);
    if (mkdir((target_ + "/blobs").c_str(), 0700) == 0) return absl::OkStatus();
    const std::error_code why(errno, std::generic_category());
    if (why != std::errc::file_exists) GiveTargetBack();  // Else another backup has begun there.
    return Failed(target_ + "/blobs", why);
  }

  // Half a copy is none, and would be in the way of the next. What somebody else put there meanwhile stays.
  void GiveTargetBack() {
    RemoveDatabase();
    std::error_code ignored;
    fs::remove_all(target_ + "/blobs", ignored);
    for (const std::string& name : made_) fs::remove(absl::StrCat(target_, "/", name), ignored);
    fs::permissions(target_, permissions_, ignored);
    if (made_target_) fs::remove(target_, ignored);
  }

  void RemoveDatabase() {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(absl::StrCat(target_, "/proctor.db", suffix), ignored);
  }

  // Of the copied database.
  absl::StatusOr<std::set<std::string>> NamedBlobs() {
    storage::SqliteDatabaseOptions options;
    options.directory = target_;
    PROCTOR_ASSIGN_OR_RETURN(const auto database, storage::OpenSqliteDatabase(options));
    return trajectory::NotedBlobs(context_, *database);
  }

  // False: there is no such file.
  absl::StatusOr<bool> CopyFile(const std::string& from, const std::string& to) {
    std::error_code error;
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
    std::error_code unknown;
    if (error == std::errc::no_such_file_or_directory && !fs::exists(from, unknown)) return false;
    if (error) return Failed(from, error);
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
    result_.bytes += static_cast<int64_t>(fs::file_size(to, error));
    return true;
  }

  // Those that are not there, or cannot be read, in order.
  absl::StatusOr<std::vector<std::string>> CopyBlobs(const std::set<std::string>& digests) {
    int64_t done = 0;
    std::vector<std::string> missing;
    for (const std::string& digest : digests) {
      PROCTOR_RETURN_IF_ERROR(context_.Check("backup"));
      if (copied_.insert(digest).second) {
        PROCTOR_ASSIGN_OR_RETURN(const bool there, CopyBlob(digest));
        if (!there) missing.push_back(digest);
        if (there) ++result_.blobs;
      }
      progress_(++done, static_cast<int64_t>(digests.size()));
    }
    return missing;
  }

  absl::StatusOr<bool> CopyBlob(const std::string& digest) {
    const std::string shard = absl::StrCat("/blobs/", digest.substr(0, 2));
    if (mkdir((target_ + shard).c_str(), 0700) != 0 && errno != EEXIST) {
      return Failed(target_ + shard, std::error_code(errno, std::generic_category()));
    }
    // A smaller encoding is there before the original goes: in this order one of them is found.
    for (const char* suffix : {"", ".alt", ".ext"}) {
      const std::string name = absl::StrCat(shard, "/", digest, suffix);
      const absl::StatusOr<bool> copied = CopyFile(directory_ + name, target_ + name);
      if (copied.ok() && *copied) return true;
      if (copied.ok()) continue;
      // What the disk cannot read any longer is lost, and keeps nobody from the rest.
      if (!absl::IsDataLoss(storage::LocalFileSystem().Read(directory_ + name).status())) return copied.status();
      std::error_code ignored;
      fs::remove(target_ + name, ignored);
    }
    copied_.erase(digest);
    return false;
  }

  // It grows while it is copied: what is there last may be half a line.
  absl::Status CopyAuditLog() {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, storage::LocalFileSystem().List(directory_));
    for (const std::string& name : names) {
      if (!name.starts_with("audit.")) continue;
      made_.push_back(name);
      PROCTOR_RETURN_IF_ERROR(CopyFile(absl::StrCat(directory_, "/", name), absl::StrCat(target_, "/", name)).status());
    }
    return absl::OkStatus();
  }

  // Blobs of trajectories that were deleted between two rounds.
  absl::Status DropForeignBlobs() {
    PROCTOR_ASSIGN_OR_RETURN(const std::set<std::string> named, NamedBlobs());
    for (const std::string& digest : copied_) {
      if (named.contains(digest)) continue;
      for (const char* suffix : {"", ".alt", ".ext"}) {
        std::error_code ignored;
        fs::remove(absl::StrCat(target_, "/blobs/", digest.substr(0, 2), "/", digest, suffix), ignored);
      }
      --result_.blobs;
    }
    return absl::OkStatus();
  }

  // What was copied is on the disk before the file that says so.
  absl::Status Seal() {
    const int folder = open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && syncfs(folder) == 0;
    const std::error_code error(errno, std::generic_category());
    if (folder >= 0) close(folder);
    if (!synced) return Failed(target_, error);
    const std::string text =
        absl::StrCat("{\"time\": \"", absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone()), "\", \"blobs\": ", result_.blobs,
                     ", \"bytes\": ", result_.bytes, ", \"lost_blobs\": ", result_.lost.size(), "}\n");
    storage::FileSystem& files = storage::LocalFileSystem();
    PROCTOR_RETURN_IF_ERROR(files.WriteNew(target_ + "/backup.json.new", text, storage::SyncMode::kSync));
    PROCTOR_RETURN_IF_ERROR(files.Rename(target_ + "/backup.json.new", target_ + "/backup.json"));
    return files.SyncDirectory(target_);
  }

  const CallContext& context_;
  const std::string directory_;
  const std::string target_;
  const std::function<void(int64_t, int64_t)>& progress_;
  bool made_target_ = false;
  // As the folder had them.
  fs::perms permissions_ = fs::perms::owner_all;
  // Files besides the database, below it.
  std::vector<std::string> made_ = {"lock", "secret", "backup.json", "backup.json.new"};
  std::set<std::string> copied_;
  BackupResult result_;
};

}  // namespace

absl::StatusOr<BackupResult> Backup(const CallContext& context, const std::string& directory, const std::string& target,
                                    const std::function<void(int64_t done, int64_t all)>& progress) {
  return Copier(context, directory, target, progress).Run();
}

}  // namespace proctor::server
