#include "server/reloads.h"

#include "common/log.h"

namespace proctor::server {

void Reloads::Note(const char* what, const char* consequence, const absl::Status& status) {
  if (status.ok()) return;
  LogError(consequence, {{"error", status.ToString()}});
  MutexLock lock(mutex_);
  ++failures_[what];
}

void Reloads::NoteTokens(const absl::Status& status) {
  Note("tokens", "the tokens file was not read again; the tokens read before stay", status);
}

void Reloads::NoteCertificates(const absl::Status& status) {
  Note("certificates", "the TLS files are not good any longer; new connections may fail until they are", status);
}

void Reloads::ReadChanged() {
  NoteTokens(doors_.ReloadIfChanged());
  if (certificate_ != nullptr) NoteCertificates(certificate_->CheckIfChanged());
}

void Reloads::ReadAgain() {
  NoteTokens(doors_.Reload());
  if (certificate_ != nullptr) NoteCertificates(certificate_->Check());
}

void Reloads::ConfigurationFailed(const absl::Status& status) {
  Note("configuration", "the configuration was not read again; what was read before stays", status);
}

std::map<std::string, int64_t> Reloads::failures() const {
  MutexLock lock(mutex_);
  return failures_;
}

std::optional<absl::Time> Reloads::certificate_expiry() const {
  if (certificate_ == nullptr) return std::nullopt;
  return certificate_->expiry();
}

}  // namespace proctor::server
