#include <atomic>
#include <utility>

#include "common/ids.h"
#include "env/null/null_environment.h"
#include "imaging/image.h"
#include "tests/env/world_contract.h"

namespace proctor::env {
namespace {

// A null world that fails once when told to.
class BreakableWorld final : public World {
 public:
  BreakableWorld(std::unique_ptr<World> world, std::atomic<bool>& broken)
      : world_(std::move(world)), broken_(broken) {}
  absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                    const v1::ObservationRequest& request) override {
    return world_->Reset(context, spec, request);
  }
  absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                const v1::ObservationRequest& request) override {
    if (broken_.exchange(false)) return absl::UnavailableError("broken by the test");
    return world_->Act(context, action, request);
  }
  absl::StatusOr<v1::Observation> Observe(const CallContext& context,
                                          const v1::ObservationRequest& request) override {
    if (broken_.exchange(false)) return absl::UnavailableError("broken by the test");
    return world_->Observe(context, request);
  }
  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override {
    return world_->Collect(context, requests);
  }
  void EndEpisode() override { world_->EndEpisode(); }

 private:
  const std::unique_ptr<World> world_;
  std::atomic<bool>& broken_;
};

class BreakableNull final : public Environment {
 public:
  v1::Environment Describe() const override { return null_.Describe(); }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(
      const v1::EnvironmentSettings& settings) const override {
    return null_.ResolveSettings(settings);
  }
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                              const v1::EnvironmentSettings& settings) override {
    return std::make_unique<BreakableWorld>(*null_.Open(context, settings), broken);
  }
  std::atomic<bool> broken = false;

 private:
  NullEnvironment null_;
};

class NullUnderTest final : public WorldUnderTest {
 public:
  Environment& environment() override { return environment_; }
  bool Break() override {
    environment_.broken = true;
    return true;
  }
  v1::Task MakeTask() override {
    v1::Task task;
    task.set_goal("Click a button.");
    return task;
  }

 private:
  BreakableNull environment_;
};

INSTANTIATE_TEST_SUITE_P(Null, WorldContractTest,
                         testing::Values([](std::string&) { return std::make_unique<NullUnderTest>(); }));

TEST(NullEnvironmentTest, FailsAtTheStepThatItsSettingsName) {
  NullEnvironment null;
  SessionFixture fixture(SystemClock());
  fixture.manager().Register("null", null, 1);
  v1::CreateSessionRequest create;
  create.set_environment("environments/null");
  create.mutable_settings()->mutable_null()->set_fail_at_step(2);
  const auto session = fixture.Create(create);
  v1::StartEpisodeRequest start;
  start.set_session(session->name());
  start.mutable_inline_task()->set_goal("x");
  ASSERT_TRUE(fixture.Start(start).ok());
  v1::StepRequest step;
  step.set_session(session->name());
  step.mutable_action()->mutable_click()->mutable_target()->set_mark(1);
  EXPECT_FALSE(fixture.Step(step)->interrupted());
  const auto failed = fixture.Step(step);
  ASSERT_TRUE(failed.ok());
  EXPECT_TRUE(failed->interrupted());
  EXPECT_EQ(failed->episode().end_reason(), v1::END_REASON_WORLD_FAULT);
  EXPECT_EQ(failed->episode().step_count(), 1);
  EXPECT_TRUE(fixture.Start(start).ok());  // The session goes on.
}

TEST(NullEnvironmentTest, ItsFieldTakesNoMoreThanItHasRoomFor) {
  NullEnvironment null;
  auto world = null.Open(CallContext(), {});
  v1::ObservationRequest elements;
  elements.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  ASSERT_TRUE((*world)->Reset(CallContext(), {}, elements).ok());
  v1::Action type;
  type.mutable_type()->mutable_target()->set_mark(4);
  type.mutable_type()->set_text(std::string(64 << 10, 'x'));
  EXPECT_EQ((*world)->Act(CallContext(), type, elements)->observation.action_error(), "");
  type.mutable_type()->set_text("y");
  const auto full = (*world)->Act(CallContext(), type, elements);
  EXPECT_NE(full->observation.action_error(), "");
  EXPECT_EQ(full->observation.elements(3).value().size(), size_t{64 << 10});
  type.mutable_type()->set_clear(true);
  EXPECT_EQ((*world)->Act(CallContext(), type, elements)->observation.elements(3).value(), "y");
}

TEST(NullEnvironmentTest, TextDependsOnTheSeedOnly) {
  NullEnvironment null;
  v1::EnvironmentSettings settings;
  settings.mutable_null()->set_text_bytes(64);
  auto world = null.Open(CallContext(), settings);
  v1::ObservationRequest text;
  text.add_parts(v1::OBSERVATION_PART_TEXT);
  const auto see = [&](int64_t seed) {
    return (*world)->Reset(CallContext(), {v1::Task(), seed}, text)->observation.text().text();
  };
  EXPECT_EQ(see(1), see(1));
  EXPECT_NE(see(1), see(2));
}

TEST(NullEnvironmentTest, ItsScreenshotsShowWhatIsThereAndDifferAfterEveryStep) {
  NullEnvironment null;
  auto world = null.Open(CallContext(), {});
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  v1::Action noop;
  noop.mutable_noop();
  const v1::Image first = (*world)->Reset(CallContext(), {}, request)->observation.screenshot();
  const v1::Image second = (*world)->Act(CallContext(), noop, request)->observation.screenshot();
  EXPECT_NE(first.digest(), second.digest());
  EXPECT_EQ(second.digest(), (*world)->Observe(CallContext(), request)->screenshot().digest());
  EXPECT_EQ(first.digest(), (*world)->Reset(CallContext(), {}, request)->observation.screenshot().digest());
  const absl::StatusOr<imaging::Image> picture = imaging::Decode(first.data());
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->width_px, 640);
  EXPECT_EQ(picture->height_px, 480);
  // The field lies at (10, 160), the first button at (10, 40).
  const auto grey = [&](int x, int y) { return static_cast<int>(picture->bgra[4 * (y * 640 + x)]); };
  EXPECT_EQ(grey(60, 175), 255);
  EXPECT_NE(grey(60, 55), grey(300, 300));
}

class NullScreenshotTest : public testing::TestWithParam<v1::ImageFormat> {};

TEST_P(NullScreenshotTest, HasTheFormatThatIsAskedWithAndWithoutMarks) {
  NullEnvironment null;
  auto world = null.Open(CallContext(), {});
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  request.mutable_screenshot()->set_format(GetParam());
  const v1::Image plain = (*world)->Reset(CallContext(), {}, request)->observation.screenshot();
  request.mutable_screenshot()->set_draw_marks(true);
  const v1::Image marked = (*world)->Reset(CallContext(), {}, request)->observation.screenshot();
  EXPECT_EQ(plain.format(), GetParam());
  EXPECT_FALSE(plain.marks_drawn());
  EXPECT_TRUE(marked.marks_drawn());
  EXPECT_NE(plain.digest(), marked.digest());
  EXPECT_EQ(plain.digest(), Sha256Hex(plain.data()));
  EXPECT_EQ(plain.size_bytes(), static_cast<int64_t>(plain.data().size()));
}

INSTANTIATE_TEST_SUITE_P(Formats, NullScreenshotTest,
                         testing::Values(v1::IMAGE_FORMAT_PNG, v1::IMAGE_FORMAT_JPEG, v1::IMAGE_FORMAT_WEBP));

TEST(NullEnvironmentTest, EndsByItselfAfterTheSettingsSteps) {
  NullEnvironment null;
  v1::EnvironmentSettings settings;
  settings.mutable_null()->set_terminate_after_steps(1);
  auto world = null.Open(CallContext(), settings);
  ASSERT_TRUE((*world)->Reset(CallContext(), {}, {}).ok());
  v1::Action click;
  click.mutable_click()->mutable_target()->set_mark(1);
  EXPECT_EQ((*world)->Act(CallContext(), click, {})->world_end, v1::END_REASON_WORLD_ENDED);
}

}  // namespace
}  // namespace proctor::env
