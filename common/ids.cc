#include "common/ids.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/strings.h"

namespace proctor {
namespace {

void FillRandom(uint8_t* bytes, size_t size) {
  // getrandom returns at most 256 bytes uninterrupted; ours are fewer.
  if (getrandom(bytes, size, 0) != static_cast<ssize_t>(size)) std::abort();
}

std::string ToHex(const uint8_t* bytes, size_t size) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes), size));
}

bool IsIdChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string NewId() {
  // Crockford's alphabet in lower case keeps the order of the numbers.
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<uint8_t, 10> random;
  FillRandom(random.data(), random.size());
  const uint64_t millis = static_cast<uint64_t>(absl::ToUnixMillis(absl::Now()));
  std::string id(26, '0');
  for (int i = 0; i < 10; ++i) id[9 - i] = kAlphabet[(millis >> (5 * i)) & 31];
  for (int i = 0; i < 16; ++i) {
    const int bit = 5 * i;
    const uint16_t window = static_cast<uint16_t>(
        (random[bit / 8] << 8) | (bit / 8 + 1 < 10 ? random[bit / 8 + 1] : 0));
    id[10 + i] = kAlphabet[(window >> (11 - bit % 8)) & 31];
  }
  return id;
}

std::string RandomHex(int bytes) {
  std::string buffer(std::clamp(bytes, 1, 256), '\0');
  FillRandom(reinterpret_cast<uint8_t*>(buffer.data()), buffer.size());
  return absl::BytesToHexString(buffer);
}

std::string Sha256Hex(std::string_view bytes) {
  std::array<uint8_t, 32> digest;
  unsigned int size = digest.size();
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    std::abort();
  }
  return ToHex(digest.data(), size);
}

std::string HmacSha256Hex(std::string_view key, std::string_view bytes) {
  std::array<uint8_t, 32> digest;
  unsigned int size = digest.size();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.data(), &size);
  return ToHex(digest.data(), size);
}

bool IsDigest(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string ResourceName(std::string_view collection, std::string_view id) {
  return absl::StrCat(ToAbsl(collection), "/", ToAbsl(id));
}

absl::StatusOr<std::string> ResourceId(std::string_view collection, std::string_view name) {
  const bool prefixed = name.size() > collection.size() + 1 && name.starts_with(collection) &&
                        name[collection.size()] == '/';
  const std::string_view id = prefixed ? name.substr(collection.size() + 1) : std::string_view();
  if (id.empty() || id.size() > 128 || !std::all_of(id.begin(), id.end(), IsIdChar) ||
      id.front() == '.' || id.front() == '_' || id.front() == '-') {
    if (name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("missing: a name of the form '", ToAbsl(collection), "/{id}' is needed"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(TruncateUtf8(name, 160)), "' is not a name of the form '",
                     ToAbsl(collection), "/{id}'"));
  }
  return std::string(id);
}

}  // namespace proctor
