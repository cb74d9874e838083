#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/paths.h"

namespace proctor::cli::doctor {
namespace {

constexpr size_t kMaxSocketPath = 107;

Finding CheckDirectory(const std::string& path) {
  const std::string subject = "data directory";
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    const std::string parent = NearestExisting(path);
    if (access(parent.c_str(), W_OK | X_OK) == 0)
      return {Health::kOk, subject, absl::StrCat(path, " will be made")};
    return {Health::kMissing, subject,
            absl::StrCat(path, " is missing and cannot be made in ", parent, ": ", strerror(errno)),
            "name another one: proctord --data-dir DIR"};
  }
  if (!S_ISDIR(info.st_mode)) {
    return {Health::kMissing, subject, absl::StrCat(path, " is no directory"),
            "name another one: proctord --data-dir DIR"};
  }
  if (access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    return {
        Health::kMissing, subject, absl::StrCat(path, " cannot be written by this user"),
        absl::StrCat(
            "run proctord as its owner, chown it, or name another one: proctord --data-dir DIR")};
  }
  if ((info.st_mode & 077) != 0) {
    return {Health::kMissing, subject,
            absl::StrFormat("%s is open to others (mode %03o): pages' browsers could read records",
                            path, info.st_mode & 0777),
            absl::StrCat("chmod 700 ", path)};
  }
  if (geteuid() != 0 && info.st_uid != geteuid()) {
    return {Health::kNote, subject, absl::StrCat(path, " belongs to another user"),
            absl::StrCat("chown it, or run proctord as its owner")};
  }
  return {Health::kOk, subject, path};
}

}  // namespace

std::string NearestExisting(const std::string& path) {
  std::filesystem::path place = path.empty() ? "/" : path;
  std::error_code error;
  while (!std::filesystem::exists(place, error) && place.has_relative_path())
    place = place.parent_path();
  return place.empty() ? "." : place.string();
}

std::vector<Finding> CheckDataDirectory(const Patient& patient) {
  std::vector<Finding> findings = {CheckDirectory(patient.data_dir)};
  if (patient.unix_socket.size() > kMaxSocketPath) {
    findings.push_back({Health::kMissing, "unix socket",
                        absl::StrCat(patient.unix_socket, " is longer than the ", kMaxSocketPath,
                                     " bytes that the kernel allows"),
                        "proctord --unix-socket /run/proctord.sock, or a shorter --data-dir"});
  }
  return findings;
}

}  // namespace proctor::cli::doctor
