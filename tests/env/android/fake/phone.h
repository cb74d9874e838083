// A simulated phone: a launcher, settings, contacts and notes, with a screen, a UI tree, a log, files and settings of its own.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FAKE_PHONE_H_
#define PROCTOR_TESTS_ENV_ANDROID_FAKE_PHONE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/env/android/fake/notes_database.h"

namespace proctor::env::android::fake {

// A view on the screen. Boxes are in pixels of the screen as it is turned.
struct View {
  std::string class_name = "android.widget.FrameLayout";
  std::string id;
  std::string text;
  std::string description;
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
  bool clickable = false;
  bool long_clickable = false;
  bool checkable = false;
  bool checked = false;
  bool enabled = true;
  bool focusable = false;
  bool focused = false;
  bool scrollable = false;
  bool password = false;
  bool selected = false;
  // What a tap does.
  std::string action;
  // The colour behind it, as 0xRRGGBB; -1: that of what it lies in.
  int color = -1;
  std::vector<View> children;
};

struct Contact {
  std::string name;
  std::string phone;
};

// Not thread-safe: FakeDevice holds a lock.
class Phone {
 public:
  struct Options {
    // As the device is built.
    int width = 360;
    int height = 640;
    int api_level = 33;
    bool root = true;
    // ADBKeyBoard is installed.
    bool keyboard = true;
    // Folder for the notes' database, which is the phone's own.
    std::string folder;
  };
  explicit Phone(Options options);

  // --- The screen.
  int rotation() const;
  int width() const;
  int height() const;
  View Screen() const;
  // `uiautomator dump`.
  std::string Xml() const;
  // width * height * 4 bytes, red, green, blue, alpha.
  std::string Pixels() const;
  // "package/.Activity" of what is in front.
  std::string Activity() const;
  std::string Package() const;

  // --- What fingers and keys do.
  void Tap(int x, int y);
  void Swipe(int x1, int y1, int x2, int y2, int milliseconds);
  void Text(const std::string& text);
  void Key(int code);
  // Control+A.
  void SelectAll();

  // --- What commands do.
  bool Installed(const std::string& package) const;
  // False: there is no such activity.
  bool Start(const std::string& component);
  void ForceStop(const std::string& package);
  bool ClearData(const std::string& package);
  void Log(const std::string& priority, const std::string& tag, const std::string& message);
  // As after a boot: the launcher, nothing running.
  void Boot();

  struct LogLine {
    absl::Time time;
    std::string priority;
    std::string tag;
    std::string message;
    // Its buffer, which keeps lines for longer than `main`.
    bool of_system() const { return tag == "ActivityManager"; }
  };
  const Options& options() const { return options_; }
  std::map<std::string, std::map<std::string, std::string>>& settings() { return settings_; }
  std::deque<LogLine>& log() { return log_; }
  std::set<std::string>& running() { return running_; }
  std::vector<Contact>& contacts() { return contacts_; }
  NotesDatabase& notes() { return notes_; }
  // The device's clock is this much ahead of the machine's.
  absl::Duration& clock_offset() { return clock_offset_; }
  absl::Time Now() const;
  bool keyboard_shown() const { return focus_ != ""; }
  // Draws something else each time, as a film does.
  void set_restless(bool restless) { restless_ = restless; }
  // What `input text` and broadcasts put into fields, for tests.
  const std::map<std::string, std::string>& fields() const { return fields_; }

 private:
  View Launcher() const;
  View Drawer() const;
  View SettingsScreen() const;
  View ContactsScreen() const;
  View ContactEditor() const;
  View NotesScreen() const;
  View NoteEditor() const;
  View Recents() const;
  View Dialog() const;
  View Bar(const std::string& title) const;
  View Field(const std::string& id, const std::string& hint, int top, int height) const;
  View Button(const std::string& id, const std::string& text, int left, int top, int width, const std::string& action) const;
  View Frame(const std::string& package) const;
  int Scroll(const std::string& key) const;

  void Do(const std::string& action);
  void LongPress(const std::string& action);
  void Open(const std::string& screen);
  void Back();
  void Save();
  void ResetData();

  const Options options_;
  std::map<std::string, std::map<std::string, std::string>> settings_;
  std::deque<LogLine> log_;
  std::set<std::string> running_;
  std::vector<Contact> contacts_;
  NotesDatabase notes_;
  absl::Duration clock_offset_;
  // Names of screens; the last is in front: "launcher", "drawer", "settings", "contacts", "contact", "notes", "note", "recents", "dialog".
  std::vector<std::string> stack_ = {"launcher"};
  std::map<std::string, int> scroll_;
  std::map<std::string, std::string> fields_;
  std::string focus_;
  bool selected_all_ = false;
  // The note that is edited or to be deleted; 0: a new one.
  int64_t note_ = 0;
  // For double taps.
  std::string last_tap_;
  absl::Time last_tap_time_;
  bool restless_ = false;
  mutable int frame_ = 0;
};

}  // namespace proctor::env::android::fake

#endif  // PROCTOR_TESTS_ENV_ANDROID_FAKE_PHONE_H_
