#include "tests/env/world_contract.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "common/proto_time.h"
#include "env/request_checks.h"

namespace proctor::env {

void WorldContractTest::SetUp() {
  std::string lacks;
  world_ = GetParam()(lacks);
  if (!lacks.empty()) GTEST_SKIP() << lacks;
  ASSERT_NE(world_, nullptr);
  fixture_ = std::make_unique<SessionFixture>(SystemClock());
  fixture_->manager().Register("it", world_->environment(), 4);
  fixture_->host().set_evidence(world_->evidence());
}

std::string WorldContractTest::Open() {
  v1::CreateSessionRequest request;
  request.set_environment("environments/it");
  *request.mutable_settings() = world_->settings();
  const auto session = fixture_->Create(request);
  EXPECT_TRUE(session.ok()) << session.status();
  return session.ok() ? session->name() : "sessions/none";
}

absl::StatusOr<v1::EpisodeStart> WorldContractTest::Start(const std::string& session,
                                                          const std::string& request_id, int max_steps) {
  v1::StartEpisodeRequest request;
  request.set_session(session);
  request.set_request_id(request_id);
  *request.mutable_inline_task() = world_->MakeTask();
  request.mutable_inline_task()->clear_environment();
  request.mutable_limits()->set_max_steps(max_steps);
  request.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
  return fixture_->Start(request);
}

v1::StepRequest WorldContractTest::Click(const std::string& session, int mark) const {
  v1::StepRequest request;
  request.set_session(session);
  request.mutable_action()->mutable_click()->mutable_target()->set_mark(mark);
  request.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
  return request;
}

int WorldContractTest::FirstMark(const v1::Observation& observation) {
  for (const v1::Element& element : observation.elements()) {
    const auto& states = element.states();
    if (std::find(states.begin(), states.end(), v1::ELEMENT_STATE_DISABLED) == states.end()) {
      return element.mark();
    }
  }
  return 0;
}

namespace {

v1::StepRequest Noop(const std::string& session) {
  v1::StepRequest request;
  request.set_session(session);
  request.mutable_action()->mutable_noop();
  request.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
  return request;
}

// What stays the same of an element from step to step.
std::map<int, std::string> Marks(const v1::Observation& observation) {
  std::map<int, std::string> out;
  for (const v1::Element& element : observation.elements()) {
    out[element.mark()] = element.role() + "|" + element.name() + "|" + element.tag();
  }
  return out;
}

TEST_P(WorldContractTest, DescribesWhatItCanDo) {
  const v1::Environment described = *fixture_->manager().DescribeEnvironment("environments/it");
  EXPECT_TRUE(described.available()) << described.unavailable_reason();
  EXPECT_FALSE(described.description().empty());
  EXPECT_GT(described.default_limits().max_steps(), 0);
  for (const std::string& action : described.capabilities().actions()) {
    EXPECT_NE(v1::Action::descriptor()->FindFieldByName(action), nullptr) << action;
  }
  for (const std::string& evidence : described.capabilities().evidence()) {
    EXPECT_NE(v1::EvidenceRequest::descriptor()->FindFieldByName(evidence), nullptr) << evidence;
  }
}

TEST_P(WorldContractTest, ResetShowsTheSameStartAgain) {
  const std::string session = Open();
  const auto first = Start(session);
  ASSERT_TRUE(first.ok()) << first.status();
  const int mark = FirstMark(first->observation());
  ASSERT_GT(mark, 0) << "the start lists no element that can be clicked";
  ASSERT_TRUE(fixture_->Step(Click(session, mark)).ok());
  v1::EndEpisodeRequest end;
  end.set_session(session);
  ASSERT_TRUE(fixture_->End(end).ok());
  const auto second = Start(session);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(first->episode().name(), second->episode().name());
  EXPECT_EQ(first->observation().title(), second->observation().title());
  EXPECT_EQ(first->observation().elements_size(), second->observation().elements_size());
}

TEST_P(WorldContractTest, GivesOnlyTheAskedParts) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  v1::StepRequest step = Noop(session);
  step.clear_observation();
  const auto bare = fixture_->Step(step);
  ASSERT_TRUE(bare.ok()) << bare.status();
  // Desktops and phones have no URL.
  EXPECT_FALSE(bare->observation().url().empty() && bare->observation().title().empty());
  EXPECT_EQ(bare->observation().elements_size(), 0);
  EXPECT_FALSE(bare->observation().has_screenshot());
  EXPECT_FALSE(bare->observation().has_html());
  EXPECT_FALSE(bare->observation().has_text());
  EXPECT_FALSE(bare->observation().has_accessibility_tree());
  const v1::Environment described = world_->environment().Describe();
  for (const int part : described.capabilities().observation_parts()) {
    v1::ObserveRequest request;
    request.set_session(session);
    request.mutable_observation()->add_parts(static_cast<v1::ObservationPart>(part));
    const auto seen = fixture_->Observe(request);
    ASSERT_TRUE(seen.ok()) << seen.status();
    EXPECT_EQ(seen->missing_size(), 0) << seen->ShortDebugString().substr(0, 500);
    EXPECT_EQ(seen->has_screenshot(), part == v1::OBSERVATION_PART_SCREENSHOT);
    EXPECT_EQ(seen->has_html(), part == v1::OBSERVATION_PART_HTML);
    EXPECT_EQ(seen->elements_size() > 0, part == v1::OBSERVATION_PART_ELEMENTS);
    if (seen->has_screenshot()) {
      EXPECT_FALSE(seen->screenshot().data().empty());
      EXPECT_EQ(seen->screenshot().digest(), Sha256Hex(seen->screenshot().data()));
    }
  }
}

TEST_P(WorldContractTest, RefusesPartsAndActionsThatItDoesNotHave) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  const v1::Capabilities can = world_->environment().Describe().capabilities();
  for (int part = v1::ObservationPart_MIN + 1; part <= v1::ObservationPart_MAX; ++part) {
    const auto& parts = can.observation_parts();
    if (std::find(parts.begin(), parts.end(), part) != parts.end()) continue;
    v1::StepRequest request = Noop(session);
    request.mutable_observation()->add_parts(static_cast<v1::ObservationPart>(part));
    EXPECT_EQ(fixture_->Step(request).status().code(), absl::StatusCode::kInvalidArgument);
  }
  v1::StepRequest empty = Noop(session);
  empty.mutable_action()->Clear();
  EXPECT_EQ(fixture_->Step(empty).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(WorldContractTest, MarksStayTheSameWhenNothingHappens) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  const auto step = fixture_->Step(Noop(session));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(Marks(start->observation()), Marks(step->observation()));
  for (const auto& [mark, element] : Marks(step->observation())) EXPECT_GT(mark, 0);
}

TEST_P(WorldContractTest, AnImpossibleActionIsAnObservationThatCostsAStep) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  for (const int mark : {0, -1, 4999, std::numeric_limits<int>::max()}) {
    const auto step = fixture_->Step(Click(session, mark));
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_FALSE(step->observation().action_error().empty()) << mark;
    EXPECT_FALSE(step->interrupted());
  }
  v1::StepRequest outside = Click(session, 1);
  outside.mutable_action()->mutable_click()->mutable_target()->mutable_point()->set_x(-5);
  const auto step = fixture_->Step(outside);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_FALSE(step->observation().action_error().empty());
  EXPECT_EQ(fixture_->sink().record(start->episode().name()).steps.size(), 5u);
}

TEST_P(WorldContractTest, CutsAtTheStepLimit) {
  const std::string session = Open();
  const auto start = Start(session, "", 2);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_FALSE(fixture_->Step(Noop(session))->truncated());
  const auto last = fixture_->Step(Noop(session));
  ASSERT_TRUE(last.ok());
  EXPECT_TRUE(last->truncated());
  EXPECT_FALSE(last->terminated());
  EXPECT_EQ(last->episode().end_reason(), v1::END_REASON_STEP_LIMIT);
  const auto record = fixture_->sink().record(start->episode().name());
  ASSERT_TRUE(record.ending.has_value());
  EXPECT_EQ(record.ending->evidence_size(), 1);  // Collected at the end, too.
  EXPECT_EQ(fixture_->Step(Noop(session)).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(WorldContractTest, AnAnswerEndsTheEpisodeWithEvidence) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  v1::StepRequest answer;
  answer.set_session(session);
  answer.mutable_action()->mutable_answer()->set_text("42");
  const auto step = fixture_->Step(answer);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_TRUE(step->terminated());
  EXPECT_EQ(step->observation().url(), start->observation().url());
  const auto record = fixture_->sink().record(start->episode().name());
  ASSERT_EQ(record.header.evidence_size(), 1);
  EXPECT_TRUE(record.header.evidence(0).at_start());
  ASSERT_EQ(record.ending->evidence_size(), 1);
  EXPECT_EQ(record.ending->evidence(0).error(), "");
  EXPECT_EQ(record.ending->evidence(0).json_values_size(), 1);
  EXPECT_EQ(fixture_->host().closed_count(), 1u);
}

TEST_P(WorldContractTest, EvidenceThatItDoesNotKnowIsRecordedAsFailed) {
  auto world = world_->environment().Open(CallContext::WithTimeout(absl::Minutes(1)),
                                          *world_->environment().ResolveSettings(world_->settings()));
  ASSERT_TRUE(world.ok()) << world.status();
  ASSERT_TRUE((*world)->Reset(CallContext::WithTimeout(absl::Minutes(1)), {world_->MakeTask(), 0}, {}).ok());
  v1::EvidenceRequest nonsense;
  nonsense.set_id("x");
  nonsense.mutable_site_state()->set_site("NO_SUCH_SITE");
  v1::EvidenceRequest empty;
  empty.set_id("y");
  const auto evidence = (*world)->Collect(CallContext::WithTimeout(absl::Minutes(1)), {nonsense, empty});
  ASSERT_EQ(evidence.size(), 2u);
  EXPECT_EQ(evidence[0].request_id(), "x");
  EXPECT_FALSE(evidence[0].error().empty());
  EXPECT_FALSE(evidence[1].error().empty());
}

TEST_P(WorldContractTest, AFaultInterruptsAndTheSessionGoesOn) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  ASSERT_TRUE(world_->Break());
  const auto step = fixture_->Step(Noop(session));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_TRUE(step->interrupted()) << step->ShortDebugString().substr(0, 800);
  EXPECT_FALSE(step->terminated() || step->truncated());
  EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_WORLD_FAULT);
  const auto again = Start(session);
  EXPECT_TRUE(again.ok()) << again.status();
}

TEST_P(WorldContractTest, AReplayedRequestActsOnce) {
  const std::string session = Open();
  const auto start = Start(session, "start");
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(Start(session, "start")->episode().name(), start->episode().name());
  v1::StepRequest step = Noop(session);
  step.set_request_id("s0");
  const auto first = fixture_->Step(step);
  const auto second = fixture_->Step(step);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->step_index(), second->step_index());
  EXPECT_EQ(first->observation().url(), second->observation().url());
  EXPECT_EQ(fixture_->sink().record(start->episode().name()).steps.size(), 1u);
  step.set_expected_step_index(1);
  EXPECT_EQ(fixture_->Step(step).status().code(), absl::StatusCode::kInvalidArgument);
  v1::StepRequest stale = Noop(session);
  stale.set_expected_step_index(0);
  EXPECT_EQ(fixture_->Step(stale).status().code(), absl::StatusCode::kAborted);
}

TEST_P(WorldContractTest, ClosingInterruptsAndLeavesNothingBehind) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  const auto closed = fixture_->Close(session);
  ASSERT_TRUE(closed.ok());
  EXPECT_EQ(closed->state(), v1::SESSION_STATE_CLOSED);
  EXPECT_TRUE(fixture_->Close(session).ok());  // Idempotent.
  const auto record = fixture_->sink().record(start->episode().name());
  ASSERT_TRUE(record.ending.has_value());
  EXPECT_EQ(record.ending->end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(record.ending->end_reason(), v1::END_REASON_CANCELLED);
  EXPECT_EQ(world_->CountLeft(), 0);
  EXPECT_EQ(fixture_->Step(Noop(session)).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(WorldContractTest, ACancelledContextEndsItsCalls) {
  auto world = world_->environment().Open(CallContext::WithTimeout(absl::Minutes(1)),
                                          *world_->environment().ResolveSettings(world_->settings()));
  ASSERT_TRUE(world.ok()) << world.status();
  CallContext cancelled;
  cancelled.cancel()->Cancel();
  EXPECT_EQ((*world)->Reset(cancelled, {world_->MakeTask(), 0}, {}).status().code(),
            absl::StatusCode::kCancelled);
  // And it can be reset afterwards.
  EXPECT_TRUE(
      (*world)->Reset(CallContext::WithTimeout(absl::Minutes(1)), {world_->MakeTask(), 0}, {}).ok());
}

// One value for each field of a start state.
v1::StartState Sample(const std::string& field) {
  v1::StartState start;
  if (field == "start_url") start.set_start_url("about:blank");
  if (field == "storage_state_json") start.set_storage_state_json("{}");
  if (field == "http_credentials") (*start.mutable_http_credentials())["https://shop.test"].set_username("me");
  if (field == "base_urls") (*start.mutable_base_urls())["__SHOP__"] = "https://shop.test";
  if (field == "geolocation") start.mutable_geolocation()->set_latitude(48);
  if (field == "site_state_json") (*start.mutable_site_state_json())["shop"] = "[]";
  if (field == "desktop") start.mutable_desktop();
  if (field == "android") start.mutable_android();
  return start;
}

std::set<std::string> TakenStartFields(const v1::EnvironmentSettings& settings) {
  std::set<std::string> browser = {"start_url", "storage_state_json", "http_credentials", "base_urls", "geolocation"};
  switch (settings.kind_case()) {
    case v1::EnvironmentSettings::kWeb:
      return browser;
    case v1::EnvironmentSettings::kPractice:
      browser.insert("site_state_json");
      return browser;
    case v1::EnvironmentSettings::kDesktop:
      return {"desktop"};
    case v1::EnvironmentSettings::kAndroid:
      return {"android"};
    default:
      return {};
  }
}

TEST_P(WorldContractTest, TakesItsOwnStartStateAndRefusesOthers) {
  const std::set<std::string> taken = TakenStartFields(world_->environment().Describe().default_settings());
  auto world = world_->environment().Open(CallContext::WithTimeout(absl::Minutes(1)),
                                          *world_->environment().ResolveSettings(world_->settings()));
  ASSERT_TRUE(world.ok()) << world.status();
  const google::protobuf::Descriptor& fields = *v1::StartState::descriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const std::string& name = fields.field(i)->name();
    const v1::StartState sample = Sample(name);
    ASSERT_NE(sample.ByteSizeLong(), 0u) << "no sample of " << name;
    ResetSpec spec{world_->MakeTask(), 0};
    spec.task.mutable_start_state()->MergeFrom(sample);
    const absl::Status reset = (*world)->Reset(CallContext::WithTimeout(absl::Minutes(1)), spec, {}).status();
    if (taken.count(name) > 0) {
      EXPECT_TRUE(reset.ok()) << name << ": " << reset;
      continue;
    }
    EXPECT_EQ(reset.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_NE(reset.message().find("start_state." + name), absl::string_view::npos) << reset;
  }
  // And it can be reset afterwards.
  EXPECT_TRUE((*world)->Reset(CallContext::WithTimeout(absl::Minutes(1)), {world_->MakeTask(), 0}, {}).ok());
}

TEST_P(WorldContractTest, TakesFilesIfItCanUploadThem) {
  const v1::Capabilities can = world_->environment().Describe().capabilities();
  const bool uploads = std::find(can.actions().begin(), can.actions().end(), "upload_file") != can.actions().end();
  auto world = world_->environment().Open(CallContext::WithTimeout(absl::Minutes(1)),
                                          *world_->environment().ResolveSettings(world_->settings()));
  ASSERT_TRUE(world.ok()) << world.status();
  ResetSpec spec{world_->MakeTask(), 0};
  spec.task.add_files()->set_file_name("note.txt");
  const absl::Status reset = (*world)->Reset(CallContext::WithTimeout(absl::Minutes(1)), spec, {}).status();
  EXPECT_EQ(reset.code(), uploads ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument) << reset;
}

TEST_P(WorldContractTest, RefusesSettingsOfAnotherKind) {
  v1::EnvironmentSettings wrong;
  if (world_->environment().Describe().default_settings().has_null()) {
    wrong.mutable_web();
  } else {
    wrong.mutable_null();
  }
  EXPECT_EQ(world_->environment().ResolveSettings(wrong).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::env
