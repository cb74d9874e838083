// One Chromium that we started: sandboxed, unprivileged, with a profile directory of its own, gone when we are.
#ifndef PROCTOR_ENV_WEB_BROWSER_PROCESS_H_
#define PROCTOR_ENV_WEB_BROWSER_PROCESS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/process.h"
#include "proctor/v1/config.pb.h"

namespace proctor::env::web {

class DevTools;
class DownloadWatch;

struct BrowserProcessOptions {
  // Empty: FindBrowser().
  std::string executable;
  // Profile directories are made here; not below the data directory. Empty: $TMPDIR or /tmp.
  std::string profile_root;
  // Whom the browser runs as when we are root. Empty: nobody. Ignored otherwise.
  std::string user;
  // Where the kernel allows no sandbox, or we are root and cannot switch users: run without it.
  bool allow_unsandboxed = false;
  // "127.0.0.1:port" for everything that no context's own proxy handles; empty: such traffic is refused.
  std::string proxy;
  // What the downloads of a context may take on the disk at any time: more than its settings allow a step, so what goes beyond it hides.
  int64_t max_download_folder_bytes = int64_t{512} << 20;
  // For tests and benchmarks.
  std::vector<std::string> extra_arguments;
};

// The browser's executable at Debian's places: chromium-headless-shell, else chromium; with BROWSER_KIND_CHROMIUM only the
// latter. NOT_FOUND says what to install.
absl::StatusOr<std::string> FindBrowser(v1::BrowserKind kind = v1::BROWSER_KIND_HEADLESS_SHELL);

// Kills browsers and removes profile directories below `profile_root` whose server is gone. Call it at start-up.
// Returns how many it removed.
int SweepLeftoverBrowsers(const std::string& profile_root);

// Thread-safe.
class BrowserProcess {
 public:
  // Starts the browser and waits until it answers. `spawner` outlives it. FAILED_PRECONDITION: no sandbox is possible
  // here (the message says how to mend it); NOT_FOUND: no browser; UNAVAILABLE: it did not start.
  static absl::StatusOr<std::unique_ptr<BrowserProcess>> Start(const CallContext& context,
                                                               const BrowserProcessOptions& options,
                                                               ProcessSpawner& spawner);
  // Kills it with all its children, removes its directory.
  ~BrowserProcess();

  // At once; its connection closes. For one that hangs.
  void Kill() { process_->Kill(); }

  DevTools& devtools() { return *devtools_; }
  pid_t pid() const { return process_->pid(); }
  // "HeadlessChrome/156.0.8078.79".
  const std::string& product() const { return product_; }
  const std::string& user_agent() const { return user_agent_; }
  // Where its pages' downloads land, one sub-directory a context; writable by the browser.
  const std::string& download_root() const { return download_root_; }
  // Where files for the pages' file inputs are put; the browser can read them by name, not list them.
  const std::string& upload_root() const { return upload_root_; }
  bool sandboxed() const { return sandboxed_; }

 private:
  BrowserProcess() = default;
  absl::Status MakeDirectories(const BrowserProcessOptions& options);
  absl::Status Launch(const CallContext& context, const BrowserProcessOptions& options,
                      ProcessSpawner& spawner);
  absl::Status ExplainFailure(const absl::Status& failure) const;

  std::string directory_;
  std::string download_root_;
  std::string upload_root_;
  std::string log_path_;
  std::string product_;
  std::string user_agent_;
  std::optional<ProcessOptions::User> user_;
  bool sandboxed_ = true;
  std::unique_ptr<Process> process_;
  std::unique_ptr<DevTools> devtools_;
  std::unique_ptr<DownloadWatch> watch_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_BROWSER_PROCESS_H_
