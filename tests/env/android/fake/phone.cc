#include "tests/env/android/fake/phone.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace proctor::env::android::fake {
namespace {

constexpr char kLauncher[] = "com.proctor.launcher";
constexpr char kSettings[] = "com.android.settings";
constexpr char kContacts[] = "com.android.contacts";
constexpr char kNotes[] = "com.proctor.notes";
constexpr size_t kMaxLog = 5000;

struct ScreenInfo {
  const char* name;
  const char* package;
  const char* activity;
};
constexpr ScreenInfo kScreens[] = {{"launcher", kLauncher, ".Home"},      {"drawer", kLauncher, ".Home"},
                                   {"recents", kLauncher, ".Recents"},    {"settings", kSettings, ".Settings"},
                                   {"contacts", kContacts, ".Contacts"},  {"contact", kContacts, ".Editor"},
                                   {"notes", kNotes, ".Notes"},           {"note", kNotes, ".Editor"},
                                   {"dialog", kNotes, ".Notes"}};

const ScreenInfo& InfoOf(const std::string& screen) {
  for (const ScreenInfo& info : kScreens) {
    if (screen == info.name) return info;
  }
  return kScreens[0];
}

const View* Find(const View& view, int x, int y, const std::function<bool(const View&)>& fits) {
  if (x < view.left || y < view.top || x >= view.right || y >= view.bottom) return nullptr;
  for (auto it = view.children.rbegin(); it != view.children.rend(); ++it) {
    if (const View* found = Find(*it, x, y, fits); found != nullptr) return found;
  }
  return fits(view) ? &view : nullptr;
}

}  // namespace

Phone::Phone(Options options) : options_(std::move(options)), notes_(options_.folder) {
  settings_["system"] = {{"accelerometer_rotation", "1"}, {"user_rotation", "0"}, {"screen_brightness", "120"}};
  settings_["secure"] = {{"default_input_method", "com.android.inputmethod.latin/.LatinIME"}};
  settings_["global"] = {{"wifi_on", "1"}, {"airplane_mode_on", "0"}, {"auto_time", "1"}};
  ResetData();
  Log("I", "System", "booted");
}

void Phone::ResetData() {
  contacts_ = {{"Ada Lovelace", "555-0101"}, {"Alan Turing", "555-0102"}, {"Grace Hopper", "555-0103"}};
  if (!notes_.All().empty()) return;
  notes_.Save(0, "Buy milk");
  notes_.Save(0, "Call the plumber");
}

absl::Time Phone::Now() const { return absl::Now() + clock_offset_; }

int Phone::rotation() const {
  const auto& system = settings_.at("system");
  int rotation = 0;
  if (system.at("accelerometer_rotation") != "0" || !absl::SimpleAtoi(system.at("user_rotation"), &rotation)) return 0;
  return rotation & 3;
}

int Phone::width() const { return rotation() % 2 == 0 ? options_.width : options_.height; }
int Phone::height() const { return rotation() % 2 == 0 ? options_.height : options_.width; }

std::string Phone::Package() const { return InfoOf(stack_.back()).package; }
std::string Phone::Activity() const { return absl::StrCat(Package(), "/", InfoOf(stack_.back()).activity); }

void Phone::Log(const std::string& priority, const std::string& tag, const std::string& message) {
  log_.push_back({Now(), priority, tag, message});
  if (log_.size() <= kMaxLog) return;
  const auto oldest = std::find_if(log_.begin(), log_.end(), [](const LogLine& line) { return !line.of_system(); });
  if (oldest != log_.end()) log_.erase(oldest);
}

bool Phone::Installed(const std::string& package) const {
  for (const char* name : {kLauncher, kSettings, kContacts, kNotes, "com.android.systemui"}) {
    if (package == name) return true;
  }
  return options_.keyboard && package == "com.android.adbkeyboard";
}

void Phone::Open(const std::string& screen) {
  focus_.clear();
  stack_.push_back(screen);
  running_.insert(Package());
  Log("I", "ActivityManager", absl::StrCat("Displayed ", Activity()));
}

bool Phone::Start(const std::string& component) {
  for (const ScreenInfo& info : kScreens) {
    const std::string full = absl::StrCat(info.package, "/", info.package, info.activity);
    if (component != absl::StrCat(info.package, "/", info.activity) && component != full) continue;
    stack_ = {"launcher"};
    if (std::string(info.name) != "launcher") Open(info.name);
    return true;
  }
  return false;
}

void Phone::ForceStop(const std::string& package) {
  std::erase_if(stack_, [&](const std::string& screen) { return package != kLauncher && InfoOf(screen).package == package; });
  if (stack_.empty()) stack_ = {"launcher"};
  running_.erase(package);
  scroll_.erase(package);
  std::erase_if(fields_, [&](const auto& field) { return absl::StartsWith(field.first, package); });
  focus_.clear();
}

bool Phone::ClearData(const std::string& package) {
  if (!Installed(package)) return false;
  ForceStop(package);
  if (package == kNotes) notes_.Clear();
  if (package == kContacts) contacts_.clear();
  return true;
}

void Phone::Boot() {
  stack_ = {"launcher"};
  running_.clear();
  scroll_.clear();
  fields_.clear();
  focus_.clear();
  log_.clear();
  Log("I", "System", "booted");
}

void Phone::Tap(int x, int y) {
  const View screen = Screen();
  const View* view = Find(screen, x, y, [](const View& v) { return !v.action.empty(); });
  selected_all_ = false;
  if (view == nullptr || !view->enabled) return;
  const absl::Time now = absl::Now();
  const bool twice = last_tap_ == view->action && now - last_tap_time_ < absl::Milliseconds(300);
  last_tap_ = twice ? "" : view->action;
  last_tap_time_ = now;
  Do(twice ? absl::StrCat("twice:", view->action) : view->action);
}

void Phone::Swipe(int x1, int y1, int x2, int y2, int milliseconds) {
  const View screen = Screen();
  if (std::abs(x1 - x2) < 10 && std::abs(y1 - y2) < 10) {
    const View* view = Find(screen, x1, y1, [](const View& v) { return !v.action.empty(); });
    if (view == nullptr) return;
    if (milliseconds >= 500) {
      LongPress(view->action);
    } else {
      Tap(x1, y1);
    }
    return;
  }
  if (stack_.back() == "launcher" && y1 - y2 > height() / 4) return Open("drawer");
  const View* list = Find(screen, x1, y1, [](const View& v) { return v.scrollable; });
  if (list == nullptr) return;
  // How far the content reaches below what is shown.
  int bottom = list->bottom;
  for (const View& child : list->children) bottom = std::max(bottom, child.bottom);
  int& offset = scroll_[Package()];
  offset = std::clamp(offset + y1 - y2, 0, offset + bottom - list->bottom);
}

void Phone::Text(const std::string& text) {
  if (focus_.empty()) return;
  if (selected_all_) fields_[focus_].clear();
  selected_all_ = false;
  fields_[focus_] += text;
}

void Phone::SelectAll() { selected_all_ = !focus_.empty(); }

void Phone::Key(int code) {
  switch (code) {
    case 3:
      focus_.clear();
      stack_ = {"launcher"};
      return;
    case 4:
      return Back();
    case 187:
      return Open("recents");
    case 67:
      if (selected_all_) {
        fields_[focus_].clear();
      } else if (!focus_.empty() && !fields_[focus_].empty()) {
        std::string& text = fields_[focus_];
        while (!text.empty() && (text.back() & 0xC0) == 0x80) text.pop_back();
        if (!text.empty()) text.pop_back();
      }
      selected_all_ = false;
      return;
    case 66:
      if (stack_.back() == "note" && !focus_.empty()) return Text("\n");
      if (stack_.back() == "contact") return Save();
      return;
    case 61:
      if (stack_.back() == "contact") focus_ = absl::StrCat(kContacts, ":id/", absl::EndsWith(focus_, "name") ? "phone" : "name");
      return;
    default:
      // What a keyboard types.
      if (code >= 29 && code <= 54) Text(std::string(1, static_cast<char>('a' + code - 29)));
      if (code >= 7 && code <= 16) Text(std::string(1, static_cast<char>('0' + code - 7)));
      if (code == 62) Text(" ");
  }
}

void Phone::Back() {
  if (!focus_.empty()) {
    focus_.clear();
    return;
  }
  if (stack_.size() > 1) stack_.pop_back();
}

void Phone::Save() {
  if (stack_.back() == "contact") {
    const std::string name = fields_["com.android.contacts:id/name"];
    if (name.empty()) return;
    contacts_.push_back({name, fields_["com.android.contacts:id/phone"]});
    Log("I", "Contacts", absl::StrCat("saved ", name));
  } else if (stack_.back() == "note") {
    const int64_t id = notes_.Save(note_, fields_["com.proctor.notes:id/text"]);
    Log("I", "Notes", absl::StrCat("saved note ", id, " score=", 1.5));
  }
  focus_.clear();
  stack_.pop_back();
}

void Phone::Do(const std::string& action) {
  if (absl::StartsWith(action, "focus:")) {
    focus_ = action.substr(6);
  } else if (absl::StartsWith(action, "open:")) {
    Open(action.substr(5));
  } else if (absl::StartsWith(action, "toggle:")) {
    std::string& value = settings_["global"][action.substr(7)];
    value = value == "1" ? "0" : "1";
    Log("I", "Settings", absl::StrCat(action.substr(7), "=", value));
  } else if (action == "new_contact") {
    fields_["com.android.contacts:id/name"].clear();
    fields_["com.android.contacts:id/phone"].clear();
    Open("contact");
  } else if (absl::StartsWith(action, "note:")) {
    note_ = std::atoll(action.c_str() + 5);
    std::string& text = fields_["com.proctor.notes:id/text"];
    text.clear();
    for (const NotesDatabase::Note& note : notes_.All()) {
      if (note.id == note_) text = note.text;
    }
    // A note opens at its second line's button; a tap on the note itself selects it, for double taps.
    Open("note");
  } else if (absl::StartsWith(action, "twice:row:")) {
    notes_.TogglePin(std::atoll(action.c_str() + 10));
  } else if (action == "save") {
    Save();
  } else if (action == "cancel") {
    stack_.pop_back();
  } else if (action == "delete") {
    notes_.Remove(note_);
    Log("I", "Notes", absl::StrCat("deleted note ", note_));
    stack_.pop_back();
  }
}

void Phone::LongPress(const std::string& action) {
  if (!absl::StartsWith(action, "row:")) return;
  note_ = std::atoll(action.c_str() + 4);
  Open("dialog");
}

}  // namespace proctor::env::android::fake
