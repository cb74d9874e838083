#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/web_step_bench/arm.h"
#include "bench/web_step_bench/pages.h"
#include "common/mutex.h"
#include "common/process.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/browser_process.h"
#include "env/web/devtools.h"
#include "env/web/json_slices.h"
#include "env/web/page_reply.h"
#include "env/web/page_script.h"

namespace proctor::bench {
namespace {

using env::web::BrowserProcess;
using env::web::DevTools;
using env::web::DevToolsCommand;
using env::web::DevToolsEvent;
using env::web::DevToolsReply;

constexpr char kTwoFrames[] =
    "new Promise(r=>requestAnimationFrame(()=>requestAnimationFrame(()=>r(0))))";

class FloorArm final : public Arm {
 public:
  std::string name() const override { return "floor"; }

  absl::Status Start(const ArmSetting& setting) {
    env::web::BrowserProcessOptions options;
    options.profile_root = setting.directory;
    options.extra_arguments = {"--proxy-server=direct://"};
    PROCTOR_ASSIGN_OR_RETURN(browser_, BrowserProcess::Start(Soon(), options, spawner_));
    return NewPage();
  }

  absl::Status Open(const std::string& url) override {
    const int before = Loads();
    PROCTOR_RETURN_IF_ERROR(
        devtools().Call(Soon(), session_, "Page.navigate", {{"url", url}}).status());
    PROCTOR_RETURN_IF_ERROR(AwaitLoad(before));
    return devtools().Call(Soon(), session_, "Runtime.evaluate", TwoFrames()).status();
  }

  absl::StatusOr<Sample> Step(bool navigates) override {
    const int before = Loads();
    const absl::Time start = absl::Now();
    Json mouse = {{"type", "mousePressed"},
                  {"x", kButtonX},
                  {"y", kButtonY},
                  {"button", "left"},
                  {"clickCount", 1}};
    std::vector<DevToolsCommand> click = {{session_, "Input.dispatchMouseEvent", mouse}};
    mouse["type"] = "mouseReleased";
    click.push_back({session_, "Input.dispatchMouseEvent", mouse});
    if (!navigates) click.push_back({session_, "Runtime.evaluate", TwoFrames()});
    for (const DevToolsReply& reply : devtools().SendAll(std::move(click))) {
      PROCTOR_RETURN_IF_ERROR(reply.AwaitText(Soon()).status());
    }
    if (navigates) {
      PROCTOR_RETURN_IF_ERROR(AwaitLoad(before));
      PROCTOR_RETURN_IF_ERROR(
          devtools().Call(Soon(), session_, "Runtime.evaluate", TwoFrames()).status());
    }
    return Look(start);
  }

  absl::StatusOr<Sample> Reset(const std::string& url) override {
    const std::string old_context = context_;
    const absl::Time start = absl::Now();
    PROCTOR_RETURN_IF_ERROR(NewPage());
    PROCTOR_RETURN_IF_ERROR(Open(url));
    absl::StatusOr<Sample> sample = Look(start);
    (void)devtools().Call(Soon(), "", "Target.disposeBrowserContext",
                          {{"browserContextId", old_context}});
    return sample;
  }

 private:
  static CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(30)); }
  static Json TwoFrames() { return {{"expression", kTwoFrames}, {"awaitPromise", true}}; }
  DevTools& devtools() { return browser_->devtools(); }

  absl::Status NewPage() {
    PROCTOR_ASSIGN_OR_RETURN(const Json context,
                             devtools().Call(Soon(), "", "Target.createBrowserContext"));
    context_ = JsonStringOr(context, "browserContextId");
    PROCTOR_ASSIGN_OR_RETURN(const Json target, devtools().Call(Soon(), "", "Target.createTarget",
                                                                {{"url", "about:blank"},
                                                                 {"browserContextId", context_}}));
    PROCTOR_ASSIGN_OR_RETURN(
        const Json attached,
        devtools().Call(Soon(), "", "Target.attachToTarget",
                        {{"targetId", JsonStringOr(target, "targetId")}, {"flatten", true}}));
    session_ = JsonStringOr(attached, "sessionId");
    devtools().Subscribe(session_, [this](const DevToolsEvent& event) { OnEvent(event); });
    for (const DevToolsReply& reply : devtools().SendAll(
             {{session_, "Page.enable", {}},
              {session_, "Runtime.enable", {}},
              {session_, "Emulation.setFocusEmulationEnabled", {{"enabled", true}}},
              {session_,
               "Emulation.setDeviceMetricsOverride",
               {{"width", 1280}, {"height", 720}, {"deviceScaleFactor", 1}, {"mobile", false}}},
              {session_,
               "Page.addScriptToEvaluateOnNewDocument",
               {{"source", env::web::PageScript()},
                {"worldName", "floor"},
                {"runImmediately", true}}}})) {
      PROCTOR_RETURN_IF_ERROR(reply.AwaitText(Soon()).status());
    }
    return absl::OkStatus();
  }

  void OnEvent(const DevToolsEvent& event) {
    if (event.method == "Page.loadEventFired") {
      MutexLock lock(mutex_);
      ++loads_;
      loaded_.SignalAll();
    } else if (event.method == "Runtime.executionContextCreated") {
      const Json params = event.Params();
      if (params["context"]["name"] != "floor") return;
      MutexLock lock(mutex_);
      world_ = params["context"]["uniqueId"];
    }
  }

  int Loads() {
    MutexLock lock(mutex_);
    return loads_;
  }

  absl::Status AwaitLoad(int before) {
    MutexLock lock(mutex_);
    return AwaitWithContext(
        Soon(), mutex_, loaded_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return loads_ > before; },
        "load");
  }

  absl::StatusOr<Sample> Look(absl::Time start) {
    std::string world;
    {
      MutexLock lock(mutex_);
      world = world_;
    }
    const std::vector<DevToolsReply> replies = devtools().SendAll(
        {{session_,
          "Page.captureScreenshot",
          {{"format", "png"}, {"optimizeForSpeed", true}, {"captureBeyondViewport", false}}},
         {session_,
          "Runtime.evaluate",
          {{"expression", "proctorPage.observe(3, 4194304)"},
           {"uniqueContextId", world},
           {"returnByValue", true}}}});
    PROCTOR_ASSIGN_OR_RETURN(const std::string structure, replies[1].AwaitText(Soon()));
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, env::web::ScriptString(structure));
    PROCTOR_ASSIGN_OR_RETURN(const env::web::PageReply page, env::web::ParsePageReply(text));
    PROCTOR_ASSIGN_OR_RETURN(const std::string picture, replies[0].AwaitText(Soon()));
    Sample sample;
    const std::string_view data = env::web::PlainString(env::web::FindMember(picture, "data"));
    if (!absl::Base64Unescape(ToAbsl(data), &sample.png)) return absl::DataLossError("picture");
    sample.structure_bytes = page.tree.size() + page.elements.size();
    sample.time = absl::Now() - start;
    return sample;
  }

  ProcessSpawner spawner_;
  std::unique_ptr<BrowserProcess> browser_;
  std::string context_;
  std::string session_;
  Mutex mutex_;
  CondVar loaded_;
  int loads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string world_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Arm>> MakeFloorArm(const ArmSetting& setting) {
  auto arm = std::make_unique<FloorArm>();
  PROCTOR_RETURN_IF_ERROR(arm->Start(setting));
  return arm;
}

}  // namespace proctor::bench
