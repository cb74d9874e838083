#include "env/android/device.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::android {
namespace {

constexpr int kAndroid7 = 24;

// What a command said, for people.
std::string Words(const ShellResult& result) {
  const std::string& text = result.errors.empty() ? result.output : result.errors;
  const absl::string_view stripped = absl::StripAsciiWhitespace(text);
  return SanitizeUtf8(TruncateUtf8(ToStd(stripped), 300));
}

absl::Status Failed(const ShellResult& result) {
  return absl::FailedPreconditionError(absl::StrCat("exit code ", result.exit_code, ": ", Words(result)));
}

}  // namespace

std::string ShellQuote(std::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(ToAbsl(text), {{"'", "'\\''"}}), "'");
}

absl::Status Device::Learn(const CallContext& context) {
  root_.reset();
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> features, adb_.Features(context, serial_));
  if (std::find(features.begin(), features.end(), "shell_v2") == features.end()) {
    return absl::FailedPreconditionError(absl::StrCat("the device ", serial_, " is older than Android 7: its adb lacks shell_v2"));
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::string level, Run(context, "getprop ro.build.version.sdk"));
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(level), &api_level_) || api_level_ < kAndroid7) {
    return absl::FailedPreconditionError(absl::StrCat("the device ", serial_, " is no Android of API level 24 or more"));
  }
  return absl::OkStatus();
}

absl::Status Device::CheckBooted(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult result, Shell(context, "getprop sys.boot_completed"));
  if (absl::StripAsciiWhitespace(result.output) == "1") return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the device ", serial_, " is starting"));
}

absl::StatusOr<ShellResult> Device::Shell(const CallContext& context, std::string_view command, size_t max_output) {
  return adb_.Shell(context, serial_, command, max_output);
}

absl::StatusOr<std::string> Device::Run(const CallContext& context, std::string_view command) {
  PROCTOR_ASSIGN_OR_RETURN(ShellResult result, Shell(context, command));
  if (result.exit_code != 0) return Failed(result);
  return std::move(result.output);
}

absl::StatusOr<Device::Root> Device::FindRoot(const CallContext& context) {
  if (root_.has_value()) return *root_;
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult plain, Shell(context, "id -u"));
  if (absl::StripAsciiWhitespace(plain.output) == "0") return *(root_ = Root::kIsRoot);
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult su, Shell(context, "su 0 id -u"));
  const bool works = su.exit_code == 0 && absl::StripAsciiWhitespace(su.output) == "0";
  return *(root_ = works ? Root::kSu : Root::kNone);
}

absl::StatusOr<std::string> Device::RunAsRoot(const CallContext& context, std::string_view command) {
  PROCTOR_ASSIGN_OR_RETURN(const Root root, FindRoot(context));
  if (root == Root::kIsRoot) return Run(context, command);
  if (root == Root::kSu) return Run(context, absl::StrCat("su 0 sh -c ", ShellQuote(command)));
  return absl::FailedPreconditionError(
      absl::StrCat("the device ", serial_, " gives no root: use an emulator or a debuggable build, and `adb root`"));
}

absl::StatusOr<bool> Device::ExecUnless(const CallContext& context, std::string_view command, size_t max_output,
                                        std::string_view expected, std::string& output) {
  return adb_.ExecUnless(context, serial_, command, max_output, expected, output);
}

absl::StatusOr<std::string> Device::Pull(const CallContext& context, const std::string& path, size_t max_bytes) {
  absl::StatusOr<std::string> content = adb_.Pull(context, serial_, path, max_bytes);
  const absl::StatusCode code = content.status().code();
  const bool refused = code == absl::StatusCode::kPermissionDenied || code == absl::StatusCode::kNotFound;
  if (!refused) return content;
  PROCTOR_ASSIGN_OR_RETURN(const Root root, FindRoot(context));
  if (root != Root::kSu) return content;
  // Below a folder that only root may enter, a file that is there looks as one that is not.
  PROCTOR_ASSIGN_OR_RETURN(ShellResult read, Shell(context, absl::StrCat("su 0 cat ", ShellQuote(path)), max_bytes));
  if (read.exit_code == 0) return std::move(read.output);
  // All else is no word about the file: root was refused, or reading broke off.
  if (absl::StrContains(read.errors, "No such file")) return absl::NotFoundError(absl::StrCat(path, ": ", Words(read)));
  return Annotate(Failed(read), path);
}

absl::Status Device::Push(const CallContext& context, const std::string& path, std::string_view content) {
  return adb_.Push(context, serial_, path, content);
}

}  // namespace proctor::env::android
