// Brings a fresh browser context to a task's start: cookies, local storage, place, credentials.
#ifndef PROCTOR_ENV_WEB_START_STATE_H_
#define PROCTOR_ENV_WEB_START_STATE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/web/browser_context.h"
#include "env/web/page_load.h"
#include "env/web/storage_state.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::web {

// A parsed StartState.
struct StartPlan {
  // At least one, resolved. The first one is shown.
  std::vector<std::string> urls;
  StorageState storage;
  // By origin, as NormalOrigin writes it.
  std::map<std::string, v1::HttpCredentials> credentials;
};

// INVALID_ARGUMENT says which part does not fit.
absl::StatusOr<StartPlan> PlanStart(const v1::StartState& state, const BaseUrls& base_urls);

// Everything but going to the URLs. INVALID_ARGUMENT names a cookie that the browser does not take, or an origin whose local
// storage cannot be filled.
absl::Status ApplyStart(const CallContext& context, BrowserContext& browser, const StartPlan& plan, int64_t seed,
                        const v1::Geolocation* geolocation);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_START_STATE_H_
