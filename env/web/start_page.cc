#include "env/web/start_page.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/web/origin.h"

namespace proctor::env::web {

std::string StartOrder::Key() const {
  const bool plain = plan.urls.size() == 1 && plan.urls[0] != "about:blank" && plan.storage.cookies.empty() &&
                     plan.storage.origins.empty() && plan.credentials.empty();
  if (!plain || WithoutCredentials(plan.urls[0]) != plan.urls[0]) return "";
  return absl::StrCat(plan.urls[0], "\n", seed, "\n", geolocation.has_value() ? geolocation->SerializeAsString() : "none",
                      "\n", request.SerializeAsString());
}

StartPage StartPage::Blank(std::unique_ptr<BrowserContext> browser) {
  StartPage page;
  page.registry = std::make_unique<ElementRegistry>(browser->devtools());
  page.observer = std::make_unique<Observer>(browser->devtools(), *page.registry);
  page.browser = std::move(browser);
  return page;
}

bool StartPage::Usable() const {
  if (browser == nullptr || browser->devtools().closed()) return false;
  const std::vector<std::shared_ptr<Tab>> tabs = browser->tabs();
  return tabs.size() == 1 && tabs[0] == browser->active() && !tabs[0]->crashed() &&
         tabs[0]->activity().busy() == PageActivity::Busy::kIdle;
}

absl::Status LoadBeforehand(const CallContext& context, const StartOrder& order, const v1::WebSettings& settings,
                            StartPage& page) {
  PROCTOR_RETURN_IF_ERROR(ApplyStart(context, *page.browser, order.plan, order.seed,
                                     order.geolocation.has_value() ? &*order.geolocation : nullptr));
  const std::shared_ptr<Tab> tab = page.browser->active();
  if (tab == nullptr) return absl::UnavailableError("no tab is open");
  PROCTOR_ASSIGN_OR_RETURN(const LoadOutcome load,
                           LoadPage(context, *tab, order.plan.urls[0], FromProto(settings.settle_cap())));
  page.watch = std::make_unique<RestWatch>(*tab);
  PROCTOR_ASSIGN_OR_RETURN(page.seen,
                           page.observer->Observe(context, {tab->frames(), settings.viewport(), settings.device_scale()}, order.request));
  const bool well = load.error.empty() && load.settle.settled && LoadNotice(*tab).empty() &&
                    page.seen.missing().empty() && page.Usable();
  if (!well) return absl::UnavailableError("the start page did not load well");
  page.settle = load.settle;
  page.loaded = absl::Now();
  page.key = order.Key();
  return absl::OkStatus();
}

}  // namespace proctor::env::web
