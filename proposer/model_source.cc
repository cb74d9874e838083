#include "proposer/model_source.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "proposer/site_url.h"
#include "proposer/splits.h"

namespace proctor::proposer {
namespace {

constexpr int kMaxCount = 10'000;
constexpr int kMaxScreenshots = 20;
constexpr int kMaxDemonstrations = 10;
constexpr int kMaxPersonas = 50;
constexpr size_t kMaxPersonaBytes = 250;
constexpr int kMaxExamples = 20;
constexpr size_t kMaxExampleBytes = 1'000;
constexpr size_t kMaxNameBytes = 200;
constexpr size_t kMaxDescriptionBytes = 4'096;
constexpr int kMaxBatchSize = 50;
constexpr int kMaxBatches = 1'000;
// A task may have 64, and gets three from here.
constexpr int kMaxTags = 61;
constexpr int kDefaultBatchSize = 25;
constexpr int kDefaultReplyTokens = 4'096;

// Kinds of users in our own words: what one of them wants of a site another would not think of.
constexpr const char* kPersonas[] = {
    "a first-time visitor who wants to know what there is here",
    "a regular who wants one thing quickly",
    "somebody who compares several offers or items before choosing one",
    "a student who looks up facts for an essay",
    "a professional who needs exact figures",
    "somebody who plans something for a group or a family",
    "a collector who knows the subject well and looks for the unusual",
    "somebody who cannot recall a name and has only a description",
    "somebody who uses search, filters and sorting rather than menus",
    "somebody who reads the small print: help pages, terms, contact details",
};

absl::Status Bad(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("model.", field, ": ", what));
}

template <typename List>
absl::Status CheckTexts(absl::string_view field, const List& texts, int most, size_t bytes) {
  if (texts.size() > most) return Bad(field, absl::StrCat("at most ", most));
  for (const std::string& text : texts) {
    if (text.empty() || text.size() > bytes) return Bad(field, absl::StrCat("1 to ", bytes, " bytes each"));
  }
  return absl::OkStatus();
}

bool IsDigest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

absl::Status CheckLists(const v1::ModelSource& source) {
  PROCTOR_RETURN_IF_ERROR(CheckTexts("personas", source.personas(), kMaxPersonas, kMaxPersonaBytes));
  PROCTOR_RETURN_IF_ERROR(CheckTexts("examples", source.examples(), kMaxExamples, kMaxExampleBytes));
  PROCTOR_RETURN_IF_ERROR(CheckTexts("screenshots", source.screenshots(), kMaxScreenshots, 64));
  PROCTOR_RETURN_IF_ERROR(CheckTexts("demonstrations", source.demonstrations(), kMaxDemonstrations, 200));
  if (!std::all_of(source.screenshots().begin(), source.screenshots().end(), IsDigest)) {
    return Bad("screenshots", "sha256 in hexadecimal digits");
  }
  if (source.replay() && source.demonstrations().empty()) {
    return Bad("replay", "there is nothing to replay: name trajectories in model.demonstrations");
  }
  for (const int difficulty : source.difficulties()) {
    if (difficulty < v1::TASK_DIFFICULTY_EASY || difficulty > v1::TASK_DIFFICULTY_HARD) {
      return Bad("difficulties", "EASY, MEDIUM or HARD");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNumbers(const v1::ModelSource& source) {
  if (source.batch_size() < 1 || source.batch_size() > kMaxBatchSize) return Bad("batch_size", "1 to 50");
  if (source.max_batches() < 1 || source.max_batches() > kMaxBatches) return Bad("max_batches", "1 to 1,000");
  const v1::Sampling& sampling = source.sampling();
  if (sampling.n() > 1 || sampling.stop_size() > 0 || sampling.top_logprobs() > 0 || !sampling.json_schema().empty()) {
    return Bad("sampling", "n, stop, top_logprobs and json_schema are not to choose");
  }
  return absl::OkStatus();
}

void FillNumbers(int count, v1::ModelSource& source) {
  if (source.batch_size() == 0) source.set_batch_size(kDefaultBatchSize);
  if (source.max_batches() == 0 && source.batch_size() > 0 && source.batch_size() <= kMaxBatchSize) {
    const int needed = (count + source.batch_size() - 1) / source.batch_size();
    source.set_max_batches(std::min(kMaxBatches, 2 * needed + 2));
  }
  v1::Sampling& sampling = *source.mutable_sampling();
  if (!sampling.has_temperature() && !sampling.has_top_p()) sampling.set_temperature(1);
  if (sampling.max_tokens() == 0) sampling.set_max_tokens(kDefaultReplyTokens);
}

void FillLists(v1::ModelSource& source) {
  if (source.personas().empty()) {
    for (const char* persona : kPersonas) source.add_personas(persona);
  }
  if (source.difficulties().empty()) {
    for (const auto difficulty : {v1::TASK_DIFFICULTY_EASY, v1::TASK_DIFFICULTY_MEDIUM, v1::TASK_DIFFICULTY_HARD}) {
      source.add_difficulties(difficulty);
    }
  }
  if (!source.filter().has_pictures()) source.mutable_filter()->set_pictures(true);
  if (source.state() == v1::TASK_STATE_UNSPECIFIED) {
    source.set_state(source.filter().disabled() ? v1::TASK_STATE_PROPOSED : v1::TASK_STATE_ACCEPTED);
  }
}

}  // namespace

absl::StatusOr<v1::ModelSource> NormalizeModelSource(const v1::ProposeTasksRequest& request) {
  if (request.count() < 1 || request.count() > kMaxCount) return absl::InvalidArgumentError("count: 1 to 10,000");
  if (request.tags_size() > kMaxTags)
    return absl::InvalidArgumentError("tags: at most 61, a model's tasks have three more");
  PROCTOR_RETURN_IF_ERROR(NormalizeShares(request.split_shares()).status());
  v1::ModelSource source = request.model();
  if (source.site_name().empty() || source.site_name().size() > kMaxNameBytes)
    return Bad("site_name", "1 to 200 bytes");
  if (source.description().size() > kMaxDescriptionBytes) return Bad("description", "at most 4,096 bytes");
  if (source.start_url().empty()) return Bad("start_url", "it is required");
  PROCTOR_RETURN_IF_ERROR(Annotate(SiteOf(source).status(), "model.start_url"));
  if (source.environment().empty()) {
    source.set_environment(source.start_url().starts_with("__") ? "environments/practice" : "environments/web");
  }
  PROCTOR_RETURN_IF_ERROR(CheckLists(source));
  FillNumbers(request.count(), source);
  PROCTOR_RETURN_IF_ERROR(CheckNumbers(source));
  FillLists(source);
  if (source.state() != v1::TASK_STATE_PROPOSED && source.state() != v1::TASK_STATE_ACCEPTED) {
    return Bad("state", "PROPOSED or ACCEPTED");
  }
  return source;
}

absl::StatusOr<std::string> SiteOf(const v1::ModelSource& source) {
  PROCTOR_ASSIGN_OR_RETURN(const SiteUrls urls, SiteUrls::Create(source.start_url(), {}));
  return urls.SiteName();
}

std::string DifficultyName(v1::TaskDifficulty difficulty) {
  switch (difficulty) {
    case v1::TASK_DIFFICULTY_EASY:
      return "easy";
    case v1::TASK_DIFFICULTY_HARD:
      return "hard";
    default:
      return "medium";
  }
}

}  // namespace proctor::proposer
