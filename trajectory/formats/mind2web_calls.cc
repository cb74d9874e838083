// The compact grammar of Online-Mind2Web's action strings.
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "google/protobuf/duration.pb.h"
#include "re2/re2.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/mind2web_text.h"

namespace proctor::trajectory::formats {
namespace {

constexpr double kMaxMilliseconds = 1e9;

// name(key=value, ...): numbers and quoted texts.
struct Call {
  std::string name;
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> texts;
};

// The backslash escapes of JSON and Python that matter; others stay.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'n')
      plain += '\n';
    else if (c == 't')
      plain += '\t';
    else
      plain += c;
  }
  return plain;
}

std::optional<Call> ReadCall(std::string_view text) {
  static const RE2 outer(R"((?s)([a-z_]+)\((.*)\))");
  static const RE2 argument(
      R"re((?s)\s*(\w+)\s*=\s*(?:(-?\d+(?:\.\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*(,|\z))re");
  Call call;
  re2::StringPiece rest;
  if (!RE2::FullMatch(re2::StringPiece(text.data(), text.size()), outer, &call.name, &rest)) {
    return std::nullopt;
  }
  std::string key, number, end;
  re2::StringPiece twice, once;
  while (!Trim(std::string_view(rest.data(), rest.size())).empty()) {
    if (!RE2::Consume(&rest, argument, &key, &number, &twice, &once, &end)) return std::nullopt;
    double value = 0;
    if (!number.empty() && absl::SimpleAtod(number, &value)) {
      call.numbers[key] = value;
    } else {
      const re2::StringPiece& quoted = twice.empty() ? once : twice;
      call.texts[key] = Unescape({quoted.data(), quoted.size()});
    }
  }
  return call;
}

void SetPoint(const Call& call, v1::Target* target) {
  const auto x = call.numbers.find("x");
  const auto y = call.numbers.find("y");
  if (x == call.numbers.end() || y == call.numbers.end()) return;
  target->mutable_point()->set_x(x->second);
  target->mutable_point()->set_y(y->second);
}

std::string TextOr(const Call& call, const char* key) {
  const auto text = call.texts.find(key);
  return text == call.texts.end() ? "" : text->second;
}

void MakeScroll(const Call& call, const v1::Observation& seen, v1::Scroll& scroll) {
  const auto amount = call.numbers.find("amount");
  const double distance = amount == call.numbers.end() ? SeenHeight(seen) * 2 / 3 : amount->second;
  scroll.set_delta_y(TextOr(call, "direction") == "up" ? -distance : distance);
}

void MakeWait(const Call& call, v1::Wait& wait) {
  const auto ms = call.numbers.find("ms");
  if (ms == call.numbers.end() || ms->second < 0 || ms->second > kMaxMilliseconds) return;
  const int64_t whole = static_cast<int64_t>(ms->second);
  wait.mutable_duration()->set_seconds(whole / 1000);
  wait.mutable_duration()->set_nanos(static_cast<int32_t>(whole % 1000) * 1'000'000);
}

}  // namespace

std::optional<v1::Action> ReadMind2WebCall(std::string_view text, const v1::Observation& seen) {
  const std::optional<Call> call = ReadCall(Trim(text));
  if (!call.has_value()) return std::nullopt;
  v1::Action action;
  const std::string& name = call->name;
  if (name == "click_at") {
    SetPoint(*call, action.mutable_click()->mutable_target());
  } else if (name == "type_at") {
    SetPoint(*call, action.mutable_type()->mutable_target());
    action.mutable_type()->set_text(TextOr(*call, "text"));
  } else if (name == "scroll") {
    MakeScroll(*call, seen, *action.mutable_scroll());
  } else if (name == "hover") {
    SetPoint(*call, action.mutable_hover()->mutable_target());
  } else if (name == "wait") {
    MakeWait(*call, *action.mutable_wait());
  } else if (name == "press_key") {
    action.mutable_press_keys()->add_chords(TextOr(*call, "key"));
  } else if (name == "select_option") {
    action.mutable_select_option()->add_options(TextOr(*call, "value"));
  } else if (name == "navigate") {
    action.mutable_goto_()->set_url(TextOr(*call, "url"));
  } else if (name == "go_back") {
    action.mutable_go_back();
  } else if (name == "go_forward") {
    action.mutable_go_forward();
  } else {
    return std::nullopt;
  }
  return action;
}

}  // namespace proctor::trajectory::formats
