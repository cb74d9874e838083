#include "server/configured_environment.h"

#include <utility>
#include <vector>

#include "common/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace proctor::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Empties the lists of `target` that `given` fills: merging would append.
void ClearGivenLists(const Message& given, Message& target) {
  std::vector<const FieldDescriptor*> fields;
  given.GetReflection()->ListFields(given, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated()) {
      target.GetReflection()->ClearField(&target, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               target.GetReflection()->HasField(target, field)) {
      ClearGivenLists(given.GetReflection()->GetMessage(given, field),
                      *target.GetReflection()->MutableMessage(&target, field));
    }
  }
}

}  // namespace

v1::EnvironmentSettings OverDefaults(const v1::EnvironmentSettings& defaults,
                                     const v1::EnvironmentSettings& given) {
  if (given.kind_case() == v1::EnvironmentSettings::KIND_NOT_SET) return defaults;
  if (given.kind_case() != defaults.kind_case()) return given;
  v1::EnvironmentSettings merged = defaults;
  ClearGivenLists(given, merged);
  merged.MergeFrom(given);
  return merged;
}

absl::StatusOr<std::unique_ptr<ConfiguredEnvironment>> ConfiguredEnvironment::Create(
    std::unique_ptr<env::Environment> environment, const v1::EnvironmentConfig& config) {
  PROCTOR_RETURN_IF_ERROR(Annotate(environment->ResolveSettings(config.default_settings()).status(),
                                   "default_settings"));
  return std::unique_ptr<ConfiguredEnvironment>(
      new ConfiguredEnvironment(std::move(environment), config));
}

v1::Environment ConfiguredEnvironment::Describe() const {
  v1::Environment described = environment_->Describe();
  if (const auto settings = ResolveSettings({}); settings.ok())
    *described.mutable_default_settings() = *settings;
  *described.mutable_default_limits() = config_.default_limits();
  return described;
}

absl::StatusOr<v1::EnvironmentSettings> ConfiguredEnvironment::ResolveSettings(
    const v1::EnvironmentSettings& settings) const {
  return environment_->ResolveSettings(OverDefaults(config_.default_settings(), settings));
}

absl::StatusOr<std::unique_ptr<env::World>> ConfiguredEnvironment::Open(
    const CallContext& context, const v1::EnvironmentSettings& settings) {
  return environment_->Open(context, OverDefaults(config_.default_settings(), settings));
}

}  // namespace proctor::server
