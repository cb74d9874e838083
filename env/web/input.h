// Trusted input: mouse, keyboard, drag and files, as DevTools events of a tab.
#ifndef PROCTOR_ENV_WEB_INPUT_H_
#define PROCTOR_ENV_WEB_INPUT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "env/web/devtools.h"
#include "env/web/tab.h"
#include "proctor/v1/action.pb.h"

namespace proctor::env::web {

// Move there, press and release `count` times.
std::vector<DevToolsCommand> ClickCommands(const std::string& session_id, const v1::Point& point,
                                           v1::MouseButton button, int count, int modifiers);
std::vector<DevToolsCommand> MoveCommands(const std::string& session_id, const v1::Point& point);
// A wheel turn over a point.
std::vector<DevToolsCommand> WheelCommands(const std::string& session_id, const v1::Point& point,
                                           double delta_x, double delta_y);

// Bits of Input's `modifiers` for the action's. INVALID_ARGUMENT for an unknown one.
int ModifierBits(const google::protobuf::RepeatedField<int>& modifiers);

// Presses at `from`, moves in steps, releases at `to`: as an HTML5 drag and drop if the page starts one, else as plain
// mouse moves.
absl::Status DragBetween(const CallContext& context, Tab& tab, const v1::Point& from, const v1::Point& to);

// Waits for all replies; the first failure.
absl::Status AwaitAll(const CallContext& context, const std::vector<DevToolsReply>& replies);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_INPUT_H_
