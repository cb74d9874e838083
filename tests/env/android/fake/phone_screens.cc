// What the phone's applications show, and how that is drawn and dumped.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/env/android/fake/font.h"
#include "tests/env/android/fake/phone.h"

namespace proctor::env::android::fake {
namespace {

constexpr int kBarHeight = 56;
constexpr int kRowHeight = 64;

struct Row {
  const char* title;
  const char* setting;
};
constexpr Row kSettingsRows[] = {{"Wi-Fi", "wifi_on"},
                                 {"Airplane mode", "airplane_mode_on"},
                                 {"Bluetooth", "bluetooth_on"},
                                 {"Mobile data", "mobile_data"},
                                 {"Dark theme", "dark_theme"},
                                 {"Battery saver", "low_power"},
                                 {"Location", "location_on"},
                                 {"Auto-sync data", "auto_sync"},
                                 {"Do not disturb", "zen_mode"},
                                 {"Vibrate on ring", "vibrate_on_ring"},
                                 {"Touch sounds", "touch_sounds"},
                                 {"Developer options", "development_settings_enabled"}};

View Place(View view, int left, int top, int width, int height) {
  view.left = left;
  view.top = top;
  view.right = left + width;
  view.bottom = top + height;
  return view;
}

View Label(const std::string& id, const std::string& text, int left, int top, int width, int height) {
  View view;
  view.class_name = "android.widget.TextView";
  view.id = id;
  view.text = text;
  return Place(std::move(view), left, top, width, height);
}

std::string Escape(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"\n", "&#10;"}});
}

const char* Bool(bool value) { return value ? "true" : "false"; }

// As uiautomator: what is not on the screen is left out, boxes are cut to it.
void Dump(const View& view, const std::string& package, int index, int width, int height, std::string& out) {
  const int left = std::max(view.left, 0), top = std::max(view.top, 0);
  const int right = std::min(view.right, width), bottom = std::min(view.bottom, height);
  if (right <= left || bottom <= top) return;
  absl::StrAppend(&out, "<node index=\"", index, "\" text=\"", Escape(view.text), "\" resource-id=\"", Escape(view.id), "\" class=\"",
                  view.class_name, "\" package=\"", package);
  absl::StrAppend(&out, "\" content-desc=\"", Escape(view.description), "\" checkable=\"", Bool(view.checkable), "\" checked=\"",
                  Bool(view.checked), "\" clickable=\"", Bool(view.clickable), "\" enabled=\"", Bool(view.enabled));
  absl::StrAppend(&out, "\" focusable=\"", Bool(view.focusable), "\" focused=\"", Bool(view.focused), "\" scrollable=\"",
                  Bool(view.scrollable), "\" long-clickable=\"", Bool(view.long_clickable), "\" password=\"", Bool(view.password));
  absl::StrAppend(&out, "\" selected=\"", Bool(view.selected), "\" bounds=\"[", left, ",", top, "][", right, ",", bottom, "]\">");
  int child = 0;
  for (const View& inner : view.children) Dump(inner, package, child++, width, height, out);
  out += "</node>";
}

struct Canvas {
  int width;
  int height;
  std::string bytes;

  void Fill(int left, int top, int right, int bottom, int color) {
    left = std::max(left, 0);
    top = std::max(top, 0);
    right = std::min(right, width);
    bottom = std::min(bottom, height);
    if (right <= left || bottom <= top) return;
    const char pixel[4] = {static_cast<char>(color >> 16), static_cast<char>(color >> 8), static_cast<char>(color), '\xff'};
    char* const first = bytes.data() + (static_cast<size_t>(top) * width + left) * 4;
    for (int x = 0; x < right - left; ++x) std::memcpy(first + x * 4, pixel, 4);
    for (int y = top + 1; y < bottom; ++y) {
      std::memcpy(bytes.data() + (static_cast<size_t>(y) * width + left) * 4, first, static_cast<size_t>(right - left) * 4);
    }
  }
  void Write(const std::string& text, int left, int top, int right, int size, int color) {
    const int begin = left;
    for (const char c : text) {
      if (c == '\n') {
        left = begin;
        top += 7 * size;
        continue;
      }
      if (left + 4 * size > right) return;
      const uint16_t glyph = GlyphOf(c);
      for (int bit = 0; bit < 15; ++bit) {
        if ((glyph >> (14 - bit) & 1) == 0) continue;
        const int x = left + bit % 3 * size, y = top + bit / 3 * size;
        Fill(x, y, x + size, y + size, color);
      }
      left += 4 * size;
    }
  }
  void Draw(const View& view) {
    if (view.color >= 0) Fill(view.left, view.top, view.right, view.bottom, view.color);
    if (view.clickable && view.color < 0) {
      Fill(view.left, view.bottom - 1, view.right, view.bottom, 0xd0d4d8);
    }
    if (view.checkable) {
      const int middle = (view.top + view.bottom) / 2;
      Fill(view.left, middle - 8, view.right, middle + 8, view.checked ? 0x2266cc : 0xb0b4b8);
      const int knob = view.checked ? view.right - 16 : view.left;
      Fill(knob, middle - 8, knob + 16, middle + 8, 0xffffff);
    }
    if (view.focused) Fill(view.left, view.bottom - 3, view.right, view.bottom, 0x2266cc);
    const std::string& text = view.text.empty() ? view.description : view.text;
    if (!text.empty()) Write(text, view.left + 8, view.top + 12, view.right, 3, view.enabled ? 0x202428 : 0x909498);
    for (const View& child : view.children) Draw(child);
  }
};

}  // namespace

View Phone::Frame(const std::string& package) const {
  View frame;
  frame.id = package == "com.proctor.launcher" ? "" : "android:id/content";
  frame.color = 0xfafafa;
  return Place(std::move(frame), 0, 0, width(), height());
}

View Phone::Bar(const std::string& title) const {
  View bar = Label(absl::StrCat(Package(), ":id/title_bar"), title, 0, 0, width(), kBarHeight);
  bar.color = 0xcfe0f5;
  return bar;
}

View Phone::Button(const std::string& id, const std::string& text, int left, int top, int button_width, const std::string& action) const {
  View button;
  button.class_name = "android.widget.Button";
  button.id = absl::StrCat(Package(), ":id/", id);
  button.text = text;
  button.clickable = button.focusable = true;
  button.action = action;
  button.color = 0xdde6f0;
  return Place(std::move(button), left, top, button_width, 48);
}

View Phone::Field(const std::string& id, const std::string& hint, int top, int field_height) const {
  View field;
  field.class_name = "android.widget.EditText";
  field.id = absl::StrCat(Package(), ":id/", id);
  const auto found = fields_.find(field.id);
  field.text = found == fields_.end() ? "" : found->second;
  field.description = hint;
  field.clickable = field.focusable = field.long_clickable = true;
  field.focused = focus_ == field.id;
  field.action = absl::StrCat("focus:", field.id);
  field.color = 0xffffff;
  return Place(std::move(field), 12, top, width() - 24, field_height);
}

int Phone::Scroll(const std::string& key) const {
  const auto found = scroll_.find(key);
  return found == scroll_.end() ? 0 : found->second;
}

View Phone::Launcher() const {
  View frame = Frame(Package());
  frame.color = 0x30455f;
  int left = 16;
  for (const auto& [name, screen] : {std::pair{"Settings", "settings"}, {"Contacts", "contacts"}}) {
    View icon = Label(absl::StrCat(Package(), ":id/icon"), name, left, 80, 110, 80);
    icon.clickable = icon.long_clickable = icon.focusable = true;
    icon.action = absl::StrCat("open:", screen);
    icon.color = 0xe8eef5;
    frame.children.push_back(std::move(icon));
    left += 126;
  }
  return frame;
}

View Phone::Drawer() const {
  View frame = Frame(Package());
  int top = 16;
  for (const auto& [name, screen] : {std::pair{"Contacts", "contacts"}, {"My notes", "notes"}, {"Settings", "settings"}}) {
    View icon = Label(absl::StrCat(Package(), ":id/icon"), name, 16, top, width() - 32, 56);
    icon.clickable = icon.focusable = true;
    icon.action = absl::StrCat("open:", screen);
    frame.children.push_back(std::move(icon));
    top += 60;
  }
  return frame;
}

View Phone::SettingsScreen() const {
  View frame = Frame(Package());
  View list;
  list.class_name = "androidx.recyclerview.widget.RecyclerView";
  list.id = "com.android.settings:id/list";
  list.scrollable = list.focusable = true;
  list = Place(std::move(list), 0, kBarHeight, width(), height() - kBarHeight);
  int top = kBarHeight - Scroll(Package());
  for (const Row& row : kSettingsRows) {
    const auto& global = settings_.at("global");
    const auto found = global.find(row.setting);
    View line;
    line.class_name = "android.widget.LinearLayout";
    line.clickable = line.focusable = true;
    line.action = absl::StrCat("toggle:", row.setting);
    line = Place(std::move(line), 0, top, width(), kRowHeight);
    line.children.push_back(Label("android:id/title", row.title, 12, top + 8, width() - 100, 40));
    View toggle;
    toggle.class_name = "android.widget.Switch";
    toggle.id = "android:id/switch_widget";
    toggle.checkable = true;
    toggle.checked = found != global.end() && found->second == "1";
    line.children.push_back(Place(std::move(toggle), width() - 60, top + 16, 44, 32));
    list.children.push_back(std::move(line));
    top += kRowHeight;
  }
  frame.children.push_back(std::move(list));
  // Over the list, which scrolls below it.
  frame.children.push_back(Bar("Settings"));
  return frame;
}

View Phone::ContactsScreen() const {
  View frame = Frame(Package());
  frame.children.push_back(Bar("Contacts"));
  int top = kBarHeight;
  for (const Contact& contact : contacts_) {
    View line = Label("com.android.contacts:id/name_row", absl::StrCat(contact.name), 0, top, width(), 48);
    line.children.push_back(Label("com.android.contacts:id/phone_row", contact.phone, 0, top + 24, width(), 24));
    frame.children.push_back(std::move(line));
    top += 52;
  }
  View add = Button("add", "", width() - 72, height() - 72, 56, "new_contact");
  add.class_name = "android.widget.ImageButton";
  add.description = "Add contact";
  frame.children.push_back(std::move(add));
  return frame;
}

View Phone::ContactEditor() const {
  View frame = Frame(Package());
  frame.children.push_back(Bar("New contact"));
  frame.children.push_back(Field("name", "Name", kBarHeight + 8, 48));
  frame.children.push_back(Field("phone", "Phone", kBarHeight + 64, 48));
  View save = Button("save", "Save", 12, kBarHeight + 124, 100, "save");
  const auto name = fields_.find("com.android.contacts:id/name");
  save.enabled = name != fields_.end() && !name->second.empty();
  frame.children.push_back(std::move(save));
  return frame;
}

View Phone::NotesScreen() const {
  View frame = Frame(Package());
  frame.children.push_back(Bar("Notes"));
  View list;
  list.class_name = "android.widget.ListView";
  list.id = "com.proctor.notes:id/list";
  list.scrollable = list.focusable = true;
  list = Place(std::move(list), 0, kBarHeight, width(), height() - kBarHeight - 64);
  int top = kBarHeight - Scroll(Package());
  for (const NotesDatabase::Note& note : notes_.All()) {
    View row = Label("com.proctor.notes:id/row", absl::StrCat(note.pinned ? "* " : "", note.text), 0, top, width() - 80, 48);
    row.clickable = row.long_clickable = row.focusable = true;
    row.action = absl::StrCat("row:", note.id);
    list.children.push_back(std::move(row));
    View edit = Button("edit", "Edit", width() - 76, top, 72, absl::StrCat("note:", note.id));
    list.children.push_back(std::move(edit));
    top += 52;
  }
  frame.children.push_back(std::move(list));
  frame.children.push_back(Button("new", "New note", 12, height() - 56, 160, "note:0"));
  return frame;
}

View Phone::NoteEditor() const {
  View frame = Frame(Package());
  frame.children.push_back(Bar("Note"));
  frame.children.push_back(Field("text", "Text", kBarHeight + 8, height() - kBarHeight - 80));
  frame.children.push_back(Button("save", "Save", 12, height() - 60, 100, "save"));
  return frame;
}

View Phone::Recents() const {
  View frame = Frame(Package());
  int top = 16;
  for (const auto& [package, screen] : {std::pair{"com.android.settings", "settings"}, {"com.proctor.notes", "notes"}}) {
    if (running_.count(package) == 0) continue;
    frame.children.push_back(Button("recent", screen, 16, top, width() - 32, absl::StrCat("open:", screen)));
    top += 60;
  }
  return frame;
}

View Phone::Dialog() const {
  View frame = Frame(Package());
  frame.children.push_back(Label("android:id/message", "Delete this note?", 12, 80, width() - 24, 40));
  frame.children.push_back(Button("cancel", "Cancel", 12, 140, 120, "cancel"));
  frame.children.push_back(Button("ok", "Delete", 150, 140, 120, "delete"));
  return frame;
}

View Phone::Screen() const {
  const std::string& screen = stack_.back();
  if (screen == "drawer") return Drawer();
  if (screen == "settings") return SettingsScreen();
  if (screen == "contacts") return ContactsScreen();
  if (screen == "contact") return ContactEditor();
  if (screen == "notes") return NotesScreen();
  if (screen == "note") return NoteEditor();
  if (screen == "recents") return Recents();
  if (screen == "dialog") return Dialog();
  return Launcher();
}

std::string Phone::Xml() const {
  std::string out =
      absl::StrCat("<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"", rotation(), "\">");
  Dump(Screen(), Package(), 0, width(), height(), out);
  return out + "</hierarchy>";
}

std::string Phone::Pixels() const {
  Canvas canvas{width(), height(), std::string(static_cast<size_t>(width()) * height() * 4, '\0')};
  canvas.Draw(Screen());
  if (restless_) canvas.Fill(0, 0, 4, 4, ++frame_ * 77777 & 0xffffff);
  return std::move(canvas.bytes);
}

}  // namespace proctor::env::android::fake
