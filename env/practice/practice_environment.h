// The practice sites as an environment: a browser environment whose episodes each get sites of their own.
#ifndef PROCTOR_ENV_PRACTICE_PRACTICE_ENVIRONMENT_H_
#define PROCTOR_ENV_PRACTICE_PRACTICE_ENVIRONMENT_H_

#include <cstdint>
#include <memory>

#include "env/practice/hub.h"
#include "env/world.h"

namespace proctor::env::practice {

// Wraps a browser environment. Reset makes an instance of the sites and adds their addresses to the task's base URLs
// (`__SHOP__`, `__WIKI__`, `__MAIL__`, `__FORUM__`, `__BOOKING__`); evidence of kind site_state is read from the hub,
// in-process, all other evidence by the browser. The content's seed is the task's, else the episode's, else the
// default; it is echoed in the result. Only the world's own pages reach its instance (World::proxy_port). Thread-safe,
// as the wrapped environment is.
class PracticeEnvironment final : public Environment {
 public:
  // Both outlive it and its worlds. `default_seed` 0: a random one each episode.
  PracticeEnvironment(Environment& browser, PracticeHub& hub, int64_t default_seed = 0)
      : browser_(browser), hub_(hub), default_seed_(default_seed) {}

  v1::Environment Describe() const override;
  // Settings of another kind, and a response delay outside 0 to 10 s, are INVALID_ARGUMENT. Unless hosts are allowed
  // explicitly, the browser reaches the practice sites and nothing else.
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override;
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                              const v1::EnvironmentSettings& settings) override;

 private:
  Environment& browser_;
  PracticeHub& hub_;
  const int64_t default_seed_;
};

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_PRACTICE_ENVIRONMENT_H_
