#include "env/android/start_state.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/android/apps.h"
#include "env/android/device_state.h"
#include "env/android/input.h"
#include "env/android/observer.h"
#include "env/android/pause.h"
#include "env/android/ui_tree.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);
constexpr absl::Duration kAskAgain = absl::Milliseconds(200);
constexpr absl::Duration kSnapshotCap = absl::Minutes(2);
constexpr absl::Duration kExpectedCap = absl::Seconds(10);

absl::Status Turn(const CallContext& context, Device& device, int rotation, Leftovers& leftovers) {
  if (leftovers.auto_rotation.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string before, device.Run(context, "settings get system accelerometer_rotation; "
                                                                           "settings get system user_rotation"));
    const std::vector<std::string> lines = absl::StrSplit(before, '\n', absl::SkipWhitespace());
    if (lines.size() != 2) return absl::FailedPreconditionError("the device does not tell how its screen is turned");
    leftovers.auto_rotation = lines[0];
    leftovers.user_rotation = lines[1];
  }
  return device
      .Run(context, absl::StrCat("settings put system accelerometer_rotation 0 && settings put system user_rotation ", rotation))
      .status();
}

std::string PackageIn(const std::string& component) { return component.substr(0, component.find('/')); }

absl::Status Start(const CallContext& context, Device& device, const std::string& name, Leftovers& leftovers) {
  const std::string package = PackageIn(name);
  if (!IsAndroidsOwn(package)) leftovers.packages.insert(package);
  return StartActivity(context, device, name);
}

absl::Status ClearData(const CallContext& context, Device& device, const std::string& package) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string said, device.Run(context, absl::StrCat("pm clear ", ShellQuote(package))));
  if (absl::StripAsciiWhitespace(said) == "Success") return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("pm clear: ", absl::StripAsciiWhitespace(said).substr(0, 200)));
}

absl::Status DoStep(const CallContext& context, Device& device, const v1::AndroidSetupStep& step, Leftovers& leftovers) {
  switch (step.kind_case()) {
    case v1::AndroidSetupStep::kShell:
      return device.Run(context, step.shell()).status();
    case v1::AndroidSetupStep::kStartActivity:
      return Start(context, device, step.start_activity(), leftovers);
    case v1::AndroidSetupStep::kForceStop:
      return device.Run(context, absl::StrCat("am force-stop ", ShellQuote(step.force_stop()))).status();
    case v1::AndroidSetupStep::kClearData:
      return ClearData(context, device, step.clear_data());
    case v1::AndroidSetupStep::kSetSetting:
      return device
          .Run(context, absl::StrCat("settings put ", step.set_setting().namespace_(), " ", step.set_setting().key(), " ",
                                     ShellQuote(step.set_setting().value())))
          .status();
    case v1::AndroidSetupStep::kPushFile:
      return device.Push(context, step.push_file().path(), step.push_file().content());
    case v1::AndroidSetupStep::kRotate:
      return Turn(context, device, step.rotate(), leftovers);
    case v1::AndroidSetupStep::kSleep:
      return Pause(context, FromProto(step.sleep()));
    case v1::AndroidSetupStep::kPressHome:
      return device.Run(context, KeyCommand({kKeyHome})).status();
    case v1::AndroidSetupStep::KIND_NOT_SET:
      break;
  }
  return absl::InternalError("a setup step without a kind");
}

// OK if it holds now; FAILED_PRECONDITION with what holds instead.
absl::Status Holds(const CallContext& context, Device& device, LogWatch& log, const v1::AndroidCondition& condition) {
  switch (condition.kind_case()) {
    case v1::AndroidCondition::kActivityRegex: {
      PROCTOR_ASSIGN_OR_RETURN(const Foreground front, ReadForeground(context, device));
      if (re2::RE2::FullMatch(front.activity, condition.activity_regex())) return absl::OkStatus();
      return absl::FailedPreconditionError(absl::StrCat("in front is ", front.activity.empty() ? "nothing" : front.activity));
    }
    case v1::AndroidCondition::kInstalled: {
      PROCTOR_ASSIGN_OR_RETURN(const ShellResult path, device.Shell(context, absl::StrCat("pm path ", ShellQuote(condition.installed()))));
      if (path.exit_code == 0 && !path.output.empty()) return absl::OkStatus();
      return absl::FailedPreconditionError(absl::StrCat(condition.installed(), " is not installed"));
    }
    case v1::AndroidCondition::kLogRegex: {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> lines, log.Lines(context, {}));
      const re2::RE2 expression(condition.log_regex(), re2::RE2::Quiet);
      const bool found = std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return re2::RE2::PartialMatch(line, expression); });
      return found ? absl::OkStatus() : absl::FailedPreconditionError("no line of the log matches");
    }
    case v1::AndroidCondition::kShell:
      return device.Run(context, condition.shell()).status();
    case v1::AndroidCondition::kElementText: {
      PROCTOR_ASSIGN_OR_RETURN(const UiTree tree, DumpUi(context, device));
      for (const UiNode& node : tree.nodes) {
        if (node.text == condition.element_text() || node.description == condition.element_text()) return absl::OkStatus();
      }
      return absl::FailedPreconditionError("no element has that text");
    }
    case v1::AndroidCondition::KIND_NOT_SET:
      break;
  }
  return absl::InternalError("a condition without a kind");
}

// Asks until it holds, or the context ends: then the last answer.
absl::Status Await(const CallContext& context, Device& device, LogWatch& log, const v1::AndroidCondition& condition) {
  absl::Status last = absl::FailedPreconditionError("it was never asked");
  while (context.Check("a condition").ok()) {
    absl::Status now = Holds(context, device, log, condition);
    if (now.ok() || absl::IsUnavailable(now) || absl::IsCancelled(now)) return now;
    if (!absl::IsDeadlineExceeded(now)) last = now;
    if (!Pause(context, kAskAgain).ok()) break;
  }
  return last;
}

absl::Status DoAndAwait(const CallContext& context, Device& device, LogWatch& log, const v1::AndroidSetupStep& step,
                        Leftovers& leftovers) {
  absl::Duration timeout = step.has_timeout() ? FromProto(step.timeout()) : kDefaultTimeout;
  // A sleep is no failure to be quick.
  if (step.has_sleep()) timeout += FromProto(step.sleep());
  const CallContext limited = context.Child(timeout);
  PROCTOR_RETURN_IF_ERROR(DoStep(limited, device, step, leftovers));
  for (const v1::AndroidCondition& condition : step.until()) PROCTOR_RETURN_IF_ERROR(Await(limited, device, log, condition));
  return absl::OkStatus();
}

absl::Status RunStep(const CallContext& context, Device& device, LogWatch& log, const v1::AndroidSetupStep& step,
                     Leftovers& leftovers) {
  absl::Status status;
  for (int attempt = 0; attempt <= step.retries(); ++attempt) {
    status = DoAndAwait(context, device, log, step, leftovers);
    if (status.ok() || IsFault(context, status)) return status;
  }
  return absl::UnavailableError(status.message());
}

std::string DateCommand(absl::Time time) {
  return absl::StrCat("date -u ", absl::FormatTime("%m%d%H%M%Y.%S", time, absl::UTCTimeZone()), " >&2");
}

absl::Status SetClock(const CallContext& context, Device& device, const google::protobuf::Timestamp& clock, Leftovers& leftovers) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string before, device.Run(context, "settings get global auto_time"));
  const absl::StatusOr<std::string> set = device.RunAsRoot(
      context, absl::StrCat("settings put global auto_time 0 && ", DateCommand(FromProto(clock)), " && date +%s"));
  if (leftovers.auto_time.empty()) leftovers.auto_time = std::string(absl::StripAsciiWhitespace(before));
  if (IsFault(context, set.status())) return set.status();
  int64_t now = 0;
  if (!set.ok()) return absl::UnavailableError(absl::StrCat("the clock cannot be set: ", set.status().message()));
  if (absl::SimpleAtoi(absl::StripAsciiWhitespace(*set), &now) && std::abs(now - clock.seconds()) <= 60) return absl::OkStatus();
  return absl::UnavailableError("the clock cannot be set: the device took the time and kept its own");
}

// Unpacked as root over what the application has; its files get their owner and their SELinux labels.
absl::Status Restore(const CallContext& context, Device& device, const v1::AndroidAppSnapshot& snapshot) {
  const std::string archive = absl::StrCat("/data/local/tmp/proctor_", RandomHex(8), ".tar");
  const std::string folder = absl::StrCat("/data/data/", snapshot.package());
  PROCTOR_RETURN_IF_ERROR(device.Run(context, absl::StrCat("am force-stop ", ShellQuote(snapshot.package()))).status());
  PROCTOR_RETURN_IF_ERROR(device.Push(context, archive, snapshot.archive()));
  const bool zipped = snapshot.archive().compare(0, 2, "\x1f\x8b") == 0;
  const absl::StatusOr<std::string> unpacked = device.RunAsRoot(
      context, absl::StrCat("tar -x", zipped ? "z" : "", "f ", archive, " -C ", folder, " && chown -R $(stat -c %u:%g ", folder, ") ",
                            folder, " && restorecon -R ", folder));
  absl::Status removed = device.Run(context, absl::StrCat("rm -f ", archive)).status();
  PROCTOR_RETURN_IF_ERROR(unpacked.status());
  return removed;
}

}  // namespace

bool IsAndroidsOwn(const std::string& package) {
  return package.empty() || package == "android" || package == "com.android.systemui";
}

absl::Status GoHome(const CallContext& context, Device& device) {
  // Several of these fail on some versions, and none of the failures matters.
  return device.Shell(context, absl::StrCat(KeyCommand({kKeyWakeUp}), "; wm dismiss-keyguard; ", KeyCommand({kKeyHome}))).status();
}

absl::Status PrepareStart(const CallContext& context, Device& device, LogWatch& log, const v1::AndroidStart& start,
                          Leftovers& leftovers) {
  if (start.has_clock()) PROCTOR_RETURN_IF_ERROR(SetClock(context.Child(kDefaultTimeout), device, start.clock(), leftovers));
  PROCTOR_RETURN_IF_ERROR(log.Begin(context));
  for (int i = 0; i < start.snapshots_size(); ++i) {
    const absl::Status restored = Restore(context.Child(kSnapshotCap), device, start.snapshots(i));
    if (!restored.ok() && !absl::IsCancelled(restored)) {
      return absl::UnavailableError(absl::StrCat("start_state.android.snapshots[", i, "] (", start.snapshots(i).package(),
                                                 "): ", restored.message()));
    }
    PROCTOR_RETURN_IF_ERROR(restored);
  }
  for (int i = 0; i < start.setup_size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(Annotate(RunStep(context, device, log, start.setup(i), leftovers), absl::StrCat("start_state.android.setup[", i, "]")));
  }
  if (start.expected_activity().empty()) return absl::OkStatus();
  v1::AndroidCondition expected;
  expected.set_activity_regex(start.expected_activity());
  absl::Status there = Await(context.Child(kExpectedCap), device, log, expected);
  if (!absl::IsFailedPrecondition(there)) return there;
  return absl::UnavailableError(absl::StrCat("start_state.android.expected_activity: after the setup ", there.message()));
}

absl::Status CleanUp(const CallContext& context, Device& device, Leftovers& leftovers) {
  if (!leftovers.input_method.empty()) {
    PROCTOR_RETURN_IF_ERROR(device.Shell(context, absl::StrCat("ime set ", ShellQuote(leftovers.input_method))).status());
    leftovers.input_method.clear();
  }
  if (!leftovers.auto_time.empty()) {
    // This machine's time, until the network's comes.
    const absl::Status set = device
                                 .RunAsRoot(context, absl::StrCat(DateCommand(absl::Now()), "; settings put global auto_time ",
                                                                  ShellQuote(leftovers.auto_time)))
                                 .status();
    if (!absl::IsFailedPrecondition(set)) PROCTOR_RETURN_IF_ERROR(set);
    leftovers.auto_time.clear();
  }
  if (!leftovers.auto_rotation.empty()) {
    PROCTOR_RETURN_IF_ERROR(device
                                .Shell(context, absl::StrCat("settings put system user_rotation ", ShellQuote(leftovers.user_rotation),
                                                             "; settings put system accelerometer_rotation ",
                                                             ShellQuote(leftovers.auto_rotation)))
                                .status());
    leftovers.auto_rotation.clear();
  }
  PROCTOR_RETURN_IF_ERROR(GoHome(context, device));
  PROCTOR_ASSIGN_OR_RETURN(const std::string home, HomePackage(context, device));
  leftovers.packages.erase(home);
  std::string command;
  for (const std::string& package : leftovers.packages) absl::StrAppend(&command, "am force-stop ", ShellQuote(package), "; ");
  if (!command.empty()) PROCTOR_RETURN_IF_ERROR(device.Shell(context, command).status());
  leftovers.packages.clear();
  return absl::OkStatus();
}

}  // namespace proctor::env::android
