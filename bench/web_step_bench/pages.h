// The pages that all arms act on. A badge in the corner shows in its colour how many clicks there
// were.
#ifndef PROCTOR_BENCH_WEB_STEP_BENCH_PAGES_H_
#define PROCTOR_BENCH_WEB_STEP_BENCH_PAGES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "net/http_server.h"

namespace proctor::bench {

inline constexpr int kButtonX = 100;
inline constexpr int kButtonY = 20;

// Serves /shop (about 350 nodes), /large (about 4,000), /nav (a click loads the next document), and
// /late: shop whose change comes by one of `late=sync|frame|timer50|timer150|fetch|chain`, chosen
// by the query.
absl::StatusOr<std::unique_ptr<net::HttpServer>> ServePages();

// Whether the picture's badge shows `clicks`.
absl::StatusOr<bool> BadgeShows(const std::string& png, int clicks);

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_WEB_STEP_BENCH_PAGES_H_
