// SQLite's files with failures on demand.
#ifndef PROCTOR_TESTS_STORAGE_FAULT_VFS_H_
#define PROCTOR_TESTS_STORAGE_FAULT_VFS_H_

#include <atomic>
#include <memory>
#include <string>

struct sqlite3_vfs;

namespace proctor::storage {

// Registered with SQLite while it lives; outlives the databases that use it. Thread-safe.
class FaultVfs {
 public:
  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const { return name_; }
  void FailWrites(bool fail) { fail_writes_ = fail; }
  void FailSyncs(bool fail) { fail_syncs_ = fail; }
  bool writes_fail() const { return fail_writes_; }
  bool syncs_fail() const { return fail_syncs_; }
  void CountSync() { ++syncs_; }
  // Syncs of any file so far.
  int syncs() const { return syncs_; }

 private:
  const std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  std::atomic<bool> fail_writes_ = false;
  std::atomic<bool> fail_syncs_ = false;
  std::atomic<int> syncs_ = 0;
};

}  // namespace proctor::storage

#endif  // PROCTOR_TESTS_STORAGE_FAULT_VFS_H_
