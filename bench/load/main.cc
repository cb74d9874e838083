// One measurement of EnvironmentService.Act; the scripts beside this file run it. Prints {"event": ...} lines as phases begin, so that its
// caller can look at the server, and the result last.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "bench/load/act_load.h"
#include "common/json.h"

namespace proctor::bench {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of sorted values, 0 to 1.
double Quantile(const std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void Print(const Json& json) {
  printf("%s\n", DumpJson(json).c_str());
  fflush(stdout);
}

bool ParseSeconds(const std::string& value, absl::Duration& duration) {
  double seconds = 0;
  if (!absl::SimpleAtod(value, &seconds) || seconds < 0 || seconds > 3600) return false;
  duration = absl::Seconds(seconds);
  return true;
}

bool ParseCount(const std::string& value, int& count) { return absl::SimpleAtoi(value, &count) && count > 0 && count <= 100'000; }

bool Parse(int argc, char** argv, LoadOptions& options) {
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::string> parts = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    const std::string name = parts[0], value = parts.size() == 2 ? parts[1] : "";
    bool fits = false;
    if (name == "--target") {
      options.target = value;
      fits = !value.empty();
    } else if (name == "--verb") {
      fits = value == "step" || value == "observe";
      options.verb = value == "step" ? Verb::kStep : Verb::kObserve;
    } else if (name == "--streams") {
      fits = ParseCount(value, options.streams);
    } else if (name == "--channels") {
      fits = ParseCount(value, options.channels);
    } else if (name == "--opening-at-once") {
      fits = ParseCount(value, options.opening_at_once);
    } else if (name == "--step-delay") {
      fits = ParseSeconds(value, options.step_delay);
    } else if (name == "--warm-up") {
      fits = ParseSeconds(value, options.warm_up);
    } else if (name == "--seconds") {
      fits = ParseSeconds(value, options.measured);
    } else if (name == "--limit") {
      fits = ParseSeconds(value, options.limit);
    }
    if (!fits) {
      fprintf(stderr,
              "bad option %s\nusage: proctor_act_load --target=ADDRESS [--verb=step|observe] [--streams=1] [--channels=1] "
              "[--opening-at-once=64] [--step-delay=0] [--warm-up=1] [--seconds=5] [--limit=2]   (times in seconds)\n",
              argv[i]);
      return false;
    }
  }
  if (options.target.empty()) fprintf(stderr, "--target is missing\n");
  return !options.target.empty();
}

}  // namespace
}  // namespace proctor::bench

int main(int argc, char** argv) {
  using namespace proctor::bench;
  LoadOptions options;
  if (!Parse(argc, argv, options)) return 2;
  double cpu = 0;
  const auto result = RunLoad(options, [&cpu](const char* phase) {
    cpu = CpuSeconds() - cpu;
    Print({{"event", phase}});
  });
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    return 1;
  }
  const double seconds = absl::ToDoubleSeconds(result->measured);
  Print({{"streams", options.streams},
         {"opened", result->opened},
         {"open_seconds", absl::ToDoubleSeconds(result->open_time)},
         {"sent", result->sent},
         {"succeeded", result->succeeded},
         {"late", result->late},
         {"failed", result->failed},
         {"broken", result->broken},
         {"seconds", seconds},
         {"per_second", static_cast<double>(result->answered) / seconds},
         {"p50_ms", Quantile(result->latencies_ms, 0.5)},
         {"p99_ms", Quantile(result->latencies_ms, 0.99)},
         {"record_p50_ms", Quantile(result->record_ms, 0.5)},
         {"record_p99_ms", Quantile(result->record_ms, 0.99)},
         {"client_cpu_seconds", cpu},
         {"first_error", result->first_error}});
  return 0;
}
