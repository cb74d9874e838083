#include "env/dialects/keys.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/strings.h"

namespace proctor::env::dialects {
namespace {

constexpr size_t kLongestName = 40;

using Names = std::map<std::string, std::string>;

void Add(Names& names, const char* dom, std::initializer_list<const char*> others) {
  for (const char* other : others) names[other] = dom;
}

void AddModifiers(Names& names) {
  Add(names, "Alt", {"alt", "altl", "altr", "altleft", "altright", "option", "optionleft", "optionright", "isolevel3shift"});
  Add(names, "Control", {"control", "controll", "controlr", "ctrl", "ctrll", "ctrlr", "ctrlleft", "ctrlright"});
  Add(names, "Meta",
      {"meta", "metal", "metar", "super", "superl", "superr", "win", "winleft", "winright", "windows", "cmd", "command"});
  Add(names, "Shift", {"shift", "shiftl", "shiftr", "shiftleft", "shiftright"});
}

void AddNamedKeys(Names& names) {
  Add(names, "ArrowDown", {"arrowdown", "down", "kpdown"});
  Add(names, "ArrowLeft", {"arrowleft", "left", "kpleft"});
  Add(names, "ArrowRight", {"arrowright", "right", "kpright"});
  Add(names, "ArrowUp", {"arrowup", "up", "kpup"});
  Add(names, "Backspace", {"backspace", "bksp"});
  Add(names, "CapsLock", {"capslock"});
  Add(names, "ContextMenu", {"contextmenu", "menu", "apps"});
  Add(names, "Delete", {"delete", "del", "kpdelete"});
  Add(names, "End", {"end", "kpend"});
  Add(names, "Enter", {"enter", "return", "kpenter"});
  Add(names, "Escape", {"escape", "esc"});
  Add(names, "Home", {"home", "kphome"});
  Add(names, "Insert", {"insert", "ins", "kpinsert"});
  Add(names, "NumLock", {"numlock"});
  Add(names, "PageDown", {"pagedown", "pgdn", "next", "kppagedown", "kpnext"});
  Add(names, "PageUp", {"pageup", "pgup", "prior", "kppageup", "kpprior"});
  Add(names, "Pause", {"pause", "break"});
  Add(names, "PrintScreen", {"printscreen", "print", "prtsc", "prtscr", "prntscrn"});
  Add(names, "ScrollLock", {"scrolllock"});
  Add(names, "Space", {"space", "spacebar", "kpspace"});
  Add(names, "Tab", {"tab", "kptab"});
  for (int n = 1; n <= 24; ++n) names[absl::StrCat("f", n)] = absl::StrCat("F", n);
}

void AddCharacters(Names& names) {
  const std::pair<const char*, const char*> kCharacters[] = {
      {"ampersand", "&"},   {"apostrophe", "'"},   {"asciicircum", "^"}, {"asciitilde", "~"}, {"asterisk", "*"},
      {"at", "@"},          {"backslash", "\\"},   {"bar", "|"},         {"braceleft", "{"},  {"braceright", "}"},
      {"bracketleft", "["}, {"bracketright", "]"}, {"colon", ":"},       {"comma", ","},      {"dollar", "$"},
      {"equal", "="},       {"exclam", "!"},       {"grave", "`"},       {"greater", ">"},    {"less", "<"},
      {"minus", "-"},       {"numbersign", "#"},   {"parenleft", "("},   {"parenright", ")"}, {"percent", "%"},
      {"period", "."},      {"plus", "+"},         {"question", "?"},    {"quotedbl", "\""},  {"semicolon", ";"},
      {"slash", "/"},       {"underscore", "_"},   {"add", "+"},         {"subtract", "-"},   {"multiply", "*"},
      {"divide", "/"},      {"decimal", "."},      {"kpadd", "+"},       {"kpsubtract", "-"}, {"kpmultiply", "*"},
      {"kpdivide", "/"},    {"kpdecimal", "."},    {"kpequal", "="}};
  for (const auto& [name, character] : kCharacters) names[name] = character;
  for (int n = 0; n <= 9; ++n) names[absl::StrCat("kp", n)] = names[absl::StrCat("num", n)] = absl::StrCat(n);
}

const Names& AllNames() {
  static const Names* const names = [] {
    auto* all = new Names;
    AddModifiers(*all);
    AddNamedKeys(*all);
    AddCharacters(*all);
    return all;
  }();
  return *names;
}

}  // namespace

std::string DomKey(std::string_view name) {
  if (name.size() == 1) {
    if (name[0] == '\n' || name[0] == '\r') return "Enter";
    if (name[0] == '\t') return "Tab";
    if (name[0] == ' ') return "Space";
    return std::string(name);
  }
  if (name.size() <= kLongestName) {
    std::string folded = absl::AsciiStrToLower(ToAbsl(name));
    folded.erase(std::remove_if(folded.begin(), folded.end(), [](char c) { return c == '_' || c == ' '; }), folded.end());
    const auto found = AllNames().find(folded);
    if (found != AllNames().end()) return found->second;
  }
  return std::string(name);
}

std::optional<v1::KeyModifier> ModifierOf(std::string_view key) {
  const std::string name = DomKey(key);
  if (name == "Alt") return v1::KEY_MODIFIER_ALT;
  if (name == "Control") return v1::KEY_MODIFIER_CONTROL;
  if (name == "Meta") return v1::KEY_MODIFIER_META;
  if (name == "Shift") return v1::KEY_MODIFIER_SHIFT;
  return std::nullopt;
}

std::vector<std::string> SplitChord(std::string_view chord) {
  std::vector<std::string> keys;
  size_t at = 0;
  while (at < chord.size()) {
    // A plus that begins a part is the key itself.
    const size_t plus = std::min(chord.find('+', at + 1), chord.size());
    keys.emplace_back(chord.substr(at, plus - at));
    at = plus + 1;
  }
  return keys;
}

std::string DomChord(const std::vector<std::string>& keys) {
  std::vector<std::string> parts;
  for (const std::string& key : keys) {
    for (std::string& part : SplitChord(key)) parts.push_back(std::move(part));
  }
  std::vector<std::string> names;
  bool commands = false;
  bool shifts = false;
  for (const std::string& key : parts) {
    names.push_back(DomKey(key));
    const std::optional<v1::KeyModifier> modifier = ModifierOf(key);
    if (modifier == v1::KEY_MODIFIER_SHIFT) shifts = true;
    if (modifier.has_value() && modifier != v1::KEY_MODIFIER_SHIFT) commands = true;
  }
  if (commands && !shifts && names.back().size() == 1) names.back() = absl::AsciiStrToLower(names.back());
  return absl::StrJoin(names, "+");
}

std::string DomChord(std::string_view chord) { return DomChord(SplitChord(chord)); }

}  // namespace proctor::env::dialects
