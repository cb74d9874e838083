#include "tests/storage/fault_vfs.h"

#include <sqlite3.h>

#include "common/ids.h"

namespace proctor::storage {
namespace {

// A file of the real VFS, which lies behind this struct in the same memory. SQLite hands out `base` first.
struct FaultFile {
  sqlite3_file base;
  FaultVfs* faults;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* Of(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
sqlite3_file* Real(sqlite3_file* file) { return Of(file)->real(); }
sqlite3_vfs* RealVfs() { return sqlite3_vfs_find(nullptr); }

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (Of(file)->faults->writes_fail()) return SQLITE_IOERR_WRITE;
  return Real(file)->pMethods->xWrite(Real(file), data, size, offset);
}

int Sync(sqlite3_file* file, int flags) {
  Of(file)->faults->CountSync();
  if (Of(file)->faults->syncs_fail()) return SQLITE_IOERR_FSYNC;
  return Real(file)->pMethods->xSync(Real(file), flags);
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return Real(f)->pMethods->xClose(Real(f)); },
    .xRead = [](sqlite3_file* f, void* d, int n, sqlite3_int64 o) {
      return Real(f)->pMethods->xRead(Real(f), d, n, o);
    },
    .xWrite = &Write,
    .xTruncate = [](sqlite3_file* f, sqlite3_int64 n) {
      return Real(f)->pMethods->xTruncate(Real(f), n);
    },
    .xSync = &Sync,
    .xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
      return Real(f)->pMethods->xFileSize(Real(f), n);
    },
    .xLock = [](sqlite3_file* f, int l) { return Real(f)->pMethods->xLock(Real(f), l); },
    .xUnlock = [](sqlite3_file* f, int l) { return Real(f)->pMethods->xUnlock(Real(f), l); },
    .xCheckReservedLock = [](sqlite3_file* f, int* r) {
      return Real(f)->pMethods->xCheckReservedLock(Real(f), r);
    },
    .xFileControl = [](sqlite3_file* f, int op, void* a) {
      return Real(f)->pMethods->xFileControl(Real(f), op, a);
    },
    .xSectorSize = [](sqlite3_file* f) { return Real(f)->pMethods->xSectorSize(Real(f)); },
    .xDeviceCharacteristics = [](sqlite3_file* f) {
      return Real(f)->pMethods->xDeviceCharacteristics(Real(f));
    },
    .xShmMap = [](sqlite3_file* f, int p, int n, int e, void volatile** m) {
      return Real(f)->pMethods->xShmMap(Real(f), p, n, e, m);
    },
    .xShmLock = [](sqlite3_file* f, int o, int n, int fl) {
      return Real(f)->pMethods->xShmLock(Real(f), o, n, fl);
    },
    .xShmBarrier = [](sqlite3_file* f) { Real(f)->pMethods->xShmBarrier(Real(f)); },
    .xShmUnmap = [](sqlite3_file* f, int d) { return Real(f)->pMethods->xShmUnmap(Real(f), d); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  Of(file)->faults = static_cast<FaultVfs*>(vfs->pAppData);
  sqlite3_vfs* real = RealVfs();
  const int code = real->xOpen(real, path, Real(file), flags, out_flags);
  Of(file)->base.pMethods = code == SQLITE_OK ? &kMethods : nullptr;
  return code;
}

}  // namespace

FaultVfs::FaultVfs()
    : name_("fault-" + RandomHex(8)), vfs_(std::make_unique<sqlite3_vfs>(*RealVfs())) {
  vfs_->szOsFile += static_cast<int>(sizeof(FaultFile));
  vfs_->zName = name_.c_str();
  vfs_->pNext = nullptr;
  vfs_->pAppData = this;
  vfs_->xOpen = &Open;
  sqlite3_vfs_register(vfs_.get(), 0);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace proctor::storage
