#include "net/http_client.h"

#include <algorithm>

#include "common/status.h"
#include "net/curl_transfer.h"

namespace proctor::net {
namespace {

// Runs until the transfer ends, the deadline or cancellation. Cancelling wakes the poll.
absl::Status Drive(const CallContext& context, CURLM* multi, CURLcode& code) {
  const uint64_t callback = context.cancel()->AddCallback([multi] { curl_multi_wakeup(multi); });
  absl::Status status;
  while (true) {
    status = context.Check("HTTP request");
    if (!status.ok()) break;
    int running = 0;
    curl_multi_perform(multi, &running);
    if (running == 0) break;
    constexpr absl::Duration kLongestPoll = absl::Seconds(60);
    const absl::Duration wait = std::min(context.remaining(), kLongestPoll) + absl::Milliseconds(1);
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(wait)), nullptr);
  }
  context.cancel()->RemoveCallback(callback);
  int left = 0;
  if (const CURLMsg* message = curl_multi_info_read(multi, &left)) code = message->data.result;
  return status;
}

}  // namespace

std::string FetchReply::Header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

absl::StatusOr<FetchReply> Fetch(const CallContext& context, const FetchRequest& request) {
  InitializeCurl();
  CurlTransfer transfer(request);
  PROCTOR_RETURN_IF_ERROR(transfer.Configure());
  const CurlMulti multi(curl_multi_init());
  if (multi == nullptr) return absl::ResourceExhaustedError("libcurl has no memory");
  curl_multi_add_handle(multi.get(), transfer.easy());
  CURLcode code = CURLE_OK;
  const absl::Status status = Drive(context, multi.get(), code);
  curl_multi_remove_handle(multi.get(), transfer.easy());
  PROCTOR_RETURN_IF_ERROR(status);
  if (const absl::Status failed = transfer.ToStatus(code); !failed.ok()) {
    if (!absl::IsResourceExhausted(failed)) PROCTOR_RETURN_IF_ERROR(context.Check("HTTP request"));
    return failed;
  }
  return transfer.TakeReply();
}

}  // namespace proctor::net
