// One way of doing a step, to be measured against the others.
#ifndef PROCTOR_BENCH_WEB_STEP_BENCH_ARM_H_
#define PROCTOR_BENCH_WEB_STEP_BENCH_ARM_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::bench {

// What a step gave. The time is taken by the arm around the step alone.
struct Sample {
  absl::Duration time;
  // Of a reset: until the page had loaded, before the observation. Zero: not known.
  absl::Duration loaded;
  // What the time went on, as far as the arm tells, in order.
  std::vector<std::pair<std::string, absl::Duration>> phases;
  // Lossless picture of the viewport after the step.
  std::string png;
  // Bytes of elements and tree, to see that they are there.
  size_t structure_bytes = 0;
};

// Each arm has a browser process of its own. Used by one thread.
class Arm {
 public:
  virtual ~Arm() = default;
  virtual std::string name() const = 0;
  // Shows the page, untimed; the step's button is at kButtonX, kButtonY afterwards.
  virtual absl::Status Open(const std::string& url) = 0;
  // Clicks the button, waits until the page came to rest, observes. `navigates`: the click leads to
  // another document.
  virtual absl::StatusOr<Sample> Step(bool navigates) = 0;
  // From nothing of this episode to its first observation.
  virtual absl::StatusOr<Sample> Reset(const std::string& url) = 0;
};

struct ArmSetting {
  // Writable; removed by the caller.
  std::string directory;
};

// Fewest DevTools commands that give the same data, sent side by side by a bare client.
absl::StatusOr<std::unique_ptr<Arm>> MakeFloorArm(const ArmSetting& setting);
// The product: the web environment's world, each step recorded durably.
// `preload`: the next episode's start page is loaded while the current one runs.
enum class Preload { kNo, kYes };
absl::StatusOr<std::unique_ptr<Arm>> MakeWorldArm(const ArmSetting& setting, Preload preload);
// Playwright, driven by playwright.cjs. `variant`: "documented", "tuned" or "own-script".
absl::StatusOr<std::unique_ptr<Arm>> MakePlaywrightArm(const ArmSetting& setting,
                                                       const std::string& variant,
                                                       const std::string& script,
                                                       const std::string& node_modules);

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_WEB_STEP_BENCH_ARM_H_
