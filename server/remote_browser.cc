#include "server/remote_browser.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json.h"
#include "common/status.h"
#include "net/http_client.h"

namespace proctor::server {
namespace {

constexpr int64_t kMaxReplyBytes = 64 << 10;

}  // namespace

absl::StatusOr<std::string> FindRemoteBrowser(const CallContext& context, const std::string& url) {
  if (absl::StartsWith(url, "ws://")) return url;
  net::FetchRequest request;
  request.url = absl::StrCat(absl::StripSuffix(url, "/"), "/json/version");
  request.max_reply_bytes = kMaxReplyBytes;
  const auto reply = net::Fetch(context, request);
  if (!reply.ok())
    return Annotate(reply.status(), absl::StrCat("browser.remote_url: ", request.url));
  const auto json = ParseJson(reply->body);
  const std::string found = json.ok() ? JsonStringOr(*json, "webSocketDebuggerUrl") : "";
  if (reply->status == 200 && absl::StartsWith(found, "ws://")) return found;
  return absl::UnavailableError(absl::StrCat("browser.remote_url: ", request.url,
                                             " names no browser (HTTP ", reply->status, ")"));
}

}  // namespace proctor::server
