// Fresh browser contexts for one session, one of them made ready beforehand.
#ifndef PROCTOR_ENV_WEB_CONTEXT_SOURCE_H_
#define PROCTOR_ENV_WEB_CONTEXT_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/web/browser_context.h"
#include "env/web/browser_pool.h"
#include "net/egress_proxy.h"

namespace proctor::env::web {

// A listener of the egress proxy, closed with its last user.
class ProxyPort {
 public:
  ProxyPort(net::EgressProxy& proxy, uint16_t port) : proxy_(proxy), port_(port) {}
  ~ProxyPort() { proxy_.Close(port_); }
  ProxyPort(const ProxyPort&) = delete;
  ProxyPort& operator=(const ProxyPort&) = delete;
  std::string address() const;

 private:
  net::EgressProxy& proxy_;
  const uint16_t port_;
};

// Thread-safe. The pool and the executor outlive it and what it posted.
class ContextSource {
 public:
  ContextSource(BrowserPool& pool, Executor& background, v1::WebSettings settings, std::shared_ptr<ProxyPort> proxy);
  // Waits for a context being made.
  ~ContextSource();

  // Starts making one, if none is ready or being made. Does not block.
  void Prepare();
  // The one that is ready, or being made, or a new one. Never one whose browser died.
  absl::StatusOr<std::unique_ptr<BrowserContext>> Take(const CallContext& context);
  // Closes a used one in the background.
  void Discard(std::unique_ptr<BrowserContext> used);

 private:
  struct State {
    Mutex mutex;
    CondVar changed;
    int working ABSL_GUARDED_BY(mutex) = 0;
    bool making ABSL_GUARDED_BY(mutex) = false;
    bool closed ABSL_GUARDED_BY(mutex) = false;
    std::unique_ptr<BrowserContext> ready ABSL_GUARDED_BY(mutex);
  };

  BrowserPool& pool_;
  Executor& background_;
  const v1::WebSettings settings_;
  const std::shared_ptr<ProxyPort> proxy_;
  const std::shared_ptr<State> state_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_CONTEXT_SOURCE_H_
