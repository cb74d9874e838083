// Every template is solved in a real browser by its known solution, in exactly as many steps as it says.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/practice/practice_environment.h"
#include "env/practice/templates.h"
#include "env/web/browser_pool.h"
#include "env/web/web_environment.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/egress_proxy.h"
#include "net/http_server.h"
#include "proposer/solution_replay.h"
#include "tests/env/practice/served_bytes.h"

namespace proctor::env::practice {
namespace {

class SolveAllTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto server =
        net::HttpServer::Create(net::HttpServer::Options(),
                                [this](const net::HttpRequest& request) { return Serve(request); });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(*server);
    hub_.SetPort(server_->port());
    net::EgressProxy::Options options;
    options.internal_port = [this](uint16_t listener_port, const std::string& host) { return hub_.PortOf(listener_port, host); };
    auto proxy = net::EgressProxy::Create(std::move(options));
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = std::move(*proxy);
    proxy_->SetOwnPorts({server_->port()});
    web::BrowserPool::Options pool;
    pool.max_browsers = 1;
    pool_ = std::make_unique<web::BrowserPool>(pool);
    const absl::Status started = pool_->Start(CallContext::WithTimeout(absl::Seconds(30)));
    ASSERT_TRUE(started.ok()) << started;
    web_ = std::make_unique<web::WebEnvironment>(web::WebEnvironment::Options(), *pool_, *proxy_, background_);
    practice_ = std::make_unique<PracticeEnvironment>(*web_, hub_);
    auto world = practice_->Open(CallContext::WithTimeout(absl::Seconds(30)), v1::EnvironmentSettings());
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = std::move(*world);
    elements_.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  }

  // Every reply that the browser gets is searched for what it must not tell: the words of templates
  // and oracles, the task's goal and final state; its answers where no content is, in headers and
  // errors.
  net::HttpResponse Serve(const net::HttpRequest& request) {
    net::HttpResponse response = hub_.Handle(request);
    const std::string place =
        absl::StrCat(request.method, " ", request.target, " (", response.status, ")");
    MutexLock lock(mutex_);
    ++replies_[absl::StrCat(request.method, " ", response.status / 100)];
    const std::string word = Telling(response);
    if (!word.empty()) leaks_.insert(absl::StrCat(word, " in ", place));
    for (const std::string& secret : secrets_) {
      if (absl::StrContains(response.body, secret))
        leaks_.insert(absl::StrCat(secret, " in ", place));
    }
    for (const std::string& answer : answers_) {
      const bool said = absl::StrContains(HeaderBytes(response), answer) ||
                        (response.status >= 400 && absl::StrContains(response.body, answer) &&
                         !absl::StrContains(request.target, answer));
      if (said) leaks_.insert(absl::StrCat(answer, " in the headers or the error of ", place));
    }
    return response;
  }

  void Hide(const v1::Task& task) {
    MutexLock lock(mutex_);
    secrets_ = {task.goal()};
    const std::string& state = task.oracle().site_state().match().equals_json();
    if (state.size() > 4) secrets_.push_back(state);
    answers_.clear();
    for (const std::string& answer : task.oracle().answer().match().equals().values()) {
      // Shorter ones may be part of anything.
      if (answer.size() > 4) answers_.push_back(answer);
    }
  }

  // Pages that are not there, asked for by no solution.
  void AskForErrors(const ResetResult& reset) {
    for (const auto& [placeholder, url] : reset.base_urls) {
      for (const char* method : {"GET", "POST"}) {
        (void)Serve({.method = method,
                     .target = "/no-such-page",
                     .host = url.substr(7),
                     .headers = {},
                     .body = ""});
      }
    }
  }

  // Replays the solution; returns the verdict on it.
  absl::StatusOr<v1::Verdict> Solve(const v1::Task& task) {
    const CallContext context = CallContext::WithTimeout(absl::Seconds(60));
    Hide(task);
    v1::Trajectory record;
    record.set_name("trajectories/t");
    record.set_format_version(1);
    *record.mutable_task() = task;
    auto reset = world_->Reset(context, {.task = task, .seed = 0}, elements_);
    if (!reset.ok()) return reset.status();
    AskForErrors(*reset);
    for (const auto& [placeholder, url] : reset->base_urls) (*record.mutable_base_urls())[placeholder] = url;
    Collect(context, evaluator::RequiredStartEvidence(task.oracle()), true, record);
    v1::Observation seen = reset->observation;
    for (const v1::SolutionStep& step : task.solution()) {
      auto action = proposer::ResolveSolutionStep(seen, step);
      if (!action.ok()) return absl::NotFoundError(absl::StrCat(action.status().message(), "; step ", step.ShortDebugString(), "; at ", seen.url()));
      *record.add_steps()->mutable_action() = *action;
      if (action->has_answer() || action->has_give_up()) break;
      auto acted = world_->Act(context, *action, elements_);
      if (!acted.ok()) return acted.status();
      seen = acted->observation;
      if (!seen.action_error().empty()) return absl::FailedPreconditionError(absl::StrCat(seen.action_error(), "; step ", step.ShortDebugString(), "; at ", seen.url()));
    }
    Collect(context, evaluator::RequiredEvidence(task.oracle()), false, record);
    world_->EndEpisode();
    record.set_step_count(record.steps_size());
    record.set_closed(true);
    record.set_end_kind(v1::END_KIND_TERMINATED);
    record.set_end_reason(task.impossible() ? v1::END_REASON_GAVE_UP : v1::END_REASON_ANSWERED);
    if (record.steps_size() != task.optimal_steps()) return absl::InternalError("another number of steps");
    return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), record);
  }

  void Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests, bool at_start, v1::Trajectory& record) {
    if (requests.empty()) return;
    for (v1::Evidence& evidence : world_->Collect(context, requests)) {
      evidence.set_at_start(at_start);
      *record.add_evidence() = std::move(evidence);
    }
  }

  Mutex mutex_;
  std::vector<std::string> secrets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> answers_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> leaks_ ABSL_GUARDED_BY(mutex_);
  // By method and hundreds of the status.
  std::map<std::string, int> replies_ ABSL_GUARDED_BY(mutex_);

  // In the order in which they depend on each other.
  PracticeHub hub_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::EgressProxy> proxy_;
  ThreadPool background_{"background", 2};
  std::unique_ptr<web::BrowserPool> pool_;
  std::unique_ptr<web::WebEnvironment> web_;
  std::unique_ptr<PracticeEnvironment> practice_;
  std::unique_ptr<World> world_;
  v1::ObservationRequest elements_;
};

TEST_P(SolveAllTest, SolvesEveryTemplateInTheOptimalNumberOfStepsAndTellsNothing) {
  for (const Template& source : Templates()) {
    if (source.site != GetParam()) continue;
    for (const int seed : {1, 1001}) {
      const v1::Task task = Instantiate(source.id, seed).value();
      SCOPED_TRACE(absl::StrCat(source.id, " seed ", seed, ": ", task.goal()));
      const absl::StatusOr<v1::Verdict> verdict = Solve(task);
      EXPECT_TRUE(verdict.ok()) << verdict.status();
      if (!verdict.ok()) continue;
      EXPECT_EQ(verdict->outcome(), v1::OUTCOME_SUCCESS) << verdict->ShortDebugString();
      EXPECT_FALSE(verdict->already_solved());
    }
  }
  MutexLock lock(mutex_);
  EXPECT_THAT(leaks_, testing::IsEmpty());
  for (const char* kind : {"GET 2", "GET 4", "POST 3", "POST 4"})
    EXPECT_GT(replies_[kind], 0) << kind;
}

INSTANTIATE_TEST_SUITE_P(Sites, SolveAllTest, ::testing::ValuesIn(SiteNames()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace proctor::env::practice
