// Several browsers, many contexts in each: started when needed, replaced when dead or hung,
// recycled when used up.
#ifndef PROCTOR_ENV_WEB_BROWSER_POOL_H_
#define PROCTOR_ENV_WEB_BROWSER_POOL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "common/process.h"
#include "env/web/browser_context.h"
#include "env/web/browser_process.h"
#include "env/web/devtools.h"
#include "env/web/proxy_port.h"

namespace proctor::env::web {

// Thread-safe. Contexts keep their browser alive; the pool outlives them.
class BrowserPool {
 public:
  struct Options {
    BrowserProcessOptions process;
    // Use the browser that this finds (`ws://host:port/devtools/browser/...`) instead of starting
    // any; called before each connection. It must be able to reach this machine's loopback, where
    // the filtering proxy listens; it takes no uploads and its downloads are refused.
    std::function<absl::StatusOr<std::string>(const CallContext&)> find_remote;
    // Browsers at once; contexts go to the one with the fewest.
    int max_browsers = 2;
    // Another browser is started rather than exceed this, while there may be more.
    int contexts_per_browser = 16;
    // After this many contexts a browser gets no more, and ends with its last one.
    int recycle_after = 500;
    // A browser that has not made a context by then and says nothing any more is killed and
    // replaced.
    absl::Duration context_cap = absl::Seconds(15);
  };

  explicit BrowserPool(Options options) : options_(std::move(options)) {}

  // Removes what killed servers left behind and starts the first browser: the time to find out that there is none, or no
  // sandbox (NOT_FOUND, FAILED_PRECONDITION; see BrowserProcess::Start).
  absl::Status Start(const CallContext& context);

  // A fresh context with one blank tab, everything applied. `proxy` null: the browser's own. UNAVAILABLE: no browser can be started now; CANCELLED.
  absl::StatusOr<std::unique_ptr<BrowserContext>> NewContext(const CallContext& context,
                                                             const v1::WebSettings& settings,
                                                             const std::shared_ptr<const ProxyPort>& proxy);

  // What became of the browsers since the start.
  struct Counters {
    int64_t started = 0;
    int64_t failed_starts = 0;
    // Found dead.
    int64_t died = 0;
    // Killed or left alone because they hung.
    int64_t hung = 0;
    // Ended as used up.
    int64_t recycled = 0;
    // Messages of the pool's browsers that were too large to be read.
    int64_t dropped_messages = 0;
    // Living now.
    int running = 0;
    // When a start last failed with none that succeeded since; else InfinitePast.
    absl::Time failing_since = absl::InfinitePast();
  };
  Counters counters() const;

  // Process ids of living browsers, for operators and tests.
  std::vector<pid_t> pids() const;
  bool sandboxed() const;
  // Whether pages can be given files.
  bool takes_uploads() const { return options_.find_remote == nullptr; }

 private:
  struct Browser {
    DevTools& devtools() const { return process != nullptr ? process->devtools() : *remote; }
    // One of them.
    std::unique_ptr<BrowserProcess> process;
    std::unique_ptr<DevTools> remote;
    std::string user_agent;
    int contexts_made = 0;
    int contexts_open = 0;
    // Contexts in a row that took too long.
    int timeouts = 0;
  };

  absl::StatusOr<std::shared_ptr<Browser>> Lease(const CallContext& context);
  absl::StatusOr<std::shared_ptr<Browser>> StartBrowser(const CallContext& context);
  std::shared_ptr<Browser> BestLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Dead and used-up ones leave the pool; those with open contexts live on until these are closed. To be destroyed without the lock.
  void DropUselessLocked(std::vector<std::shared_ptr<Browser>>& dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Return(const std::shared_ptr<Browser>& browser);
  // It leaves the pool: what it did still counts.
  void CountLocked(const Browser& gone, int64_t Counters::* reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One try, in that browser.
  absl::StatusOr<std::unique_ptr<BrowserContext>> MakeContext(
      const CallContext& context, const std::shared_ptr<Browser>& browser,
      const v1::WebSettings& settings, std::shared_ptr<const ProxyPort> proxy);
  // It was too slow for a context. One that neither answers nor says anything else is killed; one
  // that does (it may be busy with what a page has it say), but was too slow several times in a row,
  // gets no more contexts. Returns whether it was either.
  bool ReplaceIfStuck(const std::shared_ptr<Browser>& browser);

  const Options options_;
  // Outlives the browsers: they die with its thread.
  ProcessSpawner spawner_;
  mutable Mutex mutex_;
  CondVar changed_;
  int starting_ ABSL_GUARDED_BY(mutex_) = 0;
  Counters counters_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Browser>> browsers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_BROWSER_POOL_H_
