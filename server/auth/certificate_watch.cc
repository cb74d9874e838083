#include "server/auth/certificate_watch.h"

#include "common/status.h"
#include "server/auth/tls_files.h"

namespace proctor::server {

absl::StatusOr<std::unique_ptr<CertificateWatch>> CertificateWatch::Create(const v1::TlsConfig& tls, Clock& clock) {
  std::unique_ptr<CertificateWatch> watch(new CertificateWatch(tls, clock));
  PROCTOR_RETURN_IF_ERROR(watch->Check());
  return watch;
}

CertificateWatch::Versions CertificateWatch::Look() const {
  return {FileVersion::Of(tls_.certificate_file()), FileVersion::Of(tls_.key_file()),
          tls_.client_ca_file().empty() ? FileVersion() : FileVersion::Of(tls_.client_ca_file())};
}

absl::Status CertificateWatch::CheckIfChanged() {
  const Versions now = Look();
  {
    MutexLock lock(mutex_);
    const bool settled = now == seen_;
    seen_ = now;
    if (!settled || now == checked_) return absl::OkStatus();
  }
  return Check();
}

absl::Status CertificateWatch::Check() {
  // Looked at before they are read: a change in between is seen the next time.
  const Versions now = Look();
  absl::Status status = CheckTlsFiles(tls_, clock_.Now());
  const absl::StatusOr<absl::Time> expiry = CertificateExpiry(tls_.certificate_file());
  MutexLock lock(mutex_);
  seen_ = now;
  // Those that cannot be opened just now are looked at again the next time.
  if (!absl::IsUnavailable(status)) checked_ = now;
  // One outside of its time is served all the same.
  if ((status.ok() || absl::IsFailedPrecondition(status)) && expiry.ok()) expiry_ = *expiry;
  return status;
}

absl::Time CertificateWatch::expiry() const {
  MutexLock lock(mutex_);
  return expiry_;
}

}  // namespace proctor::server
