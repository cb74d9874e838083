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
#include "env/dialects/call_arguments.h"
#include "env/dialects/parsers.h"
#include "env/dialects/python_call.h"

namespace proctor::env::dialects {
namespace {

void SetMark(CallArguments& arguments, std::string_view name, v1::Target* target) {
  const std::string bid = arguments.String(name);
  size_t begin = bid.size();
  while (begin > 0 && absl::ascii_isdigit(bid[begin - 1])) --begin;
  const std::optional<int32_t> mark = ParseMark(std::string_view(bid).substr(begin));
  if (mark.has_value()) {
    target->set_mark(*mark);
  } else {
    arguments.Fail(absl::StrCat("there is no element \"", Excerpt(bid), "\"; a bid ends with its mark, like '51'"));
  }
}

void SetModifiers(CallArguments& arguments, v1::Click* click) {
  if (!arguments.Has("modifiers")) return;
  for (const std::string& modifier : arguments.Strings("modifiers")) {
    if (modifier == "Alt") {
      click->add_modifiers(v1::KEY_MODIFIER_ALT);
    } else if (modifier == "Control" || modifier == "ControlOrMeta") {
      click->add_modifiers(v1::KEY_MODIFIER_CONTROL);
    } else if (modifier == "Meta") {
      click->add_modifiers(v1::KEY_MODIFIER_META);
    } else if (modifier == "Shift") {
      click->add_modifiers(v1::KEY_MODIFIER_SHIFT);
    } else {
      arguments.Fail("modifiers are 'Alt', 'Control', 'ControlOrMeta', 'Meta' and 'Shift'");
    }
  }
}

std::string Chord(std::string keys) {
  constexpr std::string_view kEither = "ControlOrMeta";
  const size_t at = keys.find(kEither);
  if (at != keys.npos) keys.replace(at, kEither.size(), "Control");
  return keys;
}

void SetFile(CallArguments& arguments, v1::UploadFile* upload) {
  const std::vector<std::string> files = arguments.Strings("file");
  if (files.size() != 1) {
    arguments.Fail("file must name exactly one of the task's files");
    return;
  }
  upload->set_task_file(files[0]);
  upload->set_file_name(files[0].substr(files[0].rfind('/') + 1));
}

void SetWait(CallArguments& arguments, v1::Action& action) {
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

void SetTab(CallArguments& arguments, v1::Action& action) {
  const double index = arguments.Number("index");
  if (index < 0 || index > 10000 || index != std::floor(index)) {
    arguments.Fail("index must be a tab's number, from 0");
    return;
  }
  action.mutable_focus_tab()->set_index(static_cast<int32_t>(index));
}

struct Function {
  std::vector<std::string_view> signature;
  void (*build)(CallArguments& arguments, v1::Action& action);
};

using Functions = std::map<std::string_view, Function>;

void AddElementFunctions(Functions& functions) {
  functions["click"] = {{"bid", "button", "modifiers"}, [](CallArguments& in, v1::Action& out) {
                          v1::Click* click = out.mutable_click();
                          SetMark(in, "bid", click->mutable_target());
                          click->set_button(in.Button());
                          SetModifiers(in, click);
                        }};
  functions["dblclick"] = {{"bid", "button", "modifiers"}, [](CallArguments& in, v1::Action& out) {
                             v1::Click* click = out.mutable_click();
                             SetMark(in, "bid", click->mutable_target());
                             click->set_button(in.Button());
                             click->set_count(2);
                             SetModifiers(in, click);
                           }};
  functions["hover"] = {{"bid"}, [](CallArguments& in, v1::Action& out) {
                          SetMark(in, "bid", out.mutable_hover()->mutable_target());
                        }};
  functions["fill"] = {{"bid", "value", "enable_autocomplete_menu"},
                       [](CallArguments& in, v1::Action& out) {
                         SetMark(in, "bid", out.mutable_type()->mutable_target());
                         out.mutable_type()->set_text(in.String("value"));
                         out.mutable_type()->set_clear(true);
                       }};
  functions["clear"] = {{"bid"}, [](CallArguments& in, v1::Action& out) {
                          SetMark(in, "bid", out.mutable_type()->mutable_target());
                          out.mutable_type()->set_clear(true);
                        }};
  functions["focus"] = {{"bid"}, [](CallArguments& in, v1::Action& out) {
                          SetMark(in, "bid", out.mutable_press_keys()->mutable_target());
                        }};
  functions["press"] = {{"bid", "key_comb"}, [](CallArguments& in, v1::Action& out) {
                          SetMark(in, "bid", out.mutable_press_keys()->mutable_target());
                          out.mutable_press_keys()->add_chords(Chord(in.String("key_comb")));
                        }};
  functions["select_option"] = {{"bid", "options"}, [](CallArguments& in, v1::Action& out) {
                                  SetMark(in, "bid", out.mutable_select_option()->mutable_target());
                                  for (std::string& option : in.Strings("options")) {
                                    out.mutable_select_option()->add_options(std::move(option));
                                  }
                                }};
  functions["check"] = {{"bid"}, [](CallArguments& in, v1::Action& out) {
                          SetMark(in, "bid", out.mutable_check()->mutable_target());
                          out.mutable_check()->set_checked(true);
                        }};
  functions["uncheck"] = {{"bid"}, [](CallArguments& in, v1::Action& out) {
                            SetMark(in, "bid", out.mutable_check()->mutable_target());
                          }};
  functions["drag_and_drop"] = {{"from_bid", "to_bid"}, [](CallArguments& in, v1::Action& out) {
                                  SetMark(in, "from_bid", out.mutable_drag()->mutable_from());
                                  SetMark(in, "to_bid", out.mutable_drag()->mutable_to());
                                }};
  functions["upload_file"] = {{"bid", "file"}, [](CallArguments& in, v1::Action& out) {
                                SetMark(in, "bid", out.mutable_upload_file()->mutable_target());
                                SetFile(in, out.mutable_upload_file());
                              }};
}

void AddPointFunctions(Functions& functions) {
  functions["mouse_move"] = {{"x", "y"}, [](CallArguments& in, v1::Action& out) {
                               in.Point("x", "y", out.mutable_hover()->mutable_target());
                             }};
  functions["mouse_click"] = {{"x", "y", "button"}, [](CallArguments& in, v1::Action& out) {
                                in.Point("x", "y", out.mutable_click()->mutable_target());
                                out.mutable_click()->set_button(in.Button());
                              }};
  functions["mouse_dblclick"] = {{"x", "y", "button"}, [](CallArguments& in, v1::Action& out) {
                                   in.Point("x", "y", out.mutable_click()->mutable_target());
                                   out.mutable_click()->set_button(in.Button());
                                   out.mutable_click()->set_count(2);
                                 }};
  functions["mouse_drag_and_drop"] = {
      {"from_x", "from_y", "to_x", "to_y"}, [](CallArguments& in, v1::Action& out) {
        in.Point("from_x", "from_y", out.mutable_drag()->mutable_from());
        in.Point("to_x", "to_y", out.mutable_drag()->mutable_to());
      }};
  functions["mouse_upload_file"] = {{"x", "y", "file"}, [](CallArguments& in, v1::Action& out) {
                                      in.Point("x", "y",
                                               out.mutable_upload_file()->mutable_target());
                                      SetFile(in, out.mutable_upload_file());
                                    }};
  functions["scroll"] = {{"delta_x", "delta_y"}, [](CallArguments& in, v1::Action& out) {
                           out.mutable_scroll()->set_delta_x(in.Number("delta_x"));
                           out.mutable_scroll()->set_delta_y(in.Number("delta_y"));
                           if (out.scroll().delta_x() == 0 && out.scroll().delta_y() == 0) {
                             in.Fail("one of the distances must not be 0");
                           }
                         }};
  functions["keyboard_press"] = {{"key"}, [](CallArguments& in, v1::Action& out) {
                                   out.mutable_press_keys()->add_chords(Chord(in.String("key")));
                                 }};
  const auto type = [](CallArguments& in, v1::Action& out) {
    out.mutable_type()->set_text(in.String("text"));
  };
  functions["keyboard_type"] = {{"text"}, type};
  functions["keyboard_insert_text"] = {{"text"}, type};
}

void AddOtherFunctions(Functions& functions) {
  functions["send_msg_to_user"] = {{"text"}, [](CallArguments& in, v1::Action& out) {
                                     out.mutable_answer()->set_text(in.String("text"));
                                   }};
  functions["report_infeasible"] = {{"reason"}, [](CallArguments& in, v1::Action& out) {
                                      out.mutable_give_up()->set_reason(in.String("reason"));
                                    }};
  functions["noop"] = {{"wait_ms"}, SetWait};
  functions["goto"] = {{"url"}, [](CallArguments& in, v1::Action& out) {
                         out.mutable_goto_()->set_url(in.String("url"));
                       }};
  functions["go_back"] = {{}, [](CallArguments&, v1::Action& out) { out.mutable_go_back(); }};
  functions["go_forward"] = {{}, [](CallArguments&, v1::Action& out) { out.mutable_go_forward(); }};
  functions["new_tab"] = {{}, [](CallArguments&, v1::Action& out) { out.mutable_new_tab(); }};
  functions["tab_close"] = {{}, [](CallArguments&, v1::Action& out) { out.mutable_close_tab(); }};
  functions["tab_focus"] = {{"index"}, SetTab};
  const auto held = [](CallArguments& in, v1::Action&) {
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
  CallArguments arguments(*call, found->second.signature);
  if (arguments.error().empty()) found->second.build(arguments, parsed.action);
  parsed.error = arguments.error();
  return parsed;
}

}  // namespace proctor::env::dialects
