#include "env/web/keys.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "env/key_chord.h"

namespace proctor::env::web {
namespace {

// One key: KeyboardEvent.key, .code, the Windows virtual key code, and the text that it types.
struct Key {
  std::string key;
  std::string code;
  int virtual_code = 0;
  std::string text;
};

// Text typed key by key up to this length; above it the round through the page's key handlers takes too long.
constexpr size_t kMaxKeyedText = 400;

const std::map<std::string, Key>& NamedKeys() {
  static const auto* const kKeys = [] {
    auto* keys = new std::map<std::string, Key>{
        {"alt", {"Alt", "AltLeft", 18, ""}},
        {"arrowdown", {"ArrowDown", "ArrowDown", 40, ""}},
        {"arrowleft", {"ArrowLeft", "ArrowLeft", 37, ""}},
        {"arrowright", {"ArrowRight", "ArrowRight", 39, ""}},
        {"arrowup", {"ArrowUp", "ArrowUp", 38, ""}},
        {"backspace", {"Backspace", "Backspace", 8, ""}},
        {"capslock", {"CapsLock", "CapsLock", 20, ""}},
        {"contextmenu", {"ContextMenu", "ContextMenu", 93, ""}},
        {"control", {"Control", "ControlLeft", 17, ""}},
        {"delete", {"Delete", "Delete", 46, ""}},
        {"end", {"End", "End", 35, ""}},
        {"enter", {"Enter", "Enter", 13, "\r"}},
        {"escape", {"Escape", "Escape", 27, ""}},
        {"home", {"Home", "Home", 36, ""}},
        {"insert", {"Insert", "Insert", 45, ""}},
        {"meta", {"Meta", "MetaLeft", 91, ""}},
        {"pagedown", {"PageDown", "PageDown", 34, ""}},
        {"pageup", {"PageUp", "PageUp", 33, ""}},
        {"pause", {"Pause", "Pause", 19, ""}},
        {"shift", {"Shift", "ShiftLeft", 16, ""}},
        {"tab", {"Tab", "Tab", 9, ""}},
    };
    for (int n = 1; n <= 12; ++n) {
      const std::string name = absl::StrCat("F", n);
      (*keys)[absl::AsciiStrToLower(name)] = {name, name, 111 + n, ""};
    }
    (*keys)["space"] = {" ", "Space", 32, " "};
    return keys;
  }();
  return *kKeys;
}

// Keys of a US keyboard that type something else than letters and digits: code, virtual code, plain, shifted.
struct Symbol {
  const char* code;
  int virtual_code;
  char plain;
  char shifted;
};
constexpr Symbol kSymbols[] = {
    {"Backquote", 192, '`', '~'}, {"Minus", 189, '-', '_'},     {"Equal", 187, '=', '+'},
    {"BracketLeft", 219, '[', '{'}, {"BracketRight", 221, ']', '}'}, {"Backslash", 220, '\\', '|'},
    {"Semicolon", 186, ';', ':'}, {"Quote", 222, '\'', '"'},    {"Comma", 188, ',', '<'},
    {"Period", 190, '.', '>'},    {"Slash", 191, '/', '?'},     {"Digit0", 48, '0', ')'},
    {"Digit1", 49, '1', '!'},     {"Digit2", 50, '2', '@'},     {"Digit3", 51, '3', '#'},
    {"Digit4", 52, '4', '$'},     {"Digit5", 53, '5', '%'},     {"Digit6", 54, '6', '^'},
    {"Digit7", 55, '7', '&'},     {"Digit8", 56, '8', '*'},     {"Digit9", 57, '9', '('},
};

// The key that types this printable ASCII character, and whether shift is held for it.
std::pair<Key, bool> CharacterKey(char c) {
  const std::string text(1, c);
  if (c == ' ') return {{" ", "Space", 32, " "}, false};
  if (absl::ascii_isalpha(static_cast<unsigned char>(c))) {
    const char upper = absl::ascii_toupper(static_cast<unsigned char>(c));
    return {{text, absl::StrCat("Key", std::string(1, upper)), upper, text}, c == upper};
  }
  for (const Symbol& symbol : kSymbols) {
    if (c == symbol.plain) return {{text, symbol.code, symbol.virtual_code, text}, false};
    if (c == symbol.shifted) return {{text, symbol.code, symbol.virtual_code, text}, true};
  }
  return {{text, "", 0, text}, false};
}

DevToolsCommand KeyEvent(const std::string& session, std::string_view type, const Key& key, int modifiers) {
  Json params = {{"type", std::string(type)},
                 {"modifiers", modifiers},
                 {"key", key.key},
                 {"code", key.code},
                 {"windowsVirtualKeyCode", key.virtual_code},
                 {"nativeVirtualKeyCode", key.virtual_code}};
  const bool types = type == "keyDown" && !key.text.empty() && (modifiers & ~kShiftBit) == 0;
  if (types) {
    params["text"] = key.text;
    params["unmodifiedText"] = key.text;
  } else if (type == "keyDown") {
    params["type"] = "rawKeyDown";
  }
  return {session, "Input.dispatchKeyEvent", std::move(params)};
}

int ModifierBit(const std::string& key) {
  if (key == "Alt") return kAltBit;
  if (key == "Control") return kControlBit;
  if (key == "Meta") return kMetaBit;
  if (key == "Shift") return kShiftBit;
  return 0;
}

absl::StatusOr<Key> FindKey(const std::string& name, bool shift) {
  const auto named = NamedKeys().find(CanonicalKeyName(name));
  if (named != NamedKeys().end()) return named->second;
  if (name.size() == 1 && absl::ascii_isprint(static_cast<unsigned char>(name[0]))) {
    char c = name[0];
    if (shift) {
      c = absl::ascii_toupper(static_cast<unsigned char>(c));
      for (const Symbol& symbol : kSymbols) {
        if (c == symbol.plain) {
          c = symbol.shifted;
          break;
        }
      }
    }
    return CharacterKey(c).first;
  }
  return NoSuchKey(name);
}

}  // namespace

absl::StatusOr<std::vector<DevToolsCommand>> ChordCommands(const std::string& session, std::string_view chord) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> parts, SplitChord(chord));
  std::vector<DevToolsCommand> commands;
  std::vector<Key> held;
  int modifiers = 0;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(const Key key, FindKey(parts[i], false));
    modifiers |= ModifierBit(key.key);
    commands.push_back(KeyEvent(session, "keyDown", key, modifiers));
    held.push_back(key);
  }
  PROCTOR_ASSIGN_OR_RETURN(const Key key, FindKey(parts.back(), (modifiers & kShiftBit) != 0));
  const int own = ModifierBit(key.key);
  commands.push_back(KeyEvent(session, "keyDown", key, modifiers | own));
  commands.push_back(KeyEvent(session, "keyUp", key, modifiers));
  for (auto it = held.rbegin(); it != held.rend(); ++it) {
    modifiers &= ~ModifierBit(it->key);
    commands.push_back(KeyEvent(session, "keyUp", *it, modifiers));
  }
  return commands;
}

std::vector<DevToolsCommand> TextCommands(const std::string& session, const std::string& text) {
  const bool keyed = text.size() <= kMaxKeyedText && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  std::vector<DevToolsCommand> commands;
  if (!keyed) {
    commands.push_back({session, "Input.insertText", {{"text", text}}});
    return commands;
  }
  for (const char c : text) {
    const auto [key, shift] = CharacterKey(c);
    commands.push_back(KeyEvent(session, "keyDown", key, shift ? kShiftBit : 0));
    commands.push_back(KeyEvent(session, "keyUp", key, shift ? kShiftBit : 0));
  }
  return commands;
}

}  // namespace proctor::env::web
