// An environment with the operator's defaults under it.
#ifndef PROCTOR_SERVER_CONFIGURED_ENVIRONMENT_H_
#define PROCTOR_SERVER_CONFIGURED_ENVIRONMENT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "env/world.h"
#include "proctor/v1/config.pb.h"

namespace proctor::server {

// `given` over `defaults`: a field that is set (a number that is not 0, a text that is not empty)
// and a list that is not empty replace the default. Settings of another kind are returned as they
// are.
v1::EnvironmentSettings OverDefaults(const v1::EnvironmentSettings& defaults,
                                     const v1::EnvironmentSettings& given);

// Wraps an environment: sessions' settings go over the configuration's default_settings, and it
// tells its default_limits. Thread-safe, as the wrapped one is.
class ConfiguredEnvironment final : public env::Environment {
 public:
  // INVALID_ARGUMENT: the environment refuses the default settings.
  static absl::StatusOr<std::unique_ptr<ConfiguredEnvironment>> Create(
      std::unique_ptr<env::Environment> environment, const v1::EnvironmentConfig& config);

  v1::Environment Describe() const override;
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(
      const v1::EnvironmentSettings& settings) const override;
  absl::StatusOr<std::unique_ptr<env::World>> Open(
      const CallContext& context, const v1::EnvironmentSettings& settings) override;

 private:
  ConfiguredEnvironment(std::unique_ptr<env::Environment> environment,
                        const v1::EnvironmentConfig& config)
      : environment_(std::move(environment)), config_(config) {}

  const std::unique_ptr<env::Environment> environment_;
  const v1::EnvironmentConfig config_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_CONFIGURED_ENVIRONMENT_H_
