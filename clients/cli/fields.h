// Any message as indented lines for people.
#ifndef PROCTOR_CLIENTS_CLI_FIELDS_H_
#define PROCTOR_CLIENTS_CLI_FIELDS_H_

#include <set>
#include <string>

#include "google/protobuf/message.h"

namespace proctor::cli {

// "name: tasks/abc\nstart_state:\n  start_url: ...\n". Fields that are not set are left out, and
// those of the top level named in `leave_out`. Enums as EnumLabel, times and durations readable,
// bytes by their size, an Any as what it holds.
std::string FieldsText(const google::protobuf::Message& message,
                       const std::set<std::string>& leave_out = {});

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_FIELDS_H_
