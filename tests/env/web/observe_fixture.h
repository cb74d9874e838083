// A real browser with one tab on pages that a test serves, observed without the rest of the driver.
#ifndef PROCTOR_TESTS_ENV_WEB_OBSERVE_FIXTURE_H_
#define PROCTOR_TESTS_ENV_WEB_OBSERVE_FIXTURE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "common/process.h"
#include "env/web/browser_process.h"
#include "env/web/devtools.h"
#include "env/web/element_registry.h"
#include "env/web/frame_tracker.h"
#include "env/web/observer.h"
#include "gtest/gtest.h"
#include "net/http_server.h"

namespace proctor::env::web {

class ObserveFixture : public testing::Test {
 protected:
  void SetUp() override;
  virtual std::vector<std::string> BrowserArguments() const { return {}; }
  void TearDown() override;

  // Served at any host: "http://a.test/page" is found as "a.test/page", else as "/page".
  void Serve(const std::string& path, const std::string& html);
  // Goes there and waits until it is loaded and every frame's script is in place (`frames`: how
  // many).
  void Open(const std::string& url, size_t frames = 1);
  // Serves the body as "/" and opens it.
  void OpenBody(const std::string& body);

  v1::Observation Observe(std::vector<v1::ObservationPart> parts);
  v1::Observation Observe(const v1::ObservationRequest& request);
  v1::Observation Elements() { return Observe({v1::OBSERVATION_PART_ELEMENTS}); }
  std::string Tree();

  // Evaluates in the page's own world of the top frame.
  Json Evaluate(const std::string& expression);
  // A real click at a point of the viewport.
  void ClickAt(const v1::Point& point);

  CallContext Soon() const { return CallContext::WithTimeout(absl::Seconds(20)); }
  DevTools& devtools() { return browser_->devtools(); }
  const FrameTracker& frames() const { return *tracker_; }
  ElementRegistry& registry() { return *registry_; }
  const std::string& session() const { return session_; }

  static const v1::Element* Find(const v1::Observation& observation, const std::string& name);
  static bool Has(const v1::Element& element, v1::ElementState state);

 private:
  net::HttpResponse Answer(const net::HttpRequest& request);
  void Follow(const std::string& session_id);
  void OnEvent(const DevToolsEvent& event);
  void AdoptFrameTrees();

  ProcessSpawner spawner_;
  std::string root_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<BrowserProcess> browser_;
  std::unique_ptr<FrameTracker> tracker_;
  std::unique_ptr<ElementRegistry> registry_;
  std::unique_ptr<Observer> observer_;
  std::string session_;
  Mutex mutex_;
  std::map<std::string, std::string> pages_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, DevToolsReply> trees_ ABSL_GUARDED_BY(mutex_);
  int loads_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_TESTS_ENV_WEB_OBSERVE_FIXTURE_H_
