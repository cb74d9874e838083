// Where an episode begins: a fresh browser context, maybe with its start page loaded and seen beforehand.
#ifndef PROCTOR_ENV_WEB_START_PAGE_H_
#define PROCTOR_ENV_WEB_START_PAGE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "env/web/browser_context.h"
#include "env/web/element_registry.h"
#include "env/web/observer.h"
#include "env/web/rest_watch.h"
#include "env/web/settle.h"
#include "env/web/start_state.h"

namespace proctor::env::web {

// How an episode is to begin.
struct StartOrder {
  StartPlan plan;
  int64_t seed = 0;
  // The task's own; the settings' otherwise.
  std::optional<v1::Geolocation> geolocation;
  v1::ObservationRequest request;

  // Equal for orders that the same page serves, within a session. Empty: not to be loaded beforehand, because there are
  // several pages, none, or something private (cookies, storage, credentials) belongs to them.
  std::string Key() const;
};

// For one episode, once. Members are freed from the last to the first.
struct StartPage {
  std::unique_ptr<BrowserContext> browser;
  std::unique_ptr<ElementRegistry> registry;
  std::unique_ptr<Observer> observer;
  // Of the order that it was loaded for; empty: a blank page, and the rest says nothing.
  std::string key;
  absl::Time loaded;
  SettleOutcome settle;
  // What was asked for.
  v1::Observation seen;
  // Since before it was seen. Null for a blank page.
  std::unique_ptr<RestWatch> watch;

  static StartPage Blank(std::unique_ptr<BrowserContext> browser);
  // Can still be handed out: the browser lives and the page rests.
  bool Usable() const;
};

// Applies the order, loads and observes its page. An error, or a page that did not load well and come to rest: `page` is
// spoilt.
absl::Status LoadBeforehand(const CallContext& context, const StartOrder& order, const v1::WebSettings& settings,
                            StartPage& page);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_START_PAGE_H_
