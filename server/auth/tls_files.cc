#include "server/auth/tls_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::server {
namespace {

struct Closer {
  void operator()(FILE* file) const { std::fclose(file); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using File = std::unique_ptr<FILE, Closer>;
using Certificate = std::unique_ptr<X509, Closer>;
using Key = std::unique_ptr<EVP_PKEY, Closer>;

absl::StatusOr<File> Open(const std::string& path) {
  File file(std::fopen(path.c_str(), "re"));
  if (file != nullptr) return file;
  const std::string message = absl::StrCat(path, ": ", std::strerror(errno));
  // Too many files are open, or there is no memory: nothing is wrong with this one.
  if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) return absl::UnavailableError(message);
  return errno == ENOENT ? absl::NotFoundError(message) : absl::PermissionDeniedError(message);
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(const File file, Open(path));
  Certificate certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate != nullptr) return certificate;
  return absl::InvalidArgumentError(absl::StrCat(path, ": no certificate in PEM form (-----BEGIN CERTIFICATE-----)"));
}

// Keys with a passphrase are not asked for it: nobody could answer.
int NoPassphrase(char*, int, int, void*) { return 0; }

absl::StatusOr<Key> ReadKey(const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(const File file, Open(path));
  struct stat status;
  if (fstat(fileno(file.get()), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": others than its owner may read it; chmod go= ", path));
  }
  Key key(PEM_read_PrivateKey(file.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key != nullptr) return key;
  return absl::InvalidArgumentError(absl::StrCat(path, ": no private key in PEM form without a passphrase"));
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm broken_down;
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return absl::InvalidArgumentError("a certificate's time cannot be read");
  return absl::FromTimeT(timegm(&broken_down));
}

}  // namespace

absl::Status CheckTlsFiles(const v1::TlsConfig& tls, absl::Time now) {
  PROCTOR_ASSIGN_OR_RETURN(const Certificate certificate, ReadCertificate(tls.certificate_file()));
  PROCTOR_ASSIGN_OR_RETURN(const Key key, ReadKey(tls.key_file()));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat(tls.key_file(), " is not the key of ", tls.certificate_file()));
  }
  PROCTOR_ASSIGN_OR_RETURN(const absl::Time begin, ToTime(X509_get0_notBefore(certificate.get())));
  PROCTOR_ASSIGN_OR_RETURN(const absl::Time end, ToTime(X509_get0_notAfter(certificate.get())));
  if (now < begin || now >= end) {
    return absl::FailedPreconditionError(absl::StrCat(tls.certificate_file(), " is valid from ", absl::FormatTime(begin), " to ",
                                                      absl::FormatTime(end), ", not now: renew it, or set the clock"));
  }
  return tls.client_ca_file().empty() ? absl::OkStatus() : ReadCertificate(tls.client_ca_file()).status();
}

absl::StatusOr<absl::Time> CertificateExpiry(const std::string& certificate_file) {
  PROCTOR_ASSIGN_OR_RETURN(const Certificate certificate, ReadCertificate(certificate_file));
  return ToTime(X509_get0_notAfter(certificate.get()));
}

}  // namespace proctor::server
