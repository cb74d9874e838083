// android_step: a step on an Android device by phase, and the driver's own share of it. See bench/android_step.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "env/android/android_environment.h"
#include "tests/env/android/fixture.h"

namespace proctor::env::android {
namespace {

// The simulated phone, a process of its own; ends with its input.
class PhoneProcess {
 public:
  PhoneProcess(const std::string& program, const std::string& size) {
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
      execl(program.c_str(), program.c_str(), "--size", size.c_str(), "--until-stdin-closes", nullptr);
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    char text[20] = "";
    const ssize_t got = read(out[0], text, sizeof text - 1);
    close(out[0]);
    if (got > 0) port_ = std::atoi(text);
  }
  ~PhoneProcess() { close(input_); }
  int port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int port_ = 0;
};

double OwnMilliseconds() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_usec) / 1000; };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Series {
  std::vector<double> total, act, settle, observe, own;
};

void Print(const char* name, const Series& series) {
  std::vector<double> sorted = series.own;
  std::sort(sorted.begin(), sorted.end());
  std::printf("%-34s %8.1f %8.1f %8.1f %8.1f %10.2f (%.2f-%.2f)\n", name, Median(series.total), Median(series.act), Median(series.settle),
              Median(series.observe), Median(series.own), sorted[sorted.size() / 4], sorted[sorted.size() * 3 / 4]);
}

v1::ObservationRequest Picture(v1::ImageFormat format) {
  v1::ObservationRequest request = Parts({v1::OBSERVATION_PART_SCREENSHOT});
  request.mutable_screenshot()->set_format(format);
  return request;
}

// `step` returns false if it failed.
Series Measure(int rounds, const std::function<absl::StatusOr<ActResult>()>& step) {
  Series series;
  for (int i = 0; i < rounds; ++i) {
    const double own = OwnMilliseconds();
    const absl::Time begin = absl::Now();
    const absl::StatusOr<ActResult> result = step();
    const absl::Time end = absl::Now();
    if (!result.ok() || !result->observation.action_error().empty()) {
      std::fprintf(stderr, "failed: %s\n", result.ok() ? result->observation.action_error().c_str() : result.status().ToString().c_str());
      std::exit(1);
    }
    const v1::StepTiming& timing = result->observation.settle().timing();
    series.own.push_back(OwnMilliseconds() - own);
    series.total.push_back(absl::ToDoubleMilliseconds(end - begin));
    series.act.push_back(absl::ToDoubleMilliseconds(FromProto(timing.act())));
    series.settle.push_back(absl::ToDoubleMilliseconds(FromProto(timing.settle())));
    series.observe.push_back(absl::ToDoubleMilliseconds(FromProto(timing.observe())));
  }
  return series;
}

int Run(const std::string& program, const std::string& size, int rounds) {
  PhoneProcess phone(program, size);
  TemporaryFolder home;
  AndroidEnvironment::Options options;
  options.config.set_adb_server(absl::StrCat("127.0.0.1:", FreePort()));
  options.config.add_connect(absl::StrCat("127.0.0.1:", phone.port()));
  options.adb_home = home.path();
  setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5554", 1);
  const auto environment = AndroidEnvironment::Create(options);
  if (!environment.ok() || !(*environment)->AwaitDevices(Soon(), 1).ok()) {
    std::fprintf(stderr, "no device: %s\n",
                 environment.ok() ? (*environment)->Describe().unavailable_reason().c_str() : environment.status().ToString().c_str());
    return 1;
  }
  v1::EnvironmentSettings settings;
  *settings.mutable_android()->mutable_settle_still() = ToProto(absl::Milliseconds(50));
  const auto world = (*environment)->Open(Soon(), settings);
  if (!world.ok()) return 1;
  v1::Task task;
  task.mutable_start_state()->mutable_android()->add_setup()->set_start_activity("com.android.settings");
  const auto start = (*world)->Reset(Soon(), {task, 0}, Parts({v1::OBSERVATION_PART_ELEMENTS}));
  if (!start.ok()) {
    std::fprintf(stderr, "no episode: %s\n", start.status().ToString().c_str());
    return 1;
  }
  // A point, so that no step needs a dump to find it; each tap changes the picture.
  v1::Action tap;
  const v1::Rect box = Find(start->observation, "Wi-Fi").box();
  tap.mutable_click()->mutable_target()->mutable_point()->set_x(box.x() + box.width() / 2);
  tap.mutable_click()->mutable_target()->mutable_point()->set_y(box.y() + box.height() / 2);
  const auto act = [&](const v1::ObservationRequest& request) { return [&, request] { return (*world)->Act(Soon(), tap, request); }; };
  const auto idle = [&](const v1::ObservationRequest& request) { return [&, request] { return (*world)->Idle(Soon(), request); }; };
  Measure(5, act(Picture(v1::IMAGE_FORMAT_JPEG)));
  std::printf("screen %s, still after 50 ms, %d rounds, medians in ms\n%-34s %8s %8s %8s %8s %10s\n", size.c_str(), rounds, "", "total", "act",
              "settle", "observe", "own CPU (quartiles)");
  Print("tap, settled, no picture asked", Measure(rounds, act({})));
  Print("tap, settled, JPEG", Measure(rounds, act(Picture(v1::IMAGE_FORMAT_JPEG))));
  Print("tap, settled, PNG", Measure(rounds, act(Picture(v1::IMAGE_FORMAT_PNG))));
  v1::ObservationRequest all = Picture(v1::IMAGE_FORMAT_JPEG);
  all.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  all.add_parts(v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  Print("tap, settled, JPEG, elements, tree", Measure(rounds, act(all)));
  Measure(2, idle(Picture(v1::IMAGE_FORMAT_JPEG)));
  Print("look at a still screen, no picture", Measure(rounds, idle({})));
  Print("look at a still screen, JPEG", Measure(rounds, idle(Picture(v1::IMAGE_FORMAT_JPEG))));
  return 0;
}

}  // namespace
}  // namespace proctor::env::android

int main(int argc, char** argv) {
  std::string phone, size = "800x1280";
  int rounds = 100;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (absl::StartsWith(argument, "--phone=")) {
      phone = argument.substr(8);
    } else if (absl::StartsWith(argument, "--size=")) {
      size = argument.substr(7);
    } else if (!absl::StartsWith(argument, "--rounds=") || !absl::SimpleAtoi(argument.substr(9), &rounds) || rounds < 1) {
      std::fprintf(stderr, "usage: proctor_android_step_bench --phone=PROGRAM [--rounds=100] [--size=800x1280]\n");
      return 2;
    }
  }
  return proctor::env::android::Run(phone, size, rounds);
}
