#include "proposer/draft.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proposer/seeded.h"
#include "proposer/splits.h"
#include "proposer/text.h"
#include "proposer/wording.h"

namespace proctor::proposer {
namespace {

// Groups of candidates for comparisons, each compared with a few neighbours in seeded order.
constexpr size_t kPartners = 3;
constexpr size_t kMinListed = 2;
constexpr size_t kMaxListed = 6;
constexpr size_t kMinRows = 4;

std::string KeyOf(const Fact& fact) { return absl::StrCat(Folded(fact.subject), "\n", Folded(fact.attribute)); }

// A fact with one value on the whole site, and the nearest page that tells it.
struct KnownFact {
  Fact fact;
  int page = 0;
};

// The drafts of one kind that come first in seeded order, whatever their number: a large site gives millions, which would not fit into memory.
class FirstDrafts {
 public:
  FirstDrafts(uint64_t seed, size_t limit) : seed_(seed), limit_(limit) {}

  // False: enough others come before one of that gist. To be asked before it is made, for that costs more.
  bool Wants(const std::string& gist) const { return limit_ > 0 && (!last_.has_value() || PlaceOf(gist) < *last_); }

  void Add(Draft draft) {
    if (!Wants(draft.gist)) return;
    drafts_.push_back(std::move(draft));
    if (drafts_.size() > limit_ + limit_ / 4) Cut();
  }

  std::vector<Draft> Take() {
    Cut();
    return std::move(drafts_);
  }

 private:
  using Place = std::pair<uint64_t, std::string>;
  Place PlaceOf(const std::string& gist) const { return {SeededHash(seed_, gist), gist}; }

  void Cut() {
    std::stable_sort(drafts_.begin(), drafts_.end(), [&](const Draft& a, const Draft& b) { return PlaceOf(a.gist) < PlaceOf(b.gist); });
    if (drafts_.size() < limit_ || drafts_.empty()) return;
    drafts_.erase(drafts_.begin() + static_cast<ptrdiff_t>(limit_), drafts_.end());
    last_ = PlaceOf(drafts_.back().gist);
  }

  const uint64_t seed_;
  const size_t limit_;
  // Of the last one, once there are as many as are wanted.
  std::optional<Place> last_;
  std::vector<Draft> drafts_;
};

class Drafter {
 public:
  Drafter(const SiteModel& model, const std::vector<v1::Split>& splits, uint64_t seed, size_t limit)
      : model_(model), splits_(splits), seed_(seed), limit_(limit), index_(model), from_start_(model, index_, 0) {
    CountSubjects();
    CollectLinks();
    CollectFacts();
  }

  std::map<std::string, std::vector<Draft>> Run() {
    DraftPages();
    DraftFacts();
    DraftComparisons();
    DraftLists();
    std::map<std::string, std::vector<Draft>> drafts;
    for (auto& [kind, first] : first_) drafts[kind] = first.Take();
    SetSolutionsBetweenPages(drafts["compare"]);
    std::erase_if(drafts, [](const auto& kind) { return kind.second.empty(); });
    return drafts;
  }

 private:
  void CountSubjects() {
    for (const Page& page : model_.pages) ++pages_of_subject_[Folded(page.subject)];
  }

  // Which pages of its own side link to a page.
  void CollectLinks() {
    for (size_t i = 1; i < model_.pages.size(); ++i) {
      for (const Link& link : model_.pages[i].links) {
        const int target = index_.Find(link.target);
        if (target < 0 || target == static_cast<int>(i)) continue;
        if (splits_[target] != splits_[i]) continue;
        auto& before = linking_[target];
        if (before.empty() || before.back().first != static_cast<int>(i)) before.emplace_back(static_cast<int>(i), &link);
      }
    }
  }

  // Half of the drafts begin at the site's start, half one click away from their target, at a page of the same side
  // that does not say the answer: a site whose pages lie deep has short tasks, too.
  void SetSolutionTo(Draft& draft, int target) const {
    Way way;
    const auto before = linking_.find(target);
    const uint64_t choice = SeededHash(seed_, draft.gist);
    if (before != linking_.end() && choice % 2 == 0) {
      const auto& [start, link] = before->second[choice / 2 % before->second.size()];
      if (draft.answer.empty() || !ContainsWords(model_.pages[start].text, Folded(draft.answer))) {
        draft.task.mutable_start_state()->set_start_url(model_.pages[start].url);
        draft.task.mutable_lineage()->add_pages(model_.pages[start].url);
        draft.clicks_by_links = 1;
        way.push_back(link);
        return SetSolution(draft, way);
      }
    }
    from_start_.AppendTo(target, way);
    SetSolution(draft, way);
  }

  // Facts with several values are ambiguous and dropped.
  void CollectFacts() {
    std::map<std::string, KnownFact> known;
    std::set<std::string> ambiguous;
    for (size_t i = 0; i < model_.pages.size(); ++i) {
      const int page = static_cast<int>(i);
      for (const Fact& fact : model_.pages[i].facts) {
        const auto [it, added] = known.emplace(KeyOf(fact), KnownFact{fact, page});
        if (added) continue;
        if (Folded(it->second.fact.value) != Folded(fact.value)) ambiguous.insert(it->first);
        if (IsNearer(page, it->second.page)) it->second = {fact, page};
      }
    }
    for (auto& [key, fact] : known) {
      if (!ambiguous.contains(key) && IsAskable(fact)) facts_.push_back(std::move(fact));
    }
  }

  bool IsNearer(int page, int than) const {
    const int length = from_start_.Length(page), other = from_start_.Length(than);
    return length >= 0 && (other < 0 || length < other);
  }

  bool IsAskable(const KnownFact& known) const {
    if (known.page == 0 || from_start_.Length(known.page) < 1) return false;
    const auto named = pages_of_subject_.find(Folded(known.fact.subject));
    if (named != pages_of_subject_.end() && named->second > 1) return false;
    return !IsAtStart(known.fact.value);
  }

  bool IsAtStart(const std::string& answer) const { return ContainsWords(model_.pages[0].text, Folded(answer)); }

  Draft NewDraft(const std::string& kind, std::vector<int> targets) const {
    Draft draft;
    draft.task.set_kind(kind);
    draft.task.set_split(splits_[targets[0]]);
    for (const int target : targets) draft.task.mutable_lineage()->add_pages(model_.pages[target].url);
    draft.targets = std::move(targets);
    return draft;
  }

  static void SetAnswer(Draft& draft, const std::string& answer) {
    draft.answer = answer;
    v1::TextMatch& match = *draft.task.mutable_oracle()->mutable_answer()->mutable_match();
    const auto quantity = ParseQuantity(answer);
    if (quantity.has_value() && quantity->unit.empty()) {
      match.mutable_number()->set_value(quantity->value);
    } else {
      match.mutable_equals()->add_values(answer);
    }
  }

  // Null stands for going back.
  using Way = std::vector<const Link*>;

  static void SetSolution(Draft& draft, const Way& way) {
    for (const Link* link : way) {
      v1::SolutionStep& step = *draft.task.add_solution();
      if (link == nullptr) step.set_go_back(true);
      else *step.mutable_click() = link->element;
      draft.step_targets.push_back(link == nullptr ? "" : link->target);
    }
    draft.task.add_solution()->set_answer(draft.answer);
    draft.step_targets.emplace_back();
    draft.task.set_optimal_steps(draft.task.solution_size());
  }

  FirstDrafts& First(const std::string& kind) { return first_.try_emplace(kind, seed_, limit_).first->second; }
  void Keep(Draft draft) { First(draft.task.kind()).Add(std::move(draft)); }

  void DraftPages() {
    for (size_t i = 1; i < model_.pages.size(); ++i) {
      const Page& page = model_.pages[i];
      const int target = static_cast<int>(i);
      if (page.subject.size() < 2 || page.subject.size() > 100 || from_start_.Length(target) < 1) continue;
      if (pages_of_subject_[Folded(page.subject)] != 1) continue;
      const std::string gist = absl::StrCat("reach ", page.subject);
      if (!First("reach_page").Wants(gist)) continue;
      Draft draft = NewDraft("reach_page", {target});
      draft.task.set_goal(AskForPage(seed_, page.subject));
      draft.gist = gist;
      SetUrls(page, *draft.task.mutable_oracle()->mutable_url());
      SetSolutionTo(draft, target);
      Keep(std::move(draft));
    }
  }

  static std::set<std::string> ParameterNames(const std::string& url) {
    std::set<std::string> names;
    const size_t question = url.find('?');
    if (question == std::string::npos) return names;
    for (const absl::string_view part : absl::StrSplit(url.substr(question + 1), '&', absl::SkipEmpty())) {
      names.emplace(part.substr(0, part.find('=')));
    }
    return names;
  }

  static void SetUrls(const Page& page, v1::UrlCheck& check) {
    const std::set<std::string> names = ParameterNames(page.url);
    check.add_urls(page.url);
    for (const std::string& alias : page.aliases) {
      if (ParameterNames(alias) == names) check.add_urls(alias);
    }
    for (const std::string& name : names) check.add_query_parameters(name);
  }

  void DraftFacts() {
    const auto& forms = model_.pages[0].forms;
    const bool has_search = std::any_of(forms.begin(), forms.end(), [](const Form& form) { return form.is_search; });
    for (const KnownFact& known : facts_) {
      const std::string gist = absl::StrCat(known.fact.subject, " | ", known.fact.attribute);
      if (!First("find_fact").Wants(gist) && !First("search_fact").Wants(gist)) continue;
      Draft draft = NewDraft("find_fact", {known.page});
      draft.task.set_goal(AskForFact(seed_, known.fact));
      draft.gist = gist;
      draft.evidence = {known.fact};
      SetAnswer(draft, known.fact.value);
      draft.clicks_by_links = from_start_.Length(known.page);
      if (has_search && Folded(model_.pages[known.page].subject) == Folded(known.fact.subject)) DraftSearch(draft, known);
      SetSolutionTo(draft, known.page);
      Keep(std::move(draft));
    }
  }

  void DraftSearch(Draft draft, const KnownFact& known) {
    draft.task.set_kind("search_fact");
    draft.task.set_goal(AskForFactBySearch(seed_, known.fact));
    draft.search_text = known.fact.subject;
    Keep(std::move(draft));
  }

  void DraftComparisons() {
    std::map<std::string, std::vector<const KnownFact*>> groups;
    for (const KnownFact& known : facts_) {
      const auto quantity = ParseQuantity(known.fact.value);
      if (!quantity.has_value() || splits_[known.page] == v1::SPLIT_UNSPECIFIED) continue;
      groups[absl::StrCat(Folded(known.fact.attribute), "\n", quantity->unit, "\n", splits_[known.page])].push_back(&known);
    }
    for (auto& [key, group] : groups) {
      std::sort(group.begin(), group.end(), [&](const KnownFact* a, const KnownFact* b) {
        return SeededHash(seed_, KeyOf(a->fact)) < SeededHash(seed_, KeyOf(b->fact));
      });
      for (size_t i = 0; i < group.size(); ++i) {
        for (size_t j = i + 1; j < std::min(group.size(), i + 1 + kPartners); ++j) Compare(*group[i], *group[j]);
      }
    }
  }

  void Compare(const KnownFact& one, const KnownFact& other) {
    const double a = ParseQuantity(one.fact.value)->value, b = ParseQuantity(other.fact.value)->value;
    if (one.page == other.page || a == b) return;
    const std::string gist = absl::StrCat("compare ", std::min(one.fact.subject, other.fact.subject), " | ",
                                          std::max(one.fact.subject, other.fact.subject), " | ", one.fact.attribute);
    if (!First("compare").Wants(gist)) return;
    Draft draft = NewDraft("compare", {one.page, other.page});
    draft.task.set_goal(AskForLarger(seed_, one.fact, other.fact));
    draft.gist = gist;
    draft.evidence = {one.fact, other.fact};
    SetAnswer(draft, a > b ? one.fact.value : other.fact.value);
    Keep(std::move(draft));
  }

  // From the start by the first target to the second. Ways from a page are looked for on the whole site and have a place for each of its
  // pages, so they are had for one page at a time, and only for what is kept.
  void SetSolutionsBetweenPages(std::vector<Draft>& drafts) const {
    std::map<int, std::vector<Draft*>> by_first;
    for (Draft& draft : drafts) by_first[draft.targets[0]].push_back(&draft);
    for (const auto& [first, its_drafts] : by_first) {
      const Paths paths(model_, index_, first);
      for (Draft* draft : its_drafts) {
        Way way;
        from_start_.AppendTo(first, way);
        AppendWay(paths, first, draft->targets[1], way);
        SetSolution(*draft, way);
      }
    }
  }

  // By links (`paths` are those from there), or back to the start and on from there, whichever is shorter.
  void AppendWay(const Paths& paths, int from, int to, Way& way) const {
    const int direct = paths.Length(to);
    const int back = from_start_.Length(from) + from_start_.Length(to);
    if (direct >= 0 && direct <= back) return paths.AppendTo(to, way);
    way.insert(way.end(), from_start_.Length(from), nullptr);
    from_start_.AppendTo(to, way);
  }

  void DraftLists() {
    for (size_t i = 1; i < model_.pages.size(); ++i) {
      const Page& page = model_.pages[i];
      const int target = static_cast<int>(i);
      if (from_start_.Length(target) < 1 || pages_of_subject_[Folded(page.subject)] != 1) continue;
      for (const Table& table : page.tables) {
        if (!table.complete || table.rows.size() < kMinRows || !IsOnlyTableOfItsKind(page, table)) continue;
        for (size_t column = 1; column < table.columns.size(); ++column) DraftList(target, table, column);
      }
    }
  }

  static bool IsOnlyTableOfItsKind(const Page& page, const Table& table) {
    return std::count_if(page.tables.begin(), page.tables.end(),
                         [&](const Table& other) { return other.columns[0] == table.columns[0]; }) == 1;
  }

  static bool IsListable(const std::string& text) {
    return !text.empty() && text.size() <= 60 && text.find_first_of(",;\n") == std::string::npos &&
           !absl::StrContains(absl::StrCat(" ", Folded(text), " "), " and ");
  }

  void DraftList(int target, const Table& table, size_t column) {
    std::map<std::string, std::vector<size_t>> rows_of_value;
    std::set<std::string> firsts;
    for (size_t r = 0; r < table.rows.size(); ++r) {
      if (!IsListable(table.rows[r][0]) || !firsts.insert(Folded(table.rows[r][0])).second) return;
      rows_of_value[Folded(table.rows[r][column])].push_back(r);
    }
    for (const auto& [value, rows] : rows_of_value) {
      if (value.empty() || value.size() > 60 || rows.size() < kMinListed || rows.size() > kMaxListed) continue;
      if (rows.size() * 2 > table.rows.size()) continue;
      AddList(target, table, column, rows);
    }
  }

  void AddList(int target, const Table& table, size_t column, const std::vector<size_t>& rows) {
    const std::string& subject = model_.pages[target].subject;
    const std::string& value = table.rows[rows[0]][column];
    const std::string gist = absl::StrCat("list ", subject, " | ", table.columns[column], " | ", value);
    if (!First("filtered_list").Wants(gist)) return;
    Draft draft = NewDraft("filtered_list", {target});
    std::vector<std::string> entries;
    for (const size_t row : rows) {
      entries.push_back(table.rows[row][0]);
      draft.evidence.push_back({table.rows[row][0], table.columns[column], table.rows[row][column]});
      draft.task.mutable_oracle()->mutable_answer()->mutable_match()->mutable_set()->add_values(entries.back());
    }
    draft.evidence_is_complete = true;
    draft.answer = absl::StrJoin(entries, ", ");
    if (IsAtStart(draft.answer)) return;
    draft.task.set_goal(AskForList(seed_, subject, table, column, value));
    draft.gist = gist;
    SetSolutionTo(draft, target);
    Keep(std::move(draft));
  }

  const SiteModel& model_;
  const std::vector<v1::Split>& splits_;
  const uint64_t seed_;
  const size_t limit_;
  const PageIndex index_;
  const Paths from_start_;
  std::map<std::string, int> pages_of_subject_;
  // By page: the pages that link to it, with one link of each.
  std::map<int, std::vector<std::pair<int, const Link*>>> linking_;
  std::vector<KnownFact> facts_;
  // By kind.
  std::map<std::string, FirstDrafts> first_;
};

}  // namespace

const std::vector<std::string>& CrawlTaskKinds() {
  static const auto& kinds =
      *new std::vector<std::string>{"reach_page", "find_fact", "search_fact", "compare", "filtered_list"};
  return kinds;
}

std::vector<v1::Split> SplitPages(const SiteModel& model, const SiteUrls& urls, const v1::SplitShares& normalized,
                                  const CrawledTasks& known) {
  std::string site = urls.SiteName();
  site = site.substr(0, site.rfind(':'));
  std::vector<v1::Split> splits(model.pages.size(), v1::SPLIT_UNSPECIFIED);
  for (size_t i = 1; i < model.pages.size(); ++i) {
    const Page& page = model.pages[i];
    std::optional<v1::Split> side = known.SideOfPage(page.url);
    // Another crawl may have come to it by another of its names.
    for (size_t a = 0; a < page.aliases.size() && !side.has_value(); ++a) side = known.SideOfPage(page.aliases[a]);
    splits[i] = side.has_value() ? *side : SplitOfName(normalized, absl::StrCat(site, "\n", urls.PathOf(page.url)));
  }
  return splits;
}

std::map<std::string, std::vector<Draft>> DraftTasks(const SiteModel& model, const std::vector<v1::Split>& splits,
                                                     uint64_t seed, size_t limit) {
  if (model.pages.empty()) return {};
  return Drafter(model, splits, seed, limit).Run();
}

}  // namespace proctor::proposer
