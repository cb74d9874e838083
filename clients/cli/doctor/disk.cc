#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/paths.h"
#include "clients/cli/text.h"

namespace proctor::cli::doctor {
namespace {

constexpr double kGiB = 1 << 30;
// Screenshots of some ten thousand steps; below the first nothing can be recorded for long.
constexpr double kLeast = 0.5 * kGiB;
constexpr double kComfortable = 5 * kGiB;

Finding CheckSpace(const std::string& subject, const std::string& directory, double least,
                   double comfortable) {
  struct statvfs info = {};
  const std::string place = NearestExisting(directory);
  if (statvfs(place.c_str(), &info) != 0) {
    return {Health::kMissing, subject, absl::StrCat(place, ": ", strerror(errno)),
            "name another directory"};
  }
  const double free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  const std::string found = absl::StrCat(BytesText(free), " free for ", directory);
  const std::string mend =
      absl::StrCat("make room on the disk of ", place, ", or name a directory on another one");
  // A file system that does not count its files says 0 of 0.
  if (info.f_files > 0 && info.f_favail < 1000) {
    return {Health::kMissing, subject, absl::StrCat("no more files can be made in ", place), mend};
  }
  if (free < least) return {Health::kMissing, subject, found, mend};
  if (free < comfortable) return {Health::kNote, subject, found, mend};
  return {Health::kOk, subject, found};
}

}  // namespace

std::vector<Finding> CheckDisk(const Patient& patient) {
  std::error_code error;
  const std::string temporary = std::filesystem::temp_directory_path(error).string();
  return {CheckSpace("disk", patient.data_dir, kLeast, kComfortable),
          // Browser profiles are small, and gone with their browser.
          CheckSpace("temporary files", error ? "/tmp" : temporary, kLeast / 4, kLeast)};
}

}  // namespace proctor::cli::doctor
