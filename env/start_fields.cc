#include "env/start_fields.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"

namespace proctor::env {
namespace {

std::string WhatIsTaken(const std::vector<std::string_view>& taken) {
  std::string list;
  for (const std::string_view name : taken) absl::StrAppend(&list, list.empty() ? "" : ", ", ToAbsl(name));
  return taken.empty() ? "no start state" : absl::StrCat("only ", list);
}

}  // namespace

absl::Status CheckStartFields(const v1::StartState& start, const std::vector<std::string_view>& taken, std::string_view world) {
  std::vector<const google::protobuf::FieldDescriptor*> set;
  start.GetReflection()->ListFields(start, &set);
  for (const google::protobuf::FieldDescriptor* field : set) {
    if (std::find(taken.begin(), taken.end(), field->name()) != taken.end()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("start_state.", field->name(), ": ", ToAbsl(world), " takes ", WhatIsTaken(taken)));
  }
  return absl::OkStatus();
}

}  // namespace proctor::env
