#include "env/desktop/guest/requests.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/desktop/guest/children.h"
#include "env/desktop/guest/home_files.h"
#include "env/desktop/guest/sandbox.h"

namespace proctor::env::desktop::guest {
namespace {

// What an application that shows a window may still take until it says what is in it.
constexpr absl::Duration kAccessibleCap = absl::Seconds(3);
// Of all nodes' texts. An answer over GuestChannel::kMaxReplyBytes is the desktop's end, and a byte may become six.
constexpr size_t kMaxTreeBytes = size_t{4} << 20;

absl::Time Deadline(const Json& request) { return absl::Now() + absl::Milliseconds(JsonNumberOr(request, "deadline_ms", 5000)); }

std::vector<std::string> Texts(const Json& request, const char* key) {
  std::vector<std::string> out;
  if (!request.contains(key) || !request[key].is_array()) return out;
  for (const Json& item : request[key]) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

Json BoxJson(const Box& box) { return Json::array({box.x, box.y, box.width, box.height}); }

Json WindowsJson(const std::vector<WindowInfo>& windows) {
  Json out = Json::array();
  for (const WindowInfo& window : windows) {
    out.push_back({{"title", window.title},
                   {"application", window.application},
                   {"box", BoxJson(window.box)},
                   {"focused", window.focused},
                   {"minimized", window.minimized}});
  }
  return out;
}

// Short names: there are hundreds. Bus, path, depth, role, states, name, box (x), text, value, identifier, application, window. Members that
// are empty are left out.
Json NodeJson(const AccessibleNode& node) {
  Json out = {{"b", node.ref.bus}, {"p", node.ref.path}, {"d", node.depth}, {"r", node.role}, {"s", node.states}};
  if (!node.name.empty()) out["n"] = node.name;
  if (node.box) out["x"] = BoxJson(*node.box);
  if (!node.text.empty()) out["t"] = node.text;
  if (node.value) out["v"] = *node.value;
  if (!node.identifier.empty()) out["i"] = node.identifier;
  if (!node.application.empty()) out["a"] = node.application;
  if (node.window != 0) out["w"] = node.window;
  return out;
}

std::string Base64(const std::string& bytes) {
  std::string out;
  absl::Base64Escape(bytes, &out);
  return out;
}

bool Inside(const Box& box, int x, int y) {
  return x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
}

// The title of what lies above that window at a point; empty: nothing.
std::string CoveredBy(XDisplay& display, uint64_t window, int x, int y) {
  for (const WindowInfo& popup : display.Popups()) {
    if (Inside(popup.box, x, y)) return absl::StrCat("a menu or note of ", popup.application);
  }
  for (const WindowInfo& info : display.Windows()) {
    if (info.id == window) return "";
    if (!info.minimized && Inside(info.frame, x, y)) return absl::StrCat("the window \"", info.title, "\"");
  }
  return "";
}

}  // namespace

std::string Requests::Handle(const std::string& line, int& descriptor) {
  descriptor = -1;
  Json reply = Json::object();
  const absl::StatusOr<Json> request = ParseJson(line);
  absl::StatusOr<Json> result = absl::InvalidArgumentError("no JSON object");
  if (request.ok() && request->is_object()) {
    reply["id"] = request->value("id", 0);
    result = Dispatch(*request, descriptor);
  }
  if (result.ok()) {
    reply["ok"] = *std::move(result);
  } else {
    reply["error"] = std::string(result.status().message());
    reply["code"] = absl::StatusCodeToString(result.status().code());
  }
  return DumpJson(reply) + "\n";
}

absl::StatusOr<Json> Requests::Dispatch(const Json& request, int& descriptor) {
  const std::string op = JsonStringOr(request, "op");
  if (op == "start") return Start(request, descriptor);
  if (op == "write") return Write(request);
  if (op == "read") return Read(request);
  if (services_ == nullptr) return absl::FailedPreconditionError("the desktop is not started");
  if (op == "launch") return Launch(request);
  if (op == "activate") return Activate(request);
  if (op == "windows") return Json{{"windows", WindowsJson(services_->display().Windows())}};
  if (op == "await_input") return Json{{"answered", services_->display().AwaitInput(Deadline(request))}};
  if (op == "elements") return Elements(request);
  if (op == "locate") return Locate(request);
  if (op == "command") return Command(request);
  if (op == "get_clipboard") return GetClipboard(request);
  if (op == "map_keys") return MapKeys(request);
  if (op == "set_clipboard") {
    services_->display().SetClipboard(JsonStringOr(request, "text"));
    return Json::object();
  }
  if (op == "processes") {
    Json names = Json::array();
    for (const ProcessInfo& process : ListProcesses()) names.push_back(SanitizeUtf8(process.name));
    std::sort(names.begin(), names.end());
    return Json{{"names", names}};
  }
  return absl::UnimplementedError(absl::StrCat("no op ", op));
}

absl::StatusOr<Json> Requests::Start(const Json& request, int& descriptor) {
  if (services_ != nullptr) return absl::FailedPreconditionError("the desktop is started already");
  ServicesOptions options;
  options.width = request.value("width", options.width);
  options.height = request.value("height", options.height);
  options.time_zone = JsonStringOr(request, "time_zone", options.time_zone);
  options.locale = JsonStringOr(request, "locale", options.locale);
  options.home = home_;
  options.runtime = runtime_;
  // Behind walls the first one is free, and so are its files in /tmp.
  if (runtime_ != kRuntime) options.display = 100 + getpid() % 50'000;
  if (request.contains("startup")) {
    for (const Json& command : request["startup"]) options.startup.push_back(Texts(Json{{"command", command}}, "command"));
  }
  PROCTOR_ASSIGN_OR_RETURN(services_, Services::Start(std::move(options), Deadline(request)));
  PROCTOR_ASSIGN_OR_RETURN(descriptor, services_->ConnectRfb());
  return Json::object();
}

absl::StatusOr<Json> Requests::Write(const Json& request) {
  std::string content;
  if (!absl::Base64Unescape(JsonStringOr(request, "base64"), &content)) return absl::InvalidArgumentError("base64");
  PROCTOR_RETURN_IF_ERROR(WriteHomeFile(home_, JsonStringOr(request, "path"), content, JsonBoolOr(request, "executable")));
  return Json::object();
}

absl::StatusOr<Json> Requests::Read(const Json& request) {
  const int64_t max_bytes = JsonIntegerOr(request, "max_bytes");
  PROCTOR_ASSIGN_OR_RETURN(const HomeFile file, ReadHomeFile(home_, JsonStringOr(request, "path"), max_bytes));
  Json out = {{"exists", file.exists}};
  if (!file.exists && !file.instead.empty()) out["instead"] = file.instead;
  if (file.instead == "directory") {
    out["names"] = file.names;
    out["hidden"] = file.hidden;
  }
  if (!file.exists) return out;
  out["size"] = file.size;
  if (!file.readable) {
    out["unreadable"] = true;
  } else if (file.size <= max_bytes) {
    out["base64"] = Base64(file.content);
  }
  return out;
}

absl::StatusOr<Json> Requests::Launch(const Json& request) {
  const absl::Time deadline = Deadline(request);
  XDisplay& display = services_->display();
  const std::vector<WindowInfo> before = display.Windows();
  Program program;
  program.arguments = Texts(request, "command");
  for (const std::string& file : Texts(request, "files")) program.arguments.push_back(absl::StrCat(home_, "/", file));
  program.environment = services_->environment();
  program.working_directory = home_;
  PROCTOR_RETURN_IF_ERROR(StartProgram(program).status());
  Json out = {{"window", false}};
  if (!display.AwaitNewWindow(before, deadline)) return out;
  out["window"] = true;
  WindowInfo shown;
  for (const WindowInfo& window : display.Windows()) {
    const auto same = [&](const WindowInfo& other) { return other.id == window.id; };
    if (std::none_of(before.begin(), before.end(), same)) shown = window;
  }
  out["application"] = shown.application;
  const absl::Time accessible = std::min(deadline, absl::Now() + kAccessibleCap);
  while (absl::Now() < accessible && !services_->accessibility().HasWindow(shown.pid, accessible)) {
    absl::SleepFor(absl::Milliseconds(20));
    display.HandleEvents();
  }
  return out;
}

absl::StatusOr<Json> Requests::Activate(const Json& request) {
  const std::string application = JsonStringOr(request, "application");
  for (const WindowInfo& window : services_->display().Windows()) {
    if (window.application != application) continue;
    services_->display().Activate(window.id);
    return Json{{"found", true}};
  }
  return Json{{"found", false}};
}

absl::StatusOr<Json> Requests::Elements(const Json& request) {
  const auto most = static_cast<size_t>(std::clamp(JsonNumberOr(request, "max", 5000), 1.0, 20000.0));
  const AccessibleTree tree = services_->accessibility().Read(services_->display(), Deadline(request), most);
  Json nodes = Json::array();
  size_t bytes = 0;
  for (const AccessibleNode& node : tree.nodes) {
    bytes += node.ref.path.size() + node.name.size() + node.text.size() + node.identifier.size() + node.application.size();
    if (bytes > kMaxTreeBytes) break;
    nodes.push_back(NodeJson(node));
  }
  return Json{{"nodes", std::move(nodes)}, {"truncated", tree.truncated || bytes > kMaxTreeBytes}, {"silent", tree.silent}};
}

absl::StatusOr<Json> Requests::Locate(const Json& request) {
  const AccessibleRef ref = {JsonStringOr(request, "bus"), JsonStringOr(request, "path")};
  const auto window = request.value("window", uint64_t{0});
  XDisplay& display = services_->display();
  PROCTOR_ASSIGN_OR_RETURN(const Location location,
                           services_->accessibility().Locate(display, ref, Texts(request, "scrolled_in"), window, Deadline(request)));
  Json out = {{"states", location.states}};
  if (location.box) out["box"] = BoxJson(*location.box);
  if (!location.seen) return out;
  out["seen"] = BoxJson(*location.seen);
  // What is in a menu, or not known to be in a window, is what covers others.
  if (window == 0 || JsonBoolOr(request, "in_menu")) return out;
  const std::string cover = CoveredBy(display, window, location.seen->x + location.seen->width / 2,
                                      location.seen->y + location.seen->height / 2);
  if (!cover.empty()) out["covered_by"] = cover;
  return out;
}

absl::StatusOr<Json> Requests::Command(const Json& request) {
  Program program;
  program.arguments = Texts(request, "command");
  program.environment = services_->environment();
  program.working_directory = home_;
  const auto max_bytes = static_cast<size_t>(std::clamp(JsonNumberOr(request, "max_bytes", 65536), 1.0, 1e6));
  PROCTOR_ASSIGN_OR_RETURN(const CommandResult result, RunCommand(std::move(program), Deadline(request), max_bytes));
  return Json{{"exit_code", result.exit_code}, {"base64", Base64(result.output)}};
}

absl::StatusOr<Json> Requests::GetClipboard(const Json& request) {
  const auto max_bytes = static_cast<size_t>(std::clamp(JsonNumberOr(request, "max_bytes", 65536), 1.0, 8e6));
  PROCTOR_ASSIGN_OR_RETURN(std::string text, services_->display().GetClipboard(Deadline(request), max_bytes));
  return Json{{"text", std::move(text)}};
}

absl::StatusOr<Json> Requests::MapKeys(const Json& request) {
  std::vector<uint32_t> keysyms;
  if (request.contains("keysyms")) {
    for (const Json& keysym : request["keysyms"]) {
      if (keysym.is_number_unsigned()) keysyms.push_back(keysym.get<uint32_t>());
    }
  }
  PROCTOR_RETURN_IF_ERROR(services_->display().MapKeysyms(keysyms));
  return Json::object();
}

}  // namespace proctor::env::desktop::guest
