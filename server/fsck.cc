#include "server/fsck.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "reward/log_check.h"
#include "storage/blob_check.h"
#include "storage/sqlite_backup.h"
#include "storage/sqlite_database.h"
#include "trajectory/record_check.h"

namespace proctor::server {
namespace {

// Lines of one kind in a report; more are counted.
constexpr size_t kMaxLines = 1000;

class Checker {
 public:
  Checker(const CallContext& context, std::string directory, FsckMode mode, const FsckProgress& progress)
      : context_(context), directory_(std::move(directory)), mode_(mode), progress_(progress) {}

  absl::StatusOr<FsckReport> Run() {
    if (access((directory_ + "/proctor.db").c_str(), F_OK) != 0) {
      return absl::NotFoundError(absl::StrCat("no data directory: ", directory_, "/proctor.db: ", std::strerror(errno)));
    }
    storage::SqliteDatabaseOptions options;
    options.directory = directory_;
    PROCTOR_ASSIGN_OR_RETURN(database_, storage::OpenSqliteDatabase(options));
    PROCTOR_RETURN_IF_ERROR(CheckDatabase());
    records_.blobs_unknown = true;  // Until they are read.
    PROCTOR_RETURN_IF_ERROR(GoOn("trajectories", CheckRecords()));
    PROCTOR_RETURN_IF_ERROR(GoOn("episodes", CheckEpisodes()));
    PROCTOR_RETURN_IF_ERROR(GoOn("rewards", CheckRewards()));
    PROCTOR_RETURN_IF_ERROR(CheckBlobs());
    PROCTOR_RETURN_IF_ERROR(CompareBlobs());
    return std::move(report_);
  }

 private:
  bool repair() const { return mode_ == FsckMode::kRepair; }

  static void Add(std::vector<std::string>& lines, std::string line) {
    if (lines.size() <= kMaxLines) lines.push_back(lines.size() < kMaxLines ? std::move(line) : "... and more");
  }
  void Damage(std::string line) { Add(report_.damage, std::move(line)); }
  // Damage, unless it was repaired.
  void Settle(const absl::Status& repaired, const std::string& line, const std::string& how) {
    if (repair() && repaired.ok()) {
      Add(report_.repaired, absl::StrCat(line, ": ", how));
    } else if (repair()) {
      Damage(absl::StrCat(line, " (not repaired: ", repaired.message(), ")"));
    } else {
      Damage(line);
    }
  }

  // Where the database's own structure is damaged, everything else is looked at all the same.
  absl::Status GoOn(const char* part, const absl::Status& checked) {
    if (!absl::IsDataLoss(checked)) return checked;
    Damage(absl::StrCat("database: not all ", part, " can be read: ", checked.message()));
    mode_ = FsckMode::kLook;
    return absl::OkStatus();
  }

  absl::Status CheckDatabase() {
    progress_("database", 0, 0);
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> problems, storage::CheckSqliteDatabase(context_, directory_));
    for (const std::string& problem : problems) Damage(absl::StrCat("database: ", problem));
    // What such a database does not name may be needed all the same.
    if (!problems.empty()) mode_ = FsckMode::kLook;
    return absl::OkStatus();
  }

  absl::Status CheckRecords() {
    PROCTOR_ASSIGN_OR_RETURN(records_, trajectory::CheckRecords(context_, *database_, [this](int64_t done, int64_t all) {
                               progress_("trajectories", done, all);
                             }));
    report_.records = records_.records;
    report_.steps = records_.steps;
    for (const std::string& line : records_.damage) Damage(line);
    if (records_.blobs_unknown) mode_ = FsckMode::kLook;
    if (records_.open > 0) {
      Add(report_.leftovers, absl::StrCat(records_.open, " trajectories were left open: the next start closes them"));
    }
    const absl::Status mended = repair() ? trajectory::MendNotedBlobs(context_, *database_, records_) : absl::OkStatus();
    for (const auto& [id, digest] : records_.unnoted_blobs) {
      Settle(mended, absl::StrCat("trajectories/", id, ": it is not noted that it needs blob ", digest), "noted");
    }
    for (const auto& [id, digest] : records_.noted_for_nothing) {
      Settle(mended, absl::StrCat("trajectories/", id, ": it is noted that it needs blob ", digest, ", but it does not"), "note deleted");
    }
    return absl::OkStatus();
  }

  absl::Status CheckEpisodes() {
    PROCTOR_ASSIGN_OR_RETURN(const trajectory::EpisodeCheck check,
                             trajectory::CheckEpisodes(context_, *database_, [this](int64_t done) { progress_("episodes", done, 0); }));
    report_.episodes = check.episodes;
    for (const std::string& line : check.damage) Damage(line);
    return absl::OkStatus();
  }

  absl::Status CheckRewards() {
    progress_("rewards", 0, 0);
    PROCTOR_ASSIGN_OR_RETURN(const reward::LogCheck check, reward::CheckLog(context_, *database_));
    report_.rewards = check.records;
    for (const std::string& line : check.damage) Damage(line);
    return absl::OkStatus();
  }

  // Moves a file out of the way of what is read and written.
  absl::Status PutAside(const std::string& path) {
    const std::string folder = directory_ + "/damaged";
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return absl::UnavailableError(std::strerror(errno));
    const std::string name = absl::StrCat(folder, "/", std::filesystem::path(path).filename().string());
    std::string target = name;
    for (int i = 1; access(target.c_str(), F_OK) == 0; ++i) target = absl::StrCat(name, ".", i);
    return std::rename(path.c_str(), target.c_str()) == 0 ? absl::OkStatus() : absl::UnavailableError(std::strerror(errno));
  }

  absl::Status CheckBlobs() {
    int64_t looked_at = 0;
    return storage::CheckBlobFiles(context_, directory_ + "/blobs", [&](const storage::BlobFile& file) {
      progress_("blobs", ++looked_at, 0);
      if (file.state == storage::BlobFile::State::kSound) {
        files_[file.digest].push_back(file.path);
        report_.blob_bytes += file.bytes;
        return;
      }
      const bool foreign = file.state == storage::BlobFile::State::kForeign;
      const bool unreadable = file.state == storage::BlobFile::State::kUnreadable;
      const char* const what = foreign ? ": no blob's file" : unreadable ? ": the disk cannot read it" : ": its bytes do not fit its digest";
      const std::string line = absl::StrCat(file.path, what);
      Settle(repair() ? PutAside(file.path) : absl::OkStatus(), line, absl::StrCat("moved to ", directory_, "/damaged"));
      if (!foreign) damaged_.insert(file.digest);
    });
  }

  absl::Status CompareBlobs() {
    report_.blobs = static_cast<int64_t>(files_.size());
    for (const std::string& digest : records_.named_blobs) {
      // A damaged one was told of above, but whoever needs it still lacks it.
      if (!files_.contains(digest)) Damage(absl::StrCat("blob ", digest, " is ", damaged_.contains(digest) ? "damaged" : "missing",
                                                        " and needed: restore its file from a copy"));
    }
    if (records_.blobs_unknown) return absl::OkStatus();
    for (const auto& [digest, paths] : files_) {
      if (records_.named_blobs.contains(digest)) continue;
      if (!repair()) {
        Add(report_.leftovers, records_.garbage.contains(digest)
                                   ? absl::StrCat("blob ", digest, " is to be deleted: the next start does it")
                                   : absl::StrCat("blob ", digest, " is needed by nobody"));
        continue;
      }
      std::error_code error;
      for (const std::string& path : paths) {
        if (!error) std::filesystem::remove(path, error);
      }
      if (error) {
        Damage(absl::StrCat("blob ", digest, " is needed by nobody (not deleted: ", error.message(), ")"));
      } else {
        Add(report_.repaired, absl::StrCat("blob ", digest, ", needed by nobody: deleted"));
      }
    }
    return absl::OkStatus();
  }

  const CallContext& context_;
  const std::string directory_;
  FsckMode mode_;
  const FsckProgress& progress_;
  FsckReport report_;
  // Locks the directory.
  std::unique_ptr<storage::Database> database_;
  trajectory::RecordCheck records_;
  // Sound ones, by digest.
  std::map<std::string, std::vector<std::string>> files_;
  std::set<std::string> damaged_;
};

}  // namespace

absl::StatusOr<FsckReport> Fsck(const CallContext& context, const std::string& directory, FsckMode mode, const FsckProgress& progress) {
  return Checker(context, directory, mode, progress).Run();
}

}  // namespace proctor::server
