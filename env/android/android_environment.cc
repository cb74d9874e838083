#include "env/android/android_environment.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/android/android_settings.h"
#include "env/android/android_world.h"

namespace proctor::env::android {
namespace {

v1::Capabilities AndroidCapabilities() {
  v1::Capabilities can;
  for (const char* action : {"click", "long_press", "swipe", "scroll", "type", "press_keys", "press_button", "open_app", "wait", "answer",
                             "give_up", "noop"}) {
    can.add_actions(action);
  }
  for (const v1::ObservationPart part : {v1::OBSERVATION_PART_SCREENSHOT, v1::OBSERVATION_PART_ELEMENTS,
                                         v1::OBSERVATION_PART_ACCESSIBILITY_TREE, v1::OBSERVATION_PART_DEVICE}) {
    can.add_observation_parts(part);
  }
  for (const v1::Dialect dialect : {v1::DIALECT_ANDROID_IN_THE_WILD, v1::DIALECT_ANDROID_WORLD, v1::DIALECT_AER_ANDROID}) {
    can.add_dialects(dialect);
  }
  for (const char* evidence : {"file", "setting", "content_query", "sqlite_query", "log_lines", "foreground", "screen_match"}) {
    can.add_evidence(evidence);
  }
  return can;
}

}  // namespace

AndroidEnvironment::AndroidEnvironment(Options options, std::unique_ptr<DevicePool> pool)
    : options_(std::move(options)), pool_(std::move(pool)) {}

absl::StatusOr<std::unique_ptr<AndroidEnvironment>> AndroidEnvironment::Create(Options options) {
  PROCTOR_RETURN_IF_ERROR(ValidateAndroidConfig(options.config));
  PROCTOR_RETURN_IF_ERROR(Annotate(ResolveAndroidSettings({}, options.default_settings, options.config.text_method()).status(),
                                   "default settings"));
  DevicePool::Options pool;
  PROCTOR_ASSIGN_OR_RETURN(pool.server.address, ParseAdbServer(options.config.adb_server()));
  pool.server.adb_path = options.config.adb_path();
  pool.server.home = options.adb_home;
  pool.connect.assign(options.config.connect().begin(), options.config.connect().end());
  pool.serials.assign(options.config.serials().begin(), options.config.serials().end());
  auto devices = std::make_unique<DevicePool>(std::move(pool));
  return std::unique_ptr<AndroidEnvironment>(new AndroidEnvironment(std::move(options), std::move(devices)));
}

v1::Environment AndroidEnvironment::Describe() const {
  v1::Environment out;
  out.set_description(options_.description);
  out.set_available(pool_->Count() > 0);
  if (!out.available()) out.set_unavailable_reason(pool_->WhyNone());
  *out.mutable_capabilities() = AndroidCapabilities();
  const absl::StatusOr<v1::AndroidSettings> defaults =
      ResolveAndroidSettings({}, options_.default_settings, options_.config.text_method());
  // Create saw that they are right.
  if (defaults.ok()) *out.mutable_default_settings()->mutable_android() = *defaults;
  out.mutable_default_limits()->set_max_steps(30);
  *out.mutable_default_limits()->mutable_max_duration() = ToProto(absl::Minutes(10));
  return out;
}

absl::StatusOr<v1::EnvironmentSettings> AndroidEnvironment::ResolveSettings(const v1::EnvironmentSettings& settings) const {
  if (settings.kind_case() != v1::EnvironmentSettings::kAndroid && settings.kind_case() != v1::EnvironmentSettings::KIND_NOT_SET) {
    return absl::InvalidArgumentError("settings: the android environment takes android settings");
  }
  v1::EnvironmentSettings resolved;
  PROCTOR_ASSIGN_OR_RETURN(*resolved.mutable_android(), ResolveAndroidSettings(settings.android(), options_.default_settings,
                                                                               options_.config.text_method()));
  return resolved;
}

absl::StatusOr<std::unique_ptr<World>> AndroidEnvironment::Open(const CallContext& context, const v1::EnvironmentSettings& settings) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::EnvironmentSettings resolved, ResolveSettings(settings));
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<DevicePool::Lease> lease, pool_->Acquire(context, resolved.android().serial()));
  AndroidWorld::Options options;
  options.settings = resolved.android();
  if (options_.config.has_device_wait()) options.device_wait = FromProto(options_.config.device_wait());
  options.scratch = options_.scratch;
  return std::make_unique<AndroidWorld>(std::move(options), *pool_, std::move(lease));
}

absl::Status AndroidEnvironment::AwaitDevices(const CallContext& context, int count) const { return pool_->AwaitCount(context, count); }

}  // namespace proctor::env::android
