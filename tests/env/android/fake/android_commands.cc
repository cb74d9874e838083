// The simulated phone's own programs, in the words of Android 13.
#include <algorithm>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "imaging/image.h"
#include "imaging/raw_pixels.h"
#include "tests/env/android/fake/fake_device.h"

namespace proctor::env::android::fake {
namespace {

constexpr char kKeyboard[] = "com.android.adbkeyboard/.AdbIME";

int Int(const std::string& text) { return std::atoi(text.c_str()); }

std::string Little32(uint32_t n) {
  return {static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16), static_cast<char>(n >> 24)};
}

// One part of 200 characters, whatever it is.
std::string Noise(size_t size) {
  std::string out(size, '\0');
  uint32_t state = 12345;
  for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

}  // namespace

int FakeDevice::Input(Io io) {
  const std::string kind = io.at(1);
  if (kind == "tap") {
    phone_->Tap(Int(io.at(2)), Int(io.at(3)));
  } else if (kind == "swipe") {
    phone_->Swipe(Int(io.at(2)), Int(io.at(3)), Int(io.at(4)), Int(io.at(5)), io.at(6).empty() ? 300 : Int(io.at(6)));
  } else if (kind == "text") {
    phone_->Text(absl::StrReplaceAll(io.at(2), {{"%s", " "}}));
  } else if (kind == "keyevent") {
    for (size_t i = 2; i < io.arguments.size(); ++i) phone_->Key(Int(io.at(i)));
  } else if (kind == "keycombination" && options_.phone.api_level >= 31) {
    if (io.at(2) == "113" && io.at(3) == "29") phone_->SelectAll();
  } else {
    absl::StrAppend(&io.errors, "Error: Unknown command: ", kind, "\n");
    return 255;
  }
  return 0;
}

int FakeDevice::Settings(Io io) {
  auto& space = phone_->settings()[io.at(2)];
  if (io.at(1) == "get") {
    const auto found = space.find(io.at(3));
    absl::StrAppend(&io.output, found == space.end() ? "null" : found->second, "\n");
  } else if (io.at(1) == "put") {
    space[io.at(3)] = io.at(4);
  } else {
    return 1;
  }
  return 0;
}

int FakeDevice::Content(Io io) {
  // Providers that die amid their rows.
  const bool torn = io.after("--uri") == "content://contacts/torn", killed = io.after("--uri") == "content://contacts/killed";
  if (torn || killed) {
    io.output += "Row: 0 display_name=Ada Lovelace\n";
    if (torn) io.errors += "Error while accessing provider:contacts\njava.lang.IllegalStateException\n";
    return killed ? 137 : 0;
  }
  if (io.at(1) != "query" || io.after("--uri") != "content://contacts/phones") {
    io.errors += "[ERROR] Unsupported URI\n";
    return 0;
  }
  std::vector<std::string> columns = absl::StrSplit(io.after("--projection"), ':', absl::SkipEmpty());
  if (columns.empty()) columns = {"_id", "display_name", "number"};
  int row = 0;
  const std::string where = io.after("--where");
  for (size_t i = 0; i < phone_->contacts().size(); ++i) {
    const Contact& contact = phone_->contacts()[i];
    if (!where.empty() && where != absl::StrCat("display_name='", contact.name, "'")) continue;
    std::vector<std::string> cells;
    for (const std::string& column : columns) {
      const std::string value = column == "_id"            ? absl::StrCat(i + 1)
                                : column == "display_name" ? contact.name
                                : column == "number"       ? (contact.phone.empty() ? "NULL" : contact.phone)
                                                           : "NULL";
      cells.push_back(absl::StrCat(column, "=", value));
    }
    absl::StrAppend(&io.output, "Row: ", row++, " ", absl::StrJoin(cells, ", "), "\n");
  }
  if (row == 0) io.output += "No result found.\n";
  return 0;
}

int FakeDevice::Dumpsys(Io io) {
  const std::string service = io.at(1);
  const std::string full = absl::StrReplaceAll(phone_->Activity(), {{"/.", absl::StrCat("/", phone_->Package(), ".")}});
  if (faults_.missing_services.contains(service)) {
    absl::StrAppend(&io.errors, "Can't find service: ", service, "\n");
    return 0;
  }
  if (service == "activity") {
    absl::StrAppend(&io.output, "ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)\n",
                    "    topResumedActivity=ActivityRecord{8c5ab57 u0 ", phone_->Activity(), " t12}\n",
                    "  ResumedActivity: ActivityRecord{8c5ab57 u0 ", phone_->Activity(), " t12}\n");
  } else if (service == "window") {
    absl::StrAppend(&io.output, "  Display: mDisplayId=0\n  mCurrentFocus=Window{1a2b3c u0 ", full, "}\n",
                    "  mFocusedApp=ActivityRecord{8c5ab57 u0 ", phone_->Activity(), " t12}\n",
                    "    mCurrentRotation=ROTATION_", phone_->rotation() * 90, "\n");
  } else if (service == "display") {
    absl::StrAppend(&io.output, "DISPLAY MANAGER (dumpsys display)\n    mCurrentOrientation=", phone_->rotation(), "\n");
  } else if (service == "battery") {
    io.output += "Current Battery Service state:\n  present: true\n  level: 87\n  scale: 100\n";
  } else if (service == "input_method") {
    absl::StrAppend(&io.output, "  mInputShown=", phone_->keyboard_shown() ? "true" : "false", "\n");
  } else {
    absl::StrAppend(&io.output, "Can't find service: ", service, "\n");
  }
  return 0;
}

int FakeDevice::Wm(Io io) {
  if (io.at(1) == "size") {
    absl::StrAppend(&io.output, "Physical size: ", options_.phone.width, "x", options_.phone.height, "\n");
  }
  return 0;
}

int FakeDevice::Am(Io io) {
  if (io.at(1) == "start") {
    const std::string component = io.after("-n");
    absl::StrAppend(&io.output, "Starting: Intent { cmp=", component, " }\n");
    if (phone_->Start(component)) return 0;
    absl::StrAppend(&io.errors, "Error type 3\nError: Activity class {", component, "} does not exist.\n");
    return 0;
  }
  if (io.at(1) == "force-stop") {
    phone_->ForceStop(io.at(2));
    return 0;
  }
  if (io.at(1) != "broadcast") return 1;
  if (phone_->settings()["secure"]["default_input_method"] == kKeyboard) {
    if (io.after("-a") == "ADB_CLEAR_TEXT") {
      phone_->SelectAll();
      phone_->Key(67);
    }
    std::string text;
    if (io.after("-a") == "ADB_INPUT_B64" && absl::Base64Unescape(io.after("msg"), &text)) phone_->Text(text);
  }
  io.output += "Broadcast completed: result=0\n";
  return 0;
}

int FakeDevice::Pm(Io io) {
  if (io.at(1) == "path") {
    if (!phone_->Installed(io.at(2))) return 1;
    absl::StrAppend(&io.output, "package:/data/app/", io.at(2), "/base.apk\n");
    return 0;
  }
  if (io.at(1) == "clear") {
    const bool cleared = phone_->ClearData(io.at(2));
    io.output += cleared ? "Success\n" : "Failed\n";
    return cleared ? 0 : 1;
  }
  return 1;
}

int FakeDevice::Cmd(Io io) {
  if (io.at(1) != "package") return 1;
  const bool home = absl::StrContains(absl::StrJoin(io.arguments, " "), "category.HOME");
  if (home) {
    io.output += "priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true\ncom.proctor.launcher/.Home\n";
    return 0;
  }
  const std::pair<const char*, const char*> launchable[] = {
      {"com.android.settings", ".Settings"}, {"com.android.contacts", ".Contacts"}, {"com.proctor.notes", ".Notes"}};
  for (const auto& [package, activity] : launchable) {
    if (io.at(2) == "resolve-activity" && io.arguments.back() != package) continue;
    absl::StrAppend(&io.output, "priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true\n", package, "/", activity, "\n");
  }
  if (io.output.empty()) io.output += "No activity found\n";
  return 0;
}

int FakeDevice::Ime(Io io) {
  if (io.at(2) == kKeyboard && !options_.phone.keyboard) {
    absl::StrAppend(&io.errors, "Error: Unknown input method ", io.at(2), " cannot be enabled for user #0\n");
    return 255;
  }
  if (io.at(1) == "set") phone_->settings()["secure"]["default_input_method"] = io.at(2);
  return 0;
}

int FakeDevice::LogCommand(Io io) {
  std::string priority = absl::StrCat(io.after("-p"));
  const size_t first = 1 + (priority.empty() ? 0 : 2) + (io.after("-t").empty() ? 0 : 2);
  if (priority.empty()) priority = "i";
  const std::vector<std::string> words(io.arguments.begin() + static_cast<long>(std::min(first, io.arguments.size())), io.arguments.end());
  phone_->Log(std::string(1, static_cast<char>(std::toupper(priority[0]))), io.after("-t"), absl::StrJoin(words, " "));
  return 0;
}

int FakeDevice::Logcat(Io io) {
  // Filters are tag:priority; priorities in rising order.
  const std::string kOrder = "VDIWEFS";
  std::map<std::string, size_t> least;
  for (size_t i = 1; i < io.arguments.size(); ++i) {
    const std::string& word = io.arguments[i];
    const size_t colon = word.rfind(':');
    const bool filter = colon != std::string::npos && colon + 2 == word.size() && word.find(' ') == std::string::npos;
    if (filter) least[word.substr(0, colon)] = kOrder.find(word[colon + 1]);
  }
  io.output += "--------- beginning of main\n";
  const std::string since = io.after("-T");
  for (const Phone::LogLine& line : phone_->log()) {
    const auto own = least.find(line.tag), any = least.find("*");
    const size_t needed = own != least.end() ? own->second : any != least.end() ? any->second : 0;
    if (kOrder.find(line.priority) < needed || (io.after("-b") == "main" && line.of_system())) continue;
    if (!since.empty() && absl::FormatTime("%m-%d %H:%M:%E3S", line.time, absl::UTCTimeZone()) < since) continue;
    absl::StrAppend(&io.output, line.priority, "/", line.tag, ": ", line.message, "\n");
  }
  return 0;
}

int FakeDevice::Uiautomator(Io io) {
  if (faults_.failing_dumps > 0) {
    --faults_.failing_dumps;
    io.output += "ERROR: could not get idle state.\n";
    return 0;
  }
  if (!SaveFile(io.at(2), faults_.garbage ? Noise(5000) : phone_->Xml())) return 1;
  absl::StrAppend(&io.output, "UI hierchary dumped to: ", io.at(2), "\n");
  return 0;
}

int FakeDevice::Screencap(Io io) {
  if (faults_.garbage) {
    io.output += Noise(10'000);
    return 0;
  }
  const std::string pixels = phone_->Pixels();
  if (io.at(1) != "-p") {
    absl::StrAppend(&io.output, Little32(static_cast<uint32_t>(phone_->width())), Little32(static_cast<uint32_t>(phone_->height())),
                    Little32(1), Little32(1), pixels);
    return 0;
  }
  const auto image = imaging::FromRawPixels(phone_->width(), phone_->height(), imaging::PixelFormat::kRgba, pixels);
  if (!image.ok()) return 1;
  const auto png = imaging::Encode(*image, {});
  if (!png.ok()) return 1;
  io.output += *png;
  return 0;
}

int FakeDevice::Getprop(Io io) {
  const std::string name = io.at(1);
  std::string value;
  if (name == "ro.build.version.sdk") value = absl::StrCat(options_.phone.api_level);
  if (name == "sys.boot_completed") value = booted_ ? "1" : "";
  if (name == "persist.sys.timezone") value = "Europe/Berlin";
  absl::StrAppend(&io.output, value, "\n");
  return 0;
}

}  // namespace proctor::env::android::fake
