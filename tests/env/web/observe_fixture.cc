#include "tests/env/web/observe_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proctor::env::web {

void ObserveFixture::SetUp() {
  char name[] = "/tmp/proctor-test-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  root_ = name;
  chmod(name, 0755);
  auto server = net::HttpServer::Create(
      {}, [this](const net::HttpRequest& request) { return Answer(request); });
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  BrowserProcessOptions options;
  options.profile_root = root_;
  // The server is the proxy as well, so that it answers for every host.
  options.proxy = absl::StrCat("127.0.0.1:", server_->port());
  options.extra_arguments = BrowserArguments();
  auto browser = BrowserProcess::Start(Soon(), options, spawner_);
  ASSERT_TRUE(browser.ok()) << browser.status();
  browser_ = *std::move(browser);

  const auto target = devtools().Call(Soon(), "", "Target.createTarget",
                                      {{"url", "about:blank"}, {"width", 1280}, {"height", 720}});
  ASSERT_TRUE(target.ok()) << target.status();
  const auto attached = devtools().Call(Soon(), "", "Target.attachToTarget",
                                        {{"targetId", (*target)["targetId"]}, {"flatten", true}});
  ASSERT_TRUE(attached.ok()) << attached.status();
  session_ = (*attached)["sessionId"];
  tracker_ = std::make_unique<FrameTracker>(session_);
  registry_ = std::make_unique<ElementRegistry>(devtools());
  observer_ = std::make_unique<Observer>(devtools(), *registry_);
  ASSERT_TRUE(
      devtools()
          .Call(Soon(), session_, "Emulation.setDeviceMetricsOverride",
                {{"width", 1280}, {"height", 720}, {"deviceScaleFactor", 1}, {"mobile", false}})
          .ok());
  Follow(session_);
  AdoptFrameTrees();
}

void ObserveFixture::TearDown() {
  browser_.reset();
  server_.reset();
  std::filesystem::remove_all(root_);
}

net::HttpResponse ObserveFixture::Answer(const net::HttpRequest& request) {
  std::string target = request.target;
  if (const size_t scheme = target.find("://"); scheme != target.npos) {
    target = target.substr(target.find('/', scheme + 3));
  }
  net::HttpResponse response;
  response.headers.emplace_back("content-type", "text/html; charset=utf-8");
  MutexLock lock(mutex_);
  auto page = pages_.find(request.host + target);
  if (page == pages_.end()) page = pages_.find(target);
  if (page == pages_.end()) {
    response.status = 404;
  } else {
    response.body = page->second;
  }
  return response;
}

void ObserveFixture::Serve(const std::string& path, const std::string& html) {
  MutexLock lock(mutex_);
  pages_[path] = html;
}

void ObserveFixture::Follow(const std::string& session_id) {
  devtools().Subscribe(session_id, [this](const DevToolsEvent& event) { OnEvent(event); });
  const std::vector<DevToolsReply> replies =
      devtools().SendAll(FrameTracker::SetUpCommands(session_id));
  MutexLock lock(mutex_);
  trees_.insert_or_assign(session_id, replies.back());
}

void ObserveFixture::OnEvent(const DevToolsEvent& event) {
  tracker_->OnEvent(event);
  if (event.method == "Page.loadEventFired" && event.session_id == session_) {
    MutexLock lock(mutex_);
    ++loads_;
  }
  if (event.method == "Target.attachedToTarget") {
    const Json params = event.Params();
    if (params["targetInfo"]["type"] == "iframe") Follow(params["sessionId"]);
  }
}

void ObserveFixture::AdoptFrameTrees() {
  std::map<std::string, DevToolsReply> trees;
  {
    MutexLock lock(mutex_);
    trees.swap(trees_);
  }
  for (const auto& [session_id, reply] : trees) {
    const auto tree = reply.Await(Soon());
    if (tree.ok()) tracker_->SetFrameTree(session_id, *tree);
  }
}

void ObserveFixture::Open(const std::string& url, size_t frames) {
  int before;
  {
    MutexLock lock(mutex_);
    before = loads_;
  }
  const auto navigated = devtools().Call(Soon(), session_, "Page.navigate", {{"url", url}});
  ASSERT_TRUE(navigated.ok()) << navigated.status();
  const absl::Time deadline = absl::Now() + absl::Seconds(15);
  for (;;) {
    ASSERT_LT(absl::Now(), deadline)
        << "not loaded: " << url << " frames: " << tracker_->Frames().size();
    AdoptFrameTrees();
    size_t ready = 0;
    for (const FrameInfo& frame : tracker_->Frames()) ready += !frame.context_id.empty();
    bool loaded;
    {
      MutexLock lock(mutex_);
      loaded = loads_ > before;
    }
    if (loaded && ready == frames) return;
    ASSERT_TRUE(devtools().Call(Soon(), "", "Browser.getVersion").ok());
  }
}

void ObserveFixture::OpenBody(const std::string& body) {
  Serve("/",
        absl::StrCat("<!doctype html><html lang=en><title>Test</title><body style='margin:8px'>",
                     body));
  Open("http://a.test/");
}

v1::Observation ObserveFixture::Observe(std::vector<v1::ObservationPart> parts) {
  v1::ObservationRequest request;
  for (const v1::ObservationPart part : parts) request.add_parts(part);
  return Observe(request);
}

v1::Observation ObserveFixture::Observe(const v1::ObservationRequest& request) {
  v1::Size viewport;
  viewport.set_width(1280);
  viewport.set_height(720);
  const auto observation =
      observer_->Observe(Soon(), {.frames = *tracker_, .viewport = viewport}, request);
  EXPECT_TRUE(observation.ok()) << observation.status();
  if (!observation.ok()) return v1::Observation();
  EXPECT_EQ(observation->missing_size(), 0) << observation->missing(0).reason();
  return *observation;
}

std::string ObserveFixture::Tree() {
  return Observe({v1::OBSERVATION_PART_ACCESSIBILITY_TREE}).accessibility_tree().text();
}

Json ObserveFixture::Evaluate(const std::string& expression) {
  const auto reply = devtools().Call(
      Soon(), session_, "Runtime.evaluate",
      {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}});
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (!reply.ok()) return nullptr;
  EXPECT_FALSE(reply->contains("exceptionDetails")) << reply->dump();
  return reply->contains("result") ? (*reply)["result"].value("value", Json()) : Json();
}

void ObserveFixture::ClickAt(const v1::Point& point) {
  for (const std::string type : {"mousePressed", "mouseReleased"}) {
    const auto reply = devtools().Call(Soon(), session_, "Input.dispatchMouseEvent",
                                       {{"type", type},
                                        {"x", point.x()},
                                        {"y", point.y()},
                                        {"button", "left"},
                                        {"clickCount", 1}});
    EXPECT_TRUE(reply.ok()) << reply.status();
  }
}

const v1::Element* ObserveFixture::Find(const v1::Observation& observation,
                                        const std::string& name) {
  for (const v1::Element& element : observation.elements()) {
    if (element.name() == name) return &element;
  }
  ADD_FAILURE() << "no element named " << name << " in " << observation.ShortDebugString();
  static const v1::Element* const none = new v1::Element;
  return none;
}

bool ObserveFixture::Has(const v1::Element& element, v1::ElementState state) {
  for (const int held : element.states()) {
    if (held == state) return true;
  }
  return false;
}

}  // namespace proctor::env::web
