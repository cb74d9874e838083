// Lists of tasks, and words about one task, as a model may write them.
#include <string>

#include "common/strings.h"
#include "proposer/proposal_filter.h"
#include "proposer/proposal_lines.h"
#include "tests/fuzz/input.h"

namespace {

using proctor::SanitizeUtf8;
using proctor::fuzz::Require;

constexpr char kTag[] = "VERDICT-0123456789abcdef";
constexpr size_t kMaxTasks = 5;

void ReadList(std::string_view reply, bool cut_off) {
  const auto lines = proctor::proposer::ReadProposals(reply, {.tag = kTag,
                                                              .personas = 3,
                                                              .difficulties = {proctor::v1::TASK_DIFFICULTY_EASY},
                                                              .max_tasks = kMaxTasks,
                                                              .cut_off = cut_off});
  Require(lines.tasks.size() <= kMaxTasks, "no more tasks than were asked for");
  for (const auto& task : lines.tasks) {
    Require(!task.goal.empty() && task.goal.size() <= 2'000, "goals are within their limits");
    Require(task.goal.find('\n') == std::string::npos && task.goal == SanitizeUtf8(task.goal), "goals are clean");
    Require(task.persona >= 0 && task.persona <= 3, "personas are those of the question");
  }
  for (const auto& bad : lines.bad) {
    Require(bad.reason() != proctor::v1::BAD_LINE_REASON_UNSPECIFIED, "a bad line has its reason");
    Require(bad.excerpt().size() <= 200 && bad.excerpt() == SanitizeUtf8(bad.excerpt()),
            "excerpts are short and clean");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view reply = proctor::fuzz::View(data, size);
  ReadList(reply, false);
  ReadList(reply, true);
  const auto verdict = proctor::proposer::ReadFilterVerdict(reply, kTag);
  Require(verdict.accepted == verdict.reason.empty(), "a verdict accepts or says why not");
  Require(!verdict.accepted || reply.find(kTag) != std::string_view::npos, "only a tag accepts");
  Require(verdict.detail.size() <= 500 && verdict.detail == SanitizeUtf8(verdict.detail),
          "details are short and clean");
  return 0;
}
