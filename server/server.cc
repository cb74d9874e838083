#include "server/server.h"

#include <grpcpp/server.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/session_manager.h"
#include "net/http_server.h"
#include "reward/consumers.h"
#include "reward/subscription.h"
#include "server/addresses.h"
#include "server/anchored_clock.h"
#include "server/auth/audit_log.h"
#include "server/auth/auth_config.h"
#include "server/auth/call_guard.h"
#include "server/auth/certificate_watch.h"
#include "server/auth/metered_sink.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"
#include "server/byte_budget.h"
#include "server/calibrate_job.h"
#include "server/changed_settings.h"
#include "server/configuration.h"
#include "server/data_directory.h"
#include "server/environment_service.h"
#include "server/episode_pipeline.h"
#include "server/episode_recorder.h"
#include "server/evaluation_service.h"
#include "server/evaluation_setup.h"
#include "server/fan_out.h"
#include "server/housekeeping.h"
#include "server/job_runner.h"
#include "server/job_service.h"
#include "server/judge_spending.h"
#include "server/judging.h"
#include "server/measure_job.h"
#include "server/metrics.h"
#include "server/models.h"
#include "server/operations_endpoint.h"
#include "server/pools.h"
#include "server/propose_job.h"
#include "server/reloads.h"
#include "server/rescore_job.h"
#include "server/reward_payload.h"
#include "server/reward_service.h"
#include "server/rpc/listener.h"
#include "server/state_reader.h"
#include "server/task_service.h"
#include "server/tenant_writes.h"
#include "server/tracer.h"
#include "server/trajectory_jobs.h"
#include "server/trajectory_service.h"
#include "server/version.h"
#include "server/worlds.h"

namespace proctor::server {
namespace {

// Of what a start does with the store, all together.
constexpr absl::Duration kStartCap = absl::Minutes(20);

env::SessionManagerOptions SessionOptions(const v1::ServerConfig& config) {
  env::SessionManagerOptions options;
  options.default_lease = FromProto(config.sessions().default_lease());
  options.max_lease = FromProto(config.sessions().max_lease());
  return options;
}

class ServerImpl final : public Server {
 public:
  // `metrics` has been told of the data directory's commits from the start; `tracer` may be null.
  ServerImpl(const v1::ServerConfig& config, std::unique_ptr<Metrics> metrics, std::unique_ptr<Tracer> tracer, DataDirectory data)
      : config_(config), metrics_(std::move(metrics)), tracer_(std::move(tracer)), data_(std::move(data)), in_force_(config) {
    observers_.AddCalls(call_log_);
    observers_.Add(*metrics_);
    if (tracer_ != nullptr) observers_.Add(*tracer_);
  }
  ~ServerImpl() override { Shutdown(absl::ZeroDuration()); }

  const Addresses& addresses() const override { return addresses_; }
  void Shutdown(absl::Duration grace) override;
  void Reload(const absl::StatusOr<v1::ServerConfig>& config) override;

  absl::Status Run(const CallContext& context);

 private:
  absl::Status OpenDoors(const CallContext& context);
  absl::Status StartJudging(const CallContext& context);
  void StartSessions();
  void StartJobs();
  void MakeServices();
  absl::Status Listen();
  absl::Status ListenHttp();
  void CloseSessions(const CallContext& drain);
  // See RescoreParts::may_spend.
  std::function<absl::Status(const std::string& job)> JobSpendCheck() const {
    return [this](const std::string& job) { return CheckJobSpend(job, *accounts_, *quotas_); };
  }
  double TraceShare() const { return tracer_ != nullptr ? config_.traces().sample_share() : 0; }

  const v1::ServerConfig config_;
  // They outlive what tells them.
  CallLog call_log_;
  const std::unique_ptr<Metrics> metrics_;
  const std::unique_ptr<Tracer> tracer_;
  FanOut observers_;
  // Of sessions: nobody sets it.
  AnchoredClock session_clock_{SystemClock(), AnchoredClock::Steady()};
  Addresses addresses_;
  DataDirectory data_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<Doors> doors_;
  // Null without TLS.
  std::unique_ptr<CertificateWatch> certificate_;
  std::unique_ptr<Reloads> reloads_;
  std::unique_ptr<TenantAccounts> accounts_;
  std::unique_ptr<TenantQuotas> quotas_;
  std::unique_ptr<CallGuard> guard_;
  ConnectionPeers peers_;
  std::unique_ptr<CallBooks> books_;
  std::unique_ptr<Worlds> worlds_;
  std::unique_ptr<reward::Consumers> consumers_;
  std::unique_ptr<reward::SubscriptionHub> subscriptions_;
  std::unique_ptr<Models> models_;
  std::unique_ptr<Judging> judging_;
  std::unique_ptr<EpisodePipeline> pipeline_;
  std::unique_ptr<EpisodeRecorder> recorder_;
  // In front of it where a quota wants to know what is recorded.
  std::unique_ptr<MeteredSink> metered_;
  std::unique_ptr<env::SessionManager> sessions_;
  std::unique_ptr<JobRunner> jobs_;
  std::unique_ptr<TenantWrites> writes_;
  std::unique_ptr<StateReader> state_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<net::HttpServer> http_;
  ByteBudget blob_memory_{config_.connections().blob_memory_bytes(), "recordings, and blobs and trajectories that are read", "connections.blob_memory_bytes"};
  // As much again as gRPC may take.
  ByteBudget call_memory_{config_.connections().memory_bytes(), "requests and answers of calls", "connections.memory_bytes"};
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<HealthService> health_;
  // Pools end before what their tasks use, timers after everything that holds one: see Shutdown.
  std::unique_ptr<TimerQueue> timers_ = std::make_unique<TimerQueue>();
  std::unique_ptr<Pools> pools_;
  std::unique_ptr<grpc::Server> grpc_;

  Mutex mutex_;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  // `config_` with what was reloaded.
  v1::ServerConfig in_force_ ABSL_GUARDED_BY(mutex_);
};

absl::Status ServerImpl::Run(const CallContext& context) {
  pools_ = std::make_unique<Pools>(config_.threads());
  PROCTOR_RETURN_IF_ERROR(OpenDoors(context));
  PROCTOR_RETURN_IF_ERROR(context.Check("the start"));
  PROCTOR_RETURN_IF_ERROR(StartJudging(context));
  PROCTOR_RETURN_IF_ERROR(context.Check("the start"));
  StartSessions();
  StartJobs();
  MakeServices();
  // Before the first client: places of episodes that are just starting must not look as if a crash had left them, and a
  // job that is just started not as if it were left over.
  PROCTOR_RETURN_IF_ERROR(pipeline_->Resume(context));
  PROCTOR_RETURN_IF_ERROR(jobs_->Recover(context));
  PROCTOR_RETURN_IF_ERROR(ListenHttp());
  PROCTOR_RETURN_IF_ERROR(Listen());
  housekeeping_->Start();
  return WriteAddresses(addresses_, config_.data_dir());
}

absl::Status ServerImpl::OpenDoors(const CallContext& context) {
  const v1::AuthConfig& auth = config_.auth();
  PROCTOR_ASSIGN_OR_RETURN(doors_, Doors::Create(auth.tokens_file(), SystemClock()));
  if (auth.has_tls()) {
    PROCTOR_ASSIGN_OR_RETURN(certificate_, CertificateWatch::Create(auth.tls(), SystemClock()));
  }
  reloads_ = std::make_unique<Reloads>(*doors_, certificate_.get());
  for (const std::string& warning : DoorWarnings(config_)) LogWarning(warning);
  PROCTOR_ASSIGN_OR_RETURN(audit_, AuditLog::Open({.path = config_.data_dir() + "/audit.log",
                                                   .max_file_bytes = auth.audit().max_file_bytes(),
                                                   .max_files = auth.audit().max_files()},
                                                  SystemClock()));
  PROCTOR_ASSIGN_OR_RETURN(accounts_, TenantAccounts::Open(context.Child(absl::Minutes(1)),
                                                           {*data_.database, pools_->accounts, SystemClock()}));
  quotas_ = std::make_unique<TenantQuotas>(config_.quotas(), *accounts_, SystemClock());
  guard_ = std::make_unique<CallGuard>(
      CallGuard::Parts{*doors_, TcpDoor(config_), *quotas_, *accounts_, *audit_, !auth.audit().leave_out_steps()});
  books_ = std::make_unique<CallBooks>(CallBooks{
      observers_, TraceShare(), *guard_, peers_, call_memory_, {*timers_, FromProto(config_.connections().stalled_reader_timeout())}});
  return absl::OkStatus();
}

void ServerImpl::Reload(const absl::StatusOr<v1::ServerConfig>& config) {
  reloads_->ReadAgain();
  if (!config.ok()) {
    reloads_->ConfigurationFailed(config.status());
    return;
  }
  MutexLock lock(mutex_);
  if (shut_down_) return;
  v1::ServerConfig wanted = *config;
  // Whoever calls this sees to the log.
  *wanted.mutable_log() = in_force_.log();
  for (const std::string& setting : ChangedSettings(in_force_, wanted)) {
    if (setting == "retention") {
      *in_force_.mutable_retention() = config->retention();
      housekeeping_->SetRetention(config->retention());
    } else if (setting == "quotas" && quotas_->Replace(config->quotas())) {
      // A limit of judge spend finds models with prices, though those in force are not the file's: the first one waits for a restart.
      *in_force_.mutable_quotas() = config->quotas();
    } else {
      LogWarning("a changed setting waits for a restart", {{"setting", setting}});
      continue;
    }
    LogInfo("a changed setting is in force", {{"setting", setting}});
  }
}

// Worlds, and what becomes of an episode once it is closed.
absl::Status ServerImpl::StartJudging(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(worlds_, Worlds::Start(context, config_));
  consumers_ = std::make_unique<reward::Consumers>(*data_.database, SystemClock(), data_.archive->unreadable());
  subscriptions_ = std::make_unique<reward::SubscriptionHub>(*data_.rewards, *consumers_, pools_->rpc,
                                                             PayloadLoaderOf(*data_.trajectories));
  PROCTOR_ASSIGN_OR_RETURN(models_, Models::Create(config_.models(), {*data_.database, *timers_, pools_->models, &observers_,
                                                                      [this](const model::Payer& payer, double usd) {
                                                                        if (quotas_->limits_judge_spend()) {
                                                                          accounts_->AddJudgeSpend(payer.tenant, usd);
                                                                        }
                                                                      }}));
  judging_ = std::make_unique<Judging>(Judging::Parts{*data_.evaluators, *data_.verdicts, *data_.blobs, *models_,
                                                      pools_->evaluation, data_.secret,
                                                      [this](const v1::Trajectory& of, const std::string& job) -> std::string {
                                                        if (!quotas_->limits_judge_spend()) return "";
                                                        return PayingTenant(of, job, *data_.episodes, *accounts_);
                                                      },
                                                      &observers_});
  PROCTOR_RETURN_IF_ERROR(CheckChain(config_, *data_.evaluators, *judging_));
  pipeline_ = std::make_unique<EpisodePipeline>(EpisodePipeline::Parts{
      *data_.tasks, *data_.sampler, *data_.groups, *data_.rewards, *data_.evaluators, *judging_,
      *data_.trajectories, *data_.episodes, *timers_, pools_->evaluation, config_.reward_policy(),
      EvaluationOptions(config_), ConfiguredFunctions(config_), TraceShare()});
  return absl::OkStatus();
}

void ServerImpl::StartSessions() {
  recorder_ = std::make_unique<EpisodeRecorder>(*data_.recorder, *data_.replays, *data_.blobs);
  metered_ = std::make_unique<MeteredSink>(*recorder_, *quotas_, *accounts_);
  env::EpisodeSink& sink = quotas_->limits_storage() ? static_cast<env::EpisodeSink&>(*metered_) : *recorder_;
  env::SessionManagerOptions options = SessionOptions(config_);
  options.admission = quotas_.get();
  sessions_ = std::make_unique<env::SessionManager>(
      options, env::SessionParts{pools_->sessions, *timers_, session_clock_, sink, *pipeline_, env::SessionCaps{}, &observers_});
  worlds_->Register(*sessions_);
  sessions_->StartTicking();
}

// And what goes on beside them.
void ServerImpl::StartJobs() {
  const auto tenant_of = [this](const std::string& job) { return accounts_->JobTenant(job); };
  jobs_ = std::make_unique<JobRunner>(JobRunner::Parts{*data_.jobs, pools_->jobs, config_.threads().jobs(), tenant_of});
  writes_ = std::make_unique<TenantWrites>(*quotas_, *accounts_, *jobs_);
  RegisterRescoreJob(*jobs_, {data_, *judging_, JobSpendCheck()});
  RegisterMeasureJob(*jobs_, data_);
  RegisterCalibrateJob(*jobs_, data_);
  RegisterTrajectoryJobs(*jobs_, data_, config_.exchange_dir());
  RegisterProposeJob(*jobs_, {data_, *worlds_, *models_, *sessions_, tenant_of});
  state_ = std::make_unique<StateReader>(StateReader::Parts{*sessions_, *worlds_, *pipeline_, *data_.rewards, *consumers_,
                                                            *data_.archive, pools_->All(), *jobs_, config_.data_dir(), *guard_, *reloads_, tracer_.get()});
  housekeeping_ = std::make_unique<Housekeeping>(
      Housekeeping::Parts{config_, data_, *sessions_, *consumers_, *reloads_, *accounts_, session_clock_, *state_, *timers_,
                          pools_->upkeep, pools_->background, pools_->encoder});
}

void ServerImpl::MakeServices() {
  services_.push_back(MakeEnvironmentService({*sessions_, *data_.episodes, *pipeline_, *recorder_, pools_->rpc, quotas_.get(), books_.get()}));
  services_.push_back(MakeTaskService(
      {data_, *models_, *writes_, [this] { return worlds_->templates().ListTemplates(); }, pools_->rpc}));
  services_.push_back(MakeTrajectoryService({data_, *pipeline_, *jobs_, pools_->rpc, *quotas_, *accounts_, blob_memory_, books_->patience,
                                              config_.connections().max_message_bytes()}));
  services_.push_back(MakeEvaluationService({data_, *judging_, *writes_, pools_->rpc, pools_->background}));
  services_.push_back(MakeRewardService({*data_.rewards, *data_.groups, *consumers_, *subscriptions_, *data_.tasks, *writes_,
                                         PayloadLoaderOf(*data_.trajectories), pools_->rpc, pools_->polling, *timers_, books_.get()}));
  services_.push_back(MakeJobService({*jobs_, *data_.jobs, pools_->rpc, books_->patience, *data_.evaluators, JobSpendCheck()}));
}

absl::Status ServerImpl::Listen() {
  PROCTOR_ASSIGN_OR_RETURN(Listening listening, ListenGrpc(config_, *books_, services_));
  health_ = std::move(listening.health);
  grpc_ = std::move(listening.server);
  addresses_.version = kVersion;
  addresses_.unix_socket = config_.unix_socket();
  if (!config_.listen_address().empty()) addresses_.grpc = WithPort(config_.listen_address(), listening.port);
  worlds_->RefusePort(static_cast<uint16_t>(listening.port));
  return absl::OkStatus();
}

// Before gRPC: who is told of a call may read how the server stands from the first call on.
absl::Status ServerImpl::ListenHttp() {
  if (config_.http().listen_address().empty()) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const HttpAddress address, ParseHttpAddress(config_.http()));
  net::HttpServer::Options options;
  options.address = address.host;
  options.port = address.port;
  // Slow readings of the metrics do not keep anybody from asking whether the server is alive.
  options.threads = 2 * kMaxReadings + 1;
  options.max_connections = 64;
  options.max_body_bytes = 1024;
  PROCTOR_ASSIGN_OR_RETURN(http_, net::HttpServer::Create(options, MakeOperationsHandler({
                                      .not_ready = [this] { return state_->FindNotReady(); },
                                      .metrics = [this] { return metrics_->Text(state_->Read()); },
                                  })));
  addresses_.http = WithPort(config_.http().listen_address(), http_->port());
  worlds_->RefusePort(http_->port());
  return absl::OkStatus();
}

// Running verbs end within the time of `drain`; then the sessions are closed.
void ServerImpl::CloseSessions(const CallContext& drain) {
  sessions_->StopAdmitting();
  while (sessions_->busy() && drain.remaining() > absl::ZeroDuration()) usleep(20'000);
  const absl::Status closed =
      sessions_->CloseAllAndWait(CallContext::WithTimeout(kCloseSessions), "server shutting down", v1::END_REASON_SERVER_FAULT);
  if (!closed.ok()) LogError("sessions did not close", {{"error", closed.ToString()}});
  sessions_->StopTicking();
}

void ServerImpl::Shutdown(absl::Duration grace) {
  {
    MutexLock lock(mutex_);
    if (shut_down_) return;
    shut_down_ = true;
  }
  if (pools_ == nullptr) return;
  if (housekeeping_ != nullptr) housekeeping_->Stop();
  if (state_ != nullptr) state_->SetDraining();
  if (health_ != nullptr) health_->SetServing(false);
  const CallContext drain = CallContext::WithTimeout(grace);
  if (sessions_ != nullptr) CloseSessions(drain);
  if (jobs_ != nullptr) jobs_->Stop();
  if (pipeline_ != nullptr) {
    // What steps left of the grace is the evaluations'; what was interrupted just now asks nobody, and is masked at once.
    const absl::Status drained = pipeline_->Drain(CallContext::WithTimeout(std::max(drain.remaining(), kSettleRewards)));
    if (!drained.ok()) LogWarning("some episodes are judged at the next start");
    pipeline_->Stop();
  }
  if (subscriptions_ != nullptr) subscriptions_->EndAll(absl::UnavailableError("the server is shutting down"));
  // Not earlier: whoever wants to know how it gets on finds it by them.
  RemoveAddresses(config_.data_dir());
  if (grpc_ != nullptr) {
    grpc_->Shutdown(absl::ToChronoTime(absl::Now() + kEndCalls));
    grpc_->Wait();
  }
  http_.reset();  // Answered until here: its readers watch the drain.
  if (models_ != nullptr) models_->Stop();  // Ends what still waits for a model.
  pools_.reset();                           // Runs what was posted, then joins.
  models_.reset();
  grpc_.reset();
  services_.clear();
  health_.reset();
  housekeeping_.reset();
  state_.reset();
  jobs_.reset();
  sessions_.reset();
  recorder_.reset();
  pipeline_.reset();
  judging_.reset();
  subscriptions_.reset();
  worlds_.reset();
  timers_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const v1::ServerConfig& config, const std::shared_ptr<CancelToken>& stop) {
  const CallContext context(absl::Now() + kStartCap, stop);
  std::unique_ptr<Metrics> metrics = Metrics::Create(kVersion);
  std::unique_ptr<Tracer> tracer;
  if (!config.traces().directory().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(tracer, Tracer::Create(config.traces(), kVersion));
  }
  PROCTOR_ASSIGN_OR_RETURN(DataDirectory data, OpenDataDirectory(context, config, SystemClock(), metrics.get()));
  auto server = std::make_unique<ServerImpl>(config, std::move(metrics), std::move(tracer), std::move(data));
  PROCTOR_RETURN_IF_ERROR(server->Run(context));
  return server;
}

}  // namespace proctor::server
