#include "server/auth/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/time/clock.h"
#include "tests/net/certificate.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!net::MakeCertificate(certificate_, key_)) GTEST_SKIP() << "openssl is not installed";
    tls_.set_certificate_file(Write("cert.pem", certificate_));
    tls_.set_key_file(Write("key.pem", key_));
  }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  storage::TempDirectory directory_;
  std::string certificate_;
  std::string key_;
  v1::TlsConfig tls_;
};

TEST_F(TlsFilesTest, ACertificateWithItsKeyIsFine) {
  EXPECT_TRUE(CheckTlsFiles(tls_, absl::Now()).ok()) << CheckTlsFiles(tls_, absl::Now());
  tls_.set_client_ca_file(tls_.certificate_file());
  EXPECT_TRUE(CheckTlsFiles(tls_, absl::Now()).ok());
  const auto expiry = CertificateExpiry(tls_.certificate_file());
  ASSERT_TRUE(expiry.ok());
  EXPECT_GT(*expiry, absl::Now());
  EXPECT_LT(*expiry, absl::Now() + absl::Hours(48));
}

TEST_F(TlsFilesTest, RefusesAnotherCertificatesKey) {
  std::string other_certificate;
  std::string other_key;
  ASSERT_TRUE(net::MakeCertificate(other_certificate, other_key));
  tls_.set_key_file(Write("other.pem", other_key));
  EXPECT_THAT(std::string(CheckTlsFiles(tls_, absl::Now()).message()), HasSubstr("is not the key of"));
}

TEST_F(TlsFilesTest, RefusesAKeyThatOthersMayRead) {
  tls_.set_key_file(Write("open.pem", key_, 0640));
  EXPECT_TRUE(absl::IsPermissionDenied(CheckTlsFiles(tls_, absl::Now())));
}

TEST_F(TlsFilesTest, RefusesACertificateOutsideItsTime) {
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckTlsFiles(tls_, absl::Now() + absl::Hours(25))));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckTlsFiles(tls_, absl::Now() - absl::Hours(25))));
}

TEST_F(TlsFilesTest, SaysWhichFileIsMissingOrNotWhatItShouldBe) {
  tls_.set_client_ca_file("/no/such/file");
  EXPECT_TRUE(absl::IsNotFound(CheckTlsFiles(tls_, absl::Now())));
  tls_.set_client_ca_file(Write("ca.pem", "nonsense"));
  EXPECT_THAT(std::string(CheckTlsFiles(tls_, absl::Now()).message()), HasSubstr("ca.pem"));
  tls_.set_certificate_file(Write("swapped.pem", key_));
  EXPECT_THAT(std::string(CheckTlsFiles(tls_, absl::Now()).message()), HasSubstr("swapped.pem"));
  EXPECT_FALSE(CertificateExpiry(tls_.certificate_file()).ok());
}

TEST_F(TlsFilesTest, SaysNothingOfTheKey) {
  tls_.set_key_file(Write("cut.pem", key_.substr(0, key_.size() / 2)));
  const absl::Status status = CheckTlsFiles(tls_, absl::Now());
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.ToString(), Not(HasSubstr(key_.substr(40, 20))));
}

}  // namespace
}  // namespace proctor::server
