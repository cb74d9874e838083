#include <stdio.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bench/web_step_bench/arm.h"
#include "bench/web_step_bench/pages.h"
#include "common/json.h"
#include "common/process.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/browser_flags.h"
#include "env/web/page_script.h"

namespace proctor::bench {
namespace {

// Talks to a Node process: one JSON line a command, one a reply. Times are taken in there, around
// the step alone.
class PlaywrightArm final : public Arm {
 public:
  explicit PlaywrightArm(std::string variant) : variant_(std::move(variant)) {}
  ~PlaywrightArm() override {
    if (to_ != nullptr) fclose(to_);
    if (from_ != nullptr) pclose(from_);
    if (!pipe_.empty()) unlink(pipe_.c_str());
  }

  std::string name() const override { return "playwright " + variant_; }

  absl::Status Start(const ArmSetting& setting, const std::string& script,
                     const std::string& node_modules) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string executable, env::web::FindBrowser());
    env::web::BrowserProcessOptions options;
    options.extra_arguments = {"--proxy-server=direct://"};
    Json flags = Json::array();
    const std::string profile = setting.directory + "/profile";
    const auto line =
        env::web::BrowserCommandLine(executable, profile, /*sandboxed=*/false, options);
    for (size_t i = 1; i < line.size(); ++i) flags.push_back(line[i]);
    const Json config = {{"variant", variant_}, {"executable", executable},
                         {"flags", flags},      {"pageScript", env::web::PageScript()},
                         {"x", kButtonX},       {"y", kButtonY}};
    const std::string config_path = setting.directory + "/config.json";
    std::ofstream(config_path) << DumpJson(config);
    pipe_ = setting.directory + "/commands";
    if (system(absl::StrCat("mkfifo ", pipe_).c_str()) != 0) return absl::InternalError("mkfifo");
    from_ = popen(absl::StrCat("NODE_PATH=", node_modules, " exec node ", script, " ", config_path,
                               " < ", pipe_)
                      .c_str(),
                  "re");
    // Closed in children: an arm ends when its commands do, and no other arm may hold them open.
    to_ = fopen(pipe_.c_str(), "we");
    if (from_ == nullptr || to_ == nullptr) return absl::InternalError("cannot start node");
    return ReadReply().status();
  }

  absl::Status Open(const std::string& url) override {
    return Ask({{"do", "open"}, {"url", url}}).status();
  }
  absl::StatusOr<Sample> Step(bool navigates) override {
    return Ask({{"do", "step"}, {"navigates", navigates}});
  }
  absl::StatusOr<Sample> Reset(const std::string& url) override {
    return Ask({{"do", "reset"}, {"url", url}});
  }

 private:
  absl::StatusOr<Sample> Ask(const Json& command) {
    fprintf(to_, "%s\n", DumpJson(command).c_str());
    fflush(to_);
    PROCTOR_ASSIGN_OR_RETURN(const Json reply, ReadReply());
    Sample sample;
    sample.time = absl::Milliseconds(JsonNumberOr(reply, "ms"));
    sample.loaded = absl::Milliseconds(JsonNumberOr(reply, "loaded"));
    sample.structure_bytes = static_cast<size_t>(JsonNumberOr(reply, "structure"));
    absl::Base64Unescape(JsonStringOr(reply, "png"), &sample.png);
    return sample;
  }

  absl::StatusOr<Json> ReadReply() {
    char* text = nullptr;
    size_t capacity = 0;
    const ssize_t length = getline(&text, &capacity, from_);
    const std::string line(text, std::max<ssize_t>(0, length));
    free(text);
    if (length <= 0) return absl::UnavailableError("node ended");
    PROCTOR_ASSIGN_OR_RETURN(Json reply, ParseJson(line));
    if (reply.contains("error")) return absl::InternalError(JsonStringOr(reply, "error"));
    return reply;
  }

  const std::string variant_;
  std::string pipe_;
  FILE* from_ = nullptr;
  FILE* to_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Arm>> MakePlaywrightArm(const ArmSetting& setting,
                                                       const std::string& variant,
                                                       const std::string& script,
                                                       const std::string& node_modules) {
  auto arm = std::make_unique<PlaywrightArm>(variant);
  PROCTOR_RETURN_IF_ERROR(arm->Start(setting, script, node_modules));
  return arm;
}

}  // namespace proctor::bench
