#include "env/desktop/desktop_evidence.h"

#include <cmath>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/json.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/desktop/guest_replies.h"
#include "imaging/match.h"

namespace proctor::env::desktop {
namespace {

constexpr absl::Duration kAnswerCap = absl::Seconds(5);
constexpr absl::Duration kCommandCap = absl::Seconds(20);
constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxOutputBytes = 64 << 10;
constexpr size_t kMaxClipboardBytes = 1 << 20;
constexpr size_t kMaxProcesses = 10'000;
constexpr size_t kMaxNames = 3000;
constexpr size_t kMaxPictureBytes = 1 << 20;

absl::Status Nonsense() { return absl::DataLossError("the desktop's answer is not what it should be"); }

bool IsUtf8(const std::string& bytes) { return SanitizeUtf8(bytes) == bytes; }

absl::StatusOr<std::string> Decode(const Json& reply) {
  std::string bytes;
  if (!reply.contains("base64") || !absl::Base64Unescape(JsonStringOr(reply, "base64"), &bytes)) return Nonsense();
  return bytes;
}

absl::StatusOr<Json> ReadNames(const Json& reply, const char* member, size_t most) {
  const auto names = reply.find(member);
  if (names == reply.end() || !names->is_array() || names->size() > most) return Nonsense();
  Json out = Json::array();
  for (const Json& name : *names) {
    if (!name.is_string()) return Nonsense();
    out.push_back(SanitizeUtf8(name.get_ref<const std::string&>()));
  }
  return out;
}

absl::StatusOr<Json> FileEvidence(const CallContext& context, GuestChannel& guest, const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(const Json reply, guest.Call(context, kAnswerCap, {{"op", "read"}, {"path", path}, {"max_bytes", kMaxFileBytes}}));
  const auto exists = reply.find("exists");
  if (exists == reply.end() || !exists->is_boolean()) return Nonsense();
  if (!exists->get<bool>()) {
    // A folder or a link in the file's place is no file, and must not spare anybody the verdict.
    Json none = {{"exists", false}};
    if (const std::string instead = JsonStringOr(reply, "instead"); !instead.empty()) none["instead"] = SanitizeUtf8(TruncateUtf8(instead, 20));
    for (const char* member : {"names", "hidden"}) {
      if (!reply.contains(member)) continue;
      PROCTOR_ASSIGN_OR_RETURN(none[member], ReadNames(reply, member, kMaxNames));
    }
    return none;
  }
  const auto size = reply.find("size");
  if (size == reply.end() || !size->is_number_unsigned()) return Nonsense();
  Json out = {{"exists", true}, {"size", *size}};
  // Nor must one that was locked: it is there, and holds no text.
  if (JsonBoolOr(reply, "unreadable")) {
    out["unreadable"] = true;
    out["base64"] = "";
    return out;
  }
  if (!reply.contains("base64")) return out;
  PROCTOR_ASSIGN_OR_RETURN(const std::string content, Decode(reply));
  if (content.size() > kMaxFileBytes) return Nonsense();
  out[IsUtf8(content) ? "text" : "base64"] = IsUtf8(content) ? content : JsonStringOr(reply, "base64");
  return out;
}

absl::StatusOr<Json> ProcessEvidence(const CallContext& context, GuestChannel& guest) {
  PROCTOR_ASSIGN_OR_RETURN(const Json reply, guest.Call(context, kAnswerCap, {{"op", "processes"}}));
  return ReadNames(reply, "names", kMaxProcesses);
}

absl::StatusOr<Json> CommandEvidence(const CallContext& context, const v1::DesktopConfig& config, GuestChannel& guest,
                                     const std::string& name) {
  const auto command = config.evidence_commands().find(name);
  if (command == config.evidence_commands().end()) {
    return absl::InvalidArgumentError(absl::StrCat("no command \"", name, "\" stands in desktop.evidence_commands of the server's configuration"));
  }
  const std::vector<std::string> words(command->second.command().begin(), command->second.command().end());
  PROCTOR_ASSIGN_OR_RETURN(const Json reply,
                           guest.Call(context, kCommandCap, {{"op", "command"}, {"command", words}, {"max_bytes", kMaxOutputBytes}}));
  const auto exit_code = reply.find("exit_code");
  if (exit_code == reply.end() || !exit_code->is_number_integer()) return Nonsense();
  PROCTOR_ASSIGN_OR_RETURN(const std::string output, Decode(reply));
  return Json{{"exit_code", *exit_code}, {"output", SanitizeUtf8(TruncateUtf8(output, kMaxOutputBytes))}};
}

absl::StatusOr<Json> WindowEvidence(const CallContext& context, GuestChannel& guest) {
  PROCTOR_ASSIGN_OR_RETURN(const Json reply, guest.Call(context, kAnswerCap, {{"op", "windows"}}));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<v1::Window> windows, ReadWindows(reply));
  Json out = Json::array();
  for (const v1::Window& window : windows) {
    PROCTOR_ASSIGN_OR_RETURN(Json item, ParseJson(ProtoToJson(window)));
    out.push_back(std::move(item));
  }
  return out;
}

absl::StatusOr<Json> ClipboardEvidence(const CallContext& context, GuestChannel& guest) {
  PROCTOR_ASSIGN_OR_RETURN(const Json reply,
                           guest.Call(context, kAnswerCap, {{"op", "get_clipboard"}, {"max_bytes", kMaxClipboardBytes}}));
  if (!reply.contains("text") || !reply["text"].is_string()) return Nonsense();
  return Json(SanitizeUtf8(TruncateUtf8(JsonStringOr(reply, "text"), kMaxClipboardBytes)));
}

absl::StatusOr<Json> ScreenEvidence(const imaging::Image& pixels, const v1::EvidenceRequest::ScreenMatch& wanted) {
  if (wanted.picture().empty() || wanted.picture().size() > kMaxPictureBytes) {
    return absl::InvalidArgumentError("screen_match.picture: a PNG, JPEG or WebP of at most 1 MiB");
  }
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image picture, imaging::Decode(wanted.picture()));
  imaging::Region region = {0, 0, pixels.width_px, pixels.height_px};
  if (wanted.has_region()) {
    const v1::Rect& box = wanted.region();
    const auto side = [](double number) { return std::isfinite(number) ? static_cast<int>(std::lround(std::fmax(-1e6, std::fmin(1e6, number)))) : 0; };
    region = {side(box.x()), side(box.y()), side(box.width()), side(box.height())};
  }
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Match match, imaging::FindPicture(pixels, picture, region));
  return Json{{"score", match.score}, {"x", match.x_px}, {"y", match.y_px}};
}

absl::StatusOr<Json> Collect(const CallContext& context, const v1::DesktopConfig& config, Display display, const imaging::Image& pixels,
                             const v1::EvidenceRequest& request) {
  PROCTOR_RETURN_IF_ERROR(context.Check("evidence"));
  if (request.has_screen_match()) return ScreenEvidence(pixels, request.screen_match());
  const bool known = request.has_file() || request.has_processes() || request.has_command() || request.has_foreground() || request.has_clipboard();
  if (!known) {
    return absl::InvalidArgumentError("a desktop has no such evidence; it knows file, processes, command, screen_match, foreground and clipboard");
  }
  if (display.guest == nullptr) {
    return absl::FailedPreconditionError("this display was started by somebody else: only screen_match can be had of it");
  }
  if (request.has_file()) return FileEvidence(context, *display.guest, request.file().path());
  if (request.has_processes()) return ProcessEvidence(context, *display.guest);
  if (request.has_command()) return CommandEvidence(context, config, *display.guest, request.command().name());
  if (request.has_foreground()) return WindowEvidence(context, *display.guest);
  return ClipboardEvidence(context, *display.guest);
}

}  // namespace

v1::Evidence CollectDesktopEvidence(const CallContext& context, const v1::DesktopConfig& config, Display display,
                                    const imaging::Image& pixels, const v1::EvidenceRequest& request) {
  v1::Evidence evidence;
  evidence.set_request_id(request.id());
  *evidence.mutable_collect_time() = ToProto(absl::Now());
  const absl::StatusOr<Json> value = Collect(context, config, display, pixels, request);
  if (value.ok()) {
    evidence.add_json_values(DumpJson(*value));
  } else {
    evidence.set_error(SanitizeUtf8(ToStd(value.status().message())));
  }
  return evidence;
}

}  // namespace proctor::env::desktop
