// The questions that are put to models: for a batch of tasks, and whether one of them is any good.
#ifndef PROCTOR_PROPOSER_PROPOSAL_PROMPT_H_
#define PROCTOR_PROPOSER_PROPOSAL_PROMPT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/chat.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/coverage.h"
#include "proposer/proposal_lines.h"
#include "proposer/site_evidence.h"

namespace proctor::proposer {

// What all questions of a job have in common; borrowed.
struct PromptBasis {
  // Normalized.
  const v1::ModelSource& source;
  const SiteEvidence& evidence;
  // Of the data directory; see model::FenceKey.
  std::string_view secret;
  // Of the request: another one asks other questions.
  uint64_t seed = 1;
};

// A question, and the tag that what counts in its reply comes after.
struct ProposalQuestion {
  model::ChatRequest request;
  std::string tag;
};

// What is asked in one batch.
struct BatchWish {
  // From 1.
  int number = 1;
  int tasks = 0;
  // Some of the source's, in the order in which they are numbered in the question.
  std::vector<std::string> personas;
};

// The users of a batch: four of the source's, others in each batch until all had their turn; drawn by the seed.
std::vector<std::string> ChoosePersonas(const v1::ModelSource& source, uint64_t seed, int batch);

// The same arguments give the same question, so that a reply that was paid for is found again. What others wrote
// (visits, and what models proposed) stands between delimiters that they cannot know.
ProposalQuestion AskForBatch(const PromptBasis& basis, const BatchWish& wish, const Coverage& coverage);

// Whether the task can be done on the site without account, payment or harm, is clear and can be checked.
ProposalQuestion AskAboutTask(const PromptBasis& basis, const ProposedTask& task);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_PROPOSAL_PROMPT_H_
