// Does an agent's action in a browser context and waits until the page came to rest.
#ifndef PROCTOR_ENV_WEB_WEB_ACTIONS_H_
#define PROCTOR_ENV_WEB_WEB_ACTIONS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "env/web/browser_context.h"
#include "env/web/element_registry.h"
#include "env/web/page_load.h"
#include "env/web/settle.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::web {

struct ActionOutcome {
  // Why it could not be done, for the agent; empty: done.
  std::string error;
  std::optional<v1::Rect> target_box;
  std::optional<v1::Point> target_point;
  std::optional<v1::Element> target_element;
  SettleOutcome settle;
  absl::Duration act_time;
  absl::Duration settle_time;
};

// One per episode, used by one thread at a time. All references outlive it.
class ActionRunner {
 public:
  struct Options {
    v1::WebSettings settings;
    BaseUrls base_urls;
    std::vector<v1::TaskFile> files;
  };

  ActionRunner(BrowserContext& browser, ElementRegistry& registry, Options options)
      : browser_(browser), registry_(registry), options_(std::move(options)) {}

  // `look`: what may be asked of the active tab before it is known to rest (see Settler). A non-OK status is a
  // fault of the world (UNAVAILABLE), or CANCELLED / DEADLINE_EXCEEDED from `context`.
  absl::StatusOr<ActionOutcome> Run(const CallContext& context, const v1::Action& action,
                                    std::optional<DevToolsCommand> look = std::nullopt);

 private:
  // What an action works on while it is being done.
  struct Work {
    const CallContext& context;
    ActionOutcome& outcome;
    std::shared_ptr<Tab> tab;
    Settler settler;
    absl::Time acted;
    bool settled = false;
  };
  // Commands sent in one write with the first question whether the page rests.
  absl::Status SendAndSettle(Work& work, std::vector<DevToolsCommand> commands);
  // The same with an early look, for input that the page answers to in the same task.
  absl::Status SendSettleAndLook(Work& work, std::vector<DevToolsCommand> commands);
  absl::Status Settle(Work& work);
  absl::Status Aim(Work& work, const v1::Target& target, const LocateOptions& options, v1::Point& point);
  absl::Status AimAtPoint(Work& work, const v1::Point& wanted, v1::Point& point);

  absl::Status Dispatch(Work& work, const v1::Action& action);
  absl::Status Click(Work& work, const v1::Click& click);
  absl::Status Hover(Work& work, const v1::Hover& hover);
  absl::Status Type(Work& work, const v1::Type& type);
  absl::Status PressKeys(Work& work, const v1::PressKeys& press);
  absl::Status SelectOption(Work& work, const v1::SelectOption& select);
  absl::Status Check(Work& work, const v1::Check& check);
  absl::Status Scroll(Work& work, const v1::Scroll& scroll);
  absl::Status Drag(Work& work, const v1::Drag& drag);
  absl::Status Upload(Work& work, const v1::UploadFile& upload);
  absl::StatusOr<std::string> UploadContent(const v1::UploadFile& upload) const;
  absl::Status Goto(Work& work, const std::string& url);
  absl::Status History(Work& work, int step);
  absl::Status Reload(Work& work);
  absl::Status NewTab(Work& work, const v1::NewTab& tab);
  absl::Status FocusTab(Work& work, const v1::FocusTab& focus);
  absl::Status CloseTab(Work& work, const v1::CloseTab& close);

  BrowserContext& browser_;
  ElementRegistry& registry_;
  const Options options_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_WEB_ACTIONS_H_
