#include "proposer/model_source.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::proposer {
namespace {

using testing::HasSubstr;

v1::ProposeTasksRequest Request() {
  v1::ProposeTasksRequest request;
  request.set_count(60);
  request.mutable_model()->set_site_name("Towers");
  request.mutable_model()->set_start_url("https://towers.example/");
  return request;
}

TEST(ModelSourceTest, FillsInDefaults) {
  const auto source = NormalizeModelSource(Request());
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->environment(), "environments/web");
  EXPECT_EQ(source->batch_size(), 25);
  EXPECT_EQ(source->max_batches(), 8);
  EXPECT_GE(source->personas_size(), 8);
  EXPECT_EQ(source->difficulties_size(), 3);
  EXPECT_EQ(source->sampling().temperature(), 1);
  EXPECT_EQ(source->sampling().max_tokens(), 4096);
  EXPECT_TRUE(source->filter().pictures());
  EXPECT_EQ(source->state(), v1::TASK_STATE_ACCEPTED);
  EXPECT_EQ(*SiteOf(*source), "towers.example");
}

TEST(ModelSourceTest, WithoutTheFilterTasksWaitForSomebody) {
  v1::ProposeTasksRequest request = Request();
  request.mutable_model()->mutable_filter()->set_disabled(true);
  EXPECT_EQ(NormalizeModelSource(request)->state(), v1::TASK_STATE_PROPOSED);
  request.mutable_model()->set_state(v1::TASK_STATE_ACCEPTED);
  EXPECT_EQ(NormalizeModelSource(request)->state(), v1::TASK_STATE_ACCEPTED);
}

TEST(ModelSourceTest, APlaceholderIsAPracticeSite) {
  v1::ProposeTasksRequest request = Request();
  request.mutable_model()->set_start_url("__SHOP__/");
  const auto source = NormalizeModelSource(request);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->environment(), "environments/practice");
  EXPECT_EQ(*SiteOf(*source), "shop");
}

struct BadSource {
  const char* name;
  std::function<void(v1::ProposeTasksRequest&)> spoil;
  const char* message;
};

class BadModelSourceTest : public testing::TestWithParam<BadSource> {};

TEST_P(BadModelSourceTest, IsRefusedWithTheField) {
  v1::ProposeTasksRequest request = Request();
  GetParam().spoil(request);
  const absl::Status status = NormalizeModelSource(request).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

using R = v1::ProposeTasksRequest;
INSTANTIATE_TEST_SUITE_P(
    Sources, BadModelSourceTest,
    testing::Values(
        BadSource{"Count", [](R& r) { r.set_count(0); }, "count"},
        BadSource{"Shares", [](R& r) { r.mutable_split_shares()->set_train(-1); }, "split_shares"},
        BadSource{"Tags",
                  [](R& r) {
                    for (int i = 0; i < 62; ++i) (*r.mutable_tags())[std::to_string(i)] = "x";
                  },
                  "tags"},
        BadSource{"NoName", [](R& r) { r.mutable_model()->clear_site_name(); }, "site_name"},
        BadSource{"LongName", [](R& r) { r.mutable_model()->set_site_name(std::string(201, 'x')); }, "site_name"},
        BadSource{"NoUrl", [](R& r) { r.mutable_model()->clear_start_url(); }, "start_url"},
        BadSource{"FileUrl", [](R& r) { r.mutable_model()->set_start_url("file:///etc/passwd"); }, "start_url"},
        BadSource{"LongDescription", [](R& r) { r.mutable_model()->set_description(std::string(4097, 'x')); },
                  "description"},
        BadSource{"Digest", [](R& r) { r.mutable_model()->add_screenshots("../../etc/passwd"); }, "screenshots"},
        BadSource{"ManyScreenshots",
                  [](R& r) {
                    for (int i = 0; i < 21; ++i) r.mutable_model()->add_screenshots(std::string(64, 'a'));
                  },
                  "screenshots"},
        BadSource{"ManyDemonstrations",
                  [](R& r) {
                    for (int i = 0; i < 11; ++i) r.mutable_model()->add_demonstrations("trajectories/a");
                  },
                  "demonstrations"},
        BadSource{"LongPersona", [](R& r) { r.mutable_model()->add_personas(std::string(251, 'x')); }, "personas"},
        BadSource{"EmptyPersona", [](R& r) { r.mutable_model()->add_personas(""); }, "personas"},
        BadSource{"LongExample", [](R& r) { r.mutable_model()->add_examples(std::string(1001, 'x')); }, "examples"},
        BadSource{"Difficulty", [](R& r) { r.mutable_model()->add_difficulties(v1::TASK_DIFFICULTY_UNSPECIFIED); },
                  "difficulties"},
        BadSource{"BatchSize", [](R& r) { r.mutable_model()->set_batch_size(51); }, "batch_size"},
        BadSource{"LargestBatchSize", [](R& r) { r.mutable_model()->set_batch_size(std::numeric_limits<int32_t>::max()); }, "batch_size"},
        BadSource{"NegativeBatchSize", [](R& r) { r.mutable_model()->set_batch_size(-1); }, "batch_size"},
        BadSource{"MaxBatches", [](R& r) { r.mutable_model()->set_max_batches(1001); }, "max_batches"},
        BadSource{"SeveralChoices", [](R& r) { r.mutable_model()->mutable_sampling()->set_n(2); }, "sampling"},
        BadSource{"Schema", [](R& r) { r.mutable_model()->mutable_sampling()->set_json_schema("{}"); }, "sampling"},
        BadSource{"ReplayOfNothing", [](R& r) { r.mutable_model()->set_replay(true); }, "model.replay: there is nothing"},
        BadSource{"State", [](R& r) { r.mutable_model()->set_state(v1::TASK_STATE_TRIVIAL); }, "state"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace proctor::proposer
