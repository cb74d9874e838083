// Messages for programs: what --json writes to stdout.
#ifndef PROCTOR_CLIENTS_CLI_MESSAGE_JSON_H_
#define PROCTOR_CLIENTS_CLI_MESSAGE_JSON_H_

#include <string>

#include "google/protobuf/message.h"

namespace proctor::cli {

// Protobuf JSON on one line (common/proto_json.h), with the zeros that say something (ShownFields), which protobuf leaves out: a VALID
// reward of 0 is not to look like a MASKED one. Within an Any they stay left out.
std::string MessageJson(const google::protobuf::Message& message);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_MESSAGE_JSON_H_
