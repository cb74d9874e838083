#include "env/web/frame_tracker.h"

#include <algorithm>
#include <utility>

#include "env/web/page_script.h"

namespace proctor::env::web {
namespace {

// Deeper frame trees are cut: nobody reads them, and pages may nest without end.
constexpr int kMaxFrameDepth = 30;

const Json& Member(const Json& object, std::string_view name) {
  static const Json* const empty = new Json(Json::object());
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? *empty : *found;
}

}  // namespace

FrameTracker::FrameTracker(std::string page_session_id)
    : page_session_id_(std::move(page_session_id)) {}

std::vector<DevToolsCommand> FrameTracker::SetUpCommands(const std::string& session_id) {
  return {
      {session_id, "Page.enable", Json::object()},
      {session_id, "Runtime.enable", Json::object()},
      {session_id,
       "Target.setAutoAttach",
       {{"autoAttach", true}, {"waitForDebuggerOnStart", false}, {"flatten", true}}},
      {session_id,
       "Page.addScriptToEvaluateOnNewDocument",
       {{"source", PageScript()}, {"worldName", kPageWorldName}, {"runImmediately", true}}},
      {session_id, "Page.getFrameTree", Json::object()},
  };
}

FrameTracker::Frame& FrameTracker::Touch(const std::string& frame_id) {
  const auto [it, inserted] = frames_.try_emplace(frame_id);
  if (inserted) it->second.order = next_order_++;
  return it->second;
}

void FrameTracker::SetFrameTree(std::string_view session_id, const Json& result) {
  MutexLock lock(mutex_);
  AddTree(std::string(session_id), Member(result, "frameTree"), 0);
}

void FrameTracker::AddTree(const std::string& session_id, const Json& tree, int depth) {
  const Json& described = Member(tree, "frame");
  const std::string id = JsonStringOr(described, "id");
  if (id.empty() || depth > kMaxFrameDepth) return;
  Frame& frame = Touch(id);
  frame.session_id = session_id;
  const std::string parent = JsonStringOr(described, "parentId");
  if (!parent.empty()) frame.parent_id = parent;
  const Json& children = Member(tree, "childFrames");
  if (!children.is_array()) return;
  for (const Json& child : children) AddTree(session_id, child, depth + 1);
}

void FrameTracker::OnEvent(const DevToolsEvent& event) {
  const bool page = event.method.starts_with("Page.frame");
  const bool target =
      event.method == "Target.attachedToTarget" || event.method == "Target.detachedFromTarget";
  const bool runtime = event.method.starts_with("Runtime.executionContext");
  if (!page && !target && !runtime) return;
  const Json params = event.Params();
  const std::string session_id(event.session_id);
  MutexLock lock(mutex_);
  if (page) OnPageEvent(session_id, event.method, params);
  if (target) OnTargetEvent(event.method, params);
  if (runtime) OnRuntimeEvent(session_id, event.method, params);
}

void FrameTracker::OnPageEvent(const std::string& session_id, std::string_view method,
                               const Json& params) {
  const std::string id = method == "Page.frameNavigated"
                             ? JsonStringOr(Member(params, "frame"), "id")
                             : JsonStringOr(params, "frameId");
  if (id.empty()) return;
  if (method == "Page.frameAttached") {
    Frame& frame = Touch(id);
    frame.parent_id = JsonStringOr(params, "parentFrameId");
    frame.session_id = session_id;
  } else if (method == "Page.frameNavigated") {
    Frame& frame = Touch(id);
    const std::string parent = JsonStringOr(Member(params, "frame"), "parentId");
    if (!parent.empty()) frame.parent_id = parent;
    frame.session_id = session_id;
  } else if (method == "Page.frameDetached" && JsonStringOr(params, "reason") != "swap") {
    // With "swap" the frame moves to another process and stays.
    Forget(id);
  }
}

void FrameTracker::OnTargetEvent(std::string_view method, const Json& params) {
  const std::string session_id = JsonStringOr(params, "sessionId");
  if (method == "Target.attachedToTarget") {
    const Json& info = Member(params, "targetInfo");
    const std::string id = JsonStringOr(info, "targetId");
    if (JsonStringOr(info, "type") != "iframe" || id.empty()) return;
    Frame& frame = Touch(id);
    frame.session_id = session_id;
    const std::string parent = JsonStringOr(info, "parentFrameId");
    if (!parent.empty()) frame.parent_id = parent;
    return;
  }
  ForgetContexts(session_id);
  for (auto& [id, frame] : frames_) {
    if (frame.session_id == session_id) frame.session_id.clear();
  }
}

void FrameTracker::OnRuntimeEvent(const std::string& session_id, std::string_view method,
                                  const Json& params) {
  if (method == "Runtime.executionContextCreated") {
    const Json& created = Member(params, "context");
    const Json& about = Member(created, "auxData");
    const std::string id = JsonStringOr(about, "frameId");
    const bool main = JsonBoolOr(about, "isDefault");
    if ((JsonStringOr(created, "name") != kPageWorldName && !main) || id.empty()) return;
    Frame& frame = Touch(id);
    frame.session_id = session_id;
    if (main) {
      frame.main_context_id = JsonStringOr(created, "uniqueId");
      return;
    }
    frame.context_id = JsonStringOr(created, "uniqueId");
    frame.execution_context_id = JsonIntegerOr(created, "id");
  } else if (method == "Runtime.executionContextDestroyed") {
    const std::string unique_id = JsonStringOr(params, "executionContextUniqueId");
    for (auto& [id, frame] : frames_) {
      if (frame.context_id == unique_id) frame.context_id.clear();
      if (frame.main_context_id == unique_id) frame.main_context_id.clear();
    }
  } else if (method == "Runtime.executionContextsCleared") {
    ForgetContexts(session_id);
  }
}

void FrameTracker::ForgetContexts(const std::string& session_id) {
  for (auto& [id, frame] : frames_) {
    if (frame.session_id != session_id) continue;
    frame.context_id.clear();
    frame.main_context_id.clear();
  }
}

void FrameTracker::Forget(const std::string& frame_id) {
  std::vector<std::string> gone = {frame_id};
  while (!gone.empty()) {
    const std::string id = std::move(gone.back());
    gone.pop_back();
    frames_.erase(id);
    for (const auto& [child, frame] : frames_) {
      if (frame.parent_id == id) gone.push_back(child);
    }
  }
}

FrameInfo FrameTracker::Describe(const std::string& frame_id, const Frame& frame) {
  return {.frame_id = frame_id,
          .parent_frame_id = frame.parent_id,
          .session_id = frame.session_id,
          .context_id = frame.context_id,
          .execution_context_id = frame.execution_context_id,
          .main_context_id = frame.main_context_id};
}

std::vector<FrameInfo> FrameTracker::Frames() const {
  MutexLock lock(mutex_);
  std::vector<std::pair<int, FrameInfo>> level;
  for (const auto& [id, frame] : frames_) {
    if (frame.parent_id.empty() && frame.session_id == page_session_id_) {
      level.emplace_back(frame.order, Describe(id, frame));
    }
  }
  std::vector<FrameInfo> ordered;
  for (int depth = 0; !level.empty() && depth < kMaxFrameDepth; ++depth) {
    std::sort(level.begin(), level.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::pair<int, FrameInfo>> next;
    for (auto& [order, info] : level) {
      for (const auto& [id, frame] : frames_) {
        if (frame.parent_id == info.frame_id && !frame.session_id.empty()) {
          next.emplace_back(frame.order, Describe(id, frame));
        }
      }
      ordered.push_back(std::move(info));
    }
    level = std::move(next);
  }
  return ordered;
}

std::optional<FrameInfo> FrameTracker::Find(std::string_view frame_id) const {
  MutexLock lock(mutex_);
  const auto found = frames_.find(std::string(frame_id));
  if (found == frames_.end()) return std::nullopt;
  return Describe(found->first, found->second);
}

std::optional<FrameInfo> FrameTracker::FindByContext(std::string_view context_id) const {
  if (context_id.empty()) return std::nullopt;
  MutexLock lock(mutex_);
  for (const auto& [id, frame] : frames_) {
    if (frame.context_id == context_id) return Describe(id, frame);
  }
  return std::nullopt;
}

}  // namespace proctor::env::web
