// Tasks that a crawl of a site gives: proposed, tried, and only then accepted.
#ifndef PROCTOR_PROPOSER_CRAWL_PROPOSER_H_
#define PROCTOR_PROPOSER_CRAWL_PROPOSER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/crawled_tasks.h"
#include "proposer/site_explorer.h"
#include "proposer/template_proposer.h"
#include "proposer/trial_pool.h"

namespace proctor::proposer {

// What a running proposal tells: pages crawled, drafts tried, tasks accepted so far.
struct CrawlProposalProgress {
  int pages_crawled = 0;
  int tried = 0;
  int accepted = 0;
};

// What is stored of the site.
struct CrawlHistory {
  // Tasks of other jobs.
  CrawledTasks known = {};
  // What the job itself had stored when it was interrupted, in its order.
  std::vector<v1::Task> own = {};
};

// The site of the tasks that such a crawl gives. INVALID_ARGUMENT: a malformed URL or pattern.
absl::StatusOr<std::string> SiteOfCrawl(const v1::CrawlSource& source);

// The name of the task of that index of a job's proposal.
std::string CrawlTaskName(const std::string& job, int index);

// Crawls `request.crawl`, drafts tasks, replays each in a fresh context and returns up to `request.count` that passed
// everything, as many of each kind as the site gives. `job` as for ProposeFromTemplates. Costs a reset and the
// solution's page loads a draft; drafts are tried by all explorers of `team` that have a browser, side by side. On the same site the same
// request gives the same tasks, whatever the team, with the same history.
//
// Splits go by page: whatever is asked about a page is on one side, and tasks that share an answer are never on two;
// near-duplicates (MinHash, 0.8) are made once; at most 1 + 1 % of `count` tasks share an answer. All that counts the
// tasks of `history`, too: pages and answers stay on the sides where it has them, whatever the shares, and nothing is made
// for a side that the request has no share of. `history.own` are the first tasks of the proposal, and `stored`.
// Errors: those of Crawl; INVALID_ARGUMENT for values out of range or a team of nobody; FAILED_PRECONDITION without any task.
absl::StatusOr<Proposal> ProposeFromCrawl(const CallContext& context, const v1::ProposeTasksRequest& request,
                                          const std::string& job, const ExplorerTeam& team, const OracleCheck& oracle,
                                          const std::function<void(const CrawlProposalProgress&)>& progress = nullptr,
                                          CrawlHistory history = {});

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_CRAWL_PROPOSER_H_
