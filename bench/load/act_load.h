// Load on EnvironmentService.Act: many streams, each with a session of its own on the null environment, each in lockstep: the next
// request goes out when the reply to the last one has come.
#ifndef PROCTOR_BENCH_LOAD_ACT_LOAD_H_
#define PROCTOR_BENCH_LOAD_ACT_LOAD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::bench {

// What a stream asks for, over and over.
enum class Verb {
  // Acts: the step is recorded before it is answered.
  kStep,
  // Looks: nothing is recorded.
  kObserve,
};

struct LoadOptions {
  // A gRPC address: "127.0.0.1:50551", "unix:/path".
  std::string target;
  int streams = 1;
  // Connections that the streams are spread over.
  int channels = 1;
  // Streams whose session or first episode is not there yet, at most.
  int opening_at_once = 64;
  // How long the world sleeps in a step (NullSettings.step_delay).
  absl::Duration step_delay = absl::ZeroDuration();
  Verb verb = Verb::kStep;
  // All streams act for `warm_up`, then for `measured`.
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration measured = absl::Seconds(5);
  // A reply that takes longer is no success.
  absl::Duration limit = absl::Seconds(2);
  // For opening all of them.
  absl::Duration open_timeout = absl::Seconds(120);
};

// Of the time measured. A request counts if it was sent in it, whenever its reply came.
struct LoadResult {
  // Streams with an episode, and how long it took until all were.
  int opened = 0;
  absl::Duration open_time = absl::ZeroDuration();
  int64_t sent = 0;
  int64_t succeeded = 0;
  // Answered without error, but after the limit.
  int64_t late = 0;
  // Answered with an error, or not at all.
  int64_t failed = 0;
  // Streams that did not open or broke off.
  int broken = 0;
  // Replies that came within the time measured, and that time.
  int64_t answered = 0;
  absl::Duration measured = absl::ZeroDuration();
  // From request to reply, sorted, milliseconds. Failed ones have none.
  std::vector<float> latencies_ms;
  // What the server says recording the steps took, sorted, milliseconds.
  std::vector<float> record_ms;
  // The first thing that went wrong; empty if nothing did.
  std::string first_error;
};

// `on_phase` is told "measuring" and "measured" as they happen. UNAVAILABLE: no stream could be opened.
absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options, const std::function<void(const char*)>& on_phase);

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_LOAD_ACT_LOAD_H_
