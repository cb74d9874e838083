// What the server may ask of a desktop. One JSON text a line, each way; every request gets one reply with its `id`, in order.
//
//   {"id": 1, "op": "start", "deadline_ms": 20000, "width": 1280, "height": 800, "time_zone": "UTC", "locale": "C.UTF-8",
//    "startup": [["openbox"]]}                     {"id": 1, "ok": {}} with a connected VNC socket beside it
//   {"op": "write", "path", "base64", "executable"}                {}
//   {"op": "read", "path", "max_bytes"}            {"exists": true, "size", "base64" if at most max_bytes},
//                                                  {"exists": true, "size", "unreadable": true} or
//                                                  {"exists": false, "instead": "link"}, "directory" with "names" and "hidden", "other"
//   {"op": "launch", "command", "files", "deadline_ms"}       {"window": true, "application": WM_CLASS}
//   {"op": "activate", "application"}              {"found": true}
//   {"op": "await_input", "deadline_ms"}           {"answered": true}
//   {"op": "windows"}                              {"windows": [{"title", "application", "box", "focused", "minimized"}, ...]}
//   {"op": "elements", "deadline_ms", "max"}       {"nodes": [...], "truncated", "silent": [...]}
//   {"op": "locate", "bus", "path", "scrolled_in": [path, ...], "window", "in_menu", "deadline_ms"}
//                                                  {"states", "box", "seen" if some of it can be, "covered_by" if something does there}
//   {"op": "processes"}                            {"names": [...]}
//   {"op": "command", "command", "deadline_ms", "max_bytes"}  {"exit_code", "base64"}
//   {"op": "get_clipboard", "deadline_ms", "max_bytes"}       {"text"}
//   {"op": "set_clipboard", "text"}                {}
//   {"op": "map_keys", "keysyms"}                  {}
//
// A box is [x, y, width, height]; a node's members are in requests.cc (NodeJson).
// A failure: {"id": 1, "error": "...", "code": "NOT_FOUND"}.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_REQUESTS_H_
#define PROCTOR_ENV_DESKTOP_GUEST_REQUESTS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/json.h"
#include "env/desktop/guest/services.h"

namespace proctor::env::desktop::guest {

class Requests {
 public:
  Requests(std::string home, std::string runtime) : home_(std::move(home)), runtime_(std::move(runtime)) {}

  // The reply's line. `descriptor`: to be sent with it and closed, or -1.
  std::string Handle(const std::string& line, int& descriptor);
  // Null until it is started.
  Services* services() { return services_.get(); }

 private:
  absl::StatusOr<Json> Dispatch(const Json& request, int& descriptor);
  absl::StatusOr<Json> Start(const Json& request, int& descriptor);
  absl::StatusOr<Json> Write(const Json& request);
  absl::StatusOr<Json> Read(const Json& request);
  absl::StatusOr<Json> Launch(const Json& request);
  absl::StatusOr<Json> Activate(const Json& request);
  absl::StatusOr<Json> Elements(const Json& request);
  absl::StatusOr<Json> Locate(const Json& request);
  absl::StatusOr<Json> Command(const Json& request);
  absl::StatusOr<Json> GetClipboard(const Json& request);
  absl::StatusOr<Json> MapKeys(const Json& request);

  const std::string home_;
  const std::string runtime_;
  std::unique_ptr<Services> services_;
};

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_REQUESTS_H_
