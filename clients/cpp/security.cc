#include "clients/cpp/security.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/address.h"
#include "common/status.h"

namespace proctor::client {
namespace {

constexpr char kSystem[] = "system";

std::string Or(const std::string& given, const char* variable) {
  const char* value = given.empty() ? std::getenv(variable) : nullptr;
  return value == nullptr ? given : value;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

// A unix socket or this machine's loopback.
bool StaysHere(const std::string& address) {
  if (IsUnixSocket(address)) return true;
  const std::string host = address.substr(0, address.rfind(':'));
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

// What is given counts before the environment, a token before a file with one.
absl::StatusOr<std::string> LoadToken(const Security& security) {
  std::string token = security.token;
  std::string file = security.token_file;
  if (token.empty() && file.empty()) token = Or("", "PROCTOR_TOKEN");
  if (token.empty() && file.empty()) file = Or("", "PROCTOR_TOKEN_FILE");
  if (token.empty() && !file.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(token, ReadFile(file));
  }
  absl::StripAsciiWhitespace(&token);
  if (!std::all_of(token.begin(), token.end(), [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError("the token has blanks or other characters that no token has");
  }
  return token;
}

}  // namespace

absl::StatusOr<Credentials> LoadCredentials(const Security& security, const std::string& address) {
  Credentials loaded;
  PROCTOR_ASSIGN_OR_RETURN(loaded.token, LoadToken(security));
  const std::string ca = Or(security.tls_ca, "PROCTOR_TLS_CA");
  const std::string certificate = Or(security.tls_certificate, "PROCTOR_TLS_CERTIFICATE");
  const std::string key = Or(security.tls_key, "PROCTOR_TLS_KEY");
  loaded.server_name = Or(security.tls_server_name, "PROCTOR_TLS_SERVER_NAME");
  // A unix socket is served in plain text always.
  loaded.tls = !IsUnixSocket(address) && !(ca.empty() && certificate.empty() && key.empty() && loaded.server_name.empty());
  if (certificate.empty() != key.empty()) {
    return absl::InvalidArgumentError("a client certificate needs its key, and a key its certificate");
  }
  if (loaded.tls && !ca.empty() && ca != kSystem) {
    PROCTOR_ASSIGN_OR_RETURN(loaded.root_certificates, ReadFile(ca));
  }
  if (loaded.tls && !certificate.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(loaded.certificate, ReadFile(certificate));
    PROCTOR_ASSIGN_OR_RETURN(loaded.key, ReadFile(key));
  }
  if (!loaded.token.empty() && !loaded.tls && !StaysHere(address) && !security.token_in_plain_text) {
    return absl::FailedPreconditionError(absl::StrCat("the token would go to ", address, " in plain text; use TLS (tls_ca, or \"system\" for "
                                                      "this machine's authorities), or say that this is meant (token_in_plain_text)"));
  }
  return loaded;
}

}  // namespace proctor::client
