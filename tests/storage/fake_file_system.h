// Files in memory that fail on demand and, when the power is lost, forget what was not synced.
#ifndef PROCTOR_TESTS_STORAGE_FAKE_FILE_SYSTEM_H_
#define PROCTOR_TESTS_STORAGE_FAKE_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "storage/file_system.h"

namespace proctor::storage {

// Directories are durable at once; names in them when their directory is synced; bytes when the file is. Thread-safe.
class FakeFileSystem final : public FileSystem {
 public:
  enum class Operation { kWrite, kRename, kSyncDirectory };

  // The next such operation fails with `status`; a failed write leaves half of the file behind.
  void FailNext(Operation operation, absl::Status status) {
    MutexLock lock(mutex_);
    failures_[operation] = std::move(status);
  }

  void LosePower() {
    MutexLock lock(mutex_);
    names_ = durable_names_;
    for (auto& [path, file] : names_) {
      if (!file->synced) file->bytes.clear();
    }
  }

  absl::Status CreateDirectory(const std::string&) override { return absl::OkStatus(); }

  absl::Status SyncDirectory(const std::string& path) override {
    MutexLock lock(mutex_);
    const absl::Status failure = TakeFailure(Operation::kSyncDirectory);
    if (!failure.ok()) return failure;
    std::erase_if(durable_names_, [&](const auto& entry) { return IsIn(entry.first, path); });
    for (const auto& [name, file] : names_) {
      if (IsIn(name, path)) durable_names_[name] = file;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) const override {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, file] : names_) {
      if (IsIn(name, path)) names.push_back(name.substr(path.size() + 1));
    }
    return names;
  }

  absl::Status WriteNew(const std::string& path, std::string_view bytes, SyncMode sync) override {
    MutexLock lock(mutex_);
    const absl::Status failure = TakeFailure(Operation::kWrite);
    if (!failure.ok()) bytes = bytes.substr(0, bytes.size() / 2);
    names_[path] = std::make_shared<File>(
        File{std::string(bytes), failure.ok() && sync == SyncMode::kSync});
    return failure;
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    MutexLock lock(mutex_);
    const absl::Status failure = TakeFailure(Operation::kRename);
    if (!failure.ok()) return failure;
    names_[to] = names_.at(from);
    names_.erase(from);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Read(const std::string& path) const override {
    MutexLock lock(mutex_);
    const auto found = names_.find(path);
    if (found == names_.end()) return absl::NotFoundError(path);
    return found->second->bytes;
  }

  absl::StatusOr<int64_t> Size(const std::string& path) const override {
    const absl::StatusOr<std::string> bytes = Read(path);
    if (!bytes.ok()) return bytes.status();
    return static_cast<int64_t>(bytes->size());
  }

  absl::StatusOr<absl::Time> ModifyTime(const std::string& path) const override {
    const absl::StatusOr<std::string> bytes = Read(path);
    if (!bytes.ok()) return bytes.status();
    return absl::Now();
  }

  absl::Status Remove(const std::string& path) override {
    MutexLock lock(mutex_);
    names_.erase(path);
    return absl::OkStatus();
  }

 private:
  struct File {
    std::string bytes;
    bool synced = false;
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  static bool IsIn(const std::string& name, const std::string& directory) {
    return name.starts_with(directory + "/") &&
           name.find('/', directory.size() + 1) == std::string::npos;
  }

  absl::Status TakeFailure(Operation operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = failures_.find(operation);
    if (found == failures_.end()) return absl::OkStatus();
    absl::Status status = found->second;
    failures_.erase(found);
    return status;
  }

  mutable Mutex mutex_;
  std::map<Operation, absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
  Names names_ ABSL_GUARDED_BY(mutex_);
  Names durable_names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::storage

#endif  // PROCTOR_TESTS_STORAGE_FAKE_FILE_SYSTEM_H_
