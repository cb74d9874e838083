#include "proposer/crawler.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::proposer {
namespace {

constexpr int kMaxPages = 10'000;
constexpr int kMaxDepth = 100;
constexpr int kMaxParallelTrials = 16;
constexpr int kMaxFailuresInARow = 10;
// Links waiting to be visited; beyond that new ones are dropped.
constexpr size_t kMaxWaiting = 100'000;
constexpr absl::Duration kPageTimeout = absl::Seconds(30);

bool IsEnd(const absl::Status& status, const CallContext& context) { return !status.ok() && !context.Check("crawl").ok(); }

// What a page takes in memory, about.
size_t BytesOf(const Page& page) {
  size_t bytes = sizeof(Page) + page.text.size();
  for (const Link& link : page.links) bytes += sizeof(Link) + link.target.size() + link.element.name().size();
  for (const Fact& fact : page.facts) bytes += sizeof(Fact) + fact.subject.size() + fact.attribute.size() + fact.value.size();
  for (const Table& table : page.tables) {
    bytes += sizeof(Table);
    for (const auto& row : table.rows) {
      bytes += sizeof(row);
      for (const std::string& cell : row) bytes += sizeof(cell) + cell.size();
    }
  }
  return bytes;
}

struct Waiting {
  std::string url;
  int depth = 0;
};

class Crawler {
 public:
  Crawler(const v1::CrawlSource& source, const v1::Task& task, SiteUrls& urls, SiteExplorer& explorer,
          const CrawlProgress& progress, size_t max_bytes)
      : source_(source), task_(task), urls_(urls), explorer_(explorer), progress_(progress), max_bytes_(max_bytes),
        pace_(FromProto(source.delay())) {}

  absl::StatusOr<SiteModel> Run(const CallContext& context) {
    PROCTOR_RETURN_IF_ERROR(Begin(context));
    const absl::Time end = absl::Now() + FromProto(source_.max_duration());
    while (!waiting_.empty() && static_cast<int>(model_.pages.size()) < source_.max_pages() && bytes_ < max_bytes_ && absl::Now() < end) {
      PROCTOR_RETURN_IF_ERROR(context.Check("crawl"));
      PROCTOR_RETURN_IF_ERROR(explorer_.Acquire(context));
      const Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      const absl::Status status = Visit(context, next);
      if (IsEnd(status, context)) return status;
      if (status.ok()) {
        failures_ = 0;
      } else if (++failures_ > kMaxFailuresInARow) {
        // No world starts at a download, or at a page that its server fails to give: many of those in a row are links to leave out, unless
        // nothing can be had at all any more.
        const absl::Status again = Open(context, urls_.start()).status();
        if (IsEnd(again, context)) return again;
        if (!again.ok()) return absl::UnavailableError(absl::StrCat("the crawl stopped after failures in a row: ", again.message()));
        failures_ = 0;
      }
      if (progress_) progress_(static_cast<int>(model_.pages.size()), static_cast<int>(waiting_.size()));
    }
    // Of a page whose links were not all looked at nothing is left.
    PROCTOR_RETURN_IF_ERROR(context.Check("crawl"));
    return std::move(model_);
  }

 private:
  absl::Status Begin(const CallContext& context) {
    PROCTOR_RETURN_IF_ERROR(explorer_.Acquire(context));
    if (source_.respect_robots()) {
      PROCTOR_RETURN_IF_ERROR(ReadRobots(context));
      if (!robots_.Allows(urls_.PathOf(urls_.start()))) {
        return absl::FailedPreconditionError("the site's robots.txt forbids the start URL; see respect_robots");
      }
    }
    seen_.insert(urls_.start());
    absl::Status status = Visit(context, {.url = urls_.start()});
    if (IsEnd(status, context)) return status;
    if (!status.ok() || model_.pages.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("the start page cannot be had: ",
                                                        status.ok() ? last_problem_ : std::string(status.message())));
    }
    return absl::OkStatus();
  }

  // Each page in a fresh context: what it shows must not depend on what was looked at before (trails, "recently seen").
  absl::StatusOr<v1::Observation> Open(const CallContext& context, const std::string& url) {
    PROCTOR_RETURN_IF_ERROR(pace_.Wait(context));
    v1::Task task = task_;
    task.mutable_start_state()->set_start_url(url);
    PROCTOR_ASSIGN_OR_RETURN(auto start, explorer_.Reset(context.Child(kPageTimeout), task, ElementsOnly()));
    urls_.SetBaseUrls(std::move(start.base_urls));
    return std::move(start.observation);
  }

  // A robots.txt that is not there (or is no text) allows everything.
  absl::Status ReadRobots(const CallContext& context) {
    const auto opened = Open(context, urls_.RobotsUrl());
    if (IsEnd(opened.status(), context)) return opened.status();
    if (!opened.ok() || !opened->action_error().empty()) return absl::OkStatus();
    const auto json = explorer_.Evaluate(context.Child(kPageTimeout), ExtractScript());
    if (!json.ok()) return absl::OkStatus();
    const auto text = explorer_.Evaluate(
        context.Child(kPageTimeout), "document.contentType === 'text/plain' ? document.body.innerText.slice(0, 500000) : ''");
    const auto page = ParsePage(*json, urls_);
    if (!text.ok() || !page.ok() || page->status >= 400) return absl::OkStatus();
    robots_ = ParseRobotsJson(*text);
    return absl::OkStatus();
  }

  static RobotsRules ParseRobotsJson(const std::string& json);

  // Not OK if the world did not start there.
  absl::Status Visit(const CallContext& context, const Waiting& next) {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Observation observation, Open(context, next.url));
    if (!observation.action_error().empty()) return Skip(observation.action_error());
    const auto json = explorer_.Evaluate(context.Child(kPageTimeout), ExtractScript());
    if (!json.ok()) return Skip(std::string(json.status().message()));
    auto page = ParsePage(*json, urls_);
    if (!page.ok()) return Skip(std::string(page.status().message()));
    if (page->status >= 400) return Skip(absl::StrCat("HTTP status ", page->status));
    if (!page->is_html) return Skip("not an HTML page");
    const bool is_start = model_.pages.empty();
    if (!urls_.IsOnSite(page->url) || (!is_start && !urls_.MayVisit(page->url))) return Skip("it leads off the site");
    if (const int known = model_.Find(page->url); known >= 0) {
      AddAlias(model_.pages[known], next.url);
      return absl::OkStatus();
    }
    AddAlias(*page, next.url);
    page->links = LinksOf(observation, urls_);
    seen_.insert(page->url);
    Enqueue(context, *page, next.depth + 1);
    bytes_ += BytesOf(*page);
    model_.pages.push_back(*std::move(page));
    return absl::OkStatus();
  }

  absl::Status Skip(std::string problem) {
    last_problem_ = std::move(problem);
    return absl::OkStatus();
  }

  static void AddAlias(Page& page, const std::string& url) {
    if (url != page.url && std::find(page.aliases.begin(), page.aliases.end(), url) == page.aliases.end()) {
      page.aliases.push_back(url);
    }
  }

  // Ends with the context: links and rules are the site's, and to compare each with each can take half an hour.
  void Enqueue(const CallContext& context, const Page& page, int depth) {
    if (depth > source_.max_depth()) return;
    for (const Link& link : page.links) {
      if (!context.Check("crawl").ok()) return;
      if (waiting_.size() >= kMaxWaiting || !urls_.MayVisit(link.target)) continue;
      if (!robots_.Allows(urls_.PathOf(link.target)) || !seen_.insert(link.target).second) continue;
      waiting_.push_back({link.target, depth});
    }
  }

  const v1::CrawlSource& source_;
  const v1::Task& task_;
  SiteUrls& urls_;
  SiteExplorer& explorer_;
  const CrawlProgress& progress_;
  const size_t max_bytes_;
  Pace pace_;
  RobotsRules robots_;
  std::deque<Waiting> waiting_;
  std::set<std::string> seen_;
  SiteModel model_;
  // Of its pages.
  size_t bytes_ = 0;
  std::string last_problem_;
  int failures_ = 0;
};

RobotsRules Crawler::ParseRobotsJson(const std::string& json) {
  // A JSON string; only the line ends matter to the rules.
  std::string text;
  for (size_t i = 1; i + 1 < json.size(); ++i) {
    if (json[i] != '\\') text += json[i];
    else if (++i + 1 < json.size()) text += json[i] == 'n' || json[i] == 'r' ? '\n' : json[i];
  }
  return RobotsRules::Parse(text);
}

}  // namespace

v1::ObservationRequest ElementsOnly() {
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  return request;
}

absl::StatusOr<v1::CrawlSource> NormalizeCrawlSource(const v1::CrawlSource& source) {
  v1::CrawlSource normalized = source;
  if (source.start_url().empty()) return absl::InvalidArgumentError("crawl.start_url is required");
  const bool placeholder = source.start_url().starts_with("__");
  if (source.environment().empty()) {
    normalized.set_environment(placeholder ? "environments/practice" : "environments/web");
  }
  if (source.max_pages() == 0) normalized.set_max_pages(200);
  if (source.max_depth() == 0) normalized.set_max_depth(4);
  if (!source.has_respect_robots()) normalized.set_respect_robots(true);
  if (!source.has_max_duration()) normalized.mutable_max_duration()->set_seconds(600);
  if (!source.has_delay()) {
    bool loopback = placeholder;
    if (!placeholder) {
      PROCTOR_ASSIGN_OR_RETURN(const UrlParts parts, ParseUrl(source.start_url()));
      loopback = IsLoopbackHost(parts.host);
    }
    normalized.mutable_delay()->set_seconds(loopback ? 0 : 1);
    normalized.mutable_delay()->set_nanos(loopback ? 100'000'000 : 0);
  }
  if (source.parallel_trials() == 0) normalized.set_parallel_trials(4);
  if (normalized.parallel_trials() < 1 || normalized.parallel_trials() > kMaxParallelTrials) {
    return absl::InvalidArgumentError("crawl.parallel_trials: 1 to 16");
  }
  if (normalized.max_pages() < 1 || normalized.max_pages() > kMaxPages) {
    return absl::InvalidArgumentError("crawl.max_pages: 1 to 10,000");
  }
  if (normalized.max_depth() < 1 || normalized.max_depth() > kMaxDepth) {
    return absl::InvalidArgumentError("crawl.max_depth: 1 to 100");
  }
  if (normalized.delay().seconds() < 0 || normalized.delay().nanos() < 0 || normalized.max_duration().seconds() < 0 ||
      normalized.max_duration().nanos() < 0) {
    return absl::InvalidArgumentError("crawl: durations are not negative");
  }
  return normalized;
}

absl::Status Pace::Wait(const CallContext& context) {
  absl::Duration rest;
  {
    MutexLock lock(mutex_);
    const absl::Time now = clock_.Now();
    // No later than after all those that wait, though the clock was set back.
    const absl::Time turn = std::clamp(next_, now, now + delay_ * ++waiting_);
    next_ = turn + delay_;
    rest = turn - now;
  }
  if (rest > absl::ZeroDuration()) {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    AwaitWithContext(context.Child(rest), mutex, never, [] { return false; }, "the next page load").IgnoreError();
  }
  MutexLock lock(mutex_);
  --waiting_;
  return context.Check("the next page load");
}

absl::StatusOr<SiteModel> Crawl(const CallContext& context, const v1::CrawlSource& source, const v1::Task& task,
                                SiteUrls& urls, SiteExplorer& explorer, const CrawlProgress& progress, size_t max_bytes) {
  return Crawler(source, task, urls, explorer, progress, max_bytes).Run(context);
}

}  // namespace proctor::proposer
