#include "env/web/context_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::env::web {
namespace {

constexpr absl::Duration kPrepareCap = absl::Seconds(30);

}  // namespace

std::string ProxyPort::address() const { return absl::StrCat("127.0.0.1:", port_); }

ContextSource::ContextSource(BrowserPool& pool, Executor& background, v1::WebSettings settings,
                             std::shared_ptr<ProxyPort> proxy)
    : pool_(pool),
      background_(background),
      settings_(std::move(settings)),
      proxy_(std::move(proxy)),
      state_(std::make_shared<State>()) {}

ContextSource::~ContextSource() {
  std::unique_ptr<BrowserContext> unused;
  MutexLock lock(state_->mutex);
  state_->closed = true;
  while (state_->working > 0) state_->changed.Wait(state_->mutex);
  unused = std::move(state_->ready);
}

void ContextSource::Prepare() {
  {
    MutexLock lock(state_->mutex);
    if (state_->making || state_->ready != nullptr || state_->closed) return;
    state_->making = true;
    ++state_->working;
  }
  background_.Post([this, state = state_] {
    auto made = pool_.NewContext(CallContext::WithTimeout(kPrepareCap), settings_, proxy_->address());
    std::unique_ptr<BrowserContext> unused;
    MutexLock lock(state->mutex);
    state->making = false;
    if (made.ok()) state->ready = *std::move(made);
    // Last: the source may be gone at once.
    --state->working;
    state->changed.SignalAll();
  });
}

absl::StatusOr<std::unique_ptr<BrowserContext>> ContextSource::Take(const CallContext& context) {
  {
    std::unique_ptr<BrowserContext> ready;
    MutexLock lock(state_->mutex);
    PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
        context, state_->mutex, state_->changed,
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !state_->making; }, "a browser context"));
    ready = std::move(state_->ready);
    if (ready != nullptr && !ready->devtools().closed() && ready->active() != nullptr && !ready->active()->crashed()) {
      return ready;
    }
  }
  return pool_.NewContext(context, settings_, proxy_->address());
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
