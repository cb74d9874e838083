#include "server/data_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/call_context.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/status.h"
#include "model/tables.h"
#include "reward/tables.h"
#include "storage/file_blob_store.h"
#include "storage/sqlite_database.h"

namespace proctor::server {
namespace {

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return absl::OkStatus();
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(parent, error);
  // Nobody else reads records; mkdir's mode cannot be too open even for a moment.
  if (!error && (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST)) return absl::OkStatus();
  if (!error) error = std::error_code(errno, std::generic_category());
  return absl::PermissionDeniedError(
      absl::StrCat("cannot make the directory ", path, ": ", error.message(),
                   "; name another one with --data-dir"));
}

constexpr size_t kSecretBytes = 32;

// The secret in the file, made if it is missing. The directory is locked: nobody else makes it.
absl::StatusOr<std::string> ReadOrMakeSecret(const std::string& path) {
  struct stat there = {};
  if (lstat(path.c_str(), &there) == 0) {
    std::string secret;
    if (std::ifstream file(path); file >> secret && secret.size() == 2 * kSecretBytes) return secret;
    return absl::DataLossError(absl::StrCat(path, " is damaged or cannot be read; without it verdicts are not replayed, but a new one is made "
                                            "if it is deleted"));
  }
  const std::string secret = RandomHex(kSecretBytes);
  const std::string unfinished = path + ".new";
  const int file = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = file >= 0 && write(file, secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
                       fsync(file) == 0;
  if (file >= 0) close(file);
  if (!written || rename(unfinished.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  return secret;
}

}  // namespace

absl::StatusOr<DataDirectory> OpenDataDirectory(const CallContext& context, const v1::ServerConfig& config, Clock& clock,
                                                storage::CommitObserver* commits) {
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(config.data_dir()));
  const auto durability = config.durability() == v1::DURABILITY_PROCESS ? storage::Durability::kProcess
                                                                        : storage::Durability::kPower;
  DataDirectory data;
  storage::SqliteDatabaseOptions database;
  database.directory = config.data_dir();
  database.durability = durability;
  database.observer = commits;
  PROCTOR_ASSIGN_OR_RETURN(data.database, storage::OpenSqliteDatabase(database));
  PROCTOR_ASSIGN_OR_RETURN(data.blobs,
                           storage::OpenFileBlobStore({config.data_dir() + "/blobs", durability}));
  PROCTOR_ASSIGN_OR_RETURN(data.archive, trajectory::Archive::Open(*data.database, *data.blobs, clock));
  data.recorder = std::make_unique<trajectory::Recorder>(*data.archive);
  data.trajectories = std::make_unique<trajectory::TrajectoryStore>(*data.archive);
  data.episodes = std::make_unique<trajectory::EpisodeStore>(*data.archive);
  data.replays = std::make_unique<trajectory::ReplayStore>(*data.archive);
  PROCTOR_ASSIGN_OR_RETURN(data.secret, ReadOrMakeSecret(config.data_dir() + "/secret"));
  PROCTOR_RETURN_IF_ERROR(model::MigrateTables(*data.database));
  PROCTOR_RETURN_IF_ERROR(evaluator::MigrateTables(*data.database));
  data.evaluators = std::make_unique<evaluator::EvaluatorStore>(*data.database, clock);
  data.verdicts = std::make_unique<evaluator::VerdictStore>(*data.database, clock);
  data.reflections = std::make_unique<evaluator::ReflectionStore>(*data.database, clock);
  data.labels = std::make_unique<evaluator::LabelStore>(*data.database, clock);
  PROCTOR_ASSIGN_OR_RETURN(data.tasks, proposer::TaskStore::Create(*data.database, clock));
  data.sampler = std::make_unique<proposer::TaskSampler>(*data.database, clock);
  PROCTOR_RETURN_IF_ERROR(reward::MigrateTables(*data.database));
  PROCTOR_ASSIGN_OR_RETURN(data.rewards, reward::RewardLog::Open(context, *data.database, clock, data.archive->unreadable()));
  data.groups = std::make_unique<reward::Groups>(*data.database, clock, data.archive->unreadable());
  PROCTOR_ASSIGN_OR_RETURN(data.jobs, storage::JobStore::Open(*data.database, clock));
  for (const v1::Evaluator& evaluator : config.evaluation().evaluators()) {
    PROCTOR_RETURN_IF_ERROR(Annotate(data.evaluators->Create(context, evaluator).status(),
                                     absl::StrCat("evaluation.evaluators: ", evaluator.name())));
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> interrupted, data.trajectories->CloseInterrupted(context));
  if (!interrupted.empty()) {
    LogWarning("closed episodes that the last run left open", {{"episodes", absl::StrCat(interrupted.size())}});
  }
  return data;
}

}  // namespace proctor::server
