#include "env/web/web_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/observation_parts.h"
#include "env/start_fields.h"
#include "env/web/origin.h"
#include "env/web/start_state.h"
#include "env/web/web_evidence.h"

namespace proctor::env::web {
namespace {

// An observation of a page that does not answer ends after this.
constexpr absl::Duration kObserveCap = absl::Seconds(15);
// Tabs that go away one after another while they are looked at.
constexpr int kMostLooks = 3;
// Downloads are waited for this long within a step; later ones come with a later step.
constexpr absl::Duration kDownloadCap = absl::Seconds(5);
// Titles of tabs that are not shown.
constexpr absl::Duration kTitleCap = absl::Seconds(1);
constexpr absl::Duration kReviveCap = absl::Seconds(10);
constexpr absl::Duration kStartCap = absl::Seconds(15);
constexpr size_t kMaxTypeBytes = 100;
// Of tabs in the background: pages choose them.
constexpr size_t kMaxTabTitleBytes = 4000;
constexpr size_t kMaxTabUrlBytes = 16 << 10;

absl::Status NoStart(std::string_view why) {
  return absl::UnavailableError(absl::StrCat("the start page could not be loaded: ", ToAbsl(why)));
}

// What an answer was that is no page, by its head.
std::string NoPage(const PageActivity& activity) {
  const int status = activity.document_status();
  if (status == 0) return "the site broke it off, or it is a download";
  if (status == 204 || status == 205) return absl::StrCat("the server answered with status ", status, " and no page");
  const std::string type(TruncateUtf8(SanitizeUtf8(activity.document_type()), kMaxTypeBytes));
  return absl::StrCat("it is a download, of type ", type.empty() ? "unknown" : type);
}

// OK: an episode can start there. `error` as in LoadOutcome.
absl::Status CheckStartPage(const Tab& tab, const std::string& error) {
  if (error == "net::ERR_ABORTED") return NoStart(NoPage(tab.activity()));
  if (!error.empty()) return NoStart(WhatFailed(error));
  // Less than that may be what the task is about.
  const int status = tab.activity().document_status();
  if (status >= 500) return NoStart(absl::StrCat("the server answered with status ", status));
  return absl::OkStatus();
}

void Report(const SettleOutcome& outcome, v1::SettleReport& report) {
  report.set_settled(outcome.settled);
  report.set_waiting_for(outcome.waiting_for);
  report.set_navigated(outcome.navigated);
}

}  // namespace

WebWorld::WebWorld(v1::WebSettings settings, std::unique_ptr<ContextSource> contexts, bool prewarm)
    : settings_(std::move(settings)), contexts_(std::move(contexts)), prewarm_(prewarm) {
  if (prewarm_) contexts_->Prepare();
}

WebWorld::~WebWorld() { EndEpisode(); }

absl::Duration WebWorld::settle_cap() const { return FromProto(settings_.settle_cap()); }

void WebWorld::EndEpisode() {
  runner_.reset();
  observer_.reset();
  registry_.reset();
  contexts_->Discard(std::move(browser_));
  notices_.clear();
}

absl::StatusOr<ResetResult> WebWorld::Reset(const CallContext& context, const ResetSpec& spec,
                                            const v1::ObservationRequest& request) {
  EndEpisode();
  const v1::StartState& start = spec.task.start_state();
  PROCTOR_RETURN_IF_ERROR(CheckStartFields(
      start, {"start_url", "storage_state_json", "http_credentials", "base_urls", "geolocation"}, "a browser"));
  sites_ = {};
  base_origins_.clear();
  for (const auto& [name, url] : start.base_urls()) sites_.base_urls[name] = url;
  PROCTOR_ASSIGN_OR_RETURN(const StartPlan plan, PlanStart(start, sites_.base_urls));
  const int64_t seed = spec.seed != 0 ? spec.seed : settings_.random_seed();
  const absl::Time began = absl::Now();
  StartOrder order{.plan = plan, .seed = seed, .geolocation = std::nullopt, .request = request};
  if (start.has_geolocation()) order.geolocation = start.geolocation();
  PROCTOR_ASSIGN_OR_RETURN(StartPage page, contexts_->Take(context, order.Key()));
  browser_ = std::move(page.browser);
  if (!spec.task.files().empty() && browser_->uploads() == nullptr) {
    return absl::InvalidArgumentError("files: this server's browsers take no uploads");
  }
  registry_ = std::move(page.registry);
  observer_ = std::move(page.observer);
  ActionRunner::Options options;
  options.settings = settings_;
  options.base_urls = sites_.base_urls;
  options.files.assign(spec.task.files().begin(), spec.task.files().end());
  runner_ = std::make_unique<ActionRunner>(*browser_, *registry_, std::move(options));
  SettleOutcome settle = page.settle;
  if (page.key.empty()) {
    PROCTOR_RETURN_IF_ERROR(Annotate(ApplyStart(context, *browser_, plan, seed, start.has_geolocation() ? &start.geolocation() : nullptr),
                                     "start state"));
    PROCTOR_ASSIGN_OR_RETURN(settle, OpenStartPages(context, plan.urls));
  }
  const absl::Time rested = absl::Now();
  ResetResult result;
  PROCTOR_RETURN_IF_ERROR(ReviveStartPage(context));
  PROCTOR_ASSIGN_OR_RETURN(result.observation, LookAtStart(context, request, page));
  NoteSites(plan);
  AddEvents(request, Telling::kOnce, result.observation);
  Report(settle, *result.observation.mutable_settle());
  *result.observation.mutable_settle()->mutable_timing()->mutable_settle() = ToProto(rested - began);
  *result.observation.mutable_settle()->mutable_timing()->mutable_observe() = ToProto(absl::Now() - rested);
  result.base_urls = sites_.base_urls;
  result.seed = seed;
  if (prewarm_) contexts_->Prepare(std::move(order));
  return result;
}

absl::StatusOr<v1::Observation> WebWorld::LookAtStart(const CallContext& context, const v1::ObservationRequest& request,
                                                      StartPage& page) {
  const std::shared_ptr<Tab> tab = browser_->active();
  if (tab == nullptr || page.watch == nullptr || !page.watch->Undisturbed(context.Child(kObserveCap))) return Look(context, request);
  v1::Observation seen = std::move(page.seen);
  *seen.mutable_observe_time() = ToProto(absl::Now());
  PROCTOR_RETURN_IF_ERROR(Complete(context, *tab, request, seen));
  return seen;
}

void WebWorld::NoteSites(const StartPlan& plan) {
  for (const std::string& url : plan.urls) sites_.Add(url);
  for (const auto& [name, url] : sites_.base_urls) {
    if (std::string origin = OriginOfUrl(url); !origin.empty()) base_origins_.insert(std::move(origin));
  }
  // Where they led: a start URL may only say where to go from there.
  for (const std::shared_ptr<Tab>& tab : browser_->tabs()) {
    if (tab->opener_id().empty()) sites_.Add(tab->url());
  }
}

void WebWorld::NoteAnswers() {
  for (const std::shared_ptr<Tab>& tab : browser_->tabs()) {
    const std::string url = tab->activity().answered_url();
    if (base_origins_.count(OriginOfUrl(url)) > 0) sites_.Add(url);
  }
}

absl::StatusOr<SettleOutcome> WebWorld::OpenStartPages(const CallContext& context,
                                                       const std::vector<std::string>& urls) {
  std::shared_ptr<Tab> first = browser_->active();
  if (first == nullptr) return absl::UnavailableError("the browser context has no tab");
  SettleOutcome shown;
  for (size_t i = 0; i < urls.size(); ++i) {
    std::shared_ptr<Tab> tab = first;
    if (i > 0) {
      PROCTOR_ASSIGN_OR_RETURN(tab, browser_->OpenTab(context, BrowserContext::TabUse::kAgent));
    }
    SettleOutcome settle;
    settle.settled = true;
    if (urls[i] != "about:blank") {
      PROCTOR_ASSIGN_OR_RETURN(settle, OpenStartPage(context, urls[i], tab));
    }
    if (i == 0) {
      shown = settle;
      first = tab;
    }
  }
  if (urls.size() > 1) browser_->SetActive(first);
  return shown;
}

absl::StatusOr<SettleOutcome> WebWorld::OpenStartPage(const CallContext& context, const std::string& url,
                                                      std::shared_ptr<Tab>& tab) {
  // It may take longer than a step.
  const absl::Duration cap = std::max(settle_cap(), kStartCap);
  absl::StatusOr<LoadOutcome> load = LoadPage(context, *tab, url, cap);
  if (tab->crashed()) {
    const std::shared_ptr<Tab> crashed = tab;
    const CallContext capped = context.Child(kReviveCap);
    PROCTOR_ASSIGN_OR_RETURN(tab, browser_->OpenTab(capped, BrowserContext::TabUse::kAgent));
    PROCTOR_RETURN_IF_ERROR(browser_->CloseTab(capped, crashed));
    load = LoadPage(context, *tab, url, cap);
    if (tab->crashed()) return NoStart("it crashes each time");
    notices_.push_back("the page crashed and was loaded again");
  }
  PROCTOR_RETURN_IF_ERROR(load.status());
  if (!load->arrived) return NoStart(absl::StrCat("nothing came within ", absl::FormatDuration(cap)));
  PROCTOR_RETURN_IF_ERROR(CheckStartPage(*tab, load->error));
  return load->settle;
}

absl::Status WebWorld::ReviveStartPage(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const Revival revival, ReviveCrashedTab(context));
  if (revival == Revival::kBlank) return NoStart("it crashed, or closed its tab");
  if (revival == Revival::kNotNeeded) return absl::OkStatus();
  const std::shared_ptr<Tab> tab = browser_->active();
  if (tab == nullptr || tab->url() == "about:blank") return NoStart("it crashed");
  return CheckStartPage(*tab, tab->Failure().text);
}

absl::StatusOr<ActResult> WebWorld::Act(const CallContext& context, const v1::Action& action,
                                        const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(Ready(context));
  const std::shared_ptr<Tab> before = browser_->active();
  const std::vector<std::shared_ptr<Tab>> tabs_before = browser_->tabs();
  std::optional<DevToolsCommand> look;
  if (before != nullptr) look = Observer::EarlyLook(Seen(*before), request);
  PROCTOR_ASSIGN_OR_RETURN(ActionOutcome outcome, runner_->Run(context, action, std::move(look)));
  SettleNewTab(context, before, outcome.settle);
  NoteFileChooser(before, action, outcome);
  if (outcome.settle.script_stopped) notices_.push_back("a script of the page ran without end and was stopped");
  PROCTOR_RETURN_IF_ERROR(ReviveCrashedTab(context).status());
  ActResult result;
  const absl::Time rested = absl::Now();
  if (browser_->active() != before) outcome.settle.early.reset();
  PROCTOR_ASSIGN_OR_RETURN(result.observation, Look(context, request, outcome.settle.early));
  AddEvents(request, Telling::kOnce, result.observation);
  AddDownloads(context, result);
  NoteAnswers();
  PROCTOR_RETURN_IF_ERROR(CheckOwnSites());
  if (outcome.error.empty()) outcome.error = ProblemOfArrival(tabs_before, outcome.settle);
  result.observation.set_action_error(outcome.error);
  v1::SettleReport& report = *result.observation.mutable_settle();
  Report(outcome.settle, report);
  *report.mutable_timing()->mutable_act() = ToProto(outcome.act_time);
  *report.mutable_timing()->mutable_settle() = ToProto(outcome.settle_time);
  *report.mutable_timing()->mutable_observe() = ToProto(absl::Now() - rested);
  result.target_box = outcome.target_box;
  result.target_point = outcome.target_point;
  result.target_element = outcome.target_element;
  return result;
}

std::string WebWorld::ProblemOfArrival(const std::vector<std::shared_ptr<Tab>>& before, const SettleOutcome& settle) const {
  const std::shared_ptr<Tab> now = browser_->active();
  if (now == nullptr) return "";
  // What another tab shows that was there before is not where the action led.
  const bool opened = std::find(before.begin(), before.end(), now) == before.end();
  return opened || settle.navigated ? LoadProblem(*now) : "";
}

// A place that the task is about can be named by any agent, but not made to fail. It does not matter when the failure came: a
// connection may be tried for longer than the step that asked for it.
absl::Status WebWorld::CheckOwnSites() const {
  const std::shared_ptr<Tab> now = browser_->active();
  if (now == nullptr) return absl::OkStatus();
  const LoadFailure failure = now->Failure();
  if (failure.cause != LoadFailure::Cause::kUnreachable || !sites_.Own(failure.url)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the task's own site cannot be reached any more: ", failure.text));
}

void WebWorld::SettleNewTab(const CallContext& context, const std::shared_ptr<Tab>& before, SettleOutcome& outcome) {
  const std::shared_ptr<Tab> now = browser_->active();
  if (now == nullptr || now == before || now->activity().busy() == PageActivity::Busy::kGone) return;
  if (!now->AwaitStarted(context.Child(settle_cap())).ok()) return;
  Settler settler(*now, settle_cap());
  outcome = settler.Wait(context, settler.Ask());
}

absl::StatusOr<WebWorld::Revival> WebWorld::ReviveCrashedTab(const CallContext& context) {
  const CallContext capped = context.Child(kReviveCap);
  std::shared_ptr<Tab> tab = browser_->active();
  if (tab == nullptr) {
    // Its pages closed all tabs.
    PROCTOR_RETURN_IF_ERROR(browser_->OpenTab(capped, BrowserContext::TabUse::kAgent).status());
    notices_.push_back("the page closed the last tab: a blank one was opened");
    return Revival::kBlank;
  }
  if (!tab->crashed()) return Revival::kNotNeeded;
  const std::string url = tab->url();
  PROCTOR_ASSIGN_OR_RETURN(const std::shared_ptr<Tab> fresh, browser_->OpenTab(capped, BrowserContext::TabUse::kAgent));
  PROCTOR_RETURN_IF_ERROR(browser_->CloseTab(capped, tab));
  const absl::StatusOr<LoadOutcome> load = LoadPage(context, *fresh, url, settle_cap());
  if (load.ok() && !fresh->crashed()) {
    notices_.push_back("the page crashed and was loaded again");
    return Revival::kLoadedAgain;
  }
  PROCTOR_RETURN_IF_ERROR(browser_->OpenTab(capped, BrowserContext::TabUse::kAgent).status());
  PROCTOR_RETURN_IF_ERROR(browser_->CloseTab(capped, fresh));
  notices_.push_back("the page crashes each time it is loaded: a blank tab was opened instead");
  return Revival::kBlank;
}

absl::Status WebWorld::Ready(const CallContext& context) {
  if (browser_ == nullptr) return absl::FailedPreconditionError("no episode is open");
  if (browser_->devtools().closed()) return absl::UnavailableError("the browser ended");
  return ReviveCrashedTab(context).status();
}

absl::StatusOr<v1::Observation> WebWorld::Observe(const CallContext& context,
                                                  const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(Ready(context));
  PROCTOR_ASSIGN_OR_RETURN(v1::Observation observation, Look(context, request));
  AddEvents(request, Telling::kAgain, observation);
  return observation;
}

absl::StatusOr<ActResult> WebWorld::Idle(const CallContext& context,
                                         const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(Ready(context));
  NoteAnswers();
  PROCTOR_RETURN_IF_ERROR(CheckOwnSites());
  ActResult result;
  PROCTOR_ASSIGN_OR_RETURN(result.observation, Look(context, request));
  AddEvents(request, Telling::kOnce, result.observation);
  AddDownloads(context, result);
  return result;
}

void WebWorld::NoteFileChooser(const std::shared_ptr<Tab>& tab, const v1::Action& action,
                               const ActionOutcome& outcome) {
  if (tab == nullptr || !tab->TakeFileChooser().has_value() || action.has_upload_file()) return;
  if (browser_->uploads() == nullptr) {
    notices_.push_back("a file chooser opened and was closed: this browser takes no uploads");
    return;
  }
  const int mark = outcome.target_element.has_value() ? outcome.target_element->mark() : 0;
  notices_.push_back(mark > 0
                         ? absl::StrCat("a file chooser opened: use upload_file on mark ", mark)
                         : "a file chooser opened: use upload_file on what opened it");
}

ObservedTab WebWorld::Seen(Tab& tab) const {
  return {tab.frames(), settings_.viewport(), settings_.device_scale()};
}

absl::StatusOr<v1::Observation> WebWorld::Look(const CallContext& context, const v1::ObservationRequest& request,
                                               const std::optional<DevToolsReply>& early) {
  for (int looks = 1;; ++looks) {
    const std::shared_ptr<Tab> tab = browser_->active();
    if (tab == nullptr) return absl::UnavailableError("no tab is open");
    PROCTOR_ASSIGN_OR_RETURN(v1::Observation observation, observer_->Observe(context.Child(kObserveCap), Seen(*tab), request,
                                                                             looks == 1 ? early : std::nullopt));
    if (looks == kMostLooks || !WentAway(context, tab, observation)) {
      PROCTOR_RETURN_IF_ERROR(Complete(context, *tab, request, observation));
      return observation;
    }
    PROCTOR_RETURN_IF_ERROR(ReviveCrashedTab(context).status());
  }
}

bool WebWorld::WentAway(const CallContext& context, const std::shared_ptr<Tab>& tab, const v1::Observation& seen) const {
  // A page that did not answer may be one that closes: what the browser has to say of its end comes before another answer.
  if (seen.url().empty() || seen.missing_size() > 0) {
    browser_->devtools().Call(context.Child(kTitleCap), "", "Browser.getVersion").status().IgnoreError();
  }
  const std::vector<std::shared_ptr<Tab>> tabs = browser_->tabs();
  return tab->crashed() || std::find(tabs.begin(), tabs.end(), tab) == tabs.end();
}

absl::Status WebWorld::Complete(const CallContext& context, Tab& tab, const v1::ObservationRequest& request,
                                v1::Observation& observation) const {
  if (observation.url().empty()) observation.set_url(tab.url());
  observation.set_url(WithoutCredentials(observation.url()));
  if (observation.title().empty() && !tab.activity().load_error().text.empty()) observation.set_title(tab.title());
  *observation.mutable_viewport() = settings_.viewport();
  AddTabs(context, tab, request, observation);
  // What a dead browser did not say must not pass for an observation.
  if (browser_->devtools().closed()) return absl::UnavailableError("the browser ended");
  const std::string notice = LoadNotice(tab);
  if (!notice.empty()) observation.add_notices(notice);
  return absl::OkStatus();
}

void WebWorld::AddTabs(const CallContext& context, const Tab& seen, const v1::ObservationRequest& request,
                       v1::Observation& observation) const {
  const std::shared_ptr<Tab> active = browser_->active();
  const std::vector<std::shared_ptr<Tab>> tabs = browser_->tabs();
  const bool all = Asks(request, v1::OBSERVATION_PART_TABS);
  // The browser tells of new titles late: ask the pages.
  std::vector<DevToolsCommand> questions;
  for (const auto& tab : tabs) {
    questions.push_back({tab->session_id(), "Runtime.evaluate", {{"expression", "String(document.title).slice(0, 1000)"}, {"returnByValue", true}}});
  }
  std::vector<DevToolsReply> titles;
  if (all && tabs.size() > 1) titles = browser_->devtools().SendAll(std::move(questions));
  const CallContext capped = context.Child(kTitleCap);
  for (size_t i = 0; i < tabs.size(); ++i) {
    const bool is_active = tabs[i] == active;
    // A page may have opened another one meanwhile.
    const bool is_seen = tabs[i].get() == &seen;
    if (!all && !is_active) continue;
    v1::Tab& tab = *observation.add_tabs();
    tab.set_index(static_cast<int>(i));
    tab.set_url(is_seen ? observation.url() : std::string(TruncateUtf8(WithoutCredentials(tabs[i]->url()), kMaxTabUrlBytes)));
    std::string title = is_seen ? observation.title() : tabs[i]->title();
    if (!is_seen && i < titles.size()) {
      const absl::StatusOr<Json> asked = titles[i].Await(capped);
      if (asked.ok()) title = JsonStringOr(JsonMember(*asked, "result"), "value");
    }
    tab.set_title(SanitizeUtf8(TruncateUtf8(title, kMaxTabTitleBytes)));
    tab.set_active(is_active);
  }
}

void WebWorld::AddEvents(const v1::ObservationRequest& request, Telling telling,
                         v1::Observation& observation) {
  const bool once = telling == Telling::kOnce;
  for (const auto& tab : browser_->tabs()) {
    for (v1::Dialog& dialog : once ? tab->TakeDialogs() : tab->dialogs())
      *observation.add_dialogs() = std::move(dialog);
    if (!Asks(request, v1::OBSERVATION_PART_CONSOLE)) continue;
    for (std::string& error : once ? tab->TakeConsoleErrors() : tab->console_errors()) {
      if (observation.console_errors_size() < 50) observation.add_console_errors(std::move(error));
    }
  }
  for (std::string& notice : once ? browser_->TakeNotices() : browser_->notices())
    observation.add_notices(std::move(notice));
  for (const std::string& notice : notices_) observation.add_notices(notice);
  if (once) notices_.clear();
}

// They go with a step: only a step can carry their bytes to the store.
void WebWorld::AddDownloads(const CallContext& context, ActResult& result) {
  for (FinishedDownload& finished : browser_->downloads().Take(context.Child(kDownloadCap))) {
    if (!finished.download.digest().empty())
      result.blobs[finished.download.digest()] = std::move(finished.bytes);
    *result.observation.add_downloads() = std::move(finished.download);
  }
}

std::vector<v1::Evidence> WebWorld::Collect(const CallContext& context,
                                            const std::vector<v1::EvidenceRequest>& requests) {
  std::vector<v1::Evidence> collected;
  for (const v1::EvidenceRequest& request : requests) {
    if (browser_ != nullptr) {
      collected.push_back(CollectWebEvidence(context, *browser_, sites_, request));
      continue;
    }
    v1::Evidence evidence;
    evidence.set_request_id(request.id());
    evidence.set_error("no episode is open");
    *evidence.mutable_collect_time() = ToProto(absl::Now());
    collected.push_back(std::move(evidence));
  }
  return collected;
}

}  // namespace proctor::env::web
