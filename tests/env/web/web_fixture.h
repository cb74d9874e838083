// A browser environment on a server of test pages, shared by the tests of one binary.
#ifndef PROCTOR_TESTS_ENV_WEB_WEB_FIXTURE_H_
#define PROCTOR_TESTS_ENV_WEB_WEB_FIXTURE_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/web/browser_pool.h"
#include "env/web/web_environment.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/egress_proxy.h"
#include "net/http_server.h"

namespace proctor::env::web {

inline CallContext Within(absl::Duration time) { return CallContext::WithTimeout(time); }

// Pages by path; a page not here is 404. Thread-safe.
class TestSite {
 public:
  using Handler = std::function<net::HttpResponse(const net::HttpRequest&)>;

  TestSite() {
    auto server = net::HttpServer::Create({}, [this](const net::HttpRequest& request) { return Serve(request); });
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  // The server goes first: it calls Serve.
  ~TestSite() { server_.reset(); }

  void Page(const std::string& path, const std::string& html) {
    Answer(path, [html](const net::HttpRequest&) { return Html(html); });
  }
  void Answer(const std::string& path, Handler handler) {
    MutexLock lock(mutex_);
    pages_[path] = std::move(handler);
  }
  static net::HttpResponse Html(const std::string& html) {
    net::HttpResponse response;
    response.headers = {{"Content-Type", "text/html; charset=utf-8"}};
    response.body = html;
    return response;
  }
  std::string Url(const std::string& path, const std::string& host = "127.0.0.1") const {
    return absl::StrCat("http://", host, ":", server_->port(), path);
  }
  uint16_t port() const { return server_->port(); }
  // Waits until a path was asked for that often.
  bool AwaitHits(const std::string& path, int count) {
    MutexLock lock(mutex_);
    return AwaitWithContext(
               Within(absl::Seconds(20)), mutex_, hit_,
               [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return hits_[path] >= count; }, "requests")
        .ok();
  }
  int hits(const std::string& path) {
    MutexLock lock(mutex_);
    return hits_[path];
  }

 private:
  net::HttpResponse Serve(const net::HttpRequest& request) {
    const std::string path = request.target.substr(0, request.target.find('?'));
    Handler handler;
    {
      MutexLock lock(mutex_);
      ++hits_[path];
      hit_.SignalAll();
      const auto found = pages_.find(path);
      if (found != pages_.end()) handler = found->second;
    }
    if (handler) return handler(request);
    net::HttpResponse missing = Html("<title>missing</title>no such page");
    missing.status = 404;
    return missing;
  }

  Mutex mutex_;
  CondVar hit_;
  std::map<std::string, Handler> pages_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> hits_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<net::HttpServer> server_;
};

// One browser pool, proxy and site for all tests of the binary.
class WebWorldTestBase : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (shared_ != nullptr) return;
    shared_ = new Shared();
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  void Open(v1::WebSettings settings = {}) {
    v1::EnvironmentSettings all;
    if (!settings.has_settle_cap()) settings.mutable_settle_cap()->set_seconds(3);
    *all.mutable_web() = settings;
    auto world = shared_->environment->Open(Within(absl::Seconds(30)), all);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  static v1::ObservationRequest Everything() {
    v1::ObservationRequest request;
    for (const auto part : {v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_TEXT, v1::OBSERVATION_PART_TABS,
                            v1::OBSERVATION_PART_CONSOLE}) {
      request.add_parts(part);
    }
    return request;
  }

  absl::StatusOr<ResetResult> TryReset(const v1::StartState& start) {
    if (world_ == nullptr) Open();
    ResetSpec spec;
    *spec.task.mutable_start_state() = start;
    return world_->Reset(Within(absl::Seconds(40)), spec, Everything());
  }
  v1::Observation Reset(const std::string& path) {
    v1::StartState start;
    start.set_start_url(site().Url(path));
    auto result = TryReset(start);
    EXPECT_TRUE(result.ok()) << result.status();
    return last_ = result.ok() ? result->observation : v1::Observation();
  }
  // Serves `html` at a path and resets to it.
  v1::Observation ResetTo(const std::string& html) {
    site().Page("/page", html);
    return Reset("/page");
  }
  absl::StatusOr<ActResult> TryAct(const v1::Action& action) {
    return world_->Act(Within(absl::Seconds(40)), action, Everything());
  }
  v1::Observation Act(const v1::Action& action) {
    auto result = TryAct(action);
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) blobs_ = result->blobs;
    return last_ = result.ok() ? result->observation : v1::Observation();
  }
  // The mark of the element of that name in the last observation; 0 if there is none.
  int Mark(const std::string& name) const {
    for (const v1::Element& element : last_.elements()) {
      if (element.name() == name) return element.mark();
    }
    return 0;
  }
  v1::Observation Click(int mark) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(mark);
    return Act(action);
  }
  v1::Observation Click(const std::string& name) { return Click(Mark(name)); }

  TestSite& site() { return shared_->site; }
  BrowserPool& pool() { return shared_->pool; }
  WebEnvironment& environment() { return *shared_->environment; }
  net::EgressProxy& proxy() { return *shared_->proxy; }

  struct Shared {
    Shared() : profile_root(MakeRoot()), pool(MakeOptions(profile_root)), background("web-test", 4) {
      net::EgressProxy::Options proxy_options;
      // Names that are not this machine's own, as browsers see it.
      proxy_options.internal_port = [this](uint16_t, const std::string& host) -> uint16_t {
        return host == "plain.test" || host == "below.plain.test" ? site.port() : 0;
      };
      auto made = net::EgressProxy::Create(std::move(proxy_options));
      EXPECT_TRUE(made.ok()) << made.status();
      proxy = *std::move(made);
      WebEnvironment::Options options;
      options.default_policy.allow_private = true;
      environment = std::make_unique<WebEnvironment>(options, pool, *proxy, background);
    }
    static std::string MakeRoot() {
      char name[] = "/tmp/proctor-test-XXXXXX";
      EXPECT_NE(mkdtemp(name), nullptr);
      chmod(name, 0755);
      return name;
    }
    static BrowserPool::Options MakeOptions(const std::string& root) {
      BrowserPool::Options options;
      options.process.profile_root = root;
      options.max_browsers = 1;
      return options;
    }
    // Removed last.
    struct Root {
      explicit Root(std::string path) : path(std::move(path)) {}
      ~Root() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
      }
      std::string path;
    };
    std::string profile_root;
    Root root{profile_root};
    TestSite site;
    std::unique_ptr<net::EgressProxy> proxy;
    BrowserPool pool;
    ThreadPool background;
    std::unique_ptr<WebEnvironment> environment;
  };

  static inline Shared* shared_ = nullptr;
  std::unique_ptr<World> world_;
  v1::Observation last_;
  std::map<std::string, std::string> blobs_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_TESTS_ENV_WEB_WEB_FIXTURE_H_
