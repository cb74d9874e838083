// What is read again while the server runs: tokens, certificates, configuration.
#ifndef PROCTOR_SERVER_RELOADS_H_
#define PROCTOR_SERVER_RELOADS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "server/auth/certificate_watch.h"
#include "server/auth/doors.h"

namespace proctor::server {

// Logs and counts what could not be read again. Thread-safe.
class Reloads {
 public:
  // Both outlive the reloads. `certificate` null: there is no TLS.
  Reloads(Doors& doors, CertificateWatch* certificate) : doors_(doors), certificate_(certificate) {}

  // Tokens and certificates that changed on disk. Once a second, by one thread.
  void ReadChanged();
  // Both, changed or not.
  void ReadAgain();
  // The configuration could not be read again.
  void ConfigurationFailed(const absl::Status& status);

  // Since the start, by what it was: "tokens", "certificates" (without TLS: 0) and "configuration".
  std::map<std::string, int64_t> failures() const;
  // Of the server's certificate; nothing without TLS.
  std::optional<absl::Time> certificate_expiry() const;

 private:
  // OK: nothing to tell.
  void Note(const char* what, const char* consequence, const absl::Status& status);
  void NoteTokens(const absl::Status& status);
  void NoteCertificates(const absl::Status& status);

  Doors& doors_;
  CertificateWatch* const certificate_;
  mutable Mutex mutex_;
  std::map<std::string, int64_t> failures_ ABSL_GUARDED_BY(mutex_) = {{"tokens", 0}, {"certificates", 0}, {"configuration", 0}};
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RELOADS_H_
