// Tasks drawn from a site model, not yet tried.
#ifndef PROCTOR_PROPOSER_DRAFT_H_
#define PROCTOR_PROPOSER_DRAFT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proctor/v1/solution.pb.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/crawled_tasks.h"
#include "proposer/site_model.h"
#include "proposer/site_url.h"

namespace proctor::proposer {

// A task with what must be checked before it is accepted.
struct Draft {
  // Goal, oracle, kind, solution (but for search_fact: see `search_text`), optimal steps, split.
  v1::Task task;
  // The right answer; empty for reach_page.
  std::string answer;
  // What must be seen on the pages of the solution for the answer to be right.
  std::vector<Fact> evidence;
  // Exactly the rows that the answer lists, for filtered_list: no other row may have the value.
  bool evidence_is_complete = false;
  // Pages where the answer is found or that are to be reached (indices into the model).
  std::vector<int> targets;
  // What the task is about without its wording, to find near-duplicates by.
  std::string gist;
  // Where each step of the solution leads (canonical); empty for steps that click no link.
  std::vector<std::string> step_targets;
  // search_fact: what to type into the site's search; the way from there is found by trying.
  std::string search_text;
  // Fewest clicks by links alone; -1 if there is no such way.
  int clicks_by_links = -1;
};

// The kinds in the order in which they take turns.
const std::vector<std::string>& CrawlTaskKinds();

// Which split each page of the model is on: for everything that is asked about it. The start page has none. A page that
// stored tasks are about (`known`) stays on their side. That of another follows from the site's and the page's name alone
// (host without port, path and query), so that another crawl, with another seed or bounds, puts it on the same side.
std::vector<v1::Split> SplitPages(const SiteModel& model, const SiteUrls& urls, const v1::SplitShares& normalized,
                                  const CrawledTasks& known = {});

// Drafts by kind, in seeded order: those whose answer is unique on the site, not on the start page, and whose
// wording fits one page, row or table only. Deterministic. `splits` is SplitPages's. Never more than `limit` a kind: those that come first,
// whatever the limit; in memory are a quarter more at most.
std::map<std::string, std::vector<Draft>> DraftTasks(const SiteModel& model, const std::vector<v1::Split>& splits,
                                                     uint64_t seed, size_t limit);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_DRAFT_H_
