// How a client proves who it is, and knows whom it talks to.
#ifndef PROCTOR_CLIENTS_CPP_SECURITY_H_
#define PROCTOR_CLIENTS_CPP_SECURITY_H_

#include <string>

#include "absl/status/statusor.h"

namespace proctor::client {

// Any part of it gives TLS, but for the token and `token_in_plain_text`. What is empty comes from the environment variable.
struct Security {
  // What `proctord --new-token` printed; $PROCTOR_TOKEN.
  std::string token = "";
  // A file with it, if `token` is empty; $PROCTOR_TOKEN_FILE.
  std::string token_file = "";
  // PEM file of the authorities that the server's certificate must come from; "system": those of this machine. $PROCTOR_TLS_CA.
  std::string tls_ca = "";
  // PEM files of the client's own certificate, where the server wants one; $PROCTOR_TLS_CERTIFICATE, $PROCTOR_TLS_KEY.
  std::string tls_certificate = "";
  std::string tls_key = "";
  // The name in the server's certificate, if it is not the address's host; $PROCTOR_TLS_SERVER_NAME.
  std::string tls_server_name = "";
  // Send the token in plain text to another machine, where everybody on the way reads it.
  bool token_in_plain_text = false;
};

// The same with every file read.
struct Credentials {
  // Empty: none.
  std::string token = "";
  bool tls = false;
  // PEM. Empty roots: this machine's.
  std::string root_certificates = "";
  std::string certificate = "";
  std::string key = "";
  std::string server_name = "";
};

// INVALID_ARGUMENT: half a pair, or a token that is none; NOT_FOUND: a file is missing; FAILED_PRECONDITION: the token would go to
// `address`, on another machine, in plain text. No message repeats a token.
absl::StatusOr<Credentials> LoadCredentials(const Security& security, const std::string& address);

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_SECURITY_H_
