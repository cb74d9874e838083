#include "proposer/model_proposer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "model/failure.h"
#include "model/prices.h"
#include "model/request_digest.h"
#include "proposer/coverage.h"
#include "proposer/known_tasks.h"
#include "proposer/model_source.h"
#include "proposer/proposal_filter.h"
#include "proposer/proposal_lines.h"
#include "proposer/proposal_prompt.h"
#include "proposer/splits.h"

namespace proctor::proposer {
namespace {

constexpr double kNearDuplicate = 0.8;
// Less alike than that, goals still teach each other's answers: they stay on one side.
constexpr double kSameSide = 0.65;
constexpr int kMaxFruitless = 3;
// Questions to the filter side by side: each may carry all pictures.
constexpr size_t kWave = 8;
constexpr int kMaxBadLines = 100;
constexpr int kMaxRejected = 1'000;
constexpr size_t kMaxDetailBytes = 500;
constexpr absl::Duration kCallCap = absl::Minutes(15);
constexpr char kGeneratorVersion[] = "model-1";
constexpr char kAreaTag[] = "area";
constexpr char kCouldNotBeTried[] = "its demonstration could not be tried";
constexpr char kDuplicate[] = "near-duplicate";
constexpr char kTwoSides[] = "near-duplicate on another side";

// A draft that may become a task.
struct Draft {
  ProposedTask proposed;
  v1::Split split = v1::SPLIT_UNSPECIFIED;
};

// What a batch's question came to, for the lineage of its tasks.
struct BatchOrigin {
  int number = 0;
  std::vector<std::string> personas;
  std::string model;
  std::string prompt_digest;
};

// The call gave a reply, if maybe not one that can be used: what is wrong lies with this question, not with the model's
// server.
bool IsReply(v1::ModelFailure failure) {
  switch (failure) {
    case v1::MODEL_FAILURE_UNSPECIFIED:
    case v1::MODEL_FAILURE_MALFORMED:
    case v1::MODEL_FAILURE_REFUSAL:
    case v1::MODEL_FAILURE_CONTENT_FILTER:
    case v1::MODEL_FAILURE_TRUNCATED:
    case v1::MODEL_FAILURE_NO_VISION:
    case v1::MODEL_FAILURE_EMPTY:
      return true;
    default:
      return false;
  }
}

// The reply's text, or why there is none.
struct ReplyText {
  std::string text;
  std::string why_none;
  bool cut_off = false;
};

ReplyText TextOf(const model::ChatReply& reply) {
  const bool called = reply.call.failure() == v1::MODEL_FAILURE_UNSPECIFIED && !reply.choices.empty();
  const v1::ModelFailure failure = called ? reply.choices[0].failure : reply.call.failure();
  const bool cut_off = called && failure == v1::MODEL_FAILURE_TRUNCATED;
  if (called && (cut_off || failure == v1::MODEL_FAILURE_UNSPECIFIED)) {
    return {.text = reply.choices[0].text, .why_none = "", .cut_off = cut_off};
  }
  const std::string& detail = called ? reply.choices[0].failure_detail : reply.call.failure_detail();
  return {.text = "", .why_none = absl::StrCat(v1::ModelFailure_Name(failure), detail.empty() ? "" : ": ", detail)};
}

std::string Tag(const v1::Task& task, const char* name) {
  const auto found = task.tags().find(name);
  return found == task.tags().end() ? "" : found->second;
}

class ModelProposer {
 public:
  ModelProposer(const v1::ProposeTasksRequest& request, std::string job, const ModelProposalParts& parts,
                std::string site, v1::SplitShares shares)
      : request_(request),
        job_(std::move(job)),
        parts_(parts),
        site_(std::move(site)),
        shares_(std::move(shares)),
        seed_(request.seed() == 0 ? 1 : static_cast<uint64_t>(request.seed())),
        basis_{.source = parts.source, .evidence = parts.evidence, .secret = parts.secret, .seed = seed_} {}

  absl::StatusOr<v1::ProposeTasksResult> Run(const CallContext& context) {
    for (const v1::Task& task : parts_.known) Remember(task);
    int fruitless = 0;
    for (int batch = 1; batch <= parts_.source.max_batches() && Wanted() > 0 && fruitless < kMaxFruitless; ++batch) {
      const int before = result_.accepted();
      PROCTOR_RETURN_IF_ERROR(RunBatch(context, batch));
      fruitless = result_.accepted() > before ? 0 : fruitless + 1;
    }
    return std::move(result_);
  }

 private:
  int Wanted() const { return request_.count() - result_.accepted(); }

  absl::Status RunBatch(const CallContext& context, int batch) {
    PROCTOR_RETURN_IF_ERROR(context.Check("proposing tasks"));
    BatchOrigin origin;
    origin.number = batch;
    origin.personas = ChoosePersonas(parts_.source, seed_, batch);
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<ProposedTask> proposed, AskForTasks(context, origin));
    const std::vector<Draft> drafts = DropKnown(proposed, batch);
    PROCTOR_RETURN_IF_ERROR(Report());
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Draft> possible, DropUnreplayable(context, drafts, batch));
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Draft> good, Examine(context, possible, batch));
    std::vector<v1::Task> tasks;
    for (const Draft& draft : good) tasks.push_back(MakeTask(draft, origin, static_cast<int>(tasks.size())));
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<v1::Task> stored, parts_.store(batch, std::move(tasks)));
    for (const v1::Task& task : stored) Accept(task);
    return Report();
  }

  absl::StatusOr<std::vector<model::ChatReply>> Ask(const CallContext& context, const std::string& model,
                                                    std::vector<model::ChatRequest> requests) {
    const size_t count = requests.size();
    std::vector<model::ChatReply> replies = parts_.model.Ask(context.Child(kCallCap), model, std::move(requests));
    if (replies.size() != count) return absl::InternalError("not as many replies as questions");
    for (const model::ChatReply& reply : replies) Count(reply.call);
    PROCTOR_RETURN_IF_ERROR(context.Check("asking a model"));
    for (const model::ChatReply& reply : replies) {
      if (!IsReply(reply.call.failure())) return Annotate(model::ToStatus(reply.call), absl::StrCat("model ", model));
    }
    return replies;
  }

  void Count(const v1::ModelCall& call) {
    model::AddUsage(call.usage(), *result_.mutable_usage());
    result_.set_replies(result_.replies() + 1);
    if (call.cached()) result_.set_cached_replies(result_.cached_replies() + 1);
  }

  absl::StatusOr<std::vector<ProposedTask>> AskForTasks(const CallContext& context, BatchOrigin& origin) {
    const int wanted = std::min(parts_.source.batch_size(), Wanted() + Wanted() / 2 + 2);
    const BatchWish wish{.number = origin.number, .tasks = wanted, .personas = origin.personas};
    ProposalQuestion question = AskForBatch(basis_, wish, coverage_);
    origin.prompt_digest = model::RequestDigest(question.request);
    std::vector<model::ChatRequest> requests;
    requests.push_back(std::move(question.request));
    PROCTOR_ASSIGN_OR_RETURN(const auto replies, Ask(context, parts_.source.model(), std::move(requests)));
    origin.model = replies[0].call.model();
    result_.set_batches(origin.number);
    const ReplyText reply = TextOf(replies[0]);
    if (!reply.why_none.empty() || reply.text.empty()) {
      v1::BadLine bad;
      bad.set_reason(v1::BAD_LINE_REASON_NO_TEXT);
      bad.set_detail(reply.why_none);
      CountBadLine(std::move(bad), origin.number);
      return std::vector<ProposedTask>();
    }
    LineRules rules{.tag = question.tag,
                    .personas = static_cast<int>(origin.personas.size()),
                    .difficulties = {},
                    .max_tasks = wanted,
                    .visits = parts_.source.replay() ? parts_.source.demonstrations_size() : 0,
                    .cut_off = reply.cut_off};
    for (const int difficulty : parts_.source.difficulties()) {
      rules.difficulties.push_back(static_cast<v1::TaskDifficulty>(difficulty));
    }
    ProposalLines lines = ReadProposals(reply.text, rules);
    for (v1::BadLine& bad : lines.bad) CountBadLine(std::move(bad), origin.number);
    return std::move(lines.tasks);
  }

  void CountBadLine(v1::BadLine bad, int batch) {
    result_.set_bad_lines(result_.bad_lines() + 1);
    auto& counts = *result_.mutable_bad_lines_by_reason();
    auto count = std::find_if(counts.begin(), counts.end(),
                              [&](const v1::BadLineCount& known) { return known.reason() == bad.reason(); });
    if (count == counts.end()) {
      counts.Add()->set_reason(bad.reason());
      count = counts.end() - 1;
    }
    count->set_count(count->count() + 1);
    bad.set_batch(batch);
    if (result_.first_bad_lines_size() < kMaxBadLines) *result_.add_first_bad_lines() = std::move(bad);
  }

  // Gives every draft its side; drops what is asked already, in this batch, too.
  std::vector<Draft> DropKnown(const std::vector<ProposedTask>& proposed, int batch) {
    std::vector<Draft> drafts;
    for (const ProposedTask& task : proposed) {
      result_.set_drafted(result_.drafted() + 1);
      const std::optional<KnownTasks::Nearest> nearest = known_.Find(task.goal);
      if (nearest.has_value() && nearest->similarity >= kNearDuplicate) {
        result_.set_duplicates(result_.duplicates() + 1);
        Reject(task.goal, kDuplicate, nearest->goal, batch);
        continue;
      }
      v1::Split split = SplitOfName(shares_, absl::StrCat(site_, "\n", task.goal));
      if (nearest.has_value() && nearest->similarity >= kSameSide) split = nearest->split;
      if (!HasShare(shares_, split)) {
        Reject(task.goal, kTwoSides, nearest->goal, batch);
        continue;
      }
      // Known from here on even if the filter rejects it: asking for it again would be no better.
      known_.Add(task.goal, split);
      drafts.push_back({.proposed = task, .split = split});
    }
    return drafts;
  }

  // Those whose demonstration can be done again. What was learnt of one holds for the whole job; one that could not be
  // tried is tried again in the next batch.
  absl::StatusOr<std::vector<Draft>> DropUnreplayable(const CallContext& context, const std::vector<Draft>& drafts,
                                                      int batch) {
    if (!parts_.source.replay()) return drafts;
    std::erase_if(replays_, [](const auto& known) { return known.second.reason == kCouldNotBeTried; });
    std::vector<Draft> possible;
    for (const Draft& draft : drafts) {
      const int visit = draft.proposed.visit - 1;
      if (!replays_.contains(visit)) {
        auto replay = parts_.replay(context, visit, EmptyTask());
        PROCTOR_RETURN_IF_ERROR(context.Check("replaying a demonstration"));
        // To find that out may have taken minutes: not again for each.
        if (absl::IsResourceExhausted(replay.status())) return Annotate(replay.status(), "replaying a demonstration");
        if (!replay.ok()) replay = DemonstrationReplay{kCouldNotBeTried, std::string(replay.status().message())};
        replays_[visit] = *std::move(replay);
      }
      const DemonstrationReplay& replay = replays_[visit];
      if (replay.reason.empty()) {
        possible.push_back(draft);
      } else {
        Reject(draft.proposed.goal, replay.reason,
               absl::StrCat(parts_.source.demonstrations(visit), ": ", replay.detail), batch);
        // Of what could not be tried nothing is known.
        if (replay.reason != kCouldNotBeTried) coverage_.AddRefused(draft.proposed.goal, replay.reason);
      }
    }
    PROCTOR_RETURN_IF_ERROR(Report());
    return possible;
  }

  // Those that the filter accepts, in order, no more than are wanted.
  absl::StatusOr<std::vector<Draft>> Examine(const CallContext& context, const std::vector<Draft>& drafts, int batch) {
    std::vector<Draft> good;
    size_t next = 0;
    while (next < drafts.size() && static_cast<int>(good.size()) < Wanted()) {
      const size_t most = std::min(kWave, static_cast<size_t>(Wanted()) - good.size());
      const std::vector<Draft> wave(drafts.begin() + static_cast<ptrdiff_t>(next),
                                    drafts.begin() + static_cast<ptrdiff_t>(std::min(drafts.size(), next + most)));
      next += wave.size();
      if (parts_.source.filter().disabled()) {
        good.insert(good.end(), wave.begin(), wave.end());
        continue;
      }
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<FilterVerdict> verdicts, AskFilter(context, wave));
      for (size_t i = 0; i < wave.size(); ++i) {
        if (verdicts[i].accepted) {
          good.push_back(wave[i]);
        } else {
          Reject(wave[i].proposed.goal, verdicts[i].reason, verdicts[i].detail, batch);
          coverage_.AddRefused(wave[i].proposed.goal, verdicts[i].reason);
        }
      }
      PROCTOR_RETURN_IF_ERROR(Report());
    }
    for (; next < drafts.size(); ++next) Reject(drafts[next].proposed.goal, "more than were wanted", "", batch);
    return good;
  }

  absl::StatusOr<std::vector<FilterVerdict>> AskFilter(const CallContext& context, const std::vector<Draft>& drafts) {
    std::vector<model::ChatRequest> requests;
    std::vector<std::string> tags;
    for (const Draft& draft : drafts) {
      ProposalQuestion question = AskAboutTask(basis_, draft.proposed);
      requests.push_back(std::move(question.request));
      tags.push_back(std::move(question.tag));
    }
    PROCTOR_ASSIGN_OR_RETURN(const auto replies, Ask(context, parts_.source.filter().model(), std::move(requests)));
    std::vector<FilterVerdict> verdicts;
    for (size_t i = 0; i < replies.size(); ++i) {
      const ReplyText reply = TextOf(replies[i]);
      if (!reply.why_none.empty()) {
        verdicts.push_back({.accepted = false, .reason = kUndetermined, .detail = reply.why_none});
      } else {
        verdicts.push_back(ReadFilterVerdict(reply.text, tags[i]));
      }
    }
    return verdicts;
  }

  void Reject(const std::string& goal, const std::string& reason, const std::string& detail, int batch) {
    ++(*result_.mutable_rejected_by_reason())[reason];
    if (result_.rejected_size() == kMaxRejected) return;
    v1::RejectedProposal& rejected = *result_.add_rejected();
    rejected.set_batch(batch);
    rejected.set_goal(goal);
    rejected.set_reason(reason);
    rejected.set_detail(std::string(TruncateUtf8(detail, kMaxDetailBytes)));
  }

  // What all tasks have in common: the world that they begin in.
  v1::Task EmptyTask() const {
    v1::Task task;
    task.set_environment(parts_.source.environment());
    task.mutable_start_state()->set_start_url(parts_.source.start_url());
    task.set_site(site_);
    // The content of a generated site must stay what it was when tasks were made for it.
    if (parts_.source.start_url().starts_with("__")) task.set_seed(static_cast<int64_t>(seed_));
    return task;
  }

  v1::Task MakeTask(const Draft& draft, const BatchOrigin& origin, int index) const {
    const ProposedTask& proposed = draft.proposed;
    v1::Task task = EmptyTask();
    task.set_name(ModelTaskName(job_, origin.number, index));
    task.set_goal(proposed.goal);
    task.set_kind(proposed.kind);
    task.set_split(draft.split);
    task.set_state(parts_.source.state());
    auto& tags = *task.mutable_tags();
    tags[kAreaTag] = proposed.area;
    tags["difficulty"] = DifficultyName(proposed.difficulty);
    if (proposed.persona > 0) tags["persona"] = origin.personas[static_cast<size_t>(proposed.persona) - 1];
    for (const auto& [tag, value] : request_.tags()) tags[tag] = value;
    v1::Lineage& lineage = *task.mutable_lineage();
    lineage.set_source(kModelSource);
    lineage.set_job(job_);
    lineage.set_generator_version(kGeneratorVersion);
    lineage.set_model(origin.model);
    lineage.set_prompt_digest(origin.prompt_digest);
    if (proposed.visit > 0) {
      lineage.add_demonstrations(parts_.source.demonstrations(proposed.visit - 1));
    } else {
      *lineage.mutable_demonstrations() = parts_.source.demonstrations();
    }
    lineage.set_parameters_json(DumpJson({{"batch", origin.number}, {"site_name", parts_.source.site_name()}}));
    return task;
  }

  void Accept(const v1::Task& task) {
    Remember(task);
    result_.add_tasks(task.name());
    result_.set_accepted(result_.accepted() + 1);
    ++(*result_.mutable_accepted_by_kind())[task.kind()];
  }

  void Remember(const v1::Task& task) {
    known_.Add(task.goal(), task.split());
    coverage_.Add(Tag(task, kAreaTag), task.kind(), task.goal());
  }

  absl::Status Report() const { return parts_.progress ? parts_.progress(result_) : absl::OkStatus(); }

  const v1::ProposeTasksRequest& request_;
  const std::string job_;
  const ModelProposalParts& parts_;
  const std::string site_;
  const v1::SplitShares shares_;
  const uint64_t seed_;
  const PromptBasis basis_;
  KnownTasks known_;
  Coverage coverage_;
  // By the demonstration's place in the source, from 0.
  std::map<int, DemonstrationReplay> replays_;
  v1::ProposeTasksResult result_;
};

}  // namespace

v1::Task KnownPartOf(const v1::Task& task) {
  v1::Task part;
  part.set_goal(task.goal());
  part.set_split(task.split());
  part.set_kind(task.kind());
  if (const std::string area = Tag(task, kAreaTag); !area.empty()) (*part.mutable_tags())[kAreaTag] = area;
  return part;
}

std::string ModelTaskName(const std::string& job, int batch, int index) {
  return absl::StrCat("tasks/", job.substr(job.find('/') + 1), "-", batch, "-", index);
}

absl::StatusOr<v1::ProposeTasksResult> ProposeFromModel(const CallContext& context,
                                                        const v1::ProposeTasksRequest& request, const std::string& job,
                                                        const ModelProposalParts& parts) {
  PROCTOR_ASSIGN_OR_RETURN(v1::SplitShares shares, NormalizeShares(request.split_shares()));
  PROCTOR_ASSIGN_OR_RETURN(std::string site, SiteOf(parts.source));
  if (parts.source.replay() && !parts.replay) return absl::InternalError("nothing to replay demonstrations with");
  return ModelProposer(request, job, parts, std::move(site), std::move(shares)).Run(context);
}

}  // namespace proctor::proposer
