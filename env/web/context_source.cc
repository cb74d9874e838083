#include "env/web/context_source.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::env::web {
namespace {

constexpr absl::Duration kPrepareCap = absl::Seconds(30);

}  // namespace

ContextSource::ContextSource(BrowserPool& pool, Executor& background, v1::WebSettings settings,
                             std::shared_ptr<ProxyPort> proxy)
    : pool_(pool),
      background_(background),
      settings_(std::move(settings)),
      proxy_(std::move(proxy)),
      state_(std::make_shared<State>()) {}

ContextSource::~ContextSource() {
  state_->cancel->Cancel();
  std::optional<StartPage> unused;
  MutexLock lock(state_->mutex);
  state_->closed = true;
  while (state_->working > 0) state_->changed.Wait(state_->mutex);
  unused = std::exchange(state_->ready, std::nullopt);
}

void ContextSource::Prepare(StartOrder order) {
  {
    MutexLock lock(state_->mutex);
    if (state_->making || state_->ready.has_value() || state_->closed) return;
    state_->making = true;
    ++state_->working;
  }
  background_.Post([this, state = state_, order = std::move(order)] {
    std::optional<StartPage> made = Make(CallContext(absl::Now() + kPrepareCap, state->cancel), order);
    MutexLock lock(state->mutex);
    state->making = false;
    state->ready = std::move(made);
    // Last: the source may be gone at once.
    --state->working;
    state->changed.SignalAll();
  });
}

std::optional<StartPage> ContextSource::Make(const CallContext& context, const StartOrder& order) {
  auto made = pool_.NewContext(context, settings_, proxy_);
  if (!made.ok()) return std::nullopt;
  StartPage page = StartPage::Blank(*std::move(made));
  if (FromProto(settings_.preload_max_age()) <= absl::ZeroDuration() || order.Key().empty()) return page;
  if (LoadBeforehand(context, order, settings_, page).ok()) return page;
  // Whatever is wrong with it, the episode itself finds out and says so.
  return Make(context, {});
}

absl::StatusOr<StartPage> ContextSource::Take(const CallContext& context, const std::string& key) {
  std::optional<StartPage> ready;
  {
    MutexLock lock(state_->mutex);
    PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
        context, state_->mutex, state_->changed,
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !state_->making; }, "a browser context"));
    ready = std::exchange(state_->ready, std::nullopt);
  }
  if (ready.has_value()) {
    const bool fits = ready->key.empty() ||
                      (ready->key == key && absl::Now() - ready->loaded <= FromProto(settings_.preload_max_age()));
    if (fits && ready->Usable()) return *std::move(ready);
    Discard(std::move(ready->browser));
  }
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<BrowserContext> fresh, pool_.NewContext(context, settings_, proxy_));
  return StartPage::Blank(std::move(fresh));
}

void ContextSource::Discard(std::unique_ptr<BrowserContext> used) {
  if (used == nullptr) return;
  {
    MutexLock lock(state_->mutex);
    ++state_->working;
  }
  background_.Post([state = state_, context = std::shared_ptr<BrowserContext>(std::move(used))]() mutable {
    context.reset();
    MutexLock lock(state->mutex);
    --state->working;
    state->changed.SignalAll();
  });
}

}  // namespace proctor::env::web
