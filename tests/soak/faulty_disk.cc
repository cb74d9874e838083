// A disk that fails when told to: preloaded into a program, it lets writes and syncs of files below a folder fail.
//
//   LD_PRELOAD=libproctor_faulty_disk.so FAULTY_DISK_BELOW=/folder FAULTY_DISK_ORDERS=/file program
//
// The orders' file holds one word: "none", "write" (writes fail with EIO, every third after a part of it was written), "sync" (fsync and
// fdatasync fail with EIO) or "full" (writes fail with ENOSPC, and so does making files longer). It is read at each call. Every failure
// appends a byte to `<orders>.count`. Calls of other programs that the program starts pass through: they lose the variables.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace {

enum class Order { kNone, kWrite, kSync, kFull };

// By system call: the wrapped functions would come back here.
ssize_t RawRead(int file, char* bytes, size_t size) { return syscall(SYS_read, file, bytes, size); }
int RawOpen(const char* path, int flags) { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644)); }

Order ReadOrder() {
  static const char* const path = getenv("FAULTY_DISK_ORDERS");
  if (path == nullptr) return Order::kNone;
  const int saved = errno;
  char word[8] = {};
  const int file = RawOpen(path, O_RDONLY);
  if (file >= 0) {
    if (RawRead(file, word, sizeof word - 1) < 0) word[0] = 0;
    syscall(SYS_close, file);
  }
  errno = saved;
  if (strncmp(word, "write", 5) == 0) return Order::kWrite;
  if (strncmp(word, "sync", 4) == 0) return Order::kSync;
  if (strncmp(word, "full", 4) == 0) return Order::kFull;
  return Order::kNone;
}

bool IsBelow(int file) {
  static const char* const below = getenv("FAULTY_DISK_BELOW");
  if (below == nullptr) return false;
  const int saved = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (size <= 0) return false;
  path[size] = 0;
  return strncmp(path, below, strlen(below)) == 0;
}

void CountFailure() {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s.count", getenv("FAULTY_DISK_ORDERS"));
  const int file = RawOpen(path, O_WRONLY | O_APPEND | O_CREAT);
  if (file < 0) return;
  if (syscall(SYS_write, file, ".", 1) != 1) abort();
  syscall(SYS_close, file);
}

int Fail(int error) {
  CountFailure();
  errno = error;
  return -1;
}

// What a write is to fail with, or 0.
int WriteError(int file) {
  const Order order = ReadOrder();
  if ((order != Order::kWrite && order != Order::kFull) || !IsBelow(file)) return 0;
  return order == Order::kWrite ? EIO : ENOSPC;
}

int SyncError(int file) { return ReadOrder() == Order::kSync && IsBelow(file) ? EIO : 0; }

// How much of a write that is to fail is done all the same: a disk may break off in the middle.
size_t Part(size_t size) {
  static std::atomic<unsigned> writes = 0;
  return writes++ % 3 == 0 ? size / 2 : 0;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  const int error = WriteError(file);
  if (error == 0) return syscall(SYS_write, file, bytes, size);
  if (const size_t part = Part(size); part > 0 && syscall(SYS_write, file, bytes, part) > 0) CountFailure();
  return Fail(error);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  const int error = WriteError(file);
  if (error == 0) return syscall(SYS_pwrite64, file, bytes, size, offset);
  if (const size_t part = Part(size); part > 0 && syscall(SYS_pwrite64, file, bytes, part, offset) > 0) CountFailure();
  return Fail(error);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) { return pwrite64(file, bytes, size, offset); }

ssize_t writev(int file, const iovec* parts, int count) {
  const int error = WriteError(file);
  return error == 0 ? syscall(SYS_writev, file, parts, count) : Fail(error);
}

int fsync(int file) {
  const int error = SyncError(file);
  return error == 0 ? static_cast<int>(syscall(SYS_fsync, file)) : Fail(error);
}

int fdatasync(int file) {
  const int error = SyncError(file);
  return error == 0 ? static_cast<int>(syscall(SYS_fdatasync, file)) : Fail(error);
}

int ftruncate64(int file, off64_t size) {
  struct stat info = {};
  // Making a file shorter works on a full disk.
  if (WriteError(file) == ENOSPC && fstat(file, &info) == 0 && size > info.st_size) return Fail(ENOSPC);
  return static_cast<int>(syscall(SYS_ftruncate, file, size));
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int posix_fallocate64(int file, off64_t offset, off64_t size) {
  if (const int error = WriteError(file); error != 0) {
    CountFailure();
    return error;
  }
  return syscall(SYS_fallocate, file, 0, offset, size) == 0 ? 0 : errno;
}

int posix_fallocate(int file, off_t offset, off_t size) { return posix_fallocate64(file, offset, size); }

}  // extern "C"
