// A browser's end of a pipe, which says what a test tells it to.
#ifndef PROCTOR_TESTS_ENV_WEB_FAKE_BROWSER_H_
#define PROCTOR_TESTS_ENV_WEB_FAKE_BROWSER_H_

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/call_context.h"
#include "common/json.h"
#include "env/web/devtools.h"
#include "env/web/devtools_transport.h"
#include "gtest/gtest.h"

namespace proctor::env::web {

// The far end of a pipe transport: reads commands, writes what it is told.
class FakeBrowser {
 public:
  explicit FakeBrowser(DevToolsLimits limits = {}) {
    int commands[2], answers[2];
    EXPECT_EQ(pipe2(commands, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(answers, O_CLOEXEC), 0);
    commands_ = NewPipeTransport(commands[0], dup(answers[1])).value();
    answer_fd_ = answers[1];
    devtools_ = std::make_unique<DevTools>(NewPipeTransport(answers[0], commands[1], absl::Seconds(5), limits).value());
  }
  ~FakeBrowser() {
    if (answer_fd_ >= 0) close(answer_fd_);
  }

  DevTools& devtools() { return *devtools_; }
  // Takes all commands and answers those named Echo, until StopReading.
  void ReadAll() {
    for (;;) {
      const absl::StatusOr<std::string> command = commands_->Read();
      if (!command.ok()) return;
      taken_.push_back(ParseJson(*command).value());
      const Json& json = taken_.back();
      if (json["method"] == "Echo") Say(DumpJson({{"id", json["id"]}, {"result", Json::object()}}));
    }
  }
  // Answers everything, until StopReading: as the context "C", whose tabs T1, T2, ... are there as soon as they are asked for.
  void ServeContext() {
    for (int tabs = 0;;) {
      const absl::StatusOr<std::string> command = commands_->Read();
      if (!command.ok()) return;
      taken_.push_back(ParseJson(*command).value());
      const Json& json = taken_.back();
      Json result = {{"browserContextId", "C"}};
      if (json["method"] == "Target.createTarget") {
        if (before_tab_) before_tab_(tabs + 1);
        const std::string target = absl::StrCat("T", ++tabs);
        Attach(absl::StrCat("S", tabs), {{"targetId", target}, {"type", "page"}, {"browserContextId", "C"}});
        result = {{"targetId", target}};
      }
      Say(DumpJson({{"id", json["id"]}, {"result", result}}));
    }
  }
  // Called before tab n (1, ...) is there. To be set before ServeContext.
  void SetBeforeTab(std::function<void(int)> before_tab) { before_tab_ = std::move(before_tab); }
  // Tells of a new target.
  void Attach(const std::string& session_id, const Json& info) {
    Say(DumpJson({{"method", "Target.attachedToTarget"}, {"params", {{"sessionId", session_id}, {"targetInfo", info}}}}));
  }
  void StopReading() { commands_->Close(); }
  // What ReadAll or ServeContext took; once it has ended.
  const std::vector<Json>& taken() const { return taken_; }
  Json NextCommand() { return ParseJson(*commands_->Read()).value(); }
  void Say(const std::string& text) { ASSERT_TRUE(commands_->Write({text}).ok()); }
  void Die() {
    commands_.reset();
    close(answer_fd_);
    answer_fd_ = -1;
  }

 private:
  std::unique_ptr<DevToolsTransport> commands_;
  int answer_fd_ = -1;
  std::vector<Json> taken_;
  std::function<void(int)> before_tab_;
  std::unique_ptr<DevTools> devtools_;
};

inline CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(10)); }

// Larger than what a pipe holds: it is read on to its end.
inline std::string Huge() { return std::string(3 << 20, 'x'); }

}  // namespace proctor::env::web

#endif  // PROCTOR_TESTS_ENV_WEB_FAKE_BROWSER_H_
