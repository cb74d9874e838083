// Where a remote browser's DevTools are.
#ifndef PROCTOR_SERVER_REMOTE_BROWSER_H_
#define PROCTOR_SERVER_REMOTE_BROWSER_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::server {

// `ws://...` as it is; of `http://host:port` what its /json/version names. UNAVAILABLE: nobody
// answers there, or no browser.
absl::StatusOr<std::string> FindRemoteBrowser(const CallContext& context, const std::string& url);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REMOTE_BROWSER_H_
