// A bounded, polite look at a site.
#ifndef PROCTOR_PROPOSER_CRAWLER_H_
#define PROCTOR_PROPOSER_CRAWLER_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/site_explorer.h"
#include "proposer/site_model.h"
#include "proposer/site_url.h"

namespace proctor::proposer {

// Fills in a source's defaults. INVALID_ARGUMENT for values out of range.
absl::StatusOr<v1::CrawlSource> NormalizeCrawlSource(const v1::CrawlSource& source);

// Keeps page loads apart, whoever makes them. Thread-safe.
class Pace {
 public:
  // `clock` outlives it.
  explicit Pace(absl::Duration delay, Clock& clock = SystemClock()) : delay_(delay), clock_(clock) {}
  // Waits for the next free moment. CANCELLED or DEADLINE_EXCEEDED when the context ends first.
  absl::Status Wait(const CallContext& context);

 private:
  const absl::Duration delay_;
  Clock& clock_;
  Mutex mutex_;
  // Calls of Wait under way.
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time next_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// Calls with pages crawled so far and pages known to be left.
using CrawlProgress = std::function<void(int crawled, int waiting)>;

// What a model takes in memory, at most: one page may have tables of half a million cells.
inline constexpr size_t kMaxModelBytes = size_t{512} << 20;

// Visits the site breadth first from its start, in the order of the links: only by navigating to linked URLs that
// `urls` allows and robots.txt does not forbid, one at a time. Pages that fail, redirect elsewhere or are no HTML are left out.
// `source` is normalized; `task` gives environment, start state and seed. Sets the base URLs in `urls`. Ends at
// max_pages, max_depth, max_duration or once the pages take `max_bytes`, whichever comes first: what is known by then is the model.
// Errors: FAILED_PRECONDITION: the start page cannot be had, or robots.txt forbids it; UNAVAILABLE: the browser fails again and
// again; CANCELLED, DEADLINE_EXCEEDED from the context; those of SiteExplorer::Acquire.
absl::StatusOr<SiteModel> Crawl(const CallContext& context, const v1::CrawlSource& source, const v1::Task& task,
                                SiteUrls& urls, SiteExplorer& explorer, const CrawlProgress& progress = nullptr,
                                size_t max_bytes = kMaxModelBytes);

// Observations for the proposer list elements and nothing else.
v1::ObservationRequest ElementsOnly();

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_CRAWLER_H_
