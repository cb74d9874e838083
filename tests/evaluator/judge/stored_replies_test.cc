#include "evaluator/judge/stored_replies.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "evaluator/assess.h"
#include "evaluator/presets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/wire.h"
#include "tests/evaluator/judge/scripted_model.h"

namespace proctor::evaluator {
namespace {

using testing::HasSubstr;

// Answers in OpenAI's wire, so that there is something to read again. Replies of the first `broken` calls cannot be read.
class WireModel final : public JudgeModel {
 public:
  explicit WireModel(int broken) : broken_(broken) {}

  void Ask(const CallContext&, const std::string&, model::ChatRequest request, Done done) override {
    std::string text = "a screen";
    if (!TagOf(request).empty()) {
      MutexLock lock(mutex_);
      text = broken_-- > 0 ? "hm" : absl::StrCat("Thoughts: because\n", TagOf(request), ": success");
    }
    const Json body = {{"id", "x"}, {"model", "m"}, {"usage", {{"prompt_tokens", 7}, {"completion_tokens", 3}}},
                       {"choices", Json::array({{{"index", 0}, {"finish_reason", "stop"},
                                                 {"message", {{"role", "assistant"}, {"content", text}}}}})}};
    const std::string raw = DumpJson(body);
    model::ChatReply reply = model::DecodeReply(v1::MODEL_WIRE_OPENAI_CHAT, false, 200, raw, 0);
    reply.call.set_raw_reply(raw);
    reply.call.set_endpoint("e");
    done(std::move(reply));
  }

 private:
  Mutex mutex_;
  int broken_ ABSL_GUARDED_BY(mutex_);
};

class StoredRepliesTest : public testing::TestWithParam<int> {
 protected:
  StoredRepliesTest() {
    record_.Click("Teas", 10);
    record_.Click("Green", 20);
    record_.Answer("4.20");
  }

  absl::StatusOr<v1::Verdict> Try(const v1::Evaluator& evaluator, JudgeModel& model) {
    auto result = std::make_shared<std::promise<absl::StatusOr<v1::Verdict>>>();
    auto came = result->get_future();
    Assess(CallContext(), evaluator, std::make_shared<const v1::Trajectory>(record_.trajectory()),
           JudgeParts{record_.blobs(), model, pool_, "secret"},
           [result](absl::StatusOr<v1::Verdict> verdict) { result->set_value(std::move(verdict)); });
    if (came.wait_for(std::chrono::seconds(30)) != std::future_status::ready) return absl::DeadlineExceededError("30 s");
    return came.get();
  }

  RecordMaker record_;
  ThreadPool pool_{"judge", 2};
};

TEST_P(StoredRepliesTest, GiveTheSameVerdictByteForByte) {
  const v1::Evaluator& evaluator = JudgePresets()[GetParam()];
  WireModel model(1);
  const absl::StatusOr<v1::Verdict> first = Try(evaluator, model);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::unique_ptr<JudgeModel> stored = StoredReplies(*first);
  const absl::StatusOr<v1::Verdict> again = Try(evaluator, *stored);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->DebugString(), first->DebugString());
}

INSTANTIATE_TEST_SUITE_P(Presets, StoredRepliesTest, testing::Range(0, static_cast<int>(JudgePresets().size())),
                         [](const auto& info) {
                           std::string name = JudgePresets()[info.param].name().substr(11);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(StoredRepliesTest, AnotherRecordHasNoReplies) {
  WireModel model(0);
  const absl::StatusOr<v1::Verdict> first = Try(JudgePresets()[0], model);
  ASSERT_TRUE(first.ok()) << first.status();
  record_.Answer("5.00");
  const absl::StatusOr<v1::Verdict> again = Try(JudgePresets()[0], *StoredReplies(*first));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
  EXPECT_THAT(again->rationale(), HasSubstr("keeps no reply"));
}

}  // namespace
}  // namespace proctor::evaluator
