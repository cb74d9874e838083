// web_step: a browser step's latency, arms alternating in one run. See bench/web_step.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "bench/web_step_bench/arm.h"
#include "bench/web_step_bench/pages.h"
#include "common/status.h"

namespace proctor::bench {
namespace {

struct Options {
  int rounds = 100;
  int stale_rounds = 1000;
  std::string node_modules;
  std::string playwright_script;
  std::string only;
};

struct Times {
  std::vector<double> ms;
  // Of resets, where the arm tells.
  std::vector<double> loaded_ms;
  // In order, with the times of each.
  std::vector<std::pair<std::string, std::vector<double>>> phases;
  int stale = 0;
  int failed = 0;
};

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * values.size()))];
}

void Count(const absl::StatusOr<Sample>& sample, int clicks, Times& times) {
  if (!sample.ok()) {
    ++times.failed;
    fprintf(stderr, "failed: %s\n", std::string(sample.status().message()).c_str());
    return;
  }
  const absl::StatusOr<bool> fresh = BadgeShows(sample->png, clicks);
  if (!fresh.ok() || !*fresh) ++times.stale;
  times.ms.push_back(absl::ToDoubleMilliseconds(sample->time));
  for (size_t i = 0; i < sample->phases.size(); ++i) {
    if (times.phases.size() <= i) times.phases.push_back({sample->phases[i].first, {}});
    times.phases[i].second.push_back(absl::ToDoubleMilliseconds(sample->phases[i].second));
  }
  if (sample->loaded > absl::ZeroDuration()) {
    times.loaded_ms.push_back(absl::ToDoubleMilliseconds(sample->loaded));
  }
}

void Print(const std::string& title, const std::vector<std::unique_ptr<Arm>>& arms,
           const std::map<std::string, Times>& results) {
  printf("\n%s\n%-24s %8s %8s %8s %8s %6s %7s %7s\n", title.c_str(), "arm", "p50 ms", "p25", "p75",
         "p90", "n", "stale", "failed");
  for (const auto& arm : arms) {
    const Times& times = results.at(arm->name());
    printf("%-24s %8.1f %8.1f %8.1f %8.1f %6zu %7d %7d\n", arm->name().c_str(),
           Quantile(times.ms, 0.5), Quantile(times.ms, 0.25), Quantile(times.ms, 0.75),
           Quantile(times.ms, 0.9), times.ms.size(), times.stale, times.failed);
    if (times.phases.empty()) continue;
    printf("   of it");
    for (const auto& [name, ms] : times.phases) printf("  %s %.1f", name.c_str(), Quantile(ms, 0.5));
    printf("\n");
  }
  fflush(stdout);
  const auto ours = results.find("proctor");
  if (ours == results.end() || ours->second.ms.empty()) return;
  for (const auto& [name, times] : results) {
    if (times.ms.empty()) continue;
    if (name != "proctor") {
      printf("  proctor / %s: %.2f\n", name.c_str(),
             Quantile(ours->second.ms, 0.5) / Quantile(times.ms, 0.5));
    }
    if (!times.loaded_ms.empty()) {
      const double loaded = Quantile(times.loaded_ms, 0.5);
      printf("  proctor / %s without its observation (%.1f ms): %.2f\n", name.c_str(), loaded,
             Quantile(ours->second.ms, 0.5) / loaded);
    }
  }
  fflush(stdout);
}

// The order rotates from round to round, so that no arm always follows the same one.
template <typename Work>
void Alternate(const std::vector<std::unique_ptr<Arm>>& arms, int rounds, const Work& work) {
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < arms.size(); ++i) work(*arms[(i + round) % arms.size()], round);
  }
}

int Failed(const std::map<std::string, Times>& results) {
  int failed = 0;
  for (const auto& [name, times] : results) failed += times.failed;
  return failed;
}

// How many steps failed, those of the warm-up too.
absl::StatusOr<int> MeasureSteps(const std::vector<std::unique_ptr<Arm>>& arms,
                                 const std::string& base, const std::string& page,
                                 const Options& options) {
  constexpr int kWarmUp = 3;
  for (const auto& arm : arms)
    PROCTOR_RETURN_IF_ERROR(Annotate(arm->Open(base + page), arm->name()));
  std::map<std::string, Times> results;
  Alternate(arms, options.rounds + kWarmUp, [&](Arm& arm, int round) {
    const absl::StatusOr<Sample> sample = arm.Step(page == "/nav");
    if (round >= kWarmUp || !sample.ok()) Count(sample, round + 1, results[arm.name()]);
  });
  Print(absl::StrCat("step on ", page), arms, results);
  return Failed(results);
}

// How many resets failed, the first of each arm too, which is not measured.
int MeasureResets(const std::vector<std::unique_ptr<Arm>>& arms, const std::string& base,
                  const Options& options) {
  // Each arm works on in the background after a reset (closing, loading the next page): nobody is measured meanwhile.
  constexpr absl::Duration kRest = absl::Milliseconds(600);
  std::map<std::string, Times> results;
  Alternate(arms, options.rounds + 1, [&](Arm& arm, int round) {
    absl::SleepFor(kRest);
    const absl::StatusOr<Sample> sample = arm.Reset(base + "/shop");
    if (round > 0 || !sample.ok()) Count(sample, 0, results[arm.name()]);
  });
  Print("reset to the first observation of /shop", arms, results);
  return Failed(results);
}

// Late changes of every kind; the product only: nothing else waits for them. How many steps failed.
absl::StatusOr<int> MeasureStaleness(Arm& arm, const std::string& base, const Options& options) {
  const std::vector<std::string> kinds = {"sync", "frame", "timer50", "timer150", "fetch", "chain"};
  int steps = 0, stale = 0, failed = 0;
  for (const std::string& kind : kinds) {
    Times times;
    PROCTOR_RETURN_IF_ERROR(arm.Open(absl::StrCat(base, "/late?late=", kind)));
    const int rounds = options.stale_rounds / static_cast<int>(kinds.size()) + 1;
    for (int i = 0; i < rounds; ++i) Count(arm.Step(false), i + 1, times);
    printf("staleness, change by %-9s %4zu steps, %d stale, %d failed, p50 %.1f ms\n", kind.c_str(),
           times.ms.size(), times.stale, times.failed, Quantile(times.ms, 0.5));
    fflush(stdout);
    steps += static_cast<int>(times.ms.size());
    stale += times.stale;
    failed += times.failed;
  }
  printf("staleness in all: %d stale of %d\n", stale, steps);
  return failed;
}

ArmSetting MakeSetting(const std::string& root, const std::string& name) {
  const std::string directory = absl::StrCat(root, "/", name);
  std::filesystem::create_directory(directory);
  std::filesystem::permissions(directory, std::filesystem::perms(0755));
  return {directory};
}

absl::StatusOr<std::vector<std::unique_ptr<Arm>>> MakeArms(const Options& options,
                                                           const std::string& root) {
  std::vector<std::unique_ptr<Arm>> arms;
  const auto setting = [&](const std::string& name) { return MakeSetting(root, name); };
  const auto add = [&](absl::StatusOr<std::unique_ptr<Arm>> arm) {
    if (!arm.ok()) return arm.status();
    arms.push_back(*std::move(arm));
    return absl::OkStatus();
  };
  const std::vector<std::string> only = absl::StrSplit(options.only, ',', absl::SkipEmpty());
  const auto wanted = [&](const std::string& name) {
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
  };
  if (wanted("floor")) PROCTOR_RETURN_IF_ERROR(add(MakeFloorArm(setting("floor"))));
  if (wanted("proctor")) {
    PROCTOR_RETURN_IF_ERROR(add(MakeWorldArm(setting("world"), Preload::kYes)));
  }
  for (const std::string variant : {"documented", "tuned", "own-script"}) {
    if (options.node_modules.empty() || !wanted(variant)) continue;
    PROCTOR_RETURN_IF_ERROR(add(MakePlaywrightArm(
        setting(variant), variant, options.playwright_script, options.node_modules)));
  }
  return arms;
}

// INTERNAL if anything failed, once all has been measured.
absl::Status MeasureAll(const Options& options, const std::string& base, const std::string& root) {
  PROCTOR_ASSIGN_OR_RETURN(auto arms, MakeArms(options, root));
  int failed = 0;
  if (options.rounds > 0) {
    for (const std::string page : {"/shop", "/large", "/nav"}) {
      PROCTOR_ASSIGN_OR_RETURN(const int steps, MeasureSteps(arms, base, page, options));
      failed += steps;
    }
    PROCTOR_ASSIGN_OR_RETURN(auto cold, MakeWorldArm(MakeSetting(root, "cold"), Preload::kNo));
    arms.push_back(std::move(cold));
    failed += MeasureResets(arms, base, options);
    arms.pop_back();
  }
  for (const auto& arm : arms) {
    if (arm->name() != "proctor" || options.stale_rounds <= 0) continue;
    PROCTOR_ASSIGN_OR_RETURN(const int steps, MeasureStaleness(*arm, base, options));
    failed += steps;
  }
  if (failed > 0) return absl::InternalError(absl::StrCat(failed, " steps or resets failed"));
  return absl::OkStatus();
}

absl::Status Run(const Options& options) {
  std::string root = std::filesystem::temp_directory_path() / "proctor-web-step-XXXXXX";
  if (mkdtemp(root.data()) == nullptr) return absl::UnavailableError("no temporary folder");
  std::filesystem::permissions(root, std::filesystem::perms(0755));
  PROCTOR_ASSIGN_OR_RETURN(const auto server, ServePages());
  const std::string base = absl::StrCat("http://127.0.0.1:", server->port());
  const absl::Status status = MeasureAll(options, base, root);
  // What a killed browser still writes there is not worth an end without a result.
  std::error_code ignored;
  std::filesystem::remove_all(root, ignored);
  return status;
}

}  // namespace
}  // namespace proctor::bench

int main(int argc, char** argv) {
  proctor::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::string> parts = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    const std::string value = parts.size() > 1 ? parts[1] : "";
    bool known = true;
    if (parts[0] == "--rounds") {
      known = absl::SimpleAtoi(value, &options.rounds);
    } else if (parts[0] == "--stale-rounds") {
      known = absl::SimpleAtoi(value, &options.stale_rounds);
    } else if (parts[0] == "--node-modules") {
      options.node_modules = value;
    } else if (parts[0] == "--playwright") {
      options.playwright_script = value;
    } else if (parts[0] == "--arms") {
      options.only = value;
    } else {
      known = false;
    }
    if (!known) {
      fprintf(stderr, "bad argument %s\n", argv[i]);
      return 2;
    }
  }
  const absl::Status status = proctor::bench::Run(options);
  if (!status.ok()) {
    fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
