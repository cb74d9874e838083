#include "server/auth/certificate_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "absl/time/clock.h"
#include "tests/net/certificate.h"
#include "tests/server/auth/no_more_files.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class CertificateWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!net::MakeCertificate(certificate_, key_) || !net::MakeCertificate(longer_certificate_, longer_key_, /*days=*/3)) {
      GTEST_SKIP() << "openssl is not installed";
    }
    clock_.Advance(absl::Now() - clock_.Now());
    tls_.set_certificate_file(directory_.path() + "/cert.pem");
    tls_.set_key_file(directory_.path() + "/key.pem");
    Write(tls_.certificate_file(), certificate_);
    Write(tls_.key_file(), key_);
  }
  // In place of the file, as those who renew do.
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    chmod((path + ".new").c_str(), 0600);
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  }
  std::unique_ptr<CertificateWatch> Watch() {
    auto watch = CertificateWatch::Create(tls_, clock_);
    EXPECT_TRUE(watch.ok()) << watch.status();
    return watch.ok() ? *std::move(watch) : nullptr;
  }
  // In hours from now, rounded.
  int64_t ExpiresIn(const CertificateWatch& watch) { return absl::ToInt64Hours(watch.expiry() - clock_.Now() + absl::Minutes(30)); }

  storage::TempDirectory directory_;
  SimulatedClock clock_;
  std::string certificate_;
  std::string key_;
  std::string longer_certificate_;
  std::string longer_key_;
  v1::TlsConfig tls_;
};

TEST_F(CertificateWatchTest, ARenewedPairIsSeenWhenBothFilesAreThere) {
  const auto watch = Watch();
  ASSERT_NE(watch, nullptr);
  EXPECT_EQ(ExpiresIn(*watch), 24);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  Write(tls_.certificate_file(), longer_certificate_);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  Write(tls_.key_file(), longer_key_);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_EQ(ExpiresIn(*watch), 24);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_EQ(ExpiresIn(*watch), 72);
}

TEST_F(CertificateWatchTest, AMistakeIsToldOnceAndTheExpiryStays) {
  const auto watch = Watch();
  ASSERT_NE(watch, nullptr);
  Write(tls_.certificate_file(), longer_certificate_);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_THAT(std::string(watch->CheckIfChanged().message()), HasSubstr("is not the key of"));
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_EQ(ExpiresIn(*watch), 24);
  // Who asks is told again.
  EXPECT_FALSE(watch->Check().ok());
  ASSERT_EQ(std::remove(tls_.key_file().c_str()), 0);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_TRUE(absl::IsNotFound(watch->CheckIfChanged()));
  Write(tls_.key_file(), longer_key_);
  EXPECT_TRUE(watch->Check().ok());
  EXPECT_EQ(ExpiresIn(*watch), 72);
}

TEST_F(CertificateWatchTest, FilesThatCannotBeOpenedJustNowAreLookedAtOnceTheyCan) {
  const auto watch = Watch();
  ASSERT_NE(watch, nullptr);
  Write(tls_.certificate_file(), longer_certificate_);
  Write(tls_.key_file(), longer_key_);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  {
    const NoMoreFiles none;
    EXPECT_TRUE(absl::IsUnavailable(watch->CheckIfChanged()));
  }
  EXPECT_EQ(ExpiresIn(*watch), 24);
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_EQ(ExpiresIn(*watch), 72);
}

TEST_F(CertificateWatchTest, OneThatHasExpiredIsToldWithItsTime) {
  const auto watch = Watch();
  ASSERT_NE(watch, nullptr);
  clock_.Advance(absl::Hours(25));
  // Its expiry was known: that is no change.
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(watch->Check()));
  EXPECT_EQ(ExpiresIn(*watch), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(CertificateWatch::Create(tls_, clock_).status()));
}

TEST_F(CertificateWatchTest, TheClientsAuthoritiesAreLookedAtToo) {
  tls_.set_client_ca_file(directory_.path() + "/ca.pem");
  EXPECT_TRUE(absl::IsNotFound(CertificateWatch::Create(tls_, clock_).status()));
  Write(tls_.client_ca_file(), certificate_);
  const auto watch = Watch();
  ASSERT_NE(watch, nullptr);
  Write(tls_.client_ca_file(), "nonsense");
  EXPECT_TRUE(watch->CheckIfChanged().ok());
  EXPECT_THAT(std::string(watch->CheckIfChanged().message()), HasSubstr("ca.pem"));
}

}  // namespace
}  // namespace proctor::server
