// The null environment: no world at all, for tests, benchmarks, and as the template for driver authors. Its
// comments say what a driver does at each place and why.
#ifndef PROCTOR_ENV_NULL_NULL_ENVIRONMENT_H_
#define PROCTOR_ENV_NULL_NULL_ENVIRONMENT_H_

#include <memory>

#include "env/world.h"

namespace proctor::env {

// Three buttons (marks 1 to 3; the third is disabled) and a text field (mark 4), which its screenshots show as boxes. Its text depends on
// the seed and on what was done. State for oracles, as site "NULL": {"clicks": [..], "text": "...", "steps": n}. URL
// `null://world/{steps}`.
class NullEnvironment final : public Environment {
 public:
  v1::Environment Describe() const override;
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(
      const v1::EnvironmentSettings& settings) const override;
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                              const v1::EnvironmentSettings& settings) override;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_NULL_NULL_ENVIRONMENT_H_
