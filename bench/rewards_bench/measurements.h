// What is measured, each as one JSON object of figures. Directories are made by the caller, empty.
#ifndef PROCTOR_BENCH_REWARDS_BENCH_MEASUREMENTS_H_
#define PROCTOR_BENCH_REWARDS_BENCH_MEASUREMENTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "bench/rewards_bench/flags.h"
#include "common/json.h"

namespace proctor::bench {

// The room's classes alone: `appenders` (16) threads append, `rate` a second or as fast as they can (0), for `seconds` (3), to a log in
// `directory`; `consumers` (1) read and acknowledge every batch; `stalled` (0) more have given credits and take nothing.
// Latency: from when the append was due (paced) or began (not paced) to when a consumer has the record.
absl::StatusOr<Json> MeasureStream(const Flags& flags);

// Fills the log in `directory` with `records` (1,000,000) that the consumer "consumers/behind" has not acknowledged.
absl::StatusOr<Json> Fill(const Flags& flags);

// Opens such a log as a server does when it starts: time until "consumers/behind" has its first record, and memory.
absl::StatusOr<Json> MeasureRestart(const Flags& flags);

// Against the proctord at `address`: `consumers` (1) new ones read `records` (100,000) each from the oldest on, over gRPC.
absl::StatusOr<Json> MeasureDrain(const Flags& flags);

// Against the proctord at `address`: `sessions` (16) play episodes of one step in the null environment for `seconds` (3), `consumers` (1)
// get their rewards, `stalled` (0) more have a stream open and never read. Latency: from the reward's time to the consumer's.
absl::StatusOr<Json> MeasureEpisodes(const Flags& flags);

// p50, p99 and the most, in ms, as "p50_ms", "p99_ms", "max_ms".
void AddLatencies(std::vector<float> ms, Json& figures);

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_REWARDS_BENCH_MEASUREMENTS_H_
