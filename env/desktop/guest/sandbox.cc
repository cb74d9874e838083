#include "env/desktop/guest/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::env::desktop::guest {
namespace {

// The new root is put together here, out of sight of everybody else.
constexpr char kStage[] = "/tmp";

// Processes and threads of a desktop; and, where the server is root and all desktops are one user's, of all of them.
constexpr rlim_t kMaxTasks = 1024;
constexpr rlim_t kMaxTasksOfUser = 4096;

absl::Status Failed(absl::string_view what) {
  const int error = errno;
  const std::string text = absl::StrCat(what, ": ", strerror(error));
  if (error == EPERM || error == EACCES) return absl::PermissionDeniedError(text);
  return absl::FailedPreconditionError(text);
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Failed(path);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  absl::Status status = written ? absl::OkStatus() : Failed(path);
  close(fd);
  return status;
}

absl::Status MakeDirectory(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return Failed(absl::StrCat("mkdir ", path));
  // Whatever the umask is. Never a directory of the machine: those are mounted upon, not made.
  return chmod(path.c_str(), mode) == 0 ? absl::OkStatus() : Failed(absl::StrCat("chmod ", path));
}

// Over a directory that is there.
absl::Status MountMemory(const std::string& path, mode_t mode, int64_t bytes) {
  char settings[64];
  snprintf(settings, sizeof settings, "mode=%o,size=%lld", static_cast<unsigned>(mode), static_cast<long long>(bytes));
  if (mount("desktop", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, settings) != 0) return Failed(absl::StrCat("mount ", path));
  return absl::OkStatus();
}

absl::Status MakeMemory(const std::string& path, mode_t mode, int64_t bytes) {
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(path, 0755));
  return MountMemory(path, mode, bytes);
}

absl::Status RestrictMount(const std::string& path, uint64_t attributes) {
  mount_attr attr = {};
  attr.attr_set = attributes;
  if (syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), AT_RECURSIVE, &attr, sizeof attr) != 0) {
    return Failed(absl::StrCat("mount_setattr ", path, " (needs Linux 5.12)"));
  }
  return absl::OkStatus();
}

// A directory of the machine, read-only; a link of its root as the link.
absl::Status ShowFromMachine(const std::string& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  const std::string target = absl::StrCat(kStage, path);
  if (S_ISLNK(info.st_mode)) {
    char text[4096];
    const ssize_t size = readlink(path.c_str(), text, sizeof text - 1);
    if (size < 0) return Failed(absl::StrCat("readlink ", path));
    text[size] = '\0';
    return symlink(text, target.c_str()) == 0 ? absl::OkStatus() : Failed(absl::StrCat("symlink ", target));
  }
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(target, 0755));
  if (mount(path.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return Failed(absl::StrCat("bind ", path));
  return RestrictMount(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

absl::Status MakeDevices(int64_t memory_bytes) {
  const std::string dev = absl::StrCat(kStage, "/dev");
  PROCTOR_RETURN_IF_ERROR(MakeMemory(dev, 0755, 1 << 20));
  for (const char* name : {"null", "zero", "full", "random", "urandom"}) {
    const std::string source = absl::StrCat("/dev/", name);
    const std::string target = absl::StrCat(dev, "/", name);
    const int fd = open(target.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) return Failed(target);
    close(fd);
    if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) return Failed(absl::StrCat("bind ", source));
  }
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(dev + "/pts", 0755));
  if (mount("desktop", (dev + "/pts").c_str(), "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") != 0) {
    return Failed("mount /dev/pts");
  }
  const std::pair<const char*, const char*> links[] = {{"pts/ptmx", "ptmx"},
                                                       {"/proc/self/fd", "fd"},
                                                       {"/proc/self/fd/0", "stdin"},
                                                       {"/proc/self/fd/1", "stdout"},
                                                       {"/proc/self/fd/2", "stderr"}};
  for (const auto& [target, name] : links) {
    if (symlink(target, absl::StrCat(dev, "/", name).c_str()) != 0) return Failed(name);
  }
  return MakeMemory(dev + "/shm", 01777, memory_bytes);
}

absl::Status MakeOwnDirectory(const std::string& path, const SandboxOptions& options, bool as_root) {
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(path, 0700));
  if (as_root && chown(path.c_str(), options.uid, options.gid) != 0) return Failed(absl::StrCat("chown ", path));
  return absl::OkStatus();
}

// Runs in the child: the new root, put together and entered.
absl::Status MakeRoot(const SandboxOptions& options, bool as_root) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Failed("making mounts private");
  PROCTOR_RETURN_IF_ERROR(MountMemory(kStage, 0755, 4 << 20));
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt"}) {
    PROCTOR_RETURN_IF_ERROR(ShowFromMachine(path));
  }
  const std::string stage = kStage;
  for (const char* path : {"/var", "/var/cache", "/var/lib"}) PROCTOR_RETURN_IF_ERROR(MakeDirectory(stage + path, 0755));
  PROCTOR_RETURN_IF_ERROR(ShowFromMachine("/var/cache/fontconfig"));
  PROCTOR_RETURN_IF_ERROR(MakeDevices(options.memory_bytes));
  for (const char* path : {"/tmp", "/var/tmp"}) {
    PROCTOR_RETURN_IF_ERROR(MakeMemory(stage + path, 01777, options.memory_bytes));
  }
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(stage + "/tmp/.X11-unix", 01777));
  for (const char* path : {"/home", "/run"}) PROCTOR_RETURN_IF_ERROR(MakeMemory(stage + path, 0755, options.memory_bytes));
  PROCTOR_RETURN_IF_ERROR(MakeOwnDirectory(stage + kHome, options, as_root));
  PROCTOR_RETURN_IF_ERROR(MakeOwnDirectory(stage + kRuntime, options, as_root));
  if (options.network) {
    // What /etc/resolv.conf may point to.
    PROCTOR_RETURN_IF_ERROR(MakeDirectory(stage + "/run/systemd", 0755));
    PROCTOR_RETURN_IF_ERROR(ShowFromMachine("/run/systemd/resolve"));
  }
  PROCTOR_RETURN_IF_ERROR(MakeDirectory(stage + "/proc", 0755));
  if (mount("proc", (stage + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return Failed("mount /proc");
  if (chdir(kStage) != 0) return Failed("chdir to the new root");
  if (syscall(SYS_pivot_root, ".", ".") != 0) return Failed("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return Failed("leaving the old root");
  if (chdir("/") != 0) return Failed("chdir /");
  mount_attr read_only = {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &read_only, sizeof read_only) != 0) return Failed("read-only root");
  return absl::OkStatus();
}

absl::Status DropPrivileges(const SandboxOptions& options, bool as_root) {
  if (as_root) {
    if (setgroups(0, nullptr) != 0) return Failed("setgroups");
    if (setresgid(options.gid, options.gid, options.gid) != 0) return Failed("setresgid");
    if (setresuid(options.uid, options.uid, options.uid) != 0) return Failed("setresuid");
  }
  // In a user namespace of our own we have capabilities as whoever we are.
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) return Failed("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Failed("no_new_privs");
  // Others of this user, in here, cannot look into this process and what it holds open.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return Failed("dumpable");
  return absl::OkStatus();
}

// A program that multiplies comes to its own end, not to the machine's. The kernel counts by user and user namespace.
absl::Status LimitTasks(bool as_root) {
  const rlim_t most = as_root ? kMaxTasksOfUser : kMaxTasks;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NPROC, &limit) != 0) return Failed("getrlimit");
  limit.rlim_max = std::min(limit.rlim_max, most);
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NPROC, &limit) == 0 ? absl::OkStatus() : Failed("setrlimit");
}

absl::Status EnterNamespaces(const SandboxOptions& options, bool as_root) {
  int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (!options.network) flags |= CLONE_NEWNET;
  if (!as_root) flags |= CLONE_NEWUSER;
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(flags) != 0) return Failed("unshare");
  if (as_root) return absl::OkStatus();
  PROCTOR_RETURN_IF_ERROR(WriteFile("/proc/self/setgroups", "deny"));
  PROCTOR_RETURN_IF_ERROR(WriteFile("/proc/self/uid_map", absl::StrCat(uid, " ", uid, " 1")));
  return WriteFile("/proc/self/gid_map", absl::StrCat(gid, " ", gid, " 1"));
}

absl::Status SetUpChild(const SandboxOptions& options, bool as_root) {
  PROCTOR_RETURN_IF_ERROR(MakeRoot(options, as_root));
  if (sethostname("desktop", 7) != 0) return Failed("sethostname");
  PROCTOR_RETURN_IF_ERROR(LimitTasks(as_root));
  PROCTOR_RETURN_IF_ERROR(DropPrivileges(options, as_root));
  // After the change of user, which clears it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Failed("die with the parent");
  return absl::OkStatus();
}

// What the child found, by way of a pipe that `inside` closes by running.
absl::Status AwaitSetUp(int fd) {
  std::string text;
  char chunk[512];
  ssize_t size;
  while ((size = read(fd, chunk, sizeof chunk)) > 0 || (size < 0 && errno == EINTR)) {
    if (size > 0) text.append(chunk, static_cast<size_t>(size));
  }
  close(fd);
  return text.empty() ? absl::OkStatus() : absl::FailedPreconditionError(text);
}

}  // namespace

absl::Status RunInSandbox(const SandboxOptions& options, const std::function<int()>& inside, int& exit_code) {
  const bool as_root = geteuid() == 0;
  PROCTOR_RETURN_IF_ERROR(EnterNamespaces(options, as_root));
  // Entering a user namespace cleared it.
  const pid_t parent = getppid();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Failed("die with the parent");
  if (getppid() != parent) return absl::CancelledError("the parent is gone");
  int set_up[2];
  if (pipe2(set_up, O_CLOEXEC) != 0) return Failed("pipe");
  const pid_t child = fork();
  if (child < 0) return Failed("fork");
  if (child == 0) {
    close(set_up[0]);
    setsid();
    const absl::Status status = SetUpChild(options, as_root);
    if (!status.ok()) {
      const std::string text(status.message());
      [[maybe_unused]] const ssize_t size = write(set_up[1], text.data(), text.size());
      _exit(1);
    }
    close(set_up[1]);
    _exit(inside());
  }
  close(set_up[1]);
  // The child's end of the conversation is its own: when it ends, its peer must see that.
  syscall(SYS_close_range, 3, set_up[0] - 1, 0);
  syscall(SYS_close_range, set_up[0] + 1, ~0U, 0);
  absl::Status status = AwaitSetUp(set_up[0]);
  int result = 0;
  while (waitpid(child, &result, 0) < 0 && errno == EINTR) {
  }
  exit_code = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + (WIFSIGNALED(result) ? WTERMSIG(result) : 0);
  return status;
}

}  // namespace proctor::env::desktop::guest
