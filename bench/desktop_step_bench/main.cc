// A step on a desktop, by phase. See bench/desktop_step.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/executor.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/desktop/desktop_environment.h"
#include "imaging/image.h"

namespace proctor::bench {
namespace {

struct Flags {
  int rounds = 100;
  int resets = 10;
  std::string guest;
};

CallContext Soon() { return CallContext::WithTimeout(absl::Minutes(1)); }

double Ms(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

class Samples {
 public:
  void Add(double value) { values_.push_back(value); }
  double At(double share) const {
    if (values_.empty()) return 0;
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
  }

 private:
  std::vector<double> values_;
};

double ProcessCpuMs() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

v1::Task CalculatorTask() {
  v1::Task task;
  task.set_goal("Press keys.");
  task.mutable_start_state()->mutable_desktop()->add_launches()->set_application("calculator");
  return task;
}

v1::ObservationRequest Picture(v1::ImageFormat format) {
  v1::ObservationRequest request;
  if (format == v1::IMAGE_FORMAT_UNSPECIFIED) return request;
  request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  request.mutable_screenshot()->set_format(format);
  return request;
}

// One kind of observation.
struct Arm {
  std::string name;
  v1::ObservationRequest request;
  Samples act, settle, observe, own, total;
};

absl::Status Step(env::World& world, const v1::Action& action, Arm& arm) {
  const absl::Time began = absl::Now();
  PROCTOR_ASSIGN_OR_RETURN(const env::ActResult result, world.Act(Soon(), action, arm.request));
  const absl::Duration total = absl::Now() - began;
  if (!result.observation.action_error().empty()) return absl::InternalError(result.observation.action_error());
  const v1::StepTiming& timing = result.observation.settle().timing();
  arm.act.Add(Ms(FromProto(timing.act())));
  arm.settle.Add(Ms(FromProto(timing.settle())));
  arm.observe.Add(Ms(FromProto(timing.observe())));
  arm.own.Add(Ms(total - FromProto(timing.settle())));
  arm.total.Add(Ms(total));
  return absl::OkStatus();
}

// Where the digits are: points, so that nothing but the click is asked for.
absl::StatusOr<std::vector<v1::Action>> Clicks(const v1::Observation& start) {
  std::vector<v1::Action> actions;
  for (const v1::Element& element : start.elements()) {
    if (element.role() != "button" || element.name().size() != 1 || element.name()[0] < '1' || element.name()[0] > '9') continue;
    v1::Action& action = actions.emplace_back();
    v1::Point& point = *action.mutable_click()->mutable_target()->mutable_point();
    point.set_x(element.box().x() + element.box().width() / 2);
    point.set_y(element.box().y() + element.box().height() / 2);
  }
  if (actions.size() < 9) return absl::InternalError("the calculator shows no digits");
  return actions;
}

absl::Status MeasureSteps(env::World& world, const Flags& flags) {
  v1::ObservationRequest elements;
  elements.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  PROCTOR_ASSIGN_OR_RETURN(const env::ResetResult start, world.Reset(Soon(), {CalculatorTask(), 0}, elements));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<v1::Action> clicks, Clicks(start.observation));
  std::vector<Arm> arms(5);
  arms[0].name = "no picture";
  arms[1].name = "jpeg";
  arms[1].request = Picture(v1::IMAGE_FORMAT_JPEG);
  arms[2].name = "png";
  arms[2].request = Picture(v1::IMAGE_FORMAT_PNG);
  arms[3].name = "elements";
  arms[3].request = elements;
  arms[4].name = "jpeg + elements";
  arms[4].request = Picture(v1::IMAGE_FORMAT_JPEG);
  arms[4].request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  size_t next = 0;
  for (int round = 0; round < flags.rounds; ++round) {
    for (Arm& arm : arms) PROCTOR_RETURN_IF_ERROR(Step(world, clicks[next++ % clicks.size()], arm));
  }
  std::printf("\nclick -> settled -> observed, ms, median (p90); own: all but the settle wait, the desktop's answers included\n");
  std::printf("%-16s %16s %16s %16s %16s %16s\n", "arm", "act", "settle", "observe", "own", "total");
  for (const Arm& arm : arms) {
    std::printf("%-16s", arm.name.c_str());
    for (const Samples* samples : {&arm.act, &arm.settle, &arm.observe, &arm.own, &arm.total}) {
      std::printf(" %8.2f (%5.2f)", samples->At(0.5), samples->At(0.9));
    }
    std::printf("\n");
  }
  return absl::OkStatus();
}

// What encoding and hashing the same screen costs by itself.
absl::Status MeasureEncoding(env::World& world, const Flags& flags) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::Observation seen, world.Observe(Soon(), Picture(v1::IMAGE_FORMAT_PNG)));
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image pixels, imaging::Decode(seen.screenshot().data()));
  std::printf("\nencoding and hashing alone, ms, median\n");
  const auto measure = [&](const char* name, const auto& encode) -> absl::Status {
    Samples encoding, hashing;
    size_t size = 0;
    for (int i = 0; i < flags.rounds; ++i) {
      const absl::Time began = absl::Now();
      PROCTOR_ASSIGN_OR_RETURN(const std::string bytes, encode());
      const absl::Time encoded = absl::Now();
      if (Sha256Hex(bytes).empty()) return absl::InternalError("no digest");
      encoding.Add(Ms(encoded - began));
      hashing.Add(Ms(absl::Now() - encoded));
      size = bytes.size();
    }
    std::printf("%-16s encode %6.2f, hash %5.2f, %zu bytes\n", name, encoding.At(0.5), hashing.At(0.5), size);
    return absl::OkStatus();
  };
  PROCTOR_RETURN_IF_ERROR(measure("jpeg", [&] { return imaging::Encode(pixels, {.format = imaging::Format::kJpeg, .quality = 80}); }));
  PROCTOR_RETURN_IF_ERROR(measure("quick png", [&] { return imaging::EncodeQuickPng(pixels); }));
  return measure("png level 1", [&] { return imaging::Encode(pixels, {.format = imaging::Format::kPng}); });
}

// Processor time of this process for steps that change nothing.
absl::Status MeasureStillness(env::World& world, const Flags& flags) {
  std::printf("\na still screen: processor time of the server a step, ms, median\n");
  v1::Action noop;
  noop.mutable_noop();
  for (const auto& [name, format] : {std::pair{"jpeg", v1::IMAGE_FORMAT_JPEG}, {"png", v1::IMAGE_FORMAT_PNG}}) {
    Samples cpu;
    PROCTOR_RETURN_IF_ERROR(world.Act(Soon(), noop, Picture(format)).status());
    for (int i = 0; i < std::min(flags.rounds, 30); ++i) {
      const double before = ProcessCpuMs();
      PROCTOR_RETURN_IF_ERROR(world.Act(Soon(), noop, Picture(format)).status());
      cpu.Add(ProcessCpuMs() - before);
    }
    std::printf("%-16s %6.3f (p90 %.3f)\n", name, cpu.At(0.5), cpu.At(0.9));
  }
  return absl::OkStatus();
}

absl::Status MeasureResets(env::World& world, const char* name, const Flags& flags) {
  Samples empty, calculator;
  for (int i = 0; i < flags.resets; ++i) {
    absl::Time began = absl::Now();
    PROCTOR_RETURN_IF_ERROR(world.Reset(Soon(), {v1::Task(), 0}, {}).status());
    empty.Add(Ms(absl::Now() - began));
    // As an episode would: time for the next one's desktop.
    absl::SleepFor(absl::Milliseconds(700));
    began = absl::Now();
    PROCTOR_RETURN_IF_ERROR(world.Reset(Soon(), {CalculatorTask(), 0}, {}).status());
    calculator.Add(Ms(absl::Now() - began));
    absl::SleepFor(absl::Milliseconds(700));
  }
  std::printf("%-16s empty desktop %7.1f, with a calculator %7.1f\n", name, empty.At(0.5), calculator.At(0.5));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<env::desktop::DesktopEnvironment>> Make(const Flags& flags, Executor& background, bool prewarm) {
  env::desktop::DesktopEnvironment::Options options;
  options.guest_executable = flags.guest;
  options.prewarm = prewarm;
  return env::desktop::DesktopEnvironment::Create(std::move(options), background);
}

absl::Status Run(const Flags& flags) {
  ThreadPool background("desktops", 2);
  {
    PROCTOR_ASSIGN_OR_RETURN(const auto environment, Make(flags, background, false));
    PROCTOR_ASSIGN_OR_RETURN(const auto world, environment->Open(Soon(), {}));
    PROCTOR_RETURN_IF_ERROR(MeasureSteps(*world, flags));
    PROCTOR_RETURN_IF_ERROR(MeasureEncoding(*world, flags));
    PROCTOR_RETURN_IF_ERROR(MeasureStillness(*world, flags));
    std::printf("\nreset until settled (150 ms of them the wait), ms, median\n");
    PROCTOR_RETURN_IF_ERROR(MeasureResets(*world, "started anew", flags));
  }
  PROCTOR_ASSIGN_OR_RETURN(const auto environment, Make(flags, background, true));
  PROCTOR_ASSIGN_OR_RETURN(const auto world, environment->Open(Soon(), {}));
  return MeasureResets(*world, "made ready", flags);
}

bool Parse(int argc, char** argv, Flags& flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const std::string value = flag.substr(std::min(flag.size(), flag.find('=') + 1));
    if (absl::StartsWith(flag, "--rounds=")) {
      if (!absl::SimpleAtoi(value, &flags.rounds) || flags.rounds < 1) return false;
    } else if (absl::StartsWith(flag, "--resets=")) {
      if (!absl::SimpleAtoi(value, &flags.resets) || flags.resets < 1) return false;
    } else if (absl::StartsWith(flag, "--guest=")) {
      flags.guest = value;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace proctor::bench

int main(int argc, char** argv) {
  proctor::bench::Flags flags;
  if (!proctor::bench::Parse(argc, argv, flags)) {
    std::fprintf(stderr, "bench/desktop_step [--rounds=100] [--resets=10]\n");
    return 64;
  }
  const absl::Status status = proctor::bench::Run(flags);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
