#include "server/auth/auth_config.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/auth/tls_files.h"
#include "server/auth/token_table.h"

namespace proctor::server {
namespace {

using Fault = std::optional<ConfigFault>;
using google::protobuf::Duration;

constexpr absl::Duration kForever = absl::Hours(24 * 365 * 100);
constexpr double kMostQuota = 1e15;

std::string Range(absl::Duration low, absl::Duration high) {
  return high == kForever ? absl::StrCat("at least ", absl::FormatDuration(low))
                          : absl::StrCat("not between ", absl::FormatDuration(low), " and ", absl::FormatDuration(high));
}

// Looks through settings one after another and keeps the first fault.
class Checker {
 public:
  void Require(bool good, const std::string& path, const std::string& reason) {
    if (!good && !fault_) fault_ = ConfigFault{path, reason};
  }

  void Time(const std::string& path, bool given, Duration* value, absl::Duration low, absl::Duration high,
            absl::Duration otherwise) {
    if (!given) *value = ToProto(otherwise);
    const absl::Duration time = FromProto(*value);
    Require(time >= low && time <= high, path, absl::StrCat(absl::FormatDuration(time), " is not allowed: ", Range(low, high)));
  }

  // Time, or 0 for never.
  void TimeOrNever(const std::string& path, bool given, Duration* value, absl::Duration low, absl::Duration otherwise) {
    if (given && FromProto(*value) == absl::ZeroDuration()) return;
    Time(path, given, value, low, kForever, otherwise);
  }

  template <typename Set>
  void Number(const std::string& path, int64_t value, int64_t low, int64_t high, int64_t otherwise, Set set) {
    if (value == 0) {
      set(otherwise);
      return;
    }
    Require(value >= low && value <= high, path, absl::StrCat(value, " is not between ", low, " and ", high));
  }

  void Quota(const std::string& path, double value) {
    Require(value >= 0 && value <= kMostQuota, path, "not a number from 0 (no limit) to 1e15");
  }

  void AbsolutePath(const std::string& path, const std::string& value) {
    Require(value.empty() || value.front() == '/', path, absl::StrCat("'", value, "' is not an absolute path"));
  }

  const Fault& fault() const { return fault_; }

 private:
  Fault fault_;
};

void CheckTls(v1::TlsConfig& tls, Checker& check) {
  const v1::TlsConfig given = tls;
  check.Require(!tls.certificate_file().empty(), "auth.tls.certificate_file", "missing");
  check.Require(!tls.key_file().empty(), "auth.tls.key_file", "missing");
  check.AbsolutePath("auth.tls.certificate_file", tls.certificate_file());
  check.AbsolutePath("auth.tls.key_file", tls.key_file());
  check.AbsolutePath("auth.tls.client_ca_file", tls.client_ca_file());
  check.Require(!tls.client_certificate_optional() || !tls.client_ca_file().empty(), "auth.tls.client_certificate_optional",
                "without client_ca_file no client is asked for a certificate");
  check.Time("auth.tls.reload_interval", given.has_reload_interval(), tls.mutable_reload_interval(), absl::Seconds(1),
             absl::Hours(24), absl::Seconds(10));
}

// An address on the network has TLS and tokens, unless two settings say otherwise.
void CheckNetwork(const v1::ServerConfig& config, NetworkConsent consent, Checker& check) {
  const v1::AuthConfig& auth = config.auth();
  if (config.listen_address().empty() || IsLoopbackAddress(config.listen_address())) return;
  if (auth.has_tls() && !auth.tokens_file().empty()) return;
  if (auth.allow_unprotected_network() && consent == NetworkConsent::kGiven) return;
  const std::string missing = auth.has_tls()               ? "auth.tokens_file (anyone could connect)"
                              : auth.tokens_file().empty() ? "auth.tls and auth.tokens_file (anyone could connect and listen in)"
                                                           : "auth.tls (tokens and pages would cross the network in the clear)";
  check.Require(false, "listen_address",
                absl::StrCat("'", config.listen_address(), "' is not loopback, and so refused without ", missing,
                             "; see docs/security.md. To serve it all the same, set auth.allow_unprotected_network: true and give "
                             "the flag --anyone-on-the-network-may-connect, both"));
}

void CheckAudit(v1::AuditConfig& audit, Checker& check) {
  check.Number("auth.audit.max_file_bytes", audit.max_file_bytes(), 64 << 10, int64_t{4} << 30, 64 << 20,
               [&](int64_t n) { audit.set_max_file_bytes(n); });
  check.Number("auth.audit.max_files", audit.max_files(), 1, 1000, 8,
               [&](int64_t n) { audit.set_max_files(static_cast<int32_t>(n)); });
}

// Whoever reaches a guarded door can connect, and a connection without a call costs him nothing.
absl::Duration IdleTime(const v1::ServerConfig& config) {
  const bool guarded = config.auth().has_tls() || TcpDoor(config) == Door::kGuarded;
  return guarded ? absl::Minutes(5) : absl::Hours(1);
}

// `idle_time` is the default of `max_idle`.
void CheckConnections(v1::ConnectionConfig& of, absl::Duration idle_time, Checker& check) {
  const v1::ConnectionConfig given = of;
  check.Number("connections.max_message_bytes", of.max_message_bytes(), 64 << 10, 256 << 20, 64 << 20,
               [&](int64_t n) { of.set_max_message_bytes(n); });
  check.Number("connections.max_metadata_bytes", of.max_metadata_bytes(), 1 << 10, 1 << 20, 16 << 10,
               [&](int64_t n) { of.set_max_metadata_bytes(n); });
  check.Number("connections.max_calls", of.max_calls(), 1, 100'000, 1000,
               [&](int64_t n) { of.set_max_calls(static_cast<int32_t>(n)); });
  check.Time("connections.keepalive_time", given.has_keepalive_time(), of.mutable_keepalive_time(), absl::Seconds(1),
             absl::Hours(1), absl::Seconds(30));
  check.Time("connections.keepalive_timeout", given.has_keepalive_timeout(), of.mutable_keepalive_timeout(), absl::Seconds(1),
             absl::Minutes(10), absl::Seconds(20));
  check.Time("connections.min_client_ping_interval", given.has_min_client_ping_interval(), of.mutable_min_client_ping_interval(),
             absl::Seconds(1), absl::Hours(1), absl::Seconds(10));
  check.TimeOrNever("connections.max_age", given.has_max_age(), of.mutable_max_age(), absl::Seconds(1), absl::Hours(24));
  check.Time("connections.max_age_grace", given.has_max_age_grace(), of.mutable_max_age_grace(), absl::Seconds(1), kForever,
             absl::Hours(1));
  check.TimeOrNever("connections.max_idle", given.has_max_idle(), of.mutable_max_idle(), absl::Seconds(1), idle_time);
  check.Number("connections.memory_bytes", of.memory_bytes(), 2 * of.max_message_bytes(), int64_t{1} << 40, 1 << 30,
               [&](int64_t n) { of.set_memory_bytes(n); });
  check.Number("connections.blob_memory_bytes", of.blob_memory_bytes(), 1 << 20, int64_t{1} << 40, 1 << 30,
               [&](int64_t n) { of.set_blob_memory_bytes(n); });
  check.Time("connections.stalled_reader_timeout", given.has_stalled_reader_timeout(), of.mutable_stalled_reader_timeout(),
             absl::Seconds(1), absl::Hours(1), absl::Minutes(1));
}

void CheckQuota(const std::string& path, v1::TenantQuota& quota, Checker& check) {
  check.Quota(path + ".session_weight", quota.session_weight());
  check.Quota(path + ".steps_per_minute", quota.steps_per_minute());
  check.Quota(path + ".calls_per_minute", quota.calls_per_minute());
  check.Quota(path + ".storage_bytes", static_cast<double>(quota.storage_bytes()));
  check.Quota(path + ".judge_usd_per_day", quota.judge_usd_per_day());
  if (quota.share() == 0) quota.set_share(1);
  check.Require(quota.share() > 0 && quota.share() <= 1000, path + ".share", "not above 0 and at most 1,000");
}

void CheckQuotas(v1::QuotaConfig& quotas, Checker& check) {
  CheckQuota("quotas.otherwise", *quotas.mutable_otherwise(), check);
  for (auto& [tenant, quota] : *quotas.mutable_tenants()) {
    const std::string path = absl::StrCat("quotas.tenants.", tenant);
    check.Require(IsTenantName(tenant), path, "a tenant's name is of the form [a-z0-9][a-z0-9-]{0,31}");
    CheckQuota(path, quota, check);
  }
  auto& weights = *quotas.mutable_session_weights();
  for (const auto& [environment, weight] : weights) {
    check.Require(weight >= 0 && weight <= 10'000, absl::StrCat("quotas.session_weights.", environment),
                  "not between 0 and 10,000");
  }
  weights.insert({"null", 0.01});
}

}  // namespace

absl::Status CheckDoorFiles(const v1::AuthConfig& auth, absl::Time now) {
  if (!auth.tokens_file().empty()) PROCTOR_RETURN_IF_ERROR(TokenTable::Load(auth.tokens_file()).status());
  return auth.has_tls() ? CheckTlsFiles(auth.tls(), now) : absl::OkStatus();
}

std::optional<ConfigFault> CheckAuth(v1::ServerConfig& config, NetworkConsent consent) {
  Checker check;
  v1::AuthConfig& auth = *config.mutable_auth();
  check.AbsolutePath("auth.tokens_file", auth.tokens_file());
  if (auth.has_tls()) CheckTls(*auth.mutable_tls(), check);
  check.Require(auth.tls().client_ca_file().empty() || !auth.tokens_file().empty(), "auth.tls.client_ca_file",
                "with client certificates auth.tokens_file is needed too: its `certificates` say who may do what");
  CheckNetwork(config, consent, check);
  CheckAudit(*auth.mutable_audit(), check);
  CheckConnections(*config.mutable_connections(), IdleTime(config), check);
  CheckQuotas(*config.mutable_quotas(), check);
  return check.fault();
}

bool IsLoopbackAddress(const std::string& listen_address) {
  const std::string host = listen_address.substr(0, listen_address.rfind(':'));
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

Door TcpDoor(const v1::ServerConfig& config) {
  const bool loopback = IsLoopbackAddress(config.listen_address());
  if (!config.auth().tokens_file().empty() && !(loopback && config.auth().loopback_without_token())) return Door::kGuarded;
  return loopback ? Door::kLocal : Door::kOpen;
}

std::vector<std::string> DoorWarnings(const v1::ServerConfig& config) {
  std::vector<std::string> warnings;
  const bool shares_network = config.desktop().network() || config.desktop().allow_unisolated();
  if (shares_network && !config.listen_address().empty() && TcpDoor(config) != Door::kGuarded) {
    warnings.push_back(absl::StrCat("desktops share this machine's network, and ", config.listen_address(),
                                    " asks for no token: what an agent starts in a desktop may do everything here, see "
                                    "oracles and make up rewards. Set auth.tokens_file, or listen on the unix socket only"));
  }
  if (config.listen_address().empty() || IsLoopbackAddress(config.listen_address())) return warnings;
  if (!config.auth().has_tls()) {
    warnings.push_back(absl::StrCat(config.listen_address(),
                                    " is served without TLS: tokens, pages and rewards cross the network in "
                                    "the clear"));
  }
  if (config.auth().tokens_file().empty()) {
    warnings.push_back(absl::StrCat(config.listen_address(), " is served without tokens: whoever reaches it may do everything"));
  }
  return warnings;
}

}  // namespace proctor::server
