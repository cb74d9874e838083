// Keys: read from where the configuration says, and kept out of everything that is written or said.
#ifndef PROCTOR_MODEL_SECRETS_H_
#define PROCTOR_MODEL_SECRETS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

// The endpoint's key, without spaces around it; "" if none is configured. NOT_FOUND: the variable is not set or the
// file is not there; INVALID_ARGUMENT: it is empty, longer than 8 KiB or has characters that no header may carry. No
// error shows the key.
absl::StatusOr<std::string> ReadKey(const v1::ModelEndpoint& endpoint);

// `text` with "[key]" for every occurrence of `key`, also as JSON and URLs write it. A key shorter than 8 bytes is
// taken for a placeholder ("EMPTY") and left.
std::string RedactKey(std::string_view text, std::string_view key);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_SECRETS_H_
