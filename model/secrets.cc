#include "model/secrets.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::model {
namespace {

constexpr size_t kMaxKeyBytes = 8192;
constexpr size_t kMinKeyBytes = 8;
constexpr char kRedacted[] = "[key]";

absl::StatusOr<std::string> ReadText(const v1::ModelEndpoint& endpoint) {
  if (!endpoint.key_env().empty()) {
    const char* value = std::getenv(endpoint.key_env().c_str());
    if (value == nullptr) return absl::NotFoundError(absl::StrCat("the variable ", endpoint.key_env(), " is not set"));
    return std::string(value);
  }
  std::ifstream file(endpoint.key_file());
  if (!file) return absl::NotFoundError(absl::StrCat(endpoint.key_file(), " cannot be read"));
  std::string text(kMaxKeyBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

std::string PercentEncoded(std::string_view key) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : key) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      absl::StrAppend(&encoded, "%", std::string(1, kHex[byte >> 4]), std::string(1, kHex[byte & 15]));
    }
  }
  return encoded;
}

}  // namespace

absl::StatusOr<std::string> ReadKey(const v1::ModelEndpoint& endpoint) {
  if (endpoint.key_env().empty() && endpoint.key_file().empty()) return "";
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, ReadText(endpoint));
  const std::string place = endpoint.key_env().empty() ? endpoint.key_file() : endpoint.key_env();
  std::string key(absl::StripAsciiWhitespace(text));
  if (key.empty()) return absl::InvalidArgumentError(absl::StrCat("the key in ", place, " is empty"));
  if (key.size() > kMaxKeyBytes) return absl::InvalidArgumentError(absl::StrCat("the key in ", place, " is too long"));
  const bool sendable = std::all_of(key.begin(), key.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (!sendable) return absl::InvalidArgumentError(absl::StrCat("the key in ", place, " has characters no key has"));
  return key;
}

std::string RedactKey(std::string_view text, std::string_view key) {
  std::string redacted(text);
  if (key.size() < kMinKeyBytes) return redacted;
  const std::string plain(key);
  const std::string json = absl::StrReplaceAll(plain, {{"\\", "\\\\"}, {"\"", "\\\""}});
  const std::string slashes = absl::StrReplaceAll(json, {{"/", "\\/"}});
  for (const std::string& form : {plain, json, slashes, PercentEncoded(key)}) {
    redacted = absl::StrReplaceAll(redacted, {{form, kRedacted}});
  }
  return redacted;
}

}  // namespace proctor::model
