#include "server/auth/tenant_quotas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/retry_hint.h"
#include "env/episode_sink.h"
#include "google/protobuf/text_format.h"
#include "server/auth/auth_config.h"
#include "server/auth/metered_sink.h"
#include "server/auth/storage_meter.h"
#include "storage/memory_database.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class TenantQuotasTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *storage::NewMemoryDatabase();
    Reopen();
  }
  void Reopen() {
    pool_ = nullptr;  // Runs what was posted.
    pool_ = std::make_unique<ThreadPool>("account", 1);
    auto accounts = TenantAccounts::Open(CallContext(), {*database_, *pool_, clock_});
    ASSERT_TRUE(accounts.ok()) << accounts.status();
    accounts_ = *std::move(accounts);
  }
  // With the defaults that the server fills in.
  static v1::QuotaConfig Checked(const std::string& text) {
    v1::ServerConfig config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("listen_address: '127.0.0.1:1' quotas {" + text + "}", &config));
    EXPECT_FALSE(CheckAuth(config, NetworkConsent::kNotGiven));
    return config.quotas();
  }
  std::unique_ptr<TenantQuotas> Quotas(const std::string& text) {
    return std::make_unique<TenantQuotas>(Checked(text), *accounts_, clock_);
  }
  static void ExpectSpent(const absl::Status& status, const std::string& quota) {
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(quota));
    EXPECT_THAT(std::string(status.message()), HasSubstr("frees"));
    EXPECT_TRUE(RetryHint(status).has_value());
  }
  // Everything that was posted has run.
  void AwaitPool() {
    std::promise<void> done;
    pool_->Post([&done] { done.set_value(); });
    done.get_future().wait();
  }
  // Everything that was posted is written.
  void Settle() { Reopen(); }

  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<TenantAccounts> accounts_;
  std::unique_ptr<ThreadPool> pool_;
};

TEST_F(TenantQuotasTest, WithoutQuotasEverythingIsAllowed) {
  const auto quotas = Quotas("");
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(quotas->SpendStep("lab").ok());
    EXPECT_TRUE(quotas->SpendCall("lab").ok());
    EXPECT_TRUE(quotas->Take("lab", "web").ok());
  }
  accounts_->AddEpisode("lab", "e", int64_t{1} << 50);
  accounts_->AddJudgeSpend("lab", 1e9);
  EXPECT_TRUE(quotas->CheckStorage("lab").ok());
  EXPECT_TRUE(quotas->CheckJudgeSpend("lab").ok());
  EXPECT_FALSE(quotas->limits_storage());
  EXPECT_FALSE(quotas->limits_judge_spend());
}

TEST_F(TenantQuotasTest, TellsTheUseOfTenantsThatAreNamedWithALimit) {
  const auto quotas = Quotas(
      "otherwise {storage_bytes: 9 judge_usd_per_day: 9} tenants {key: 'lab' value {storage_bytes: 100 judge_usd_per_day: 5}} "
      "tenants {key: 'free' value {session_weight: 1}}");
  accounts_->AddEpisode("lab", "e1", 60);
  EXPECT_TRUE(quotas->SpendStorage("lab", 15).ok());
  accounts_->AddJudgeSpend("lab", 1.5);
  for (const char* tenant : {"free", "stranger"}) {
    accounts_->AddEpisode(tenant, tenant, 1000);
    accounts_->AddJudgeSpend(tenant, 2);
  }
  const auto uses = [&] {
    std::set<std::string> told;
    for (const QuotaUse& use : quotas->Uses()) told.insert(absl::StrCat(use.tenant, " ", use.quota, " ", use.used, "/", use.limit));
    return told;
  };
  EXPECT_THAT(uses(), ::testing::UnorderedElementsAre("lab storage_bytes 75/100", "lab judge_usd_per_day 1.5/5"));
  // The next day.
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(uses(), ::testing::UnorderedElementsAre("lab storage_bytes 75/100", "lab judge_usd_per_day 0/5"));
  // Other limits are in force.
  EXPECT_TRUE(quotas->Replace(Checked("tenants {key: 'free' value {storage_bytes: 2000 judge_usd_per_day: 3}}")));
  EXPECT_THAT(uses(), ::testing::UnorderedElementsAre("free storage_bytes 1000/2000", "free judge_usd_per_day 0/3"));
}

TEST_F(TenantQuotasTest, SessionsCountByTheirWeights) {
  const auto quotas = Quotas("otherwise {session_weight: 2.5} session_weights {key: 'desktop' value: 2}");
  EXPECT_TRUE(quotas->Take("lab", "desktop").ok());
  ExpectSpent(quotas->Take("lab", "web"), "session_weight");
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(quotas->Take("lab", "null").ok()) << i;  // 0.01 each.
  ExpectSpent(quotas->Take("lab", "null"), "session_weight");
  EXPECT_TRUE(quotas->Take("other", "desktop").ok());
  quotas->GiveBack("lab", "desktop");
  EXPECT_TRUE(quotas->Take("lab", "web").ok());
}

TEST_F(TenantQuotasTest, WhatCanDoWithoutIsNotRefusedButNotTaken) {
  const auto quotas = Quotas("otherwise {session_weight: 1}");
  EXPECT_TRUE(quotas->TryTake("lab", "web"));
  EXPECT_FALSE(quotas->TryTake("lab", "web"));
  EXPECT_TRUE(quotas->refusals().empty());
  ExpectSpent(quotas->Take("lab", "web"), "session_weight");
  quotas->GiveBack("lab", "web");
  EXPECT_TRUE(quotas->TryTake("lab", "web"));
}

TEST_F(TenantQuotasTest, TheDefaultTenantHasTwoNames) {
  const auto quotas = Quotas("tenants {key: 'default' value {session_weight: 1 share: 3}}");
  EXPECT_TRUE(quotas->Take("", "web").ok());
  ExpectSpent(quotas->Take("default", "web"), "session_weight");
  EXPECT_EQ(quotas->Share(""), 3);
  EXPECT_EQ(quotas->Share("lab"), 1);
}

TEST_F(TenantQuotasTest, StepsFillUpEvenly) {
  const auto quotas = Quotas("otherwise {steps_per_minute: 60}");
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(quotas->SpendStep("lab").ok()) << i;
  const absl::Status spent = quotas->SpendStep("lab");
  ExpectSpent(spent, "steps_per_minute");
  EXPECT_TRUE(quotas->SpendStep("other").ok());
  // The hint is right: then, and not much before.
  clock_.Advance(*RetryHint(spent) - absl::Milliseconds(2));
  EXPECT_FALSE(quotas->SpendStep("lab").ok());
  clock_.Advance(absl::Milliseconds(2));
  EXPECT_TRUE(quotas->SpendStep("lab").ok());
  EXPECT_FALSE(quotas->SpendStep("lab").ok());
  clock_.Advance(absl::Hours(24));
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(quotas->SpendStep("lab").ok()) << i;
  EXPECT_FALSE(quotas->SpendStep("lab").ok());
}

TEST_F(TenantQuotasTest, AClockThatIsSetBackGivesNothing) {
  const auto quotas = Quotas("otherwise {calls_per_minute: 1}");
  EXPECT_TRUE(quotas->SpendCall("lab").ok());
  clock_.Advance(-absl::Hours(5));
  EXPECT_FALSE(quotas->SpendCall("lab").ok());
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(quotas->SpendCall("lab").ok());
}

TEST_F(TenantQuotasTest, StorageFreesWhenItsEpisodesAreDeleted) {
  const auto quotas = Quotas("tenants {key: 'lab' value {storage_bytes: 100}}");
  EXPECT_TRUE(quotas->limits_storage());
  accounts_->AddEpisode("lab", "e1", 60);
  EXPECT_TRUE(quotas->CheckStorage("lab").ok());
  accounts_->AddEpisode("lab", "e2", 60);
  ExpectSpent(quotas->CheckStorage("lab"), "storage_bytes");
  EXPECT_TRUE(quotas->CheckStorage("other").ok());
  accounts_->EpisodeDeleted("e1");
  accounts_->EpisodeDeleted("no such one");
  Settle();
  EXPECT_EQ(accounts_->stored_bytes("lab"), 60);
}

TEST_F(TenantQuotasTest, AnEpisodeIsCountedOnce) {
  accounts_->AddEpisode("lab", "e1", 60);
  accounts_->AddEpisode("lab", "e1", 60);
  Settle();
  EXPECT_EQ(accounts_->stored_bytes("lab"), 60);
}

TEST_F(TenantQuotasTest, WhatCouldNotBeWrittenIsWrittenLater) {
  const auto sql = [this](const char* text) {
    const absl::Status status = database_->Write(
        CallContext(), [&](storage::Transaction& transaction) { return transaction.Execute(text, {}).status(); });
    ASSERT_TRUE(status.ok()) << status;
  };
  sql("ALTER TABLE auth_episodes RENAME TO auth_away");
  accounts_->AddEpisode("lab", "e1", 10);
  accounts_->AddEpisode("lab", "e2", 10);
  AwaitPool();
  sql("ALTER TABLE auth_away RENAME TO auth_episodes");
  accounts_->WriteAgain();
  Settle();
  EXPECT_EQ(accounts_->stored_bytes("lab"), 20);
}

TEST_F(TenantQuotasTest, WhatWasDeletedOtherwiseIsForgotten) {
  for (const char* id : {"e1", "e2", "e3"}) accounts_->AddEpisode("lab", id, 10);
  Settle();
  std::set<std::string> gone = {"e1", "e3"};
  const auto missing = [&](const std::vector<std::string>& ids) -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> found;
    for (const std::string& id : ids) {
      if (gone.contains(id)) found.push_back(id);
    }
    return found;
  };
  // One that is not there may be about to begin.
  ASSERT_TRUE(accounts_->ForgetDeleted(CallContext(), missing).ok());
  EXPECT_EQ(accounts_->stored_bytes("lab"), 30);
  gone.erase("e3");
  ASSERT_TRUE(accounts_->ForgetDeleted(CallContext(), missing).ok());
  EXPECT_EQ(accounts_->stored_bytes("lab"), 20);
  const auto broken = [](const std::vector<std::string>&) -> absl::StatusOr<std::vector<std::string>> {
    return absl::UnavailableError("disk");
  };
  EXPECT_TRUE(absl::IsUnavailable(accounts_->ForgetDeleted(CallContext(), broken)));
  EXPECT_EQ(accounts_->stored_bytes("lab"), 20);
}

TEST_F(TenantQuotasTest, JudgingFreesAtMidnight) {
  const auto quotas = Quotas("otherwise {judge_usd_per_day: 1}");
  accounts_->AddJudgeSpend("lab", 0.6);
  EXPECT_TRUE(quotas->CheckJudgeSpend("lab").ok());
  accounts_->AddJudgeSpend("lab", 0.6);
  const absl::Status spent = quotas->CheckJudgeSpend("lab");
  ExpectSpent(spent, "judge_usd_per_day");
  EXPECT_TRUE(quotas->CheckJudgeSpend("other").ok());
  clock_.Advance(*RetryHint(spent) - absl::Seconds(1));
  EXPECT_FALSE(quotas->CheckJudgeSpend("lab").ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(quotas->CheckJudgeSpend("lab").ok());
}

TEST_F(TenantQuotasTest, UseIsRememberedThroughARestart) {
  accounts_->AddJudgeSpend("lab", 0.25);
  accounts_->AddJudgeSpend("lab", 0.5);
  accounts_->AddEpisode("lab", "e", 7);
  Settle();
  EXPECT_EQ(accounts_->judge_usd_today("lab"), 0.75);
  EXPECT_EQ(accounts_->stored_bytes("lab"), 7);
  clock_.Advance(absl::Hours(24));
  Settle();
  EXPECT_EQ(accounts_->judge_usd_today("lab"), 0);
  EXPECT_EQ(accounts_->stored_bytes("lab"), 7);
}

TEST_F(TenantQuotasTest, WhatIsKeptCountsAfterARestartTooAndIsNoEpisode) {
  accounts_->AddEpisode("lab", "e", 7);
  accounts_->AddKept("lab", 60);
  accounts_->AddKept("lab", 3);
  accounts_->AddKept("other", 5);
  Settle();
  EXPECT_EQ(accounts_->stored_bytes("lab"), 70);
  EXPECT_EQ(accounts_->stored_bytes("other"), 5);
  const auto all = [](const std::vector<std::string>& ids) -> absl::StatusOr<std::vector<std::string>> { return ids; };
  for (int look = 0; look < 2; ++look) ASSERT_TRUE(accounts_->ForgetDeleted(CallContext(), all).ok());
  EXPECT_EQ(accounts_->stored_bytes("lab"), 63);
}

TEST_F(TenantQuotasTest, TellsASessionsTenant) {
  EXPECT_EQ(TenantOfSession("sessions/01abc.lab"), "lab");
  EXPECT_EQ(TenantOfSession("sessions/01abc"), kDefaultTenant);
  EXPECT_EQ(TenantOfSession(""), kDefaultTenant);
}

// Takes everything.
class NullSink final : public env::EpisodeSink {
 public:
  absl::Status Begin(const CallContext&, const v1::Trajectory&, const v1::Episode&, const env::Replay&) override { return status; }
  absl::Status Append(const CallContext&, const std::string&, const v1::Step&, const env::Replay&) override { return status; }
  absl::Status Finish(const CallContext&, const std::string&, const v1::Trajectory&, const v1::Episode&, const env::Replay&) override {
    return status;
  }
  absl::Status Keep(const CallContext&, const env::Replay&) override { return status; }
  absl::StatusOr<std::string> PutBlob(const CallContext&, const std::string&, const std::string&) override {
    if (!status.ok()) return status;
    return "";
  }
  absl::StatusOr<std::string> GetBlob(const CallContext&, const std::string&) override { return ""; }
  absl::StatusOr<std::optional<env::Replay>> FindReplay(const CallContext&, const std::string&) override { return std::nullopt; }

  absl::Status status;
};

class MeteredSinkTest : public TenantQuotasTest {
 protected:
  static v1::Episode Episode(const std::string& id) {
    v1::Episode episode;
    episode.set_name("episodes/" + id);
    episode.set_session("sessions/s.lab");
    return episode;
  }
  static v1::Step Step() {
    v1::Step step;
    step.mutable_action()->mutable_answer()->set_text(std::string(1000, 'x'));
    return step;
  }

  NullSink inner_;
};

TEST_F(MeteredSinkTest, AnEpisodeCountsForItsTenantAsItRunsAndAfterwards) {
  const auto quotas = Quotas("");
  MeteredSink sink(inner_, *quotas, *accounts_);
  ASSERT_TRUE(sink.Begin(CallContext(), {}, Episode("e1"), {}).ok());
  ASSERT_TRUE(sink.Append(CallContext(), "e1", Step(), {}).ok());
  ASSERT_TRUE(sink.PutBlob(CallContext(), "e1", std::string(500, 'x')).ok());
  ASSERT_TRUE(sink.Append(CallContext(), "e1", Step(), {}).ok());
  const int64_t running = accounts_->stored_bytes("lab");
  EXPECT_GE(running, 2500);
  EXPECT_LE(running, 2600);
  ASSERT_TRUE(sink.Finish(CallContext(), "e1", {}, Episode("e1"), {}).ok());
  EXPECT_EQ(accounts_->stored_bytes("lab"), running);
  // What was not recorded is not counted, and an end is counted once.
  inner_.status = absl::UnavailableError("disk");
  EXPECT_FALSE(sink.Begin(CallContext(), {}, Episode("e2"), {}).ok());
  EXPECT_FALSE(sink.Append(CallContext(), "e2", Step(), {}).ok());
  EXPECT_FALSE(sink.PutBlob(CallContext(), "e2", "x").ok());
  EXPECT_FALSE(sink.Finish(CallContext(), "e1", {}, Episode("e1"), {}).ok());
  EXPECT_EQ(accounts_->stored_bytes("lab"), running);
  Settle();
  EXPECT_EQ(accounts_->stored_bytes("lab"), running);
}

TEST_F(MeteredSinkTest, ARunningEpisodeStopsAtItsTenantsQuota) {
  const auto quotas = Quotas("tenants {key: 'lab' value {storage_bytes: 2600}}");
  MeteredSink sink(inner_, *quotas, *accounts_);
  ASSERT_TRUE(sink.Begin(CallContext(), {}, Episode("e1"), {}).ok());
  ASSERT_TRUE(sink.Begin(CallContext(), {}, Episode("e2"), {}).ok());
  ASSERT_TRUE(sink.Append(CallContext(), "e1", Step(), {}).ok());
  ASSERT_TRUE(sink.Append(CallContext(), "e2", Step(), {}).ok());
  ExpectSpent(sink.Append(CallContext(), "e1", Step(), {}), "storage_bytes");
  ExpectSpent(sink.PutBlob(CallContext(), "e1", std::string(1000, 'x')).status(), "storage_bytes");
  EXPECT_TRUE(quotas->CheckStorage("lab").ok());
  EXPECT_TRUE(sink.PutBlob(CallContext(), "e1", "little").ok());
  // The end of what was begun is recorded whatever the quota.
  v1::Trajectory ending;
  ending.set_end_message(std::string(1000, 'x'));
  EXPECT_TRUE(sink.Finish(CallContext(), "e1", ending, Episode("e1"), {}).ok());
  ExpectSpent(quotas->CheckStorage("lab"), "storage_bytes");
  EXPECT_EQ(quotas->refusals().at({"storage_bytes", "lab"}), 3);
}

TEST_F(TenantQuotasTest, WhatBelongsToNoEpisodeCountsForADay) {
  const auto quotas = Quotas("otherwise {storage_bytes: 100}");
  {
    StorageMeter meter(*quotas, *accounts_, "lab");
    ASSERT_TRUE(meter.Take(80).ok());
    ExpectSpent(meter.Take(80), "storage_bytes");
    meter.GiveBack(20);
    EXPECT_EQ(accounts_->stored_bytes("lab"), 60);
  }
  EXPECT_EQ(accounts_->stored_bytes("lab"), 60);
  EXPECT_EQ(accounts_->stored_bytes("other"), 0);
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(accounts_->stored_bytes("lab"), 60);
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(accounts_->stored_bytes("lab"), 0);
}

TEST_F(TenantQuotasTest, ARecordingHasATenantBeforeItHasBytes) {
  ASSERT_TRUE(accounts_->AddRecording(CallContext(), "lab", "e").ok());
  EXPECT_EQ(*accounts_->RecordingTenant(CallContext(), "e"), "lab");
  EXPECT_EQ(*accounts_->RecordingTenant(CallContext(), "another"), kDefaultTenant);
  accounts_->AddEpisode("lab", "e", 60);
  Settle();
  EXPECT_EQ(*accounts_->RecordingTenant(CallContext(), "e"), "lab");
  EXPECT_EQ(accounts_->stored_bytes("lab"), 60);
}

TEST_F(TenantQuotasTest, AJobIsItsTenantsAfterARestartToo) {
  accounts_->SetJobTenant("jobs/j", "lab");
  accounts_->SetJobTenant("jobs/j", "lab");
  Settle();
  EXPECT_EQ(accounts_->JobTenant("jobs/j"), "lab");
  EXPECT_EQ(accounts_->JobTenant("jobs/k"), kDefaultTenant);
}

TEST_F(TenantQuotasTest, RefusalsAreCountedByWhatTheConfigurationNames) {
  const auto quotas = Quotas("otherwise {calls_per_minute: 1} tenants {key: 'lab' value {calls_per_minute: 1}}");
  for (const char* tenant : {"lab", "a", "b"}) {
    EXPECT_TRUE(quotas->SpendCall(tenant).ok());
    EXPECT_FALSE(quotas->SpendCall(tenant).ok());
  }
  const std::map<std::pair<std::string, std::string>, int64_t> counted = {{{"calls_per_minute", "lab"}, 1},
                                                                          {{"calls_per_minute", "otherwise"}, 2}};
  EXPECT_EQ(quotas->refusals(), counted);
}

TEST_F(TenantQuotasTest, OtherQuotasAreInForceAtOnceUnlessTheyNeedARestart) {
  const auto quotas = Quotas("otherwise { session_weight: 1 }");
  ASSERT_TRUE(quotas->Take("lab", "web").ok());
  ExpectSpent(quotas->Take("lab", "web"), "session_weight");
  ASSERT_TRUE(quotas->Replace(Checked("otherwise { session_weight: 2 }")));
  EXPECT_TRUE(quotas->Take("lab", "web").ok());
  ExpectSpent(quotas->Take("lab", "web"), "session_weight");
  for (const char* text : {"session_weights { key: 'web' value: 2 }", "otherwise { storage_bytes: 1 }",
                           "tenants { key: 'lab' value { judge_usd_per_day: 1 } }"}) {
    EXPECT_FALSE(quotas->Replace(Checked(text))) << text;
  }
  quotas->GiveBack("lab", "web");
  EXPECT_TRUE(quotas->Take("lab", "web").ok());
}

}  // namespace
}  // namespace proctor::server
