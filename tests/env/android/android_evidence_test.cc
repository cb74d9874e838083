// Evidence of each kind, from a phone that the agent still has.
#include "absl/strings/str_cat.h"
#include "imaging/image.h"
#include "tests/env/android/world_fixture.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

constexpr char kNotes[] = "/data/data/com.proctor.notes/databases/notes.db";

class EvidenceTest : public WorldTest {
 protected:
  void SetUp() override {
    WorldTest::SetUp();
    if (world_ != nullptr) Reset();
  }
  void TearDown() override {
    if (lab_ != nullptr && lab_->ok()) {
      EXPECT_EQ(lab_->scratch_folder().entry_count(), 0) << "a copy was left";
    }
    WorldTest::TearDown();
  }
  std::string Value(const v1::EvidenceRequest& request) {
    const v1::Evidence evidence = Collect(request);
    EXPECT_EQ(evidence.error(), "");
    return evidence.json_values_size() == 1 ? evidence.json_values(0) : "";
  }
  std::string Error(const v1::EvidenceRequest& request) {
    const v1::Evidence evidence = Collect(request);
    EXPECT_EQ(evidence.json_values_size(), 0);
    EXPECT_NE(evidence.error(), "");
    return evidence.error();
  }
  v1::EvidenceRequest Rows(const std::string& query) {
    v1::EvidenceRequest request;
    request.mutable_sqlite_query()->set_path(kNotes);
    request.mutable_sqlite_query()->set_query(query);
    return request;
  }
};

TEST_F(EvidenceTest, AFile) {
  v1::EvidenceRequest request;
  request.mutable_file()->set_path("/sdcard/a.txt");
  EXPECT_EQ(Value(request), R"({"exists":false})");
  std::string reason;
  ASSERT_TRUE(lab_->device().WriteFile("/sdcard/a.txt", "hé", reason));
  EXPECT_EQ(Value(request), R"({"exists":true,"size":3,"text":"hé"})");
  ASSERT_TRUE(lab_->device().WriteFile("/sdcard/a.txt", "\xff\xfe", reason));
  EXPECT_EQ(Value(request), R"({"base64":"//4=","exists":true,"size":2})");
  ASSERT_TRUE(lab_->device().WriteFile("/sdcard/a.txt", std::string((1 << 20) + 1, 'x'), reason));
  EXPECT_EQ(Value(request), R"({"exists":true,"size":1048577})");
  request.mutable_file()->set_path("relative");
  EXPECT_THAT(Error(request), HasSubstr("absolute"));
}

TEST_F(EvidenceTest, AFileThatRootCannotReadIsNotOneThatIsNotThere) {
  v1::EvidenceRequest request;
  request.mutable_file()->set_path("/data/data/com.proctor.notes/files/none.txt");
  EXPECT_EQ(Value(request), R"({"exists":false})");
  lab_->device().SetFaults([](fake::Faults& faults) { faults.su_refuses = "su: request rejected"; });
  EXPECT_THAT(Error(request), HasSubstr("su: request rejected"));
  EXPECT_THAT(Error(Rows("SELECT 1")), HasSubstr("su: request rejected"));
}

TEST_F(EvidenceTest, AFileThatCannotBeReadToItsEndIsNoFile) {
  lab_->device().SetFaults([](fake::Faults& faults) { faults.broken_reads = true; });
  v1::EvidenceRequest request;
  request.mutable_file()->set_path(kNotes);
  EXPECT_THAT(Error(request), HasSubstr("I/O error"));
  EXPECT_THAT(Error(Rows("SELECT 1")), HasSubstr("I/O error"));
}

TEST_F(EvidenceTest, ASetting) {
  v1::EvidenceRequest request;
  request.mutable_setting()->set_namespace_("system");
  request.mutable_setting()->set_key("screen_brightness");
  EXPECT_EQ(Value(request), R"("120")");
  request.mutable_setting()->set_key("no_such_key");
  EXPECT_EQ(Value(request), "null");
  request.mutable_setting()->set_key("a; touch /sdcard/x");
  Error(request);
  request.mutable_setting()->set_namespace_("; id");
  Error(request);
  EXPECT_TRUE(lab_->device().files().empty());
}

TEST_F(EvidenceTest, RowsOfAContentProvider) {
  v1::EvidenceRequest request;
  request.mutable_content_query()->set_uri("content://contacts/phones");
  request.mutable_content_query()->add_projection("display_name");
  request.mutable_content_query()->add_projection("number");
  request.mutable_content_query()->set_where("display_name='Alan Turing'");
  EXPECT_EQ(Value(request), R"([{"display_name":"Alan Turing","number":"555-0102"}])");
  request.mutable_content_query()->set_where("display_name='$(touch /sdcard/x)'");
  EXPECT_EQ(Value(request), "[]");
  request.mutable_content_query()->set_uri("content://nothing");
  EXPECT_THAT(Error(request), HasSubstr("Unsupported"));
  request.mutable_content_query()->set_uri("content://contacts/phones");
  request.mutable_content_query()->add_projection("a --user 1");
  Error(request);
  EXPECT_TRUE(lab_->device().files().empty());
}

TEST_F(EvidenceTest, RowsOfAContentProviderThatDiesAmidThemAreNone) {
  v1::EvidenceRequest request;
  request.mutable_content_query()->set_uri("content://contacts/torn");
  EXPECT_THAT(Error(request), HasSubstr("Error while accessing provider"));
  request.mutable_content_query()->set_uri("content://contacts/killed");
  EXPECT_THAT(Error(request), HasSubstr("exit code 137"));
}

TEST_F(EvidenceTest, ADatabaseThatChangesWhileItIsCopiedIsCopiedAgain) {
  lab_->device().With([](fake::Phone& phone) { phone.notes().Save(0, "Fresh"); });
  // Between the database and its write-ahead log: what is in the log goes over into the database, which has been copied.
  lab_->device().SetFaults([](fake::Faults& faults) { faults.busy_reads = 1; });
  EXPECT_EQ(Value(Rows("SELECT text FROM notes WHERE text = 'Fresh'")), R"([{"text":"Fresh"}])");
  lab_->device().SetFaults([](fake::Faults& faults) { faults.busy_reads = 1 << 30; });
  EXPECT_THAT(Error(Rows("SELECT text FROM notes")), HasSubstr("being written"));
}

TEST_F(EvidenceTest, RowsOfADatabaseThatIsBeingWritten) {
  // Only in the write-ahead log by now.
  lab_->device().With([](fake::Phone& phone) { phone.notes().Save(0, "Fresh"); });
  EXPECT_EQ(Value(Rows("SELECT text FROM notes WHERE text = 'Fresh'")), R"([{"text":"Fresh"}])");
  EXPECT_EQ(Value(Rows("SELECT count(*) AS n FROM notes")), R"([{"n":3}])");
  EXPECT_THAT(Error(Rows("DELETE FROM notes")), HasSubstr("refused"));
  EXPECT_THAT(Error(Rows("SELECT a FROM nowhere")), HasSubstr("no such table"));
  v1::EvidenceRequest missing = Rows("SELECT 1");
  missing.mutable_sqlite_query()->set_path("/data/data/com.proctor.notes/databases/none.db");
  EXPECT_THAT(Error(missing), HasSubstr("No such file"));
  lab_->device().With([](fake::Phone& phone) { EXPECT_EQ(phone.notes().All().size(), 3u); });
}

TEST_F(EvidenceTest, LinesOfTheLog) {
  lab_->device().With([](fake::Phone& phone) {
    phone.Log("I", "Score", "score=1.5 level=2");
    phone.Log("D", "Score", "score=9");
    phone.Log("I", "Other", "score=100");
    phone.Log("W", "Score", "score=2 level=x");
  });
  v1::EvidenceRequest request;
  request.mutable_log_lines()->add_filters("Score:I");
  request.mutable_log_lines()->set_regex("score=([0-9.]+)(?: level=(\\w+))?");
  EXPECT_EQ(Value(request),
            R"({"captures":[["1.5","2"],["2","x"]],"lines":["I/Score: score=1.5 level=2","W/Score: score=2 level=x"],"sum":3.5})");
  request.mutable_log_lines()->set_regex("(");
  Error(request);
}

TEST_F(EvidenceTest, ALogThatLostTheStartIsNoEvidence) {
  lab_->device().With([](fake::Phone& phone) {
    for (int i = 0; i < 6000; ++i) phone.Log("I", "Noise", "score=1");
  });
  v1::EvidenceRequest request;
  request.mutable_log_lines()->set_regex("score=(.*)");
  EXPECT_THAT(Error(request), HasSubstr("no longer holds"));
}

TEST_F(EvidenceTest, ADeviceThatDoesNotSayWhatIsInFrontIsNoEvidence) {
  v1::EvidenceRequest request;
  request.mutable_foreground();
  lab_->device().SetFaults([](fake::Faults& faults) { faults.missing_services = {"activity", "window"}; });
  EXPECT_THAT(Error(request), HasSubstr("does not say what is in front"));
  lab_->device().SetFaults([](fake::Faults& faults) { faults.missing_services.insert("display"); });
  EXPECT_THAT(Error(request), HasSubstr("says nothing"));
}

TEST_F(EvidenceTest, WhatIsInFrontAndNothingOnTheScreenChanges) {
  v1::EvidenceRequest request;
  request.mutable_foreground();
  const std::string before = Reset({}, Parts({v1::OBSERVATION_PART_SCREENSHOT})).screenshot().digest();
  EXPECT_EQ(Value(request), R"({"activity":"com.proctor.launcher/.Home","package":"com.proctor.launcher"})");
  Value(Rows("SELECT 1"));
  EXPECT_EQ(world_->Observe(Soon(), Parts({v1::OBSERVATION_PART_SCREENSHOT}))->screenshot().digest(), before);
}

TEST_F(EvidenceTest, WhereAPictureIsOnTheScreen) {
  const auto seen = world_->Observe(Soon(), Parts({v1::OBSERVATION_PART_SCREENSHOT}));
  ASSERT_TRUE(seen.ok());
  const auto whole = imaging::Decode(seen->screenshot().data());
  ASSERT_TRUE(whole.ok());
  // The word on the first icon.
  imaging::Image part;
  part.width_px = 90;
  part.height_px = 20;
  for (int y = 90; y < 110; ++y) {
    const auto row = whole->bgra.begin() + (y * 360 + 20) * 4;
    part.bgra.insert(part.bgra.end(), row, row + 90 * 4);
  }
  v1::EvidenceRequest request;
  request.mutable_screen_match()->set_picture(*imaging::Encode(part, {}));
  EXPECT_THAT(Value(request), testing::AllOf(HasSubstr("\"x\":20"), HasSubstr("\"y\":90")));
  lab_->device().With([](fake::Phone& phone) { phone.Start("com.android.contacts/.Contacts"); });
  EXPECT_THAT(Value(request), testing::Not(HasSubstr("\"score\":1")));
  request.mutable_screen_match()->set_picture("no picture");
  Error(request);
}

TEST_F(EvidenceTest, OneThatFailsDoesNotKeepTheOthersBack) {
  v1::EvidenceRequest url, front;
  url.set_id("url");
  url.mutable_final_url();
  front.set_id("front");
  front.mutable_foreground();
  const auto evidence = world_->Collect(Soon(), {url, front});
  EXPECT_THAT(evidence[0].error(), HasSubstr("a phone knows"));
  EXPECT_EQ(evidence[0].request_id(), "url");
  EXPECT_EQ(evidence[1].error(), "");
  lab_->device().adbd().GoOffline();
  const auto lost = world_->Collect(Soon(), {front});
  EXPECT_NE(lost[0].error(), "");
}

}  // namespace
}  // namespace proctor::env::android
