// proctor-desktop-guest: runs one desktop. The server starts it with a unix socket as descriptor 3, whose other end's closing ends the
// desktop, and a log as descriptor 4. See requests.h for what is said on the socket.
//
//   proctor-desktop-guest isolated|network|probe UID GID
//   proctor-desktop-guest unisolated HOME RUNTIME
//
// `isolated`, `network`: behind the walls of sandbox.h, without or with the machine's network. `probe`: only tries whether they can be
// built, and says "ok". `unisolated`: in the open, as the user who it is, in two directories that are there.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/time/clock.h"
#include "env/desktop/guest/children.h"
#include "env/desktop/guest/conversation.h"
#include "env/desktop/guest/sandbox.h"

#ifdef __SANITIZE_ADDRESS__
// Looking for leaks needs ptrace, which is not to be had behind the walls.
extern "C" int __lsan_is_turned_off() { return 1; }
#endif

namespace proctor::env::desktop::guest {
namespace {

constexpr int kSocket = 3;
constexpr int kUsageError = 64;
constexpr int kNoSandbox = 77;

int SayOk() {
  return write(STDOUT_FILENO, "ok\n", 3) == 3 ? 0 : 1;
}

int RunIsolated(const std::string& mode, const char* uid, const char* gid) {
  SandboxOptions options;
  options.uid = static_cast<uid_t>(std::strtoul(uid, nullptr, 10));
  options.gid = static_cast<gid_t>(std::strtoul(gid, nullptr, 10));
  options.network = mode == "network";
  if (geteuid() == 0 && options.uid == 0) {
    std::fprintf(stderr, "a desktop does not run as root\n");
    return kUsageError;
  }
  int exit_code = 0;
  const absl::Status status = RunInSandbox(
      options, [&] { return mode == "probe" ? SayOk() : Converse(kSocket, kHome, kRuntime); }, exit_code);
  if (status.ok()) return exit_code;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kNoSandbox;
}

int RunUnisolated(const char* home, const char* runtime) {
  // The server's death must not be ours: what we started would live on. Its end of the socket closes, and we see to that.
  if (fork() != 0) return 0;
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const int exit_code = Converse(kSocket, home, runtime);
  KillDescendants(absl::Now() + absl::Seconds(5));
  return exit_code;
}

int Main(int argc, char** argv) {
  if (argc == 4) {
    const std::string mode = argv[1];
    if (mode == "isolated" || mode == "network" || mode == "probe") return RunIsolated(mode, argv[2], argv[3]);
    if (mode == "unisolated") return RunUnisolated(argv[2], argv[3]);
  }
  std::fprintf(stderr, "this program is started by proctord\n");
  return kUsageError;
}

}  // namespace
}  // namespace proctor::env::desktop::guest

int main(int argc, char** argv) {
  // What this and all programs of the desktop say.
  dup2(4, STDOUT_FILENO);
  dup2(4, STDERR_FILENO);
  close(4);
  return proctor::env::desktop::guest::Main(argc, argv);
}
