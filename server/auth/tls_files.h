// Certificates and keys, looked at before anything is listened on.
#ifndef PROCTOR_SERVER_AUTH_TLS_FILES_H_
#define PROCTOR_SERVER_AUTH_TLS_FILES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/v1/auth.pb.h"

namespace proctor::server {

// OK: the key belongs to the certificate, nobody else may read it, the certificate is valid at `now`, and the client authorities are
// certificates. NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT, FAILED_PRECONDITION (expired) name the file and say what to do; none
// of them says anything of the key itself. UNAVAILABLE: no file can be opened just now.
absl::Status CheckTlsFiles(const v1::TlsConfig& tls, absl::Time now);

// When the server's certificate expires.
absl::StatusOr<absl::Time> CertificateExpiry(const std::string& certificate_file);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_TLS_FILES_H_
