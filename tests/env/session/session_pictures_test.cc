// Pictures in answers: their bytes, or only their digest where that is asked.
#include <memory>
#include <string>
#include <utility>

#include "common/ids.h"
#include "common/status.h"
#include "env/null/null_environment.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

constexpr char kPicture[] = "\x89PNG, as far as sessions care";

// The null environment, with a picture in everything that is seen.
class PictureEnvironment final : public Environment {
 public:
  v1::Environment Describe() const override { return null_.Describe(); }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override {
    return null_.ResolveSettings(settings);
  }
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context, const v1::EnvironmentSettings& settings) override {
    PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<World> world, null_.Open(context, settings));
    return std::make_unique<PictureWorld>(std::move(world));
  }

 private:
  class PictureWorld final : public World {
   public:
    explicit PictureWorld(std::unique_ptr<World> world) : world_(std::move(world)) {}
    absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec, const v1::ObservationRequest& request) override {
      PROCTOR_ASSIGN_OR_RETURN(ResetResult result, world_->Reset(context, spec, request));
      AddPicture(result.observation);
      return result;
    }
    absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action, const v1::ObservationRequest& request) override {
      PROCTOR_ASSIGN_OR_RETURN(ActResult result, world_->Act(context, action, request));
      AddPicture(result.observation);
      return result;
    }
    absl::StatusOr<v1::Observation> Observe(const CallContext& context, const v1::ObservationRequest& request) override {
      PROCTOR_ASSIGN_OR_RETURN(v1::Observation observation, world_->Observe(context, request));
      AddPicture(observation);
      return observation;
    }
    std::vector<v1::Evidence> Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests) override {
      return world_->Collect(context, requests);
    }
    void EndEpisode() override { world_->EndEpisode(); }

   private:
    static void AddPicture(v1::Observation& observation) {
      observation.mutable_screenshot()->set_data(kPicture);
      observation.mutable_screenshot()->set_digest(Sha256Hex(kPicture));
    }

    const std::unique_ptr<World> world_;
  };

  NullEnvironment null_;
};

class SessionPicturesTest : public testing::Test {
 protected:
  SessionPicturesTest() : fixture_(clock_) {
    fixture_.manager().Register("pictures", pictures_, 1);
    v1::CreateSessionRequest create;
    create.set_environment("environments/pictures");
    const auto session = fixture_.Create(create);
    EXPECT_TRUE(session.ok()) << session.status();
    if (session.ok()) session_ = session->name();
    // As a recorder does, of whose blobs retries are given.
    EXPECT_TRUE(fixture_.sink().PutBlob(CallContext(), "", kPicture).ok());
  }

  v1::StartEpisodeRequest Start(bool omit_data, const std::string& request_id) const {
    v1::StartEpisodeRequest request;
    request.set_session(session_);
    request.set_request_id(request_id);
    request.mutable_inline_task()->set_goal("look");
    request.mutable_observation()->mutable_screenshot()->set_omit_data(omit_data);
    return request;
  }
  v1::StepRequest Noop(bool omit_data, const std::string& request_id) const {
    v1::StepRequest request;
    request.set_session(session_);
    request.set_request_id(request_id);
    request.mutable_action()->mutable_noop();
    request.mutable_observation()->mutable_screenshot()->set_omit_data(omit_data);
    return request;
  }
  v1::StepRequest Answer(bool omit_data, const std::string& request_id) const {
    v1::StepRequest request = Noop(omit_data, request_id);
    request.mutable_action()->mutable_answer()->set_text("seen");
    return request;
  }

  // With its bytes or without, and always with its digest.
  static void Expect(bool omitted, const v1::Observation& observation) {
    EXPECT_EQ(observation.screenshot().data(), omitted ? "" : kPicture);
    EXPECT_EQ(observation.screenshot().digest(), Sha256Hex(kPicture));
  }

  SimulatedClock clock_;
  PictureEnvironment pictures_;
  SessionFixture fixture_;
  std::string session_;
};

TEST_F(SessionPicturesTest, OmitDataLeavesTheDigestAloneInEveryAnswerAndItsRetryAndTheRecordWhole) {
  for (const bool omitted : {false, true}) {
    SCOPED_TRACE(omitted ? "omitted" : "sent");
    const std::string id = omitted ? "o" : "s";
    v1::Episode episode;
    for (const char* attempt : {"first", "retry"}) {
      SCOPED_TRACE(attempt);
      const auto started = fixture_.Start(Start(omitted, id + "-start"));
      ASSERT_TRUE(started.ok()) << started.status();
      Expect(omitted, started->observation());
      episode = started->episode();
    }
    v1::ObserveRequest look;
    look.set_session(session_);
    look.mutable_observation()->mutable_screenshot()->set_omit_data(omitted);
    const auto seen = fixture_.Observe(look);
    ASSERT_TRUE(seen.ok()) << seen.status();
    Expect(omitted, *seen);
    for (const v1::StepRequest& request : {Noop(omitted, id + "-noop"), Answer(omitted, id + "-answer")}) {
      for (const char* attempt : {"first", "retry"}) {
        SCOPED_TRACE(request.request_id() + " " + attempt);
        const auto stepped = fixture_.Step(request);
        ASSERT_TRUE(stepped.ok()) << stepped.status();
        Expect(omitted, stepped->observation());
        EXPECT_EQ(stepped->terminated(), request.action().has_answer());
      }
    }
    const MemorySink::Record record = fixture_.sink().record(episode.name());
    ASSERT_EQ(record.steps.size(), 2u);
    for (const v1::Step& step : record.steps) Expect(/*omitted=*/false, step.observation());
    Expect(/*omitted=*/false, record.header.initial_observation());
  }
}

// What one request leaves out, the next one has.
TEST_F(SessionPicturesTest, OmitDataIsOfItsRequestAlone) {
  ASSERT_TRUE(fixture_.Start(Start(/*omit_data=*/true, "start")).ok());
  const auto with = fixture_.Step(Noop(/*omit_data=*/false, "with"));
  ASSERT_TRUE(with.ok()) << with.status();
  Expect(/*omitted=*/false, with->observation());
  const auto without = fixture_.Step(Noop(/*omit_data=*/true, "without"));
  ASSERT_TRUE(without.ok()) << without.status();
  Expect(/*omitted=*/true, without->observation());
  // An answer shows what was seen last.
  const auto answered = fixture_.Step(Answer(/*omit_data=*/false, "answer"));
  ASSERT_TRUE(answered.ok()) << answered.status();
  Expect(/*omitted=*/false, answered->observation());
}

}  // namespace
}  // namespace proctor::env
