#include "trajectory/page_token.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"

namespace proctor::trajectory {

std::string EncodePageToken(const PageToken& token) {
  return absl::StrCat(token.start_time_micros, "~", token.id);
}

absl::StatusOr<PageToken> DecodePageToken(const std::string& text) {
  const size_t separator = text.find('~');
  PageToken token;
  if (separator == std::string::npos ||
      !absl::SimpleAtoi(text.substr(0, separator), &token.start_time_micros)) {
    return absl::InvalidArgumentError("page_token was not made by this method");
  }
  token.id = text.substr(separator + 1);
  if (!ResourceId("trajectories", ResourceName("trajectories", token.id)).ok()) {
    return absl::InvalidArgumentError("page_token was not made by this method");
  }
  return token;
}

absl::StatusOr<int> PageSizeInForce(int page_size) {
  if (page_size < 0) return absl::InvalidArgumentError("page_size is negative");
  return page_size == 0 ? 50 : std::min(page_size, 1'000);
}

}  // namespace proctor::trajectory
