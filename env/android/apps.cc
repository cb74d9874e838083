#include "env/android/apps.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/android_settings.h"
#include "env/android/device_state.h"
#include "env/android/input.h"
#include "env/android/pause.h"
#include "env/android/ui_tree.h"

namespace proctor::env::android {
namespace {

constexpr char kLauncherFlags[] = "-a android.intent.action.MAIN -c android.intent.category.LAUNCHER";
// Pages of the list of all applications that are looked through.
constexpr int kMaxPages = 6;
constexpr absl::Duration kDrawerPause = absl::Milliseconds(500);

// Names that differ from the package's last part.
struct WellKnown {
  const char* name;
  const char* package;
};
constexpr WellKnown kWellKnown[] = {{"calculator", "com.google.android.calculator"},
                                    {"calculator", "com.android.calculator2"},
                                    {"calendar", "com.google.android.calendar"},
                                    {"calendar", "com.android.calendar"},
                                    {"camera", "com.android.camera2"},
                                    {"chrome", "com.android.chrome"},
                                    {"clock", "com.google.android.deskclock"},
                                    {"clock", "com.android.deskclock"},
                                    {"contacts", "com.google.android.contacts"},
                                    {"contacts", "com.android.contacts"},
                                    {"files", "com.google.android.documentsui"},
                                    {"files", "com.android.documentsui"},
                                    {"gmail", "com.google.android.gm"},
                                    {"google maps", "com.google.android.apps.maps"},
                                    {"maps", "com.google.android.apps.maps"},
                                    {"messages", "com.google.android.apps.messaging"},
                                    {"messages", "com.android.messaging"},
                                    {"phone", "com.google.android.dialer"},
                                    {"phone", "com.android.dialer"},
                                    {"photos", "com.google.android.apps.photos"},
                                    {"play store", "com.android.vending"},
                                    {"settings", "com.android.settings"},
                                    {"youtube", "com.google.android.youtube"}};

std::string Normal(std::string_view name) {
  std::string out = absl::AsciiStrToLower(absl::StripAsciiWhitespace(ToAbsl(name)));
  absl::RemoveExtraAsciiWhitespace(&out);
  return out;
}

std::string PackageOf(const std::string& component) { return component.substr(0, component.find('/')); }

std::string LastPart(const std::string& package) {
  const size_t dot = package.rfind('.');
  return Normal(dot == std::string::npos ? package : package.substr(dot + 1));
}

// Components of the packages that go by that name.
std::vector<std::string> Named(const std::vector<std::string>& launchable, const std::string& name) {
  std::vector<std::string> found;
  for (const WellKnown& known : kWellKnown) {
    if (name != known.name) continue;
    for (const std::string& component : launchable) {
      if (PackageOf(component) == known.package) return {component};
    }
  }
  const std::string joined = absl::StrJoin(absl::StrSplit(name, ' '), "");
  for (const std::string& component : launchable) {
    if (LastPart(PackageOf(component)) == joined) found.push_back(component);
  }
  return found;
}

absl::Status TapLabel(const CallContext& context, Device& device, const UiNode& node) {
  const int x = (node.left + node.right) / 2, y = (node.top + node.bottom) / 2;
  v1::Point middle;
  middle.set_x(x);
  middle.set_y(y);
  return device.Run(context, TapCommand(middle, 1)).status();
}

absl::Status SwipeUp(const CallContext& context, Device& device, const v1::Size& size) {
  const int middle = size.width() / 2;
  v1::Point from, to;
  from.set_x(middle);
  from.set_y(size.height() * 0.8);
  to.set_x(middle);
  to.set_y(size.height() * 0.2);
  PROCTOR_RETURN_IF_ERROR(device.Run(context, SwipeCommand(from, to, absl::Milliseconds(300))).status());
  return Pause(context, kDrawerPause);
}

// True once a label of that name was tapped.
absl::StatusOr<bool> OpenByLabel(const CallContext& context, Device& device, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::Size natural, ReadScreenSize(context, device));
  PROCTOR_RETURN_IF_ERROR(device.Run(context, KeyCommand({kKeyHome})).status());
  PROCTOR_RETURN_IF_ERROR(Pause(context, kDrawerPause));
  std::vector<std::string> before;
  for (int page = 0; page <= kMaxPages; ++page) {
    PROCTOR_ASSIGN_OR_RETURN(const UiTree tree, DumpUi(context, device));
    std::vector<std::string> labels;
    for (const UiNode& node : tree.nodes) {
      if (!node.visible()) continue;
      labels.push_back(node.text);
      if (Normal(node.text) != name && Normal(node.description) != name) continue;
      PROCTOR_RETURN_IF_ERROR(TapLabel(context, device, node));
      return true;
    }
    if (page > 0 && labels == before) break;
    before = std::move(labels);
    PROCTOR_RETURN_IF_ERROR(SwipeUp(context, device, Turned(natural, tree.rotation)));
  }
  PROCTOR_RETURN_IF_ERROR(device.Run(context, KeyCommand({kKeyHome})).status());
  return false;
}

// A device's refusal is told to the agent, everything else is a fault.
absl::Status Tell(const absl::Status& status, std::string& error) {
  if (!absl::IsFailedPrecondition(status) && !absl::IsDataLoss(status)) return status;
  error = absl::StrCat("The application could not be started: ", status.message());
  return absl::OkStatus();
}

absl::Status FindAndOpen(const CallContext& context, Device& device, const std::string& name, std::string& error) {
  const std::string wanted = Normal(name);
  if (IsPackageName(name) && absl::StrContains(name, '.')) return Tell(StartActivity(context, device, name), error);
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult listed,
                           device.Shell(context, absl::StrCat("cmd package query-activities --brief ", kLauncherFlags)));
  const std::vector<std::string> found = Named(ComponentsIn(listed.output), wanted);
  if (found.size() == 1) return Tell(StartActivity(context, device, found[0]), error);
  if (found.size() > 1) {
    error = absl::StrCat("Several applications go by that name: open one by its package: ", absl::StrJoin(found, ", "), ".");
    return absl::OkStatus();
  }
  const absl::StatusOr<bool> opened = OpenByLabel(context, device, wanted);
  if (!opened.ok()) return Tell(opened.status(), error);
  if (!*opened) {
    error = absl::StrCat("There is no application \"", SanitizeUtf8(TruncateUtf8(name, 100)),
                         "\": name it as the launcher shows it, or by its package.");
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> ComponentsIn(std::string_view text) {
  std::vector<std::string> out;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    const std::string word(absl::StripAsciiWhitespace(line));
    if (IsComponentName(word) && std::find(out.begin(), out.end(), word) == out.end()) out.push_back(word);
  }
  return out;
}

absl::Status StartActivity(const CallContext& context, Device& device, const std::string& name) {
  std::string component = name;
  if (!IsComponentName(name)) {
    PROCTOR_ASSIGN_OR_RETURN(const ShellResult resolved, device.Shell(context, absl::StrCat("cmd package resolve-activity --brief ",
                                                                                           kLauncherFlags, " ", ShellQuote(name))));
    const std::vector<std::string> found = ComponentsIn(resolved.output);
    if (found.empty()) return absl::FailedPreconditionError(absl::StrCat(name, " is not installed, or has nothing to start"));
    component = found.back();
  }
  // 0x10200000: a new task, brought to the front as it was if it runs, as launchers do.
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult started, device.Shell(context, absl::StrCat("am start ", kLauncherFlags, " -f 0x10200000 -n ",
                                                                                        ShellQuote(component))));
  // It ends with 0 on older versions, whatever happened.
  const auto complains = [](const std::string& text) { return absl::StartsWith(text, "Error") || absl::StrContains(text, "\nError"); };
  if (started.exit_code == 0 && !complains(started.output) && !complains(started.errors)) return absl::OkStatus();
  const std::string words = absl::StrCat(started.errors, started.output);
  return absl::FailedPreconditionError(SanitizeUtf8(TruncateUtf8(ToStd(absl::StripAsciiWhitespace(words)), 300)));
}

absl::Status OpenApp(const CallContext& context, absl::Duration cap, Device& device, const std::string& name, std::string& error) {
  const absl::Status opened = FindAndOpen(context.Child(cap), device, name, error);
  if (!absl::IsDeadlineExceeded(opened) || !context.Check("opening an application").ok()) return opened;
  error = "Looking for the application took too long: open it by its package, or from the home screen.";
  return absl::OkStatus();
}

absl::StatusOr<std::string> HomePackage(const CallContext& context, Device& device) {
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult resolved,
                           device.Shell(context, "cmd package resolve-activity --brief -a android.intent.action.MAIN "
                                                 "-c android.intent.category.HOME"));
  const std::vector<std::string> found = ComponentsIn(resolved.output);
  return found.empty() ? std::string() : PackageOf(found.back());
}

}  // namespace proctor::env::android
