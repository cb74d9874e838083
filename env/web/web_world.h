// One session's browser world.
#ifndef PROCTOR_ENV_WEB_WEB_WORLD_H_
#define PROCTOR_ENV_WEB_WEB_WORLD_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "env/web/browser_context.h"
#include "env/web/context_source.h"
#include "env/web/element_registry.h"
#include "env/web/observer.h"
#include "env/web/page_load.h"
#include "env/web/start_page.h"
#include "env/web/web_actions.h"
#include "env/world.h"

namespace proctor::env::web {

class WebWorld final : public World {
 public:
  WebWorld(v1::WebSettings settings, std::unique_ptr<ContextSource> contexts, bool prewarm);
  ~WebWorld() override;

  absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                    const v1::ObservationRequest& request) override;
  absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                const v1::ObservationRequest& request) override;
  absl::StatusOr<v1::Observation> Observe(const CallContext& context, const v1::ObservationRequest& request) override;
  absl::StatusOr<ActResult> Idle(const CallContext& context,
                                 const v1::ObservationRequest& request) override;
  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override;
  void EndEpisode() override;
  uint16_t proxy_port() const override { return contexts_->proxy_port(); }

 private:
  // Opens them in tabs of their own and shows the first. UNAVAILABLE: one of them is no page to start from.
  absl::StatusOr<SettleOutcome> OpenStartPages(const CallContext& context, const std::vector<std::string>& urls);
  // Opens it in `tab`, or, if it crashes, once more in another one, which then is `tab`.
  absl::StatusOr<SettleOutcome> OpenStartPage(const CallContext& context, const std::string& url, std::shared_ptr<Tab>& tab);
  // What the episode is about, once its start pages are open.
  void NoteSites(const StartPlan& plan);
  // A start page that crashed or closed its tab since it was opened.
  absl::Status ReviveStartPage(const CallContext& context);
  // What was seen beforehand if nothing has happened since, else as Look.
  absl::StatusOr<v1::Observation> LookAtStart(const CallContext& context, const v1::ObservationRequest& request,
                                              StartPage& page);
  // What lies in the page of the active tab; if that goes away under the look, in the page of the one that is active then.
  // `early`: a look at the active tab that still holds.
  absl::StatusOr<v1::Observation> Look(const CallContext& context, const v1::ObservationRequest& request,
                                       const std::optional<DevToolsReply>& early = std::nullopt);
  // Whether the tab has closed or crashed by the end of a look at it.
  bool WentAway(const CallContext& context, const std::shared_ptr<Tab>& tab, const v1::Observation& seen) const;
  // Adds what is known of the tab without asking its page.
  absl::Status Complete(const CallContext& context, Tab& tab, const v1::ObservationRequest& request,
                        v1::Observation& observation) const;
  ObservedTab Seen(Tab& tab) const;
  // `seen`: the tab that the observation shows.
  void AddTabs(const CallContext& context, const Tab& seen, const v1::ObservationRequest& request, v1::Observation& observation) const;
  // What happened since the last recorded observation. Once: for the record, and it is forgotten.
  enum class Telling { kOnce, kAgain };
  void AddEvents(const v1::ObservationRequest& request, Telling telling,
                 v1::Observation& observation);
  void AddDownloads(const CallContext& context, ActResult& result);
  // A file chooser that the action opened, which nobody shows.
  void NoteFileChooser(const std::shared_ptr<Tab>& tab, const v1::Action& action,
                       const ActionOutcome& outcome);
  // The episode can be worked with: a browser that lives, a tab that is not crashed.
  absl::Status Ready(const CallContext& context);
  // Brings a crashed tab back, once; a blank page if it crashes again, or if no tab is left.
  enum class Revival { kNotNeeded, kLoadedAgain, kBlank };
  absl::StatusOr<Revival> ReviveCrashedTab(const CallContext& context);
  // Why the page that the action led to is not there; `before`: the tabs before it. Empty: it is, or the action led nowhere.
  std::string ProblemOfArrival(const std::vector<std::shared_ptr<Tab>>& before, const SettleOutcome& settle) const;
  // Sites of base URLs that have answered meanwhile.
  void NoteAnswers();
  // UNAVAILABLE: the agent's tab shows that one of the task's own sites cannot be reached.
  absl::Status CheckOwnSites() const;
  // Follows a tab that the action opened.
  void SettleNewTab(const CallContext& context, const std::shared_ptr<Tab>& before, SettleOutcome& outcome);
  absl::Duration settle_cap() const;

  const v1::WebSettings settings_;
  const std::unique_ptr<ContextSource> contexts_;
  const bool prewarm_;
  TaskSites sites_;
  // Origins of the base URLs. A task may be given sites that nobody runs: one is its own once it has answered in this episode.
  std::set<std::string> base_origins_;
  std::vector<std::string> notices_;
  // Order matters: the runner and observer use the registry, all use the context.
  std::unique_ptr<BrowserContext> browser_;
  std::unique_ptr<ElementRegistry> registry_;
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<ActionRunner> runner_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_WEB_WORLD_H_
