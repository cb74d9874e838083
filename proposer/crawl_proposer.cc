#include "proposer/crawl_proposer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "proposer/crawled_tasks.h"
#include "proposer/crawler.h"
#include "proposer/draft.h"
#include "proposer/seeded.h"
#include "proposer/splits.h"
#include "proposer/text.h"
#include "proposer/trial_pool.h"

namespace proctor::proposer {
namespace {

constexpr int kMaxCount = 10'000;
constexpr size_t kWrongAnswers = 50;
constexpr int kMaxFaultsInARow = 5;
// Drafts that are chosen together, whatever the number of explorers: what is accepted must not depend on it.
constexpr int kWave = 16;
// A kind is given up after so many trials in a row failed.
constexpr int kMaxRejectedInARow = 40;
constexpr char kGeneratorVersion[] = "crawl-1";

class CrawlProposer {
 public:
  CrawlProposer(const v1::ProposeTasksRequest& request, std::string job, const ExplorerTeam& team,
                const OracleCheck& oracle, const std::function<void(const CrawlProposalProgress&)>& progress,
                CrawlHistory history)
      : request_(request), job_(std::move(job)), team_(team), oracle_(oracle), progress_(progress),
        seed_(request.seed() == 0 ? 1 : static_cast<uint64_t>(request.seed())),
        known_(std::move(history.known)) {
    for (const v1::Task& task : history.own) Count(task);
    proposal_.stored = Size();
  }

  absl::StatusOr<Proposal> Run(const CallContext& context) {
    PROCTOR_ASSIGN_OR_RETURN(const v1::CrawlSource source, NormalizeCrawlSource(request_.crawl()));
    PROCTOR_ASSIGN_OR_RETURN(shares_, NormalizeShares(request_.split_shares()));
    PROCTOR_ASSIGN_OR_RETURN(std::set<std::string> kinds, ChooseKinds(source));
    PROCTOR_ASSIGN_OR_RETURN(
        SiteUrls urls, SiteUrls::Create(source.start_url(), {source.exclude_url_patterns().begin(),
                                                             source.exclude_url_patterns().end()}));
    MakeTemplate(source, urls);
    PROCTOR_ASSIGN_OR_RETURN(const SiteModel model,
                             Crawl(context, source, template_, urls, *team_.explorers[0], [this](int crawled, int) {
                               so_far_.pages_crawled = crawled;
                               Report();
                             }));
    digest_ = model.Digest();
    proposal_.result.set_pages_crawled(static_cast<int>(model.pages.size()));
    const auto splits = SplitPages(model, urls, shares_, known_);
    drafts_ = DraftTasks(model, splits, seed_, static_cast<size_t>(request_.count()) * 4 + 50);
    std::erase_if(drafts_, [&](const auto& kind) { return !kinds.contains(kind.first); });
    for (const auto& [kind, drafts] : drafts_) {
      proposal_.result.set_drafted(proposal_.result.drafted() + static_cast<int>(drafts.size()));
      for (const Draft& draft : drafts) answers_.insert(draft.answer);
    }
    answers_.erase("");
    Pace pace(absl::Seconds(source.delay().seconds()) + absl::Nanoseconds(source.delay().nanos()));
    TrialPool trials(team_, oracle_, urls, pace);
    PROCTOR_RETURN_IF_ERROR(TryWaves(context, splits, trials));
    if (proposal_.tasks.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("no task could be made from the site's ", model.pages.size(),
                                                        " pages: ", proposal_.result.ShortDebugString()));
    }
    return std::move(proposal_);
  }

 private:
  static absl::StatusOr<std::set<std::string>> ChooseKinds(const v1::CrawlSource& source) {
    const auto& known = CrawlTaskKinds();
    for (const std::string& kind : source.kinds()) {
      if (std::find(known.begin(), known.end(), kind) == known.end()) {
        return absl::InvalidArgumentError(absl::StrCat("crawl.kinds: there is no \"", kind, "\""));
      }
    }
    if (source.kinds().empty()) return std::set<std::string>(known.begin(), known.end());
    return std::set<std::string>(source.kinds().begin(), source.kinds().end());
  }

  // What all tasks have in common.
  void MakeTemplate(const v1::CrawlSource& source, const SiteUrls& urls) {
    template_.set_environment(source.environment());
    template_.mutable_start_state()->set_start_url(source.start_url());
    template_.set_site(urls.SiteName());
    template_.set_state(v1::TASK_STATE_ACCEPTED);
    // The content of a generated site must stay what it was when it was crawled.
    if (source.start_url().starts_with("__")) template_.set_seed(static_cast<int64_t>(seed_));
    for (const auto& [tag, value] : request_.tags()) (*template_.mutable_tags())[tag] = value;
    v1::Lineage& lineage = *template_.mutable_lineage();
    lineage.set_source(kCrawlSource);
    lineage.set_job(job_);
    lineage.set_generator_version(kGeneratorVersion);
  }

  absl::Status TryWaves(const CallContext& context, const std::vector<v1::Split>& splits, TrialPool& trials) {
    while (Size() < request_.count()) {
      PROCTOR_RETURN_IF_ERROR(context.Check("proposing tasks"));
      std::vector<TrialItem> wave = ChooseWave(splits);
      if (wave.empty()) break;
      PROCTOR_RETURN_IF_ERROR(trials.Run(context, wave));
      for (TrialItem& item : wave) PROCTOR_RETURN_IF_ERROR(Settle(context, item, splits));
      Report();
    }
    return absl::OkStatus();
  }

  // The next drafts of the kinds that have the fewest tasks; all those that nothing speaks against so far.
  std::vector<TrialItem> ChooseWave(const std::vector<v1::Split>& splits) {
    std::vector<TrialItem> wave;
    std::map<std::string, int> planned;
    for (const auto& [kind, count] : proposal_.result.accepted_by_kind()) planned[kind] = count;
    while (wave.size() < kWave) {
      std::vector<Draft>* scarcest = nullptr;
      int fewest = 0;
      for (const std::string& kind : CrawlTaskKinds()) {
        if (next_[kind] >= drafts_[kind].size() || rejected_in_a_row_[kind] >= kMaxRejectedInARow) continue;
        if (scarcest != nullptr && planned[kind] >= fewest) continue;
        scarcest = &drafts_[kind];
        fewest = planned[kind];
      }
      if (scarcest == nullptr) break;
      const std::string kind = scarcest->front().task.kind();
      Draft& draft = (*scarcest)[next_[kind]++];
      const std::string problem = WhyNot(draft, splits);
      if (!problem.empty()) {
        ++(*proposal_.result.mutable_rejected_by_reason())[problem];
        continue;
      }
      ++planned[kind];
      Complete(draft);
      wave.push_back({.draft = &draft, .wrong_answers = WrongAnswers(draft)});
    }
    return wave;
  }

  // In the order of the wave.
  absl::Status Settle(const CallContext& context, const TrialItem& item, const std::vector<v1::Split>& splits) {
    ++so_far_.tried;
    std::string problem;
    if (item.outcome.ok()) {
      problem = *item.outcome;
      faults_ = 0;
    } else {
      PROCTOR_RETURN_IF_ERROR(context.Check("proposing tasks"));
      if (++faults_ >= kMaxFaultsInARow) return Annotate(item.outcome.status(), "the browser failed again and again");
      problem = "the browser failed";
    }
    int& rejected = rejected_in_a_row_[item.draft->task.kind()];
    rejected = problem.empty() ? 0 : rejected + 1;
    if (problem.empty()) problem = WhyNot(*item.draft, splits);
    if (!problem.empty()) {
      ++(*proposal_.result.mutable_rejected_by_reason())[problem];
    } else if (Size() < request_.count()) {
      Accept(*item.draft);
    }
    return absl::OkStatus();
  }

  // What can be said without trying.
  std::string WhyNot(const Draft& draft, const std::vector<v1::Split>& splits) {
    const v1::Split split = draft.task.split();
    if (split == v1::SPLIT_UNSPECIFIED) return "it is about the start page";
    for (const int target : draft.targets) {
      if (splits[target] != split) return "its pages are on two sides";
    }
    if (!HasShare(shares_, split)) return "its page is on a side without a share";
    if (known_.SideOfAnswer(draft.answer).value_or(split) != split) return "its answer is also asked for on another side";
    const auto uses = uses_of_answer_.find(Folded(draft.answer));
    if (uses != uses_of_answer_.end() && uses->second >= 1 + request_.count() / 100) return "too many tasks share its answer";
    return known_.HasNearDuplicate(draft.task.kind(), draft.gist) ? "near-duplicate" : "";
  }

  void Complete(Draft& draft) {
    v1::Task task = template_;
    task.MergeFrom(draft.task);
    task.set_template_(absl::StrCat(task.site(), "/", task.kind()));
    Json parameters = {{"answer", draft.answer}, {"gist", draft.gist}};
    if (!draft.search_text.empty()) parameters["search"] = draft.search_text;
    task.mutable_lineage()->set_parameters_json(DumpJson(parameters));
    task.mutable_lineage()->set_site_model_digest(digest_);
    draft.task = std::move(task);
  }

  // Answers of other drafts, in seeded order.
  std::vector<std::string> WrongAnswers(const Draft& draft) const {
    std::vector<std::pair<uint64_t, std::string>> others;
    const uint64_t seed = SeededHash(seed_, draft.gist);
    const std::string right = Folded(draft.answer);
    for (const std::string& answer : answers_) {
      // The share of tasks with the same answer is bounded in WhyNot.
      if (Folded(answer) != right) others.emplace_back(SeededHash(seed, answer), answer);
    }
    std::sort(others.begin(), others.end());
    if (others.size() > kWrongAnswers) others.resize(kWrongAnswers);
    std::vector<std::string> answers;
    for (auto& [hash, answer] : others) answers.push_back(std::move(answer));
    return answers;
  }

  void Accept(Draft& draft) {
    if (!job_.empty()) draft.task.set_name(CrawlTaskName(job_, Size()));
    Count(draft.task);
  }

  // A task of the proposal from now on.
  void Count(const v1::Task& task) {
    known_.Add(task);
    // As an agent gives it: the last step of every solution.
    const std::string answer = task.solution().empty() ? "" : Folded(task.solution(task.solution_size() - 1).answer());
    if (!answer.empty()) ++uses_of_answer_[answer];
    ++(*proposal_.result.mutable_accepted_by_kind())[task.kind()];
    proposal_.tasks.push_back(task);
    proposal_.result.set_accepted(Size());
    so_far_.accepted = Size();
  }

  int Size() const { return static_cast<int>(proposal_.tasks.size()); }
  void Report() const {
    if (progress_) progress_(so_far_);
  }

  const v1::ProposeTasksRequest& request_;
  const std::string job_;
  const ExplorerTeam& team_;
  const OracleCheck& oracle_;
  const std::function<void(const CrawlProposalProgress&)>& progress_;
  const uint64_t seed_;
  v1::SplitShares shares_;
  v1::Task template_;
  std::string digest_;
  std::map<std::string, std::vector<Draft>> drafts_;
  std::set<std::string> answers_;
  // What is stored and what is accepted.
  CrawledTasks known_;
  std::map<std::string, int> uses_of_answer_;
  CrawlProposalProgress so_far_;
  Proposal proposal_;
  // By kind: the draft to try next, and trials that failed since the last good one.
  std::map<std::string, size_t> next_;
  std::map<std::string, int> rejected_in_a_row_;
  int faults_ = 0;
};

}  // namespace

absl::StatusOr<std::string> SiteOfCrawl(const v1::CrawlSource& source) {
  PROCTOR_ASSIGN_OR_RETURN(
      const SiteUrls urls, SiteUrls::Create(source.start_url(), {source.exclude_url_patterns().begin(),
                                                                 source.exclude_url_patterns().end()}));
  return urls.SiteName();
}

std::string CrawlTaskName(const std::string& job, int index) {
  return absl::StrCat("tasks/", job.substr(job.find('/') + 1), "-", index);
}

absl::StatusOr<Proposal> ProposeFromCrawl(const CallContext& context, const v1::ProposeTasksRequest& request,
                                          const std::string& job, const ExplorerTeam& team, const OracleCheck& oracle,
                                          const std::function<void(const CrawlProposalProgress&)>& progress,
                                          CrawlHistory history) {
  if (request.count() < 1 || request.count() > kMaxCount) return absl::InvalidArgumentError("count: 1 to 10,000");
  if (team.explorers.empty()) return absl::InvalidArgumentError("nobody to explore the site");
  return CrawlProposer(request, job, team, oracle, progress, std::move(history)).Run(context);
}

}  // namespace proctor::proposer
