#include "env/web/browser_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/status.h"
#include "env/web/devtools.h"

namespace proctor::env::web {
namespace {

// A browser that does not say its version within this hangs.
constexpr absl::Duration kAnswerCap = absl::Seconds(5);
// One that answers, but was too slow for a context so often in a row, is beyond being busy.
constexpr int kMaxTimeouts = 3;

}  // namespace

absl::Status BrowserPool::Start(const CallContext& context) {
  if (options_.find_remote == nullptr) SweepLeftoverBrowsers(options_.process.profile_root);
  PROCTOR_ASSIGN_OR_RETURN(const std::shared_ptr<Browser> browser, Lease(context));
  Return(browser);
  return absl::OkStatus();
}

std::shared_ptr<BrowserPool::Browser> BrowserPool::BestLocked() {
  std::shared_ptr<Browser> best;
  for (const auto& browser : browsers_) {
    if (browser->devtools().closed() || browser->contexts_made >= options_.recycle_after) continue;
    if (best == nullptr || browser->contexts_open < best->contexts_open) best = browser;
  }
  return best;
}

void BrowserPool::DropUselessLocked(std::vector<std::shared_ptr<Browser>>& dropped) {
  const auto usable_end = std::stable_partition(browsers_.begin(), browsers_.end(), [this](const auto& browser) {
    return !browser->devtools().closed() && browser->contexts_made < options_.recycle_after;
  });
  for (auto browser = usable_end; browser != browsers_.end(); ++browser) {
    CountLocked(**browser, (*browser)->devtools().closed() ? &Counters::died : &Counters::recycled);
    dropped.push_back(std::move(*browser));
  }
  browsers_.erase(usable_end, browsers_.end());
}

absl::StatusOr<std::shared_ptr<BrowserPool::Browser>> BrowserPool::Lease(const CallContext& context) {
  std::vector<std::shared_ptr<Browser>> dropped;
  {
    MutexLock lock(mutex_);
    for (;;) {
      // What was started for those who wait may be dead or used up by their turn.
      DropUselessLocked(dropped);
      const std::shared_ptr<Browser> best = BestLocked();
      const bool may_start = static_cast<int>(browsers_.size()) + starting_ < options_.max_browsers;
      if (best != nullptr && (best->contexts_open < options_.contexts_per_browser || !may_start)) {
        ++best->contexts_made;
        ++best->contexts_open;
        return best;
      }
      if (may_start) break;
      // All that there may be are being started just now.
      PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
          context, mutex_, changed_,
          [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return starting_ < options_.max_browsers || BestLocked() != nullptr; },
          "waiting for a browser to start"));
    }
    ++starting_;
  }
  dropped.clear();
  absl::StatusOr<std::shared_ptr<Browser>> started = StartBrowser(context);
  MutexLock lock(mutex_);
  --starting_;
  changed_.SignalAll();
  if (started.ok()) {
    browsers_.push_back(*started);
    ++counters_.started;
    counters_.failing_since = absl::InfinitePast();
  } else if (context.Check("a browser's start").ok()) {
    // Else it was the caller who had no more time.
    ++counters_.failed_starts;
    counters_.failing_since = absl::Now();
  }
  return started;
}

absl::StatusOr<std::shared_ptr<BrowserPool::Browser>> BrowserPool::StartBrowser(const CallContext& context) {
  auto browser = std::make_shared<Browser>();
  if (options_.find_remote == nullptr) {
    PROCTOR_ASSIGN_OR_RETURN(browser->process, BrowserProcess::Start(context, options_.process, spawner_));
    browser->user_agent = browser->process->user_agent();
  } else {
    PROCTOR_ASSIGN_OR_RETURN(const std::string url, options_.find_remote(context));
    PROCTOR_ASSIGN_OR_RETURN(auto transport, ConnectWebSocketTransport(context, url));
    browser->remote = std::make_unique<DevTools>(std::move(transport));
    PROCTOR_ASSIGN_OR_RETURN(const Json version, browser->remote->Call(context, "", "Browser.getVersion"));
    browser->user_agent = JsonStringOr(version, "userAgent");
  }
  browser->contexts_made = browser->contexts_open = 1;
  const Json pages = Json::array({{{"type", "page"}}});
  for (const DevToolsReply& reply : browser->devtools().SendAll(
           {{"", "Target.setDiscoverTargets", {{"discover", true}, {"filter", pages}}},
            {"", "Target.setAutoAttach",
             {{"autoAttach", true}, {"waitForDebuggerOnStart", true}, {"flatten", true}, {"filter", pages}}}})) {
    PROCTOR_RETURN_IF_ERROR(reply.AwaitText(context).status());
  }
  return browser;
}

void BrowserPool::Return(const std::shared_ptr<Browser>& browser) {
  MutexLock lock(mutex_);
  --browser->contexts_open;
}

absl::StatusOr<std::unique_ptr<BrowserContext>> BrowserPool::MakeContext(
    const CallContext& context, const std::shared_ptr<Browser>& browser,
    const v1::WebSettings& settings, std::shared_ptr<const ProxyPort> proxy) {
  BrowserContext::Options options;
  options.settings = settings;
  options.browser_user_agent = browser->user_agent;
  options.proxy = std::move(proxy);
  if (browser->process != nullptr) {
    options.download_root = browser->process->download_root();
    options.upload_root = browser->process->upload_root();
  }
  options.keep_alive =
      std::shared_ptr<void>(browser.get(), [this, browser](void*) { Return(browser); });
  return BrowserContext::Create(context, browser->devtools(), std::move(options));
}

void BrowserPool::CountLocked(const Browser& gone, int64_t Counters::* reason) {
  ++(counters_.*reason);
  counters_.dropped_messages += static_cast<int64_t>(gone.devtools().traffic().dropped_messages);
}

bool BrowserPool::ReplaceIfStuck(const std::shared_ptr<Browser>& browser) {
  const uint64_t before = browser->devtools().traffic().received_bytes;
  bool alive = browser->devtools()
                   .Call(CallContext::WithTimeout(kAnswerCap), "", "Browser.getVersion")
                   .ok();
  // Its answer may stand behind a message of a page that takes longer than this to read.
  alive = alive || (!browser->devtools().closed() && browser->devtools().traffic().received_bytes > before);
  {
    MutexLock lock(mutex_);
    // A machine that is short of time gets no better by more browsers.
    if (alive && ++browser->timeouts < kMaxTimeouts) return false;
    if (std::erase(browsers_, browser) > 0) CountLocked(*browser, &Counters::hung);
  }
  LogWarning(alive ? "a browser makes no contexts any more: it is replaced"
                   : "a browser hangs: it is killed and replaced");
  // What other episodes have open in a living one goes on.
  if (alive) return true;
  browser->devtools().Close();
  if (browser->process != nullptr) browser->process->Kill();
  return true;
}

absl::StatusOr<std::unique_ptr<BrowserContext>> BrowserPool::NewContext(const CallContext& context,
                                                                        const v1::WebSettings& settings,
                                                                        const std::shared_ptr<const ProxyPort>& proxy) {
  // A browser that died or hung since the last use is only found out by using it: one more try.
  absl::Status failure;
  for (int attempt = 0; attempt < 2; ++attempt) {
    absl::StatusOr<std::shared_ptr<Browser>> leased = Lease(context);
    if (!leased.ok()) {
      // Who gave up has learnt nothing about browsers.
      if (absl::IsCancelled(leased.status())) return leased.status();
      return absl::UnavailableError(absl::StrCat("no browser: ", leased.status().message()));
    }
    const std::shared_ptr<Browser> browser = *std::move(leased);
    const bool whole_cap = context.remaining() >= options_.context_cap;
    const CallContext capped = context.Child(options_.context_cap);
    auto made = MakeContext(capped, browser, settings, proxy);
    if (made.ok()) {
      MutexLock lock(mutex_);
      browser->timeouts = 0;
      return made;
    }
    failure = made.status();
    if (browser->devtools().closed()) continue;
    if (capped.Check("a browser context").code() != absl::StatusCode::kDeadlineExceeded) break;
    // A caller in a hurry says nothing about the browser.
    if (!whole_cap || !ReplaceIfStuck(browser)) break;
    if (!context.Check("a browser context").ok()) break;
  }
  // Whatever the browser objects to: settings were checked before, and another browser may do it.
  return absl::IsFailedPrecondition(failure) ? absl::UnavailableError(absl::StrCat("no browser context: ", failure.message())) : failure;
}

BrowserPool::Counters BrowserPool::counters() const {
  MutexLock lock(mutex_);
  Counters counters = counters_;
  counters.running = static_cast<int>(std::count_if(browsers_.begin(), browsers_.end(), [](const auto& browser) {
    return !browser->devtools().closed();
  }));
  for (const auto& browser : browsers_) {
    counters.dropped_messages += static_cast<int64_t>(browser->devtools().traffic().dropped_messages);
  }
  return counters;
}

std::vector<pid_t> BrowserPool::pids() const {
  MutexLock lock(mutex_);
  std::vector<pid_t> pids;
  for (const auto& browser : browsers_) {
    if (browser->process != nullptr) pids.push_back(browser->process->pid());
  }
  return pids;
}

bool BrowserPool::sandboxed() const {
  MutexLock lock(mutex_);
  return std::all_of(browsers_.begin(), browsers_.end(),
                     [](const auto& browser) { return browser->process == nullptr || browser->process->sandboxed(); });
}

}  // namespace proctor::env::web
