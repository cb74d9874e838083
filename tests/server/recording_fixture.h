// A client's own world over the wire.
#ifndef PROCTOR_TESTS_SERVER_RECORDING_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_RECORDING_FIXTURE_H_

#include <string>
#include <vector>

#include "tests/server/proctord_fixture.h"

namespace proctor::server {

class ProctordRecordingTest : public ProctordTest {
 protected:
  v1::RecordTrajectoryRequest Header(const std::string& task, const std::string& group = "") {
    v1::RecordTrajectoryRequest request;
    request.mutable_header()->set_task(task);
    request.mutable_header()->set_group(group);
    request.mutable_header()->mutable_policy()->set_policy("p");
    request.mutable_header()->mutable_policy()->set_version("1");
    return request;
  }
  static v1::RecordTrajectoryRequest AnswerStep(const std::string& text) {
    v1::RecordTrajectoryRequest request;
    *request.mutable_step()->mutable_action() = Answer(text);
    return request;
  }
  static v1::RecordTrajectoryRequest End() {
    v1::RecordTrajectoryRequest request;
    request.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    request.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    return request;
  }
  grpc::Status Record(const std::vector<v1::RecordTrajectoryRequest>& messages,
                      v1::Trajectory* trajectory) {
    ClientContext context;
    const auto writer = trajectories_->RecordTrajectory(&context, trajectory);
    for (const auto& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  static std::string EpisodeOf(const v1::Trajectory& trajectory) {
    return "episodes/" + trajectory.name().substr(trajectory.name().find('/') + 1);
  }
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_RECORDING_FIXTURE_H_
