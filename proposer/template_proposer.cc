#include "proposer/template_proposer.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "proposer/seeded.h"
#include "proposer/splits.h"

namespace proctor::proposer {
namespace {

constexpr int kMaxCount = 10'000;
// After so many useless instances in a row a template has no more different ones.
constexpr int kMaxUseless = 12;
constexpr char kGeneratorVersion[] = "templates-1";

using StringSet = std::set<std::string>;

template <typename List>
StringSet SetOf(const List& list) {
  return StringSet(list.begin(), list.end());
}

absl::Status CheckKnown(const char* field, const StringSet& wanted, const StringSet& known) {
  for (const std::string& name : wanted) {
    if (!known.contains(name)) return absl::InvalidArgumentError(absl::StrCat(field, ": there is no \"", name, "\""));
  }
  return absl::OkStatus();
}

// A template that takes part.
struct Line {
  v1::TaskTemplate about;
  bool held_out = false;
  int row = 0;
  int next = 0;
  int useless = 0;
};

absl::StatusOr<std::vector<Line>> ChooseTemplates(const v1::TemplateSource& wanted,
                                                  const std::vector<v1::TaskTemplate>& all) {
  StringSet known_sites, known_templates;
  for (const v1::TaskTemplate& about : all) {
    known_sites.insert(about.site());
    known_templates.insert(about.name());
  }
  const StringSet sites = SetOf(wanted.sites()), templates = SetOf(wanted.templates());
  const StringSet held_sites = SetOf(wanted.held_out_sites()), held_templates = SetOf(wanted.held_out_templates());
  PROCTOR_RETURN_IF_ERROR(CheckKnown("templates.sites", sites, known_sites));
  PROCTOR_RETURN_IF_ERROR(CheckKnown("templates.templates", templates, known_templates));
  PROCTOR_RETURN_IF_ERROR(CheckKnown("templates.held_out_sites", held_sites, known_sites));
  PROCTOR_RETURN_IF_ERROR(CheckKnown("templates.held_out_templates", held_templates, known_templates));
  std::vector<Line> lines;
  for (size_t i = 0; i < all.size(); ++i) {
    const v1::TaskTemplate& about = all[i];
    if (!sites.empty() && !sites.contains(about.site())) continue;
    if (!templates.empty() && !templates.contains(about.name())) continue;
    if (wanted.max_optimal_steps() > 0 && about.optimal_steps() > wanted.max_optimal_steps()) continue;
    if (about.impossible() && !wanted.include_impossible()) continue;
    const bool held = held_sites.contains(about.site()) || held_templates.contains(about.name());
    // Its place among all, so that the choice of others does not move it to another side.
    lines.push_back({.about = about, .held_out = held, .row = static_cast<int>(i)});
  }
  return lines;
}

std::string WhatIsAsked(const v1::Task& task) {
  v1::Task asked;
  *asked.mutable_oracle() = task.oracle();
  *asked.mutable_solution() = task.solution();
  return NormalizedGoal(task) + ProtoCanonicalBytes(asked);
}

class TemplateProposer {
 public:
  TemplateProposer(const v1::ProposeTasksRequest& request, std::string job, const TaskTemplateSource& source,
                   v1::SplitShares shares, const GoalSplits& taken)
      : request_(request), job_(std::move(job)), source_(source), shares_(std::move(shares)), taken_(taken),
        split_of_goal_(taken), seed_(request.seed() == 0 ? 1 : static_cast<uint64_t>(request.seed())) {}

  absl::StatusOr<Proposal> Run(const CallContext& context, std::vector<Line> lines) {
    bool more = true;
    while (more && Size() < request_.count()) {
      more = false;
      for (Line& line : lines) {
        PROCTOR_RETURN_IF_ERROR(context.Check("proposing tasks"));
        if (Size() == request_.count()) break;
        PROCTOR_RETURN_IF_ERROR(Draw(line));
        more |= line.useless <= kMaxUseless;
      }
    }
    return std::move(proposal_);
  }

 private:
  int Size() const { return static_cast<int>(proposal_.tasks.size()); }

  // Adds one more instance unless the template has no more different ones.
  absl::Status Draw(Line& line) {
    while (line.useless <= kMaxUseless) {
      const int item = line.next++;
      const std::string key = absl::StrCat(line.about.name(), "#", item);
      const int64_t content_seed = 1 + static_cast<int64_t>(SeededHash(seed_, key) >> 12);
      if (!content_seeds_.insert(content_seed).second) continue;
      auto task = source_.Instantiate(line.about.name(), content_seed);
      if (!task.ok()) return Annotate(task.status(), key);
      proposal_.result.set_drafted(proposal_.result.drafted() + 1);
      task->set_split(line.held_out ? v1::SPLIT_TEST : SideOf(*task, line.row, item));
      const char* const reason = WhyNot(*task);
      if (reason == nullptr) {
        line.useless = 0;
        Add(std::move(*task));
        return absl::OkStatus();
      }
      ++line.useless;
      ++(*proposal_.result.mutable_rejected_by_reason())[reason];
    }
    return absl::OkStatus();
  }

  v1::Split SideOf(const v1::Task& task, int row, int item) const {
    const auto known = taken_.find(NormalizedGoal(task));
    if (known != taken_.end() && HasShare(shares_, known->second)) return known->second;
    return SplitOf(shares_, row, item);
  }

  const char* WhyNot(const v1::Task& task) {
    if (asked_.contains(WhatIsAsked(task))) return "duplicate";
    const auto side = split_of_goal_.emplace(NormalizedGoal(task), task.split()).first;
    return side->second == task.split() ? nullptr : "near-duplicate on another side";
  }

  void Add(v1::Task task) {
    asked_.insert(WhatIsAsked(task));
    task.set_state(v1::TASK_STATE_ACCEPTED);
    if (!job_.empty()) task.set_name(absl::StrCat("tasks/", job_.substr(job_.find('/') + 1), "-", Size()));
    for (const auto& [tag, value] : request_.tags()) (*task.mutable_tags())[tag] = value;
    v1::Lineage& lineage = *task.mutable_lineage();
    if (lineage.source().empty()) lineage.set_source(kTemplateSource);
    if (lineage.generator_version().empty()) lineage.set_generator_version(kGeneratorVersion);
    lineage.set_job(job_);
    ++(*proposal_.result.mutable_accepted_by_kind())[task.kind()];
    proposal_.result.set_accepted(Size() + 1);
    proposal_.tasks.push_back(std::move(task));
  }

  const v1::ProposeTasksRequest& request_;
  const std::string job_;
  const TaskTemplateSource& source_;
  const v1::SplitShares shares_;
  const GoalSplits& taken_;
  GoalSplits split_of_goal_;
  const uint64_t seed_;
  std::set<int64_t> content_seeds_;
  StringSet asked_;
  Proposal proposal_;
};

}  // namespace

std::string NormalizedGoal(const v1::Task& task) {
  std::string goal;
  for (const char c : task.goal()) {
    goal += absl::ascii_ispunct(static_cast<unsigned char>(c)) ? ' ' : c;
  }
  absl::AsciiStrToLower(&goal);
  absl::RemoveExtraAsciiWhitespace(&goal);
  return absl::StrCat(task.template_(), "\n", goal);
}

absl::StatusOr<Proposal> ProposeFromTemplates(const CallContext& context, const v1::ProposeTasksRequest& request,
                                              const std::string& job, const TaskTemplateSource& source,
                                              const GoalSplits& taken) {
  if (request.count() < 1 || request.count() > kMaxCount) return absl::InvalidArgumentError("count: 1 to 10,000");
  PROCTOR_ASSIGN_OR_RETURN(v1::SplitShares shares, NormalizeShares(request.split_shares()));
  PROCTOR_ASSIGN_OR_RETURN(std::vector<Line> lines, ChooseTemplates(request.templates(), source.ListTemplates()));
  if (lines.empty()) return absl::InvalidArgumentError("templates: the choice leaves none");
  return TemplateProposer(request, job, source, std::move(shares), taken).Run(context, std::move(lines));
}

}  // namespace proctor::proposer
