// Which frames a tab has, in which DevTools session and execution context each lives.
#ifndef PROCTOR_ENV_WEB_FRAME_TRACKER_H_
#define PROCTOR_ENV_WEB_FRAME_TRACKER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mutex.h"
#include "env/web/devtools.h"

namespace proctor::env::web {

// Name of the isolated world in which the page script runs, in every frame.
inline constexpr std::string_view kPageWorldName = "proctor";

// One frame.
struct FrameInfo {
  std::string frame_id;
  // Empty for the top frame.
  std::string parent_frame_id;
  // The session in whose process the frame lives: the page's, or that of an out-of-process iframe.
  std::string session_id;
  // `uniqueContextId` of the page script's world; empty while the frame has no document yet.
  std::string context_id;
  // The same world's `executionContextId` within the session.
  int64_t execution_context_id = 0;
  // `uniqueContextId` of the page's own world; empty while there is none.
  std::string main_context_id = "";
};

// Follows a tab's frames by the events of its sessions. Thread-safe.
//
// Whoever attaches to the tab sends SetUpCommands() on the page's session and on the session of
// every iframe target that `Target.attachedToTarget` reports (flat sessions), and hands every event
// of these sessions to OnEvent.
class FrameTracker {
 public:
  explicit FrameTracker(std::string page_session_id);

  // Enables the domains needed, attaches to out-of-process iframes (not paused), and lets the page
  // script be there in every document from its start. Replies matter only if they are errors;
  // `Page.getFrameTree`'s goes to SetFrameTree.
  static std::vector<DevToolsCommand> SetUpCommands(const std::string& session_id);

  // The reply to `Page.getFrameTree` on a session: frames that were there before it was attached.
  void SetFrameTree(std::string_view session_id, const Json& result);

  // Quick; meant to be called from the event handler, on the reader thread. Ignores events that do
  // not concern it.
  void OnEvent(const DevToolsEvent& event);

  // Parents before their children; the top frame first. Frames of sessions that are gone are left
  // out.
  std::vector<FrameInfo> Frames() const;
  std::optional<FrameInfo> Find(std::string_view frame_id) const;
  // The frame whose page script world has this id.
  std::optional<FrameInfo> FindByContext(std::string_view context_id) const;

  const std::string& page_session_id() const { return page_session_id_; }

 private:
  struct Frame {
    std::string parent_id;
    std::string session_id;
    std::string context_id;
    int64_t execution_context_id = 0;
    std::string main_context_id;
    // Order of arrival, so that siblings keep theirs.
    int order = 0;
  };

  Frame& Touch(const std::string& frame_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddTree(const std::string& session_id, const Json& tree, int depth)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const std::string& frame_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnPageEvent(const std::string& session_id, std::string_view method, const Json& params)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnTargetEvent(std::string_view method, const Json& params)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRuntimeEvent(const std::string& session_id, std::string_view method, const Json& params)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetContexts(const std::string& session_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static FrameInfo Describe(const std::string& frame_id, const Frame& frame);

  const std::string page_session_id_;
  mutable Mutex mutex_;
  int next_order_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Frame> frames_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_FRAME_TRACKER_H_
