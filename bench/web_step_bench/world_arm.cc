#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/web_step_bench/arm.h"
#include "bench/web_step_bench/pages.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/web/browser_pool.h"
#include "env/web/web_environment.h"
#include "net/egress_proxy.h"
#include "storage/file_blob_store.h"
#include "storage/sqlite_database.h"
#include "trajectory/archive.h"
#include "trajectory/recorder.h"

namespace proctor::bench {
namespace {

v1::ObservationRequest Request() {
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  request.add_parts(v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  return request;
}

class WorldArm final : public Arm {
 public:
  explicit WorldArm(Preload preload) : preload_(preload) {}
  std::string name() const override {
    return preload_ == Preload::kYes ? "proctor" : "proctor, no preload";
  }

  absl::Status Start(const ArmSetting& setting) {
    PROCTOR_ASSIGN_OR_RETURN(
        database_, storage::OpenSqliteDatabase({.directory = setting.directory + "/data"}));
    PROCTOR_ASSIGN_OR_RETURN(
        blobs_, storage::OpenFileBlobStore({.directory = setting.directory + "/data/blobs"}));
    PROCTOR_ASSIGN_OR_RETURN(archive_,
                             trajectory::Archive::Open(*database_, *blobs_, SystemClock()));
    recorder_ = std::make_unique<trajectory::Recorder>(*archive_);
    PROCTOR_ASSIGN_OR_RETURN(proxy_, net::EgressProxy::Create({}));
    env::web::BrowserPool::Options pool;
    pool.process.profile_root = setting.directory;
    pool.max_browsers = 1;
    pool_ = std::make_unique<env::web::BrowserPool>(pool);
    env::web::WebEnvironment::Options options;
    options.default_policy.allow_private = true;
    environment_ =
        std::make_unique<env::web::WebEnvironment>(options, *pool_, *proxy_, background_);
    v1::EnvironmentSettings settings;
    auto& web = *settings.mutable_web();
    if (preload_ == Preload::kYes) web.mutable_preload_max_age()->set_seconds(60);
    PROCTOR_ASSIGN_OR_RETURN(settings, environment_->ResolveSettings(settings));
    PROCTOR_ASSIGN_OR_RETURN(world_, environment_->Open(Soon(), settings));
    return absl::OkStatus();
  }

  absl::Status Open(const std::string& url) override { return Reset(url).status(); }

  absl::StatusOr<Sample> Step(bool) override {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(mark_);
    const absl::Time start = absl::Now();
    PROCTOR_ASSIGN_OR_RETURN(env::ActResult result, world_->Act(Soon(), action, Request()));
    const absl::Time acted = absl::Now();
    v1::Step step;
    step.set_index(next_step_++);
    *step.mutable_action() = action;
    *step.mutable_observation() = result.observation;
    PROCTOR_RETURN_IF_ERROR(recorder_->Append(Soon(), episode_, step, {}));
    Sample sample = ToSample(result.observation, start, acted);
    if (!result.observation.action_error().empty()) {
      return absl::FailedPreconditionError(result.observation.action_error());
    }
    return sample;
  }

  absl::StatusOr<Sample> Reset(const std::string& url) override {
    world_->EndEpisode();
    env::ResetSpec spec;
    spec.task.mutable_start_state()->set_start_url(url);
    const absl::Time start = absl::Now();
    PROCTOR_ASSIGN_OR_RETURN(env::ResetResult result, world_->Reset(Soon(), spec, Request()));
    const absl::Time ready = absl::Now();
    v1::Trajectory header;
    episode_ = NewId();
    header.set_name(ResourceName("trajectories", episode_));
    *header.mutable_initial_observation() = result.observation;
    v1::Episode episode;
    episode.set_name(ResourceName("episodes", episode_));
    PROCTOR_RETURN_IF_ERROR(recorder_->Begin(Soon(), header, episode, {}));
    next_step_ = 0;
    return ToSample(result.observation, start, ready);
  }

 private:
  static CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(60)); }

  // `recording`: when the world was done and recording began.
  Sample ToSample(const v1::Observation& observation, absl::Time start, absl::Time recording) {
    Sample sample;
    const absl::Time now = absl::Now();
    sample.time = now - start;
    const v1::StepTiming& timing = observation.settle().timing();
    sample.phases = {{"act", FromProto(timing.act())},
                     {"settle", FromProto(timing.settle())},
                     {"observe", FromProto(timing.observe())},
                     {"record", now - recording}};
    sample.png = observation.screenshot().data();
    sample.structure_bytes =
        observation.accessibility_tree().text().size() + observation.elements_size();
    for (const v1::Element& element : observation.elements()) {
      if (element.name() == "Step") mark_ = element.mark();
    }
    return sample;
  }

  const Preload preload_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::BlobStore> blobs_;
  std::unique_ptr<trajectory::Archive> archive_;
  std::unique_ptr<trajectory::Recorder> recorder_;
  std::unique_ptr<net::EgressProxy> proxy_;
  std::unique_ptr<env::web::BrowserPool> pool_;
  ThreadPool background_{"bench", 4};
  std::unique_ptr<env::web::WebEnvironment> environment_;
  std::unique_ptr<env::World> world_;
  std::string episode_;
  int64_t next_step_ = 0;
  int32_t mark_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Arm>> MakeWorldArm(const ArmSetting& setting, Preload preload) {
  auto arm = std::make_unique<WorldArm>(preload);
  PROCTOR_RETURN_IF_ERROR(arm->Start(setting));
  return arm;
}

}  // namespace proctor::bench
