// One measurement of the reward path; prints its figures as one JSON object. See bench/rewards.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "bench/rewards_bench/measurements.h"

int main(int argc, char** argv) {
  using proctor::Json;
  using Measurement = absl::StatusOr<Json> (*)(const proctor::bench::Flags&);
  const std::map<std::string, Measurement> measurements = {{"stream", &proctor::bench::MeasureStream},
                                                           {"fill", &proctor::bench::Fill},
                                                           {"restart", &proctor::bench::MeasureRestart},
                                                           {"drain", &proctor::bench::MeasureDrain},
                                                           {"episodes", &proctor::bench::MeasureEpisodes}};
  const auto chosen = argc > 1 ? measurements.find(argv[1]) : measurements.end();
  std::map<std::string, std::string> values;
  bool good = chosen != measurements.end();
  for (int i = 2; i < argc; ++i) {
    const std::vector<std::string> parts = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    good = good && parts.size() == 2 && absl::StartsWith(parts[0], "--");
    if (good) values[parts[0].substr(2)] = parts[1];
  }
  if (!good) {
    fprintf(stderr, "usage: %s stream|fill|restart|drain|episodes --name=value...; see bench/rewards\n", argv[0]);
    return 2;
  }
  const absl::StatusOr<Json> figures = chosen->second(proctor::bench::Flags(values));
  if (!figures.ok()) {
    fprintf(stderr, "%s: %s\n", argv[1], figures.status().ToString().c_str());
    return 1;
  }
  printf("%s\n", proctor::DumpJson(*figures).c_str());
  return 0;
}
