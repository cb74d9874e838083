// What operators are to be alarmed by, from the real server: reloads that fail, a certificate's end, quotas that are nearly spent.
#include <grpcpp/client_context.h>

#include <cmath>
#include <optional>

#include "absl/time/clock.h"
#include "tests/server/proctord_http.h"
#include "tests/server/tenants_fixture.h"

namespace proctor::server {
namespace {

class ProctordAlarmsTest : public TenantsFixture {
 protected:
  void StartWithHttp(const std::string& more, const std::string& auth_more = "") {
    Start(more + kHttpConfig, auth_more);
    if (!HasFatalFailure()) http_.emplace(server_.data());
  }
  double Value(const std::string& name, const std::map<std::string, std::string>& labels = {}) const {
    return ValueOf(http_->Scrape(), name, labels);
  }
  double Failures(const std::string& what) const { return Value("proctor_reload_failures_total", {{"what", what}}); }
  // In days, rounded.
  double CertificateExpiresIn() const {
    const double expiry = Value("proctor_tls_certificate_expiry_timestamp_seconds");
    return std::round((expiry - absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch())) / 86'400);
  }

  std::optional<ProctordHttp> http_;
};

TEST_F(ProctordAlarmsTest, ReloadsThatFailAndTheCertificatesEndAreTold) {
  PemPair pair;
  PemPair longer;
  if (!net::MakeCertificate(pair.certificate, pair.key) || !net::MakeCertificate(longer.certificate, longer.key, /*days=*/3)) {
    GTEST_SKIP() << "openssl is not installed";
  }
  server_.WriteServerPair(pair);
  ASSERT_NO_FATAL_FAILURE(StartWithHttp("", ", tls: {" + server_.TlsSettings() + "}"));
  for (const char* what : {"tokens", "certificates", "configuration"}) EXPECT_EQ(Failures(what), 0) << what;
  EXPECT_EQ(CertificateExpiresIn(), 1);

  server_.Write("tokens.yaml", "nonsense");
  EXPECT_TRUE(Comes([&] { return Failures("tokens") == 1; })) << server_.log();
  server_.Write("proctord.yaml", "nonsense: 1\n");
  server_.Signal(SIGHUP);
  EXPECT_TRUE(Comes([&] { return Failures("configuration") == 1; })) << server_.log();
  // The tokens were read again all the same.
  EXPECT_EQ(Failures("tokens"), 2);

  server_.Write("server.key", longer.key);
  EXPECT_TRUE(Comes([&] { return Failures("certificates") == 1; })) << server_.log();
  EXPECT_EQ(CertificateExpiresIn(), 1);
  server_.Write("server.pem", longer.certificate);
  EXPECT_TRUE(Comes([&] { return CertificateExpiresIn() == 3; })) << server_.log();
  EXPECT_EQ(Failures("certificates"), 1);
}

TEST_F(ProctordAlarmsTest, TheUseOfNamedTenantsQuotasIsTold) {
  ASSERT_NO_FATAL_FAILURE(
      StartWithHttp("quotas: {otherwise: {storage_bytes: 50000}, tenants: {alpha: {storage_bytes: 20000, judge_usd_per_day: 2.5}}}\n"));
  EXPECT_TRUE(std::isnan(Value("proctor_tls_certificate_expiry_timestamp_seconds")));
  const std::map<std::string, std::string> storage = {{"quota", "storage_bytes"}, {"tenant", "alpha"}};
  EXPECT_EQ(Value("proctor_quota_used", storage), 0);
  EXPECT_EQ(Value("proctor_quota_limit", storage), 20'000);
  EXPECT_EQ(Value("proctor_quota_limit", {{"quota", "judge_usd_per_day"}, {"tenant", "alpha"}}), 2.5);
  EXPECT_EQ(Value("proctor_quota_used", {{"quota", "judge_usd_per_day"}, {"tenant", "alpha"}}), 0);
  for (const char* name : {"anna", "ben"}) {
    const Client client = As(name);
    const v1::Session session = client.Create();
    v1::EpisodeStart start;
    ASSERT_TRUE(client.Start(session.name(), start).ok());
    ASSERT_TRUE(client.Step(session.name(), std::string(10'000, 'x')).ok());
  }
  EXPECT_GT(Value("proctor_quota_used", storage), 10'000);
  EXPECT_LT(Value("proctor_quota_used", storage), 20'000);
  // Ben's tenant has a limit, but no name in the configuration.
  EXPECT_EQ(http_->Scrape().at("proctor_quota_used").samples.size(), 2u);
}

}  // namespace
}  // namespace proctor::server
