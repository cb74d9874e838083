// Export and import of folders: identical after a round trip, nothing believed of a hostile one.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/proto_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/temp_directory.h"
#include "tests/trajectory/fixture.h"
#include "tests/trajectory/older_records.h"
#include "trajectory/folder_export.h"
#include "trajectory/folder_import.h"
#include "trajectory/folder_writer.h"

namespace proctor::trajectory {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteAll(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// Contents by relative path.
std::map<std::string, std::string> Snapshot(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), folder).string()] = ReadAll(entry.path());
    }
  }
  return files;
}

class FolderTest : public testing::Test {
 protected:
  absl::StatusOr<v1::ExportTrajectoriesResult> Export(Room& room,
                                                      const std::vector<std::string>& names,
                                                      const std::string& folder) {
    return ExportTrajectories(context_, *room.archive, {.names = names}, folder,
                              [](int64_t, int64_t) { return absl::OkStatus(); });
  }
  absl::StatusOr<v1::ImportTrajectoriesResult> Import(Room& room, const std::string& folder) {
    return ImportTrajectories(context_, *room.archive, folder,
                              [](int64_t, int64_t) { return absl::OkStatus(); });
  }
  // Exports one good record to `good_`, for the tests that break it.
  void ExportGood() {
    RecordEpisode(source_, "e1", 2);
    ASSERT_TRUE(Export(source_, {"trajectories/e1"}, good_).ok());
  }
  // The reason why the broken folder was refused; empty if it was taken.
  std::string Refusal() {
    const auto result = Import(target_, good_);
    if (!result.ok()) return result.status().ToString();
    EXPECT_EQ(result->imported() + static_cast<int64_t>(result->failed().size()), 1);
    EXPECT_EQ(result->imported() == 1, target_.trajectories.Get(context_, "trajectories/e1").ok());
    return result->failed().empty() ? "" : result->failed().begin()->second;
  }
  fs::path Blob(const std::string& content) const {
    return good_ + "/e1/blobs/" + Sha256Hex(content) + ".bin";
  }

  const CallContext context_;
  Room source_;
  Room target_;
  storage::TempDirectory directory_;
  const std::string good_ = directory_ / "good";
};

TEST_F(FolderTest, GivesTheSameRecordsAndTheSameFolderAfterARoundTrip) {
  const std::vector<std::string> names = {RecordEpisode(source_, "e1", 3),
                                          RecordEpisode(source_, "e2", 0)};
  const auto exported = Export(source_, names, good_);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_EQ(exported->exported(), 2);
  const auto imported = Import(target_, good_);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->imported(), 2);
  EXPECT_TRUE(imported->failed().empty()) << imported->ShortDebugString();
  for (const std::string& name : names) {
    const v1::Trajectory before = source_.trajectories.Get(context_, name).value();
    const v1::Trajectory after = target_.trajectories.Get(context_, name).value();
    EXPECT_EQ(ProtoCanonicalBytes(before), ProtoCanonicalBytes(after));
    EXPECT_EQ(before.digest(), after.digest());
  }
  ASSERT_TRUE(Export(target_, names, directory_ / "again").ok());
  EXPECT_EQ(Snapshot(good_), Snapshot(directory_ / "again"));
  EXPECT_EQ(static_cast<size_t>(exported->size_bytes()), [&] {
    size_t bytes = 0;
    for (const auto& [path, text] : Snapshot(good_)) bytes += text.size();
    return bytes;
  }());
}

TEST_F(FolderTest, CarriesRecordsOfOlderProgramsWithTheirDigests) {
  RecordEpisode(source_, "e1", 2);
  MakeVersion1(*source_.database, "e1");
  const v1::Trajectory before = source_.trajectories.Get(context_, "trajectories/e1").value();
  ASSERT_TRUE(Export(source_, {"trajectories/e1"}, good_).ok());
  EXPECT_EQ(Refusal(), "");
  const v1::Trajectory after = target_.trajectories.Get(context_, "trajectories/e1").value();
  EXPECT_EQ(ProtoCanonicalBytes(before), ProtoCanonicalBytes(after));
  EXPECT_EQ(Import(source_, good_)->unchanged(), 1);
  // The rule is part of what the digest says.
  const std::string header = ReadAll(good_ + "/e1/trajectory.json");
  Room other;
  WriteAll(good_ + "/e1/trajectory.json", absl::StrReplaceAll(header, {{"\"format_version\": 1", "\"format_version\": 2"}}));
  EXPECT_THAT(Import(other, good_)->failed().at("e1"), HasSubstr("does not fit its digest"));
  WriteAll(good_ + "/e1/trajectory.json", absl::StrReplaceAll(header, {{"\"format_version\": 1", "\"format_version\": 3"}}));
  EXPECT_THAT(Import(other, good_)->failed().at("e1"), HasSubstr("format version 3, not 1 to 2"));
}

TEST_F(FolderTest, CarriesWhatJsonCannot) {
  const absl::Time now = source_.clock.Now();
  ASSERT_TRUE(source_.recorder.BeginWithoutEpisode(context_, MakeHeader("e1", now)).ok());
  v1::Step step = MakeStep(0, now);
  step.mutable_agent_data()->add_log_probs(-std::numeric_limits<float>::infinity());
  auto& extra = *step.mutable_agent_data()->mutable_extra()->mutable_fields();
  extra["nan"].set_number_value(std::numeric_limits<double>::quiet_NaN());
  extra["unset"];
  ASSERT_TRUE(source_.recorder.Append(context_, "e1", step, {}).ok());
  v1::Step plain = MakeStep(1, now);
  plain.mutable_agent_data()->set_raw_output("\"quoted\"\n\tünïcode \xF0\x9F\x8D\xB5 \x01");
  (*plain.mutable_agent_data()->mutable_sampling()->mutable_fields())["t"].set_number_value(0.1);
  ASSERT_TRUE(source_.recorder.Append(context_, "e1", plain, {}).ok());
  ASSERT_TRUE(source_.recorder.FinishWithoutEpisode(context_, "e1", MakeEnding(now), {}).ok());
  ASSERT_TRUE(Export(source_, {"trajectories/e1"}, good_).ok());
  EXPECT_EQ(Refusal(), "");
  EXPECT_EQ(ProtoCanonicalBytes(*source_.trajectories.Get(context_, "trajectories/e1")),
            ProtoCanonicalBytes(*target_.trajectories.Get(context_, "trajectories/e1")));
}

TEST_F(FolderTest, ImportsASingleTrajectorysFolder) {
  ExportGood();
  EXPECT_EQ(Import(target_, good_ + "/e1")->imported(), 1);
}

TEST_F(FolderTest, FindsAReimportUnchangedAndAnotherDigestTaken) {
  ExportGood();
  EXPECT_EQ(Import(target_, good_)->imported(), 1);
  const auto again = Import(target_, good_).value();
  EXPECT_EQ(again.imported(), 0);
  EXPECT_EQ(again.unchanged(), 1);
  Room other;
  RecordEpisode(other, "e1", 1);
  EXPECT_THAT(Import(other, good_)->failed().at("e1"), HasSubstr("another digest"));
}

TEST_F(FolderTest, CarriesASmallerEncodingUnderTheFirstName) {
  RecordEpisode(source_, "e1", 1);
  const std::string digest = Sha256Hex("pixels 1");
  ASSERT_TRUE(source_.blobs->Replace(context_, digest, "px1").ok());
  ASSERT_TRUE(Export(source_, {"trajectories/e1"}, good_).ok());
  EXPECT_EQ(Refusal(), "");
  EXPECT_EQ(target_.blobs->Get(context_, digest).value(), "px1");
  // Whoever has the original is believed.
  ASSERT_TRUE(target_.blobs->Put(context_, "pixels 1").ok());
  EXPECT_EQ(target_.blobs->Get(context_, digest).value(), "pixels 1");
}

TEST_F(FolderTest, ImportsTheRestIfOneIsBroken) {
  RecordEpisode(source_, "e1", 1);
  RecordEpisode(source_, "e2", 1);
  ASSERT_TRUE(Export(source_, {"trajectories/e1", "trajectories/e2"}, good_).ok());
  WriteAll(good_ + "/e1/trajectory.json", "{");
  const auto result = Import(target_, good_).value();
  EXPECT_EQ(result.imported(), 1);
  EXPECT_EQ(result.failed().count("e1"), 1);
}

TEST_F(FolderTest, RefusesIdsThatLeaveTheFolder) {
  ExportGood();
  fs::rename(good_ + "/e1", directory_ / "outside");
  for (const std::string id : {"../outside", "/etc", "..", ".", "e1/../../outside"}) {
    WriteAll(good_ + "/export.json",
             "{\"format_version\":1,\"trajectories\":[\"" + id + "\"]}");
    EXPECT_EQ(Import(target_, good_).status().code(), absl::StatusCode::kInvalidArgument) << id;
  }
}

TEST_F(FolderTest, RefusesNamesInBlobListsThatLeaveTheFolder) {
  ExportGood();
  const std::string list = ReadAll(good_ + "/e1/blobs.json");
  WriteAll(good_ + "/e1/blobs.json", absl::StrReplaceAll(list, {{"\"bin\"", "\"/../../x\""}}));
  EXPECT_THAT(Refusal(), HasSubstr("malformed blobs.json"));
  WriteAll(good_ + "/e1/blobs.json",
           absl::StrReplaceAll(list, {{Sha256Hex("pixels 1"), "../../../../etc/passwd"}}));
  EXPECT_THAT(Refusal(), HasSubstr("malformed blobs.json"));
}

TEST_F(FolderTest, RefusesAWrongDigest) {
  ExportGood();
  WriteAll(Blob("pixels 1"), "forged!!");
  EXPECT_THAT(Refusal(), HasSubstr("does not fit its digest"));
}

TEST_F(FolderTest, RefusesAMissingImage) {
  ExportGood();
  fs::remove(Blob("pixels 2"));
  EXPECT_THAT(Refusal(), HasSubstr("is missing"));
}

TEST_F(FolderTest, WhatCameOfARefusedRecordIsCollectedADayLater) {
  ExportGood();
  // Whichever of the three is missing, others come before it in one of the rounds.
  for (const std::string pixels : {"pixels 0", "pixels 1", "pixels 2"}) {
    fs::rename(Blob(pixels), directory_ / "aside");
    EXPECT_THAT(Refusal(), HasSubstr("is missing"));
    fs::rename(directory_ / "aside", Blob(pixels));
  }
  const auto count = [&] {
    int blobs = 0;
    EXPECT_TRUE(target_.blobs->ForEach([&](std::string_view, int64_t) { return ++blobs > 0; }).ok());
    return blobs;
  };
  EXPECT_GT(count(), 0);
  target_.clock.Advance(absl::Hours(25));
  ASSERT_TRUE(target_.trajectories.CollectLoose(context_).ok());
  EXPECT_EQ(count(), 0);
}

TEST_F(FolderTest, RefusesMoreStepsThanAnEpisodeCanHave) {
  ExportGood();
  std::string steps;
  for (int i = 0; i <= 10'000; ++i) absl::StrAppend(&steps, "{\"index\":", i, "}\n");
  WriteAll(good_ + "/e1/steps.jsonl", steps);
  EXPECT_THAT(Refusal(), HasSubstr("at most 10000 steps"));
}

TEST_F(FolderTest, NamesTheFirstThousandThatFail) {
  std::string ids;
  for (int i = 0; i <= 1'000; ++i) absl::StrAppend(&ids, i > 0 ? "," : "", "\"missing-", i, "\"");
  fs::create_directory(good_);
  WriteAll(good_ + "/export.json", absl::StrCat("{\"format_version\":1,\"trajectories\":[", ids, "]}"));
  int64_t done = 0;
  const auto result = ImportTrajectories(context_, *target_.archive, good_, [&](int64_t so_far, int64_t) {
    done = so_far;
    return absl::OkStatus();
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->failed_size(), 1000);
  EXPECT_EQ(result->failed_count(), 1001);
  EXPECT_EQ(done, 1001);
}

TEST_F(FolderTest, RefusesAnImageThatTheListLacks) {
  ExportGood();
  WriteAll(good_ + "/e1/blobs.json", "{\"blobs\": []}");
  EXPECT_THAT(Refusal(), HasSubstr("lacks blob"));
}

TEST_F(FolderTest, RefusesAChangedRecord) {
  ExportGood();
  const fs::path steps = good_ + "/e1/steps.jsonl";
  const std::string before = ReadAll(steps);
  WriteAll(steps, absl::StrReplaceAll(before, {{"I should click.", "I should cheat."}}));
  EXPECT_THAT(Refusal(), HasSubstr("digest"));
  WriteAll(steps, before + before);
  EXPECT_THAT(Refusal(), HasSubstr("step 0 stands where step 2 belongs"));
  WriteAll(steps, before.substr(0, before.find('\n') + 1));
  EXPECT_THAT(Refusal(), HasSubstr("1 steps and says 2"));
  WriteAll(steps, absl::StrReplaceAll(before, {{"\"index\"", "\"unknown\""}}));
  EXPECT_THAT(Refusal(), HasSubstr("steps.jsonl line"));
}

TEST_F(FolderTest, RefusesGiantFilesWithoutReadingThem) {
  ExportGood();
  // Sparse: they take no space.
  for (const std::string file : {"/e1/trajectory.json", "/e1/blobs.json"}) {
    const std::string before = ReadAll(good_ + file);
    fs::resize_file(good_ + file, uint64_t{1} << 40);
    EXPECT_THAT(Refusal(), HasSubstr("bytes, more than")) << file;
    WriteAll(good_ + file, before);
  }
  fs::resize_file(Blob("pixels 1"), uint64_t{1} << 40);
  EXPECT_THAT(Refusal(), HasSubstr("bytes, more than"));
  fs::resize_file(Blob("pixels 1"), 8);
  fs::resize_file(good_ + "/e1/steps.jsonl", uint64_t{1} << 40);
  EXPECT_THAT(Refusal(), HasSubstr("a line of more than"));
}

TEST_F(FolderTest, FollowsNoLinks) {
  ExportGood();
  const std::vector<fs::path> paths = {good_ + "/e1", good_ + "/e1/trajectory.json",
                                       good_ + "/e1/steps.jsonl", good_ + "/e1/blobs",
                                       Blob("pixels 1")};
  for (const fs::path& path : paths) {
    const fs::path aside = directory_ / "aside";
    fs::rename(path, aside);
    fs::create_symlink(aside, path);
    EXPECT_THAT(Refusal(), HasSubstr("is a link")) << path;
    fs::remove(path);
    fs::rename(aside, path);
  }
  fs::create_symlink(good_, directory_ / "link");
  EXPECT_EQ(Import(target_, directory_ / "link").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal(), "");
}

TEST_F(FolderTest, DoesNotWaitForPipes) {
  ExportGood();
  fs::remove(Blob("pixels 1"));
  ASSERT_EQ(mkfifo(Blob("pixels 1").c_str(), 0600), 0);
  EXPECT_THAT(Refusal(), HasSubstr("no regular file"));
}

TEST_F(FolderTest, RefusesWhatIsNoExport) {
  EXPECT_EQ(Import(target_, directory_ / "none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Import(target_, directory_.path()).status().code(), absl::StatusCode::kNotFound);
  WriteAll(directory_ / "export.json", "{\"format_version\": 2, \"trajectories\": []}");
  EXPECT_EQ(Import(target_, directory_.path()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FolderTest, ExportsWholeOrNotAtAll) {
  RecordEpisode(source_, "e1", 1);
  EXPECT_EQ(Export(source_, {"trajectories/e1", "trajectories/none"}, good_).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(directory_.path()));
  ASSERT_TRUE(Export(source_, {"trajectories/e1"}, good_).ok());
  EXPECT_EQ(Export(source_, {"trajectories/e1"}, good_).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(FolderTest, LeavesDamagedOnesOutThatAFilterChoosesAndNamesThem) {
  for (const char* const id : {"e1", "e2", "e3", "e4", "e5", "e6"}) RecordEpisode(source_, id, 2);
  SetHeader(source_, "e2", "\xff\xff\xff");
  SetBytes(source_, "UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1 AND step_index = 1", "e3", "\xff\xff\xff");
  v1::Step lacking = MakeStep(0, source_.clock.Now());
  const std::string gone = Sha256Hex("pixels of e7");
  ASSERT_TRUE(source_.recorder.BeginWithoutEpisode(context_, MakeHeader("e7", source_.clock.Now())).ok());
  *lacking.mutable_observation() = MakeObservation("pixels of e7");
  ASSERT_TRUE(source_.recorder.Append(context_, "e7", lacking, {}).ok());
  ASSERT_TRUE(source_.recorder.FinishWithoutEpisode(context_, "e7", {}, {}).ok());
  ASSERT_TRUE(source_.blobs->Delete(gone).ok());

  const auto choice = ChooseForExport(context_, *source_.archive, {});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_THAT(choice->unreadable, testing::ElementsAre("trajectories/e2"));
  int64_t done = 0;
  const auto result = ExportTrajectories(context_, *source_.archive, *choice, good_, [&](int64_t so_far, int64_t total) {
    EXPECT_EQ(total, 7);
    EXPECT_GT(so_far, std::exchange(done, so_far));
    return absl::OkStatus();
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(done, 7);
  EXPECT_EQ(result->exported(), 4);
  EXPECT_EQ(result->failed_size(), 3);
  EXPECT_THAT(result->failed().at("trajectories/e2"), HasSubstr("header cannot be read"));
  EXPECT_THAT(result->failed().at("trajectories/e3"), HasSubstr("step 1 of trajectories/e3 is missing or corrupt"));
  EXPECT_THAT(result->failed().at("trajectories/e7"), HasSubstr("blob " + gone + " is missing"));
  EXPECT_EQ(source_.archive->unreadable().count(), 3);
  // Nothing of them is in the folder, nor counted.
  int64_t bytes = 0;
  for (const auto& [path, text] : Snapshot(good_)) bytes += static_cast<int64_t>(text.size());
  EXPECT_EQ(result->size_bytes(), bytes);
  EXPECT_FALSE(fs::exists(good_ + "/e7"));
  EXPECT_EQ(Import(target_, good_)->imported(), 4);
}

TEST_F(FolderTest, ADamagedOneThatWasAskedForEndsTheExport) {
  for (const char* const id : {"e1", "e2"}) RecordEpisode(source_, id, 1);
  SetHeader(source_, "e2", "\xff\xff\xff");
  EXPECT_EQ(Export(source_, {"trajectories/e1", "trajectories/e2"}, good_).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(source_.blobs->Delete(Sha256Hex("pixels 1")).ok());
  EXPECT_EQ(Export(source_, {"trajectories/e1"}, good_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(fs::is_empty(directory_.path()));
}

TEST_F(FolderTest, ManyDamagedOnesAreCountedAndTheFirstThousandNamed) {
  ExportChoice choice{.names = {RecordEpisode(source_, "e1", 0)}, .damaged = ExportChoice::Damaged::kLeftOut};
  for (int i = 0; i < 1001; ++i) choice.unreadable.push_back(absl::StrCat("trajectories/d", i));
  int64_t all = 0;
  const auto result = ExportTrajectories(context_, *source_.archive, choice, good_, [&](int64_t, int64_t total) {
    all = total;
    return absl::OkStatus();
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exported(), 1);
  EXPECT_EQ(result->failed_size(), 1000);
  EXPECT_EQ(all, 1002);
}

TEST_F(FolderTest, AnExportIsToldOfBeforeItsFolderAppears) {
  const std::string name = RecordEpisode(source_, "e1", 1);
  v1::ExportTrajectoriesResult told;
  const auto progress = [](int64_t, int64_t) { return absl::OkStatus(); };
  const auto result = ExportTrajectories(context_, *source_.archive, {.names = {name}}, good_, progress, [&](const auto& written) {
    EXPECT_FALSE(fs::exists(good_));
    told = written;
    return absl::OkStatus();
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(told.SerializeAsString(), result->SerializeAsString());
  const auto stopped = ExportTrajectories(context_, *source_.archive, {.names = {name}}, directory_ / "other", progress,
                                          [](const auto&) { return absl::UnavailableError("not now"); });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(fs::exists(directory_ / "other"));
}

TEST_F(FolderTest, AnExportOfNothingLeavesNoFolder) {
  const auto result = Export(source_, {}, good_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exported(), 0);
  EXPECT_EQ(result->path(), "");
  EXPECT_TRUE(fs::is_empty(directory_.path()));
}

TEST_F(FolderTest, ExportsTrainingTasksOnlyUnlessTold) {
  RecordEpisode(source_, "e1", 0);
  v1::Trajectory test = MakeHeader("e2", source_.clock.Now());
  test.mutable_task()->set_split(v1::SPLIT_TEST);
  ASSERT_TRUE(source_.recorder.BeginWithoutEpisode(context_, test).ok());
  ASSERT_TRUE(source_.recorder.FinishWithoutEpisode(context_, "e2", {}, {}).ok());
  v1::ExportTrajectoriesRequest request;
  EXPECT_THAT(ChooseForExport(context_, *source_.archive, request)->names,
              testing::ElementsAre("trajectories/e1"));
  request.mutable_filter()->add_splits(v1::SPLIT_TEST);
  EXPECT_THAT(ChooseForExport(context_, *source_.archive, request)->names,
              testing::ElementsAre("trajectories/e2"));
}

TEST_F(FolderTest, FoldersThatCannotBeLookedAtAreRefused) {
  EXPECT_EQ(FolderWriter::Create(directory_ / std::string(300, 'a')).status().code(), absl::StatusCode::kInvalidArgument);
  std::ofstream(directory_ / "file") << "not a folder";
  EXPECT_FALSE(FolderWriter::Create(directory_ / "file/below").ok());
  fs::create_symlink("nowhere", directory_ / "link");
  EXPECT_EQ(FolderWriter::Create(directory_ / "link").status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(FolderTest, ResolvesPathsBelowTheExchangeDirectoryOnly) {
  EXPECT_EQ(ResolveExchangePath(directory_.path(), "a/b").value(), directory_ / "a/b");
  EXPECT_EQ(ResolveExchangePath(directory_.path(), directory_ / "a/b").value(), directory_ / "a/b");
  for (const std::string& path : {std::string(), std::string("/etc"), std::string("../x"), std::string("a/../../x"), std::string("a//b"), std::string("./a"), std::string("a/."),
                                  directory_ / "../x", directory_ / "", directory_.path()}) {
    EXPECT_EQ(ResolveExchangePath(directory_.path(), path).status().code(),
              absl::StatusCode::kInvalidArgument)
        << path;
  }
  for (const std::string& path : {std::string(300, 'a'), std::string(5000, 'a')}) {
    EXPECT_EQ(ResolveExchangePath(directory_.path(), path).status().code(), absl::StatusCode::kInvalidArgument) << path.size();
  }
  fs::create_symlink("/etc", directory_ / "link");
  EXPECT_EQ(ResolveExchangePath(directory_.path(), "link/x").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace proctor::trajectory
