// Any message as indented lines for people, and which of its fields say something.
#ifndef PROCTOR_CLIENTS_CLI_FIELDS_H_
#define PROCTOR_CLIENTS_CLI_FIELDS_H_

#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace proctor::cli {

// The fields that are set, and those whose 0 says something, in the order of their numbers: `value` and `success_score` of a VALID
// reward, `score` of a verdict that decided.
std::vector<const google::protobuf::FieldDescriptor*> ShownFields(const google::protobuf::Message& message);

// "name: tasks/abc\nstart_state:\n  start_url: ...\n". Without fields that are not shown (ShownFields), and
// those of the top level named in `leave_out`. Enums as EnumLabel, times and durations readable,
// bytes by their size, an Any as what it holds.
std::string FieldsText(const google::protobuf::Message& message,
                       const std::set<std::string>& leave_out = {});

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_FIELDS_H_
