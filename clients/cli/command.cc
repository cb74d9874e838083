#include "clients/cli/command.h"

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proctor::cli {
namespace {

constexpr char kUsagePayload[] = "proctor.cli/usage";

// "TASK_STATE_" from TASK_STATE_UNSPECIFIED.
std::string Prefix(const google::protobuf::EnumDescriptor* type) {
  return std::string(absl::StripSuffix(type->value(0)->name(), "UNSPECIFIED"));
}

std::string Label(const google::protobuf::EnumDescriptor* type, const std::string& name) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, Prefix(type)));
}

}  // namespace

absl::Status UsageError(const std::string& message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) {
  return status.GetPayload(kUsagePayload).has_value();
}

std::vector<std::string> EnumChoices(const google::protobuf::EnumDescriptor* type) {
  std::vector<std::string> choices;
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() != 0) choices.push_back(Label(type, type->value(i)->name()));
  }
  return choices;
}

std::string EnumLabel(const google::protobuf::EnumDescriptor* type, int number) {
  if (number == 0) return "";
  const auto* value = type->FindValueByNumber(number);
  return value == nullptr ? absl::StrCat(number) : Label(type, value->name());
}

int EnumNumber(const google::protobuf::EnumDescriptor* type, const std::string& label) {
  const auto* value = type->FindValueByName(Prefix(type) + absl::AsciiStrToUpper(label));
  return value == nullptr ? 0 : value->number();
}

}  // namespace proctor::cli
