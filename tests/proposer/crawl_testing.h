// Crawls of a made-up site.
#ifndef PROCTOR_TESTS_PROPOSER_CRAWL_TESTING_H_
#define PROCTOR_TESTS_PROPOSER_CRAWL_TESTING_H_

#include "proposer/crawl_proposer.h"
#include "tests/proposer/fake_site.h"

namespace proctor::proposer {

inline v1::ProposeTasksRequest Request(const FakeSite& site, int count) {
  v1::ProposeTasksRequest request;
  request.set_count(count);
  request.set_seed(11);
  request.mutable_crawl()->set_start_url(site.base + "/");
  request.mutable_crawl()->mutable_delay()->set_seconds(0);
  return request;
}

inline absl::StatusOr<Proposal> Propose(const FakeSite& site, const v1::ProposeTasksRequest& request) {
  FakeExplorer explorer(site);
  return ProposeFromCrawl({}, request, "jobs/j", {.explorers = {&explorer}}, RealOracle());
}

}  // namespace proctor::proposer

#endif  // PROCTOR_TESTS_PROPOSER_CRAWL_TESTING_H_
