// Where a page of records, newest first, ended. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_PAGE_TOKEN_H_
#define PROCTOR_TRAJECTORY_PAGE_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace proctor::trajectory {

struct PageToken {
  int64_t start_time_micros = 0;
  std::string id;
};

std::string EncodePageToken(const PageToken& token);
// INVALID_ARGUMENT for text that EncodePageToken does not make.
absl::StatusOr<PageToken> DecodePageToken(const std::string& text);

// The page size in force: 0 means 50; at most 1,000. INVALID_ARGUMENT if negative.
absl::StatusOr<int> PageSizeInForce(int page_size);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_PAGE_TOKEN_H_
