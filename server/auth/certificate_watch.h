// The TLS files while they are served: gRPC reads them again by itself, and says nothing of what it finds.
#ifndef PROCTOR_SERVER_AUTH_CERTIFICATE_WATCH_H_
#define PROCTOR_SERVER_AUTH_CERTIFICATE_WATCH_H_

#include <array>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "proctor/v1/auth.pb.h"
#include "server/auth/file_version.h"

namespace proctor::server {

// Thread-safe.
class CertificateWatch {
 public:
  // `clock` outlives the watch. Errors: those of CheckTlsFiles.
  static absl::StatusOr<std::unique_ptr<CertificateWatch>> Create(const v1::TlsConfig& tls, Clock& clock);

  // Checks the files if they have changed since they were checked, and have not since the last call: a certificate and its key are renewed one
  // after the other. An error of CheckTlsFiles, once for each change (UNAVAILABLE: each time, until they can be opened): new connections may fail.
  absl::Status CheckIfChanged();
  // The same at once, changed or not.
  absl::Status Check();

  // When the server's certificate expires; of one that could not be used, the one before it.
  absl::Time expiry() const;

 private:
  // Of the certificate, its key and the clients' authorities.
  using Versions = std::array<FileVersion, 3>;

  CertificateWatch(v1::TlsConfig tls, Clock& clock) : tls_(std::move(tls)), clock_(clock) {}
  Versions Look() const;

  const v1::TlsConfig tls_;
  Clock& clock_;
  mutable Mutex mutex_;
  Versions seen_ ABSL_GUARDED_BY(mutex_);
  Versions checked_ ABSL_GUARDED_BY(mutex_);
  absl::Time expiry_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_CERTIFICATE_WATCH_H_
