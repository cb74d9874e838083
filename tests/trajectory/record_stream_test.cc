#include "trajectory/record_stream.h"

#include <functional>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/trajectory/fixture.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

class RecordStreamTest : public testing::Test {
 protected:
  RecordStream NewStream() {
    return RecordStream(
        *room_.archive,
        {.admit = [](const CallContext&, const v1::RecordHeader& header,
                     const std::string&) -> absl::StatusOr<v1::Task> {
           if (header.has_inline_task()) return header.inline_task();
           if (header.task() != "tasks/known") return absl::NotFoundError("no " + header.task());
           if (header.group() == "groups/full") return absl::FailedPreconditionError("full");
           v1::Task task;
           task.set_name(header.task());
           task.set_goal("g");
           task.set_environment("environments/web");
           return task;
         },
         .withdraw = [this](const v1::RecordHeader&, const std::string&) { ++withdrawn_; }});
  }
  v1::Episode OnlyEpisode() {
    const auto page = room_.episodes.List(context_, {}, 0, "");
    EXPECT_TRUE(page.ok() && page->episodes.size() == 1u);
    return page->episodes.at(0);
  }
  static v1::RecordTrajectoryRequest Header(const std::string& request_id = "") {
    v1::RecordTrajectoryRequest request;
    request.mutable_header()->set_task("tasks/known");
    request.mutable_header()->set_request_id(request_id);
    request.mutable_header()->set_recorder("mine");
    return request;
  }
  static v1::RecordTrajectoryRequest Blob(const std::string& digest, const std::string& data,
                                          bool more = false) {
    v1::RecordTrajectoryRequest request;
    request.mutable_blob()->set_digest(digest);
    request.mutable_blob()->set_data(data);
    request.mutable_blob()->set_more(more);
    return request;
  }
  static v1::RecordTrajectoryRequest Step(int index, const std::string& digest = "") {
    v1::RecordTrajectoryRequest request;
    request.mutable_step()->set_index(index);
    request.mutable_step()->mutable_action()->mutable_noop();
    request.mutable_step()->mutable_observation()->mutable_screenshot()->set_digest(digest);
    return request;
  }
  static v1::RecordTrajectoryRequest End() {
    v1::RecordTrajectoryRequest request;
    request.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    request.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    return request;
  }
  absl::StatusCode Send(RecordStream& stream, const v1::RecordTrajectoryRequest& request) {
    return stream.Handle(context_, request).code();
  }
  int Records() {
    return static_cast<int>(room_.trajectories.List(context_, {}, 0, "")->trajectories.size());
  }

  static constexpr auto kOk = absl::StatusCode::kOk;
  static constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const CallContext context_;
  Room room_;
  const std::string digest_ = Sha256Hex("picture");
  int withdrawn_ = 0;
};

TEST_F(RecordStreamTest, RecordsStepsWithBlobsInParts) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(Send(stream, Blob(digest_, "pict", true)), kOk);
  EXPECT_EQ(Send(stream, Blob(digest_, "ure")), kOk);
  EXPECT_EQ(Send(stream, Step(0, digest_)), kOk);
  EXPECT_EQ(Send(stream, Step(1)), kOk);
  EXPECT_EQ(Send(stream, End()), kOk);
  const v1::Trajectory header = stream.Finish(context_).value();
  const v1::Trajectory record = room_.trajectories.Get(context_, header.name()).value();
  EXPECT_EQ(record.steps_size(), 2);
  EXPECT_EQ(record.digest(), header.digest());
  EXPECT_EQ(record.recorder(), "mine");
  EXPECT_EQ(record.environment(), "environments/web");
  EXPECT_EQ(record.end_kind(), v1::END_KIND_TERMINATED);
  EXPECT_EQ(room_.blobs->Get(context_, digest_).value(), "picture");
}

TEST_F(RecordStreamTest, RefusesMessagesOutOfOrder) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Step(0)), kInvalid);
  EXPECT_EQ(Send(stream, End()), kInvalid);
  EXPECT_EQ(Send(stream, {}), kInvalid);
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(Send(stream, Header()), kInvalid);
  EXPECT_EQ(Send(stream, Step(1)), kInvalid);
  EXPECT_EQ(Send(stream, Step(0)), kOk);
  EXPECT_EQ(Send(stream, Step(0)), kInvalid);
  EXPECT_EQ(Send(stream, End()), kOk);
  EXPECT_EQ(Send(stream, Step(1)), kInvalid);
  EXPECT_EQ(Send(stream, Blob(digest_, "picture")), kInvalid);
}

TEST_F(RecordStreamTest, RefusesBlobsThatDoNotFit) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Blob(digest_, "other")), kInvalid);
  EXPECT_EQ(Send(stream, Blob("../x", "other")), kInvalid);
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(Send(stream, Step(0, digest_)), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Send(stream, Blob(digest_, "pict", true)), kOk);
  EXPECT_EQ(Send(stream, Step(0)), kInvalid);
  EXPECT_EQ(Send(stream, Blob(Sha256Hex("x"), "x")), kInvalid);
}

TEST_F(RecordStreamTest, RefusesAHeaderWithoutAKnownTask) {
  RecordStream stream = NewStream();
  v1::RecordTrajectoryRequest request = Header();
  request.mutable_header()->set_task("tasks/unknown");
  EXPECT_EQ(Send(stream, request), absl::StatusCode::kNotFound);
  request.mutable_header()->mutable_inline_task();
  EXPECT_EQ(Send(stream, request), kInvalid);
  request.mutable_header()->mutable_inline_task()->set_goal("g");
  EXPECT_EQ(Send(stream, request), kOk);
}

TEST_F(RecordStreamTest, RefusesAnEndWhoseReasonDoesNotFit) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  v1::RecordTrajectoryRequest end = End();
  end.mutable_end()->set_end_kind(v1::END_KIND_TRUNCATED);
  EXPECT_EQ(Send(stream, end), kInvalid);
  EXPECT_EQ(Send(stream, End()), kOk);
}

TEST_F(RecordStreamTest, ClosesABrokenStreamAsInterrupted) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(Send(stream, Step(0)), kOk);
  ASSERT_TRUE(stream.Abandon(context_, "the client went away").ok());
  ASSERT_TRUE(stream.Abandon(context_, "again").ok());
  const auto page = room_.trajectories.List(context_, {}, 0, "").value();
  ASSERT_EQ(page.trajectories.size(), 1);
  EXPECT_EQ(page.trajectories[0].end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(page.trajectories[0].end_reason(), v1::END_REASON_CANCELLED);
  EXPECT_EQ(page.trajectories[0].step_count(), 1);
}

TEST_F(RecordStreamTest, TreatsAStreamWithoutAnEndAsBroken) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(stream.Finish(context_).status().code(), kInvalid);
  EXPECT_TRUE(room_.trajectories.List(context_, {}, 0, "")->trajectories[0].closed());
}

TEST_F(RecordStreamTest, GivesTheSameRecordForARetry) {
  std::string name;
  for (int attempt = 0; attempt < 2; ++attempt) {
    RecordStream stream = NewStream();
    EXPECT_EQ(Send(stream, Header("once")), kOk);
    EXPECT_EQ(Send(stream, Step(0)), kOk);
    EXPECT_EQ(Send(stream, End()), kOk);
    const std::string recorded = stream.Finish(context_)->name();
    EXPECT_TRUE(attempt == 0 || recorded == name) << recorded;
    name = recorded;
  }
  EXPECT_EQ(Records(), 1);
  RecordStream stream = NewStream();
  v1::RecordTrajectoryRequest other = Header("once");
  other.mutable_header()->set_group("groups/other");
  EXPECT_EQ(Send(stream, other), kInvalid);
}

TEST_F(RecordStreamTest, OfTwoStreamsOfOneRequestTheFirstThatEndsCounts) {
  RecordStream slow = NewStream();
  RecordStream fast = NewStream();
  for (RecordStream* const stream : {&slow, &fast}) {
    EXPECT_EQ(Send(*stream, Header("once")), kOk);
    EXPECT_EQ(Send(*stream, Step(0)), kOk);
  }
  EXPECT_EQ(Send(fast, End()), kOk);
  EXPECT_EQ(Send(slow, End()), kOk);
  const v1::Trajectory counted = fast.Finish(context_).value();
  EXPECT_EQ(slow.Finish(context_)->name(), counted.name());
  EXPECT_EQ(Records(), 2);
  // Its own is to be masked.
  ASSERT_NE(slow.closed_episode(), "");
  ASSERT_NE(slow.closed_episode(), fast.closed_episode());
  const v1::Episode masked = room_.episodes.Get(context_, "episodes/" + slow.closed_episode()).value();
  EXPECT_EQ(masked.end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(masked.end_reason(), v1::END_REASON_CANCELLED);
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/" + fast.closed_episode())->end_kind(), v1::END_KIND_TERMINATED);
  RecordStream retry = NewStream();
  EXPECT_EQ(Send(retry, Header("once")), kOk);
  EXPECT_EQ(retry.Finish(context_)->name(), counted.name());
  EXPECT_EQ(retry.closed_episode(), "");
}

TEST_F(RecordStreamTest, RefusesTheEndOfAnotherRecordingOfAnIdThatEndedMeanwhile) {
  RecordStream first = NewStream();
  RecordStream other = NewStream();
  EXPECT_EQ(Send(first, Header("once")), kOk);
  v1::RecordTrajectoryRequest header = Header("once");
  header.mutable_header()->set_recorder("another");
  EXPECT_EQ(Send(other, header), kOk);
  EXPECT_EQ(Send(first, End()), kOk);
  EXPECT_EQ(Send(other, End()), kInvalid);
  EXPECT_EQ(other.closed_episode(), "");
  ASSERT_TRUE(other.Abandon(context_, "refused").ok());
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/" + other.closed_episode())->end_kind(), v1::END_KIND_INTERRUPTED);
}

TEST_F(RecordStreamTest, TellsWhichEpisodeIsOpenAsLongAsItCannotBeClosed) {
  RecordStream stream = NewStream();
  EXPECT_EQ(stream.open_episode(), "");
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_FALSE(stream.Abandon(CallContext(absl::InfinitePast(), std::make_shared<CancelToken>()), "gone").ok());
  EXPECT_EQ("episodes/" + stream.open_episode(), OnlyEpisode().name());
  EXPECT_EQ(stream.closed_episode(), "");
  ASSERT_TRUE(stream.Abandon(context_, "gone").ok());
  EXPECT_EQ(stream.open_episode(), "");
}

TEST_F(RecordStreamTest, HasAnEpisodeThatWaitsForItsReward) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(OnlyEpisode().state(), v1::EPISODE_STATE_RUNNING);
  EXPECT_EQ(stream.closed_episode(), "");
  EXPECT_EQ(Send(stream, Step(0)), kOk);
  EXPECT_EQ(Send(stream, End()), kOk);
  const v1::Episode episode = OnlyEpisode();
  EXPECT_EQ(episode.name(), "episodes/" + stream.closed_episode());
  EXPECT_EQ(episode.task(), "tasks/known");
  EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode.end_reason(), v1::END_REASON_ANSWERED);
  EXPECT_EQ(episode.step_count(), 1);
  EXPECT_EQ(episode.result_state(), v1::RESULT_STATE_PENDING);
}

TEST_F(RecordStreamTest, ABrokenRecordingHasAnInterruptedEpisode) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  ASSERT_TRUE(stream.Abandon(context_, "the client went away").ok());
  EXPECT_NE(stream.closed_episode(), "");
  EXPECT_EQ(OnlyEpisode().end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(OnlyEpisode().end_reason(), v1::END_REASON_CANCELLED);
}

TEST_F(RecordStreamTest, ARecordingThatGetsTooLargeIsRefusedAndInterrupted) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  EXPECT_EQ(Send(stream, Step(0)), kOk);
  SetStepBytes(room_, kMaxAllStepsBytes);
  const absl::Status refused = stream.Handle(context_, Step(1));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
  ASSERT_TRUE(stream.Abandon(context_, std::string(refused.message())).ok());
  EXPECT_EQ(OnlyEpisode().end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_THAT(OnlyEpisode().end_message(), testing::HasSubstr("step 1 does not fit"));
}

TEST_F(RecordStreamTest, RefusesAnEndThatIsTooLarge) {
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header()), kOk);
  v1::RecordTrajectoryRequest end = End();
  end.mutable_end()->set_end_message(std::string((64 << 10) + 1, 'x'));
  EXPECT_EQ(Send(stream, end), kInvalid);
  end = End();
  end.mutable_end()->add_evidence()->set_error(std::string(kMaxEvidenceBytes, 'x'));
  EXPECT_EQ(Send(stream, end), kInvalid);
  EXPECT_EQ(Send(stream, End()), kOk);
}

TEST_F(RecordStreamTest, BeginsOnlyIfAdmittedAndGivesThePlaceBackIfItCannotBegin) {
  RecordStream refused = NewStream();
  v1::RecordTrajectoryRequest full = Header();
  full.mutable_header()->set_group("groups/full");
  EXPECT_EQ(Send(refused, full), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(withdrawn_, 0);
  RecordStream broken = NewStream();
  v1::RecordTrajectoryRequest unknown_blob = Header();
  unknown_blob.mutable_header()->mutable_initial_observation()->mutable_screenshot()->set_digest(digest_);
  EXPECT_EQ(Send(broken, unknown_blob), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(withdrawn_, 1);
  EXPECT_EQ(Records(), 0);
}

TEST_F(RecordStreamTest, RecordsAnewAfterABrokenStream) {
  RecordStream broken = NewStream();
  EXPECT_EQ(Send(broken, Header("once")), kOk);
  ASSERT_TRUE(broken.Abandon(context_, "the client went away").ok());
  RecordStream stream = NewStream();
  EXPECT_EQ(Send(stream, Header("once")), kOk);
  EXPECT_EQ(Send(stream, End()), kOk);
  EXPECT_TRUE(stream.Finish(context_).ok());
  EXPECT_EQ(Records(), 2);
}

}  // namespace
}  // namespace proctor::trajectory
