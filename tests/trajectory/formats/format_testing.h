// Runs in files for the tests of foreign formats.
#ifndef PROCTOR_TESTS_TRAJECTORY_FORMATS_FORMAT_TESTING_H_
#define PROCTOR_TESTS_TRAJECTORY_FORMATS_FORMAT_TESTING_H_

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/json.h"
#include "common/proto_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "imaging/image.h"
#include "tests/imaging/image_testing.h"
#include "tests/storage/temp_directory.h"
#include "tests/trajectory/fixture.h"
#include "tests/trajectory/older_records.h"
#include "trajectory/formats/export_runs.h"
#include "trajectory/formats/import_runs.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {

// A small picture; another shade is another picture.
inline std::string Png(int shade, int width_px = 8, int height_px = 6) {
  return imaging::Encode(imaging::Plain(width_px, height_px, static_cast<uint8_t>(shade)), {})
      .value();
}

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Makes the folders on the way.
inline void WriteAll(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline std::set<std::string> FilesOf(const std::string& folder) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.insert(std::filesystem::relative(entry.path(), folder).string());
    }
  }
  return files;
}

// "file | item | reason", without counts.
template <typename Result>
std::vector<std::string> Skipped(const Result& result) {
  std::vector<std::string> lines;
  for (const v1::SkippedItem& item : result.skipped()) {
    lines.push_back(item.file() + " | " + item.item() + " | " + item.reason());
  }
  return lines;
}

class FormatTest : public testing::Test {
 protected:
  absl::StatusOr<v1::ImportTrajectoriesResult> Import(
      Room& room, const std::string& path,
      v1::TrajectoryFormat format = v1::TRAJECTORY_FORMAT_UNSPECIFIED) {
    return ImportRuns(context_, *room.archive, path, {.format = format, .split = {}},
                      [](int64_t, int64_t) { return absl::OkStatus(); });
  }
  absl::StatusOr<v1::ExportTrajectoriesResult> Export(Room& room,
                                                      const std::vector<std::string>& names,
                                                      const std::string& folder,
                                                      v1::TrajectoryFormat format) {
    return ExportRuns(context_, *room.archive, {.names = names}, folder, format,
                      [](int64_t, int64_t) { return absl::OkStatus(); });
  }
  v1::Trajectory Record(Room& room, const std::string& name) {
    const auto record = room.trajectories.Get(context_, name);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? *record : v1::Trajectory();
  }

  // The only record that an import of `path` gives.
  v1::Trajectory ImportOne(const std::string& path) {
    const auto result = Import(room_, path);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok() || result->names_size() != 1) {
      ADD_FAILURE() << (result.ok() ? result->ShortDebugString() : "");
      return {};
    }
    return Record(room_, result->names(0));
  }

  // Why an import of `path` refused its only run. Nothing may be stored then.
  std::string Refusal(const std::string& path) {
    Room room;
    const auto result = Import(room, path);
    if (!result.ok()) return result.status().ToString();
    EXPECT_EQ(result->imported(), 0);
    EXPECT_EQ(result->failed_size(), 1) << result->ShortDebugString();
    EXPECT_TRUE(room.trajectories.List(context_, {}, 10, "")->trajectories.empty());
    return result->failed().empty() ? "" : result->failed().begin()->second;
  }

  // Imports `path`, exports what was imported in `format`, imports that into another room: the
  // records, their digests, their names and the bytes of their pictures must be the same, and the
  // export must have skipped nothing.
  void ExpectSameAfterRoundTrip(const std::string& path, v1::TrajectoryFormat format) {
    const auto first = Import(room_, path);
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_TRUE(first->failed().empty()) << first->ShortDebugString();
    ASSERT_GT(first->imported(), 0);
    const std::vector<std::string> names(first->names().begin(), first->names().end());
    const auto exported = Export(room_, names, directory_ / "again", format);
    ASSERT_TRUE(exported.ok()) << exported.status();
    EXPECT_EQ(exported->exported(), first->imported()) << exported->ShortDebugString();
    EXPECT_THAT(Skipped(*exported), testing::IsEmpty());
    Room other;
    const auto second = Import(other, directory_ / "again", format);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(second->imported(), first->imported()) << second->ShortDebugString();
    for (const std::string& name : names) {
      const v1::Trajectory before = Record(room_, name);
      const v1::Trajectory after = Record(other, name);
      EXPECT_EQ(ProtoCanonicalBytes(before), ProtoCanonicalBytes(after))
          << ProtoToJson(before) << "\n"
          << ProtoToJson(after);
      for (const std::string& digest : NamedBlobs(before)) {
        EXPECT_EQ(room_.blobs->Get(context_, digest).value(),
                  other.blobs->Get(context_, digest).value());
      }
    }
    // The same runs again are the same records, also where an older program imported them.
    EXPECT_EQ(Import(room_, directory_ / "again", format)->unchanged(), first->imported());
    for (const std::string& name : names) MakeVersion1(*room_.database, ResourceId("trajectories", name).value());
    EXPECT_EQ(Import(room_, directory_ / "again", format)->unchanged(), first->imported());
    // And what such a program recorded is exported alike.
    const std::string older = directory_ / "older";
    const auto exported_older = Export(room_, names, older, format);
    ASSERT_TRUE(exported_older.ok()) << exported_older.status();
    EXPECT_THAT(Skipped(*exported_older), testing::IsEmpty());
    for (const std::string& file : FilesOf(older)) EXPECT_EQ(ReadAll(older + "/" + file), ReadAll(directory_ / "again/" + file)) << file;
  }

  const CallContext context_;
  Room room_;
  storage::TempDirectory directory_;
};

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TESTS_TRAJECTORY_FORMATS_FORMAT_TESTING_H_
