// Identifiers, digests and resource names.
#ifndef PROCTOR_COMMON_IDS_H_
#define PROCTOR_COMMON_IDS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor {

// A new id of 26 characters [0-9a-z]: 48 bits of milliseconds, so that ids sort by time, then 80 random bits from the
// operating system, so that they cannot be guessed.
std::string NewId();

// `bytes` random bytes from the operating system, as lower-case hex.
std::string RandomHex(int bytes);

// sha256 as 64 lower-case hex digits.
std::string Sha256Hex(std::string_view bytes);
// HMAC-SHA256 as 64 lower-case hex digits.
std::string HmacSha256Hex(std::string_view key, std::string_view bytes);
// 64 lower-case hex digits.
bool IsDigest(std::string_view text);

// "tasks/abc" from ("tasks", "abc").
std::string ResourceName(std::string_view collection, std::string_view id);
// "abc" from ("tasks", "tasks/abc"). INVALID_ARGUMENT for another collection or an id that is not
// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
absl::StatusOr<std::string> ResourceId(std::string_view collection, std::string_view name);

}  // namespace proctor

#endif  // PROCTOR_COMMON_IDS_H_
