// A desktop environment for tests, on a machine that can have one.
#ifndef PROCTOR_TESTS_ENV_DESKTOP_DESKTOP_FIXTURE_H_
#define PROCTOR_TESTS_ENV_DESKTOP_DESKTOP_FIXTURE_H_

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/executor.h"
#include "common/json.h"
#include "env/desktop/desktop_config.h"
#include "env/desktop/desktop_environment.h"
#include "gtest/gtest.h"
#include "tests/env/desktop/machine_lacks.h"
#include "tests/env/desktop/process_family.h"

namespace proctor::env::desktop {

// An own directory, gone at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* root = getenv("TMPDIR");
    std::string path = absl::StrCat(root != nullptr ? root : "/tmp", "/proctor-test-desktop-XXXXXX");
    path_ = mkdtemp(path.data());
    std::filesystem::permissions(path_, std::filesystem::perms::all);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string GuestExecutable() { return PROCTOR_DESKTOP_GUEST; }

// The environment and what it needs.
struct DesktopParts {
  // nullptr: this machine lacks something, see MachineLacks; or there is a failure, for the product's own.
  static std::unique_ptr<DesktopParts> Make(v1::DesktopConfig config = {}, bool prewarm = false) {
    if (!MachineLacks().empty()) return nullptr;
    auto parts = std::make_unique<DesktopParts>();
    DesktopEnvironment::Options options;
    options.config = std::move(config);
    options.guest_executable = GuestExecutable();
    options.runtime_directory = parts->directory.path();
    options.prewarm = prewarm;
    auto made = DesktopEnvironment::Create(std::move(options), parts->background);
    if (!made.ok()) {
      ADD_FAILURE() << "no desktop environment: " << made.status();
      return nullptr;
    }
    parts->environment = *std::move(made);
    const v1::Environment described = parts->environment->Describe();
    if (described.available() && described.unavailable_reason().empty()) return parts;
    ADD_FAILURE() << "no desktops, though this machine lacks nothing: " << described.unavailable_reason();
    return nullptr;
  }

  TemporaryDirectory directory;
  ThreadPool background{"desktops", 4};
  std::unique_ptr<DesktopEnvironment> environment;
};

inline CallContext AMinute() { return CallContext::WithTimeout(absl::Minutes(1)); }

// One world, and what tests do with it.
class DesktopWorldTest : public testing::Test {
 protected:
  // False: skip, with MachineLacks.
  bool Start(v1::DesktopConfig config = {}, const v1::DesktopSettings& settings = {}) {
    parts_ = DesktopParts::Make(std::move(config));
    if (parts_ == nullptr) return false;
    world_ = Open(settings);
    return world_ != nullptr;
  }

  std::unique_ptr<World> Open(const v1::DesktopSettings& settings = {}) {
    v1::EnvironmentSettings wanted;
    *wanted.mutable_desktop() = settings;
    // A machine that runs many tests at once draws late.
    if (!settings.has_settle_still()) wanted.mutable_desktop()->mutable_settle_still()->set_nanos(300'000'000);
    if (!settings.has_settle_cap()) wanted.mutable_desktop()->mutable_settle_cap()->set_seconds(20);
    auto opened = parts_->environment->Open(AMinute(), wanted);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  static v1::Task TaskWith(const std::string& application, const std::string& file = "", const std::string& content = "") {
    v1::Task task;
    task.set_goal("Try it.");
    v1::DesktopStart& start = *task.mutable_start_state()->mutable_desktop();
    if (!file.empty()) {
      v1::DesktopFile& entry = *start.add_files();
      entry.set_path(file);
      entry.set_content(content);
    }
    if (!application.empty()) {
      v1::DesktopLaunch& launch = *start.add_launches();
      launch.set_application(application);
      if (!file.empty()) launch.add_files(file);
    }
    return task;
  }

  static v1::ObservationRequest Elements() {
    v1::ObservationRequest request;
    request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
    request.add_parts(v1::OBSERVATION_PART_WINDOWS);
    return request;
  }

  v1::Observation Reset(const v1::Task& task) {
    const auto reset = world_->Reset(AMinute(), {task, 0}, Elements());
    EXPECT_TRUE(reset.ok()) << reset.status();
    return reset.ok() ? reset->observation : v1::Observation();
  }

  ActResult Act(const v1::Action& action, const v1::ObservationRequest& request = Elements()) {
    const auto result = world_->Act(AMinute(), action, request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : ActResult();
  }

  // The action is done: no error for the agent.
  v1::Observation Do(const v1::Action& action) {
    const ActResult result = Act(action);
    EXPECT_EQ(result.observation.action_error(), "") << action.ShortDebugString().substr(0, 300);
    return result.observation;
  }

  v1::Observation Click(int mark) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(mark);
    return Do(action);
  }
  v1::Observation Type(const std::string& text) {
    v1::Action action;
    action.mutable_type()->set_text(text);
    return Do(action);
  }
  v1::Observation Press(const std::string& chord) {
    v1::Action action;
    action.mutable_press_keys()->add_chords(chord);
    return Do(action);
  }

  v1::Observation ClickAt(double x, double y) {
    v1::Action action;
    action.mutable_click()->mutable_target()->mutable_point()->set_x(x);
    action.mutable_click()->mutable_target()->mutable_point()->set_y(y);
    return Do(action);
  }
  // The widget as it is now.
  v1::Element See(const std::string& role, const std::string& name = "") {
    const auto seen = world_->Observe(AMinute(), Elements());
    EXPECT_TRUE(seen.ok()) << seen.status();
    return seen.ok() ? Find(*seen, role, name) : v1::Element();
  }
  // Whether there is such an element.
  static bool Has(const v1::Observation& observation, const std::string& role, const std::string& name = "") {
    return std::any_of(observation.elements().begin(), observation.elements().end(), [&](const v1::Element& element) {
      return element.role() == role && element.name().rfind(name, 0) == 0;
    });
  }
  static bool HasState(const v1::Element& element, v1::ElementState state) {
    return std::find(element.states().begin(), element.states().end(), state) != element.states().end();
  }
  // The agent's error; the world goes on.
  std::string ErrorOf(const v1::Action& action) { return Act(action).observation.action_error(); }

  v1::Evidence Evidence(v1::EvidenceRequest request) {
    request.set_id("it");
    const auto collected = world_->Collect(AMinute(), {request});
    EXPECT_EQ(collected.size(), 1u);
    return collected.at(0);
  }
  Json Value(const v1::EvidenceRequest& request) {
    const v1::Evidence evidence = Evidence(request);
    EXPECT_EQ(evidence.error(), "");
    const auto value = ParseJson(evidence.json_values_size() == 1 ? evidence.json_values(0) : "null");
    return value.ok() ? *value : Json();
  }
  Json File(const std::string& path) {
    v1::EvidenceRequest request;
    request.mutable_file()->set_path(path);
    return Value(request);
  }
  std::string FileText(const std::string& path) { return JsonStringOr(File(path), "text", "<no text>"); }

  // The first element of that role whose name begins so; mark 0: none.
  static v1::Element Find(const v1::Observation& observation, const std::string& role, const std::string& name = "") {
    for (const v1::Element& element : observation.elements()) {
      if (element.role() == role && element.name().rfind(name, 0) == 0) return element;
    }
    ADD_FAILURE() << "no " << role << " \"" << name << "\" among:\n" << Names(observation);
    return {};
  }
  static std::string Names(const v1::Observation& observation) {
    std::string out;
    for (const v1::Element& element : observation.elements()) absl::StrAppend(&out, element.role(), " \"", element.name(), "\"\n");
    return out;
  }

  std::unique_ptr<DesktopParts> parts_;
  std::unique_ptr<World> world_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_TESTS_ENV_DESKTOP_DESKTOP_FIXTURE_H_
