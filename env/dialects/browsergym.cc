// BrowserGym's high-level actions: one Python call with literal arguments.
//
//   text = thought "```" call "```" | thought "<action>" call "</action>" | call
//
// The last <action> or else the first fence counts; without either the whole text must be the call.
// A bid's trailing digits are the mark ("a51" is mark 51). send_msg_to_user is the final answer,
// report_infeasible gives the task up. The calls that hold a button or a key down across steps
// (mouse_down, keyboard_up, ...) have no counterpart and say so.
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"
#include "env/dialects/python_call.h"

namespace proctor::env::dialects {
namespace {

// Arguments of a call by the names of its signature. Reads collect the first problem in `error`.
class Arguments {
 public:
  // `signature`: parameter names in order.
  Arguments(const PythonCall& call, const std::vector<std::string_view>& signature) : call_(call) {
    if (call.positional.size() > signature.size()) {
      error_ = absl::StrCat(call.name, " takes at most ", signature.size(),
                            " arguments: ", Usage(signature));
      return;
    }
    for (size_t i = 0; i < call.positional.size(); ++i) {
      values_[std::string(signature[i])] = &call.positional[i];
    }
    for (const auto& [key, value] : call.named) {
      const bool known = std::find(signature.begin(), signature.end(), key) != signature.end();
      if (!known || !values_.emplace(key, &value).second) {
        error_ = absl::StrCat(call.name, (known ? ": twice the argument " : ": unknown argument "),
                              Excerpt(key), ". Usage: ", Usage(signature));
        return;
      }
    }
  }

  const std::string& error() const { return error_; }
  void Fail(std::string_view problem) {
    if (error_.empty()) error_ = absl::StrCat(call_.name, ": ", ToAbsl(problem));
  }

  bool Has(std::string_view name) const { return values_.count(std::string(name)) > 0; }

  std::string String(std::string_view name) {
    const PythonValue* value = Required(name);
    if (value == nullptr) return "";
    if (const auto* text = std::get_if<std::string>(&value->value)) return *text;
    Fail(absl::StrCat(ToAbsl(name), " must be a quoted string"));
    return "";
  }

  double Number(std::string_view name) {
    const PythonValue* value = Required(name);
    if (value == nullptr) return 0;
    if (const auto* number = std::get_if<double>(&value->value)) return *number;
    Fail(absl::StrCat(ToAbsl(name), " must be a number"));
    return 0;
  }

  // A string or a list of strings.
  std::vector<std::string> Strings(std::string_view name) {
    const PythonValue* value = Required(name);
    if (value == nullptr) return {};
    if (const auto* text = std::get_if<std::string>(&value->value)) return {*text};
    std::vector<std::string> strings;
    if (const auto* items = std::get_if<std::vector<PythonValue>>(&value->value)) {
      for (const PythonValue& item : *items) {
        const auto* text = std::get_if<std::string>(&item.value);
        if (text == nullptr) break;
        strings.push_back(*text);
      }
      if (strings.size() == items->size()) return strings;
    }
    Fail(absl::StrCat(ToAbsl(name), " must be a quoted string or a list of them"));
    return {};
  }

  void Mark(std::string_view name, v1::Target* target) {
    const std::string bid = String(name);
    size_t begin = bid.size();
    while (begin > 0 && absl::ascii_isdigit(bid[begin - 1])) --begin;
    const std::optional<int32_t> mark = ParseMark(bid.substr(begin));
    if (mark.has_value()) {
      target->set_mark(*mark);
    } else {
      Fail(absl::StrCat("there is no element \"", Excerpt(bid),
                        "\"; a bid ends with its mark, like '51'"));
    }
  }

  void Point(std::string_view x, std::string_view y, v1::Target* target) {
    target->mutable_point()->set_x(Number(x));
    target->mutable_point()->set_y(Number(y));
  }

  v1::MouseButton Button() {
    if (!Has("button")) return v1::MOUSE_BUTTON_LEFT;
    const std::string button = String("button");
    if (button == "left") return v1::MOUSE_BUTTON_LEFT;
    if (button == "middle") return v1::MOUSE_BUTTON_MIDDLE;
    if (button == "right") return v1::MOUSE_BUTTON_RIGHT;
    Fail("button must be 'left', 'middle' or 'right'");
    return v1::MOUSE_BUTTON_LEFT;
  }

  void Modifiers(v1::Click* click) {
    if (!Has("modifiers")) return;
    for (const std::string& modifier : Strings("modifiers")) {
      if (modifier == "Alt") {
        click->add_modifiers(v1::KEY_MODIFIER_ALT);
      } else if (modifier == "Control" || modifier == "ControlOrMeta") {
        click->add_modifiers(v1::KEY_MODIFIER_CONTROL);
      } else if (modifier == "Meta") {
        click->add_modifiers(v1::KEY_MODIFIER_META);
      } else if (modifier == "Shift") {
        click->add_modifiers(v1::KEY_MODIFIER_SHIFT);
      } else {
        Fail("modifiers are 'Alt', 'Control', 'ControlOrMeta', 'Meta' and 'Shift'");
      }
    }
  }

 private:
  std::string Usage(const std::vector<std::string_view>& signature) const {
    return absl::StrCat(
        call_.name, "(",
        absl::StrJoin(signature, ", ",
                      [](std::string* out, std::string_view name) { out->append(name); }),
        ")");
  }

  const PythonValue* Required(std::string_view name) {
    const auto found = values_.find(std::string(name));
    if (found != values_.end()) return found->second;
    Fail(absl::StrCat("the argument ", ToAbsl(name), " is missing"));
    return nullptr;
  }

  const PythonCall& call_;
  std::map<std::string, const PythonValue*> values_;
  std::string error_;
};

std::string Chord(std::string keys) {
  constexpr std::string_view kEither = "ControlOrMeta";
  const size_t at = keys.find(kEither);
  if (at != keys.npos) keys.replace(at, kEither.size(), "Control");
  return keys;
}

void SetFile(Arguments& arguments, v1::UploadFile* upload) {
  const std::vector<std::string> files = arguments.Strings("file");
  if (files.size() != 1) {
    arguments.Fail("file must name exactly one of the task's files");
    return;
  }
  upload->set_task_file(files[0]);
  upload->set_file_name(files[0].substr(files[0].rfind('/') + 1));
}

void SetWait(Arguments& arguments, v1::Action& action) {
  constexpr double kDefaultMs = 1000;
  constexpr double kMaxMs = 30000;
  const double ms = arguments.Has("wait_ms") ? arguments.Number("wait_ms") : kDefaultMs;
  if (ms < 0 || ms > kMaxMs) {
    arguments.Fail("wait_ms must be between 0 and 30000");
  } else if (ms == 0) {
    action.mutable_noop();
  } else {
    auto* duration = action.mutable_wait()->mutable_duration();
    duration->set_seconds(static_cast<int64_t>(ms / 1000));
    duration->set_nanos(static_cast<int32_t>(std::fmod(ms, 1000) * 1e6));
  }
}

void SetTab(Arguments& arguments, v1::Action& action) {
  const double index = arguments.Number("index");
  if (index < 0 || index > 10000 || index != std::floor(index)) {
    arguments.Fail("index must be a tab's number, from 0");
    return;
  }
  action.mutable_focus_tab()->set_index(static_cast<int32_t>(index));
}

struct Function {
  std::vector<std::string_view> signature;
  void (*build)(Arguments& arguments, v1::Action& action);
};

using Functions = std::map<std::string_view, Function>;

void AddElementFunctions(Functions& functions) {
  functions["click"] = {{"bid", "button", "modifiers"}, [](Arguments& in, v1::Action& out) {
                          v1::Click* click = out.mutable_click();
                          in.Mark("bid", click->mutable_target());
                          click->set_button(in.Button());
                          in.Modifiers(click);
                        }};
  functions["dblclick"] = {{"bid", "button", "modifiers"}, [](Arguments& in, v1::Action& out) {
                             v1::Click* click = out.mutable_click();
                             in.Mark("bid", click->mutable_target());
                             click->set_button(in.Button());
                             click->set_count(2);
                             in.Modifiers(click);
                           }};
  functions["hover"] = {{"bid"}, [](Arguments& in, v1::Action& out) {
                          in.Mark("bid", out.mutable_hover()->mutable_target());
                        }};
  functions["fill"] = {{"bid", "value", "enable_autocomplete_menu"},
                       [](Arguments& in, v1::Action& out) {
                         in.Mark("bid", out.mutable_type()->mutable_target());
                         out.mutable_type()->set_text(in.String("value"));
                         out.mutable_type()->set_clear(true);
                       }};
  functions["clear"] = {{"bid"}, [](Arguments& in, v1::Action& out) {
                          in.Mark("bid", out.mutable_type()->mutable_target());
                          out.mutable_type()->set_clear(true);
                        }};
  functions["focus"] = {{"bid"}, [](Arguments& in, v1::Action& out) {
                          in.Mark("bid", out.mutable_press_keys()->mutable_target());
                        }};
  functions["press"] = {{"bid", "key_comb"}, [](Arguments& in, v1::Action& out) {
                          in.Mark("bid", out.mutable_press_keys()->mutable_target());
                          out.mutable_press_keys()->add_chords(Chord(in.String("key_comb")));
                        }};
  functions["select_option"] = {{"bid", "options"}, [](Arguments& in, v1::Action& out) {
                                  in.Mark("bid", out.mutable_select_option()->mutable_target());
                                  for (std::string& option : in.Strings("options")) {
                                    out.mutable_select_option()->add_options(std::move(option));
                                  }
                                }};
  functions["check"] = {{"bid"}, [](Arguments& in, v1::Action& out) {
                          in.Mark("bid", out.mutable_check()->mutable_target());
                          out.mutable_check()->set_checked(true);
                        }};
  functions["uncheck"] = {{"bid"}, [](Arguments& in, v1::Action& out) {
                            in.Mark("bid", out.mutable_check()->mutable_target());
                          }};
  functions["drag_and_drop"] = {{"from_bid", "to_bid"}, [](Arguments& in, v1::Action& out) {
                                  in.Mark("from_bid", out.mutable_drag()->mutable_from());
                                  in.Mark("to_bid", out.mutable_drag()->mutable_to());
                                }};
  functions["upload_file"] = {{"bid", "file"}, [](Arguments& in, v1::Action& out) {
                                in.Mark("bid", out.mutable_upload_file()->mutable_target());
                                SetFile(in, out.mutable_upload_file());
                              }};
}

void AddPointFunctions(Functions& functions) {
  functions["mouse_move"] = {{"x", "y"}, [](Arguments& in, v1::Action& out) {
                               in.Point("x", "y", out.mutable_hover()->mutable_target());
                             }};
  functions["mouse_click"] = {{"x", "y", "button"}, [](Arguments& in, v1::Action& out) {
                                in.Point("x", "y", out.mutable_click()->mutable_target());
                                out.mutable_click()->set_button(in.Button());
                              }};
  functions["mouse_dblclick"] = {{"x", "y", "button"}, [](Arguments& in, v1::Action& out) {
                                   in.Point("x", "y", out.mutable_click()->mutable_target());
                                   out.mutable_click()->set_button(in.Button());
                                   out.mutable_click()->set_count(2);
                                 }};
  functions["mouse_drag_and_drop"] = {
      {"from_x", "from_y", "to_x", "to_y"}, [](Arguments& in, v1::Action& out) {
        in.Point("from_x", "from_y", out.mutable_drag()->mutable_from());
        in.Point("to_x", "to_y", out.mutable_drag()->mutable_to());
      }};
  functions["mouse_upload_file"] = {{"x", "y", "file"}, [](Arguments& in, v1::Action& out) {
                                      in.Point("x", "y",
                                               out.mutable_upload_file()->mutable_target());
                                      SetFile(in, out.mutable_upload_file());
                                    }};
  functions["scroll"] = {{"delta_x", "delta_y"}, [](Arguments& in, v1::Action& out) {
                           out.mutable_scroll()->set_delta_x(in.Number("delta_x"));
                           out.mutable_scroll()->set_delta_y(in.Number("delta_y"));
                           if (out.scroll().delta_x() == 0 && out.scroll().delta_y() == 0) {
                             in.Fail("one of the distances must not be 0");
                           }
                         }};
  functions["keyboard_press"] = {{"key"}, [](Arguments& in, v1::Action& out) {
                                   out.mutable_press_keys()->add_chords(Chord(in.String("key")));
                                 }};
  const auto type = [](Arguments& in, v1::Action& out) {
    out.mutable_type()->set_text(in.String("text"));
  };
  functions["keyboard_type"] = {{"text"}, type};
  functions["keyboard_insert_text"] = {{"text"}, type};
}

void AddOtherFunctions(Functions& functions) {
  functions["send_msg_to_user"] = {{"text"}, [](Arguments& in, v1::Action& out) {
                                     out.mutable_answer()->set_text(in.String("text"));
                                   }};
  functions["report_infeasible"] = {{"reason"}, [](Arguments& in, v1::Action& out) {
                                      out.mutable_give_up()->set_reason(in.String("reason"));
                                    }};
  functions["noop"] = {{"wait_ms"}, SetWait};
  functions["goto"] = {{"url"}, [](Arguments& in, v1::Action& out) {
                         out.mutable_goto_()->set_url(in.String("url"));
                       }};
  functions["go_back"] = {{}, [](Arguments&, v1::Action& out) { out.mutable_go_back(); }};
  functions["go_forward"] = {{}, [](Arguments&, v1::Action& out) { out.mutable_go_forward(); }};
  functions["new_tab"] = {{}, [](Arguments&, v1::Action& out) { out.mutable_new_tab(); }};
  functions["tab_close"] = {{}, [](Arguments&, v1::Action& out) { out.mutable_close_tab(); }};
  functions["tab_focus"] = {{"index"}, SetTab};
  const auto held = [](Arguments& in, v1::Action&) {
    in.Fail(
        "nothing can be held down from one step to the next; use drag_and_drop, "
        "mouse_drag_and_drop, press or keyboard_press");
  };
  functions["mouse_down"] = {{"x", "y", "button"}, held};
  functions["mouse_up"] = {{"x", "y", "button"}, held};
  functions["keyboard_down"] = {{"key"}, held};
  functions["keyboard_up"] = {{"key"}, held};
}

const Functions& AllFunctions() {
  static const Functions* const functions = [] {
    auto* all = new Functions;
    AddElementFunctions(*all);
    AddPointFunctions(*all);
    AddOtherFunctions(*all);
    return all;
  }();
  return *functions;
}

struct Parts {
  std::string_view thought;
  std::string_view call;
};

Parts Split(std::string_view text) {
  constexpr std::string_view kOpen = "<action>";
  constexpr std::string_view kClose = "</action>";
  constexpr std::string_view kFence = "```";
  if (const size_t open = text.rfind(kOpen); open != text.npos) {
    const std::string_view rest = text.substr(open + kOpen.size());
    return {Trim(text.substr(0, open)), Trim(rest.substr(0, rest.find(kClose)))};
  }
  if (const size_t open = text.find(kFence); open != text.npos) {
    std::string_view inside = text.substr(open + kFence.size());
    inside = inside.substr(0, inside.find(kFence));
    if (absl::StartsWith(ToAbsl(inside), "python\n")) inside.remove_prefix(7);
    return {Trim(text.substr(0, open)), Trim(inside)};
  }
  return {"", Trim(text)};
}

}  // namespace

ParsedAgentText ParseBrowserGym(std::string_view text) {
  ParsedAgentText parsed;
  const Parts parts = Split(text);
  parsed.thought = std::string(parts.thought);
  const absl::StatusOr<PythonCall> call = ParsePythonCall(parts.call);
  if (!call.ok()) {
    parsed.error = absl::StrCat("\"", Excerpt(parts.call),
                                "\" is not one call with literal arguments, like "
                                "click('51') or fill('12', 'text'): ",
                                call.status().message(), ".");
    return parsed;
  }
  const auto found = AllFunctions().find(call->name);
  if (found == AllFunctions().end()) {
    parsed.error = absl::StrCat(
        "There is no action ", Excerpt(call->name), ". Actions: ",
        absl::StrJoin(AllFunctions(), ", ",
                      [](std::string* out, const auto& entry) { out->append(entry.first); }),
        ".");
    return parsed;
  }
  Arguments arguments(*call, found->second.signature);
  if (arguments.error().empty()) found->second.build(arguments, parsed.action);
  parsed.error = arguments.error();
  return parsed;
}

}  // namespace proctor::env::dialects
