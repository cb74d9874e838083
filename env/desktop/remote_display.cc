#include "env/desktop/remote_display.h"

#include <cstdint>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "net/dial.h"

namespace proctor::env::desktop {
namespace {

constexpr absl::Duration kConnectCap = absl::Seconds(15);
constexpr size_t kMaxPasswordBytes = 8;

// "/path", "host:port" or "[::1]:port", as the configuration's check has it.
absl::StatusOr<int> DialDisplay(const CallContext& context, const std::string& address) {
  if (absl::StartsWith(address, "/")) return net::DialUnix(context, address);
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return absl::InvalidArgumentError("it is no \"host:port\"");
  }
  return net::Dial(context, host, static_cast<uint16_t>(port));
}

absl::StatusOr<std::string> Password(const v1::RemoteDisplay& display) {
  if (display.password_file().empty()) return display.password();
  std::ifstream file(display.password_file());
  std::string line;
  if (!file || !std::getline(file, line)) {
    return absl::UnavailableError(absl::StrCat("the password file ", display.password_file(), " cannot be read or is empty"));
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.size() > kMaxPasswordBytes) {
    return absl::UnavailableError(absl::StrCat("the password in ", display.password_file(), " has more than 8 bytes"));
  }
  return line;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RfbClient>> ConnectRemoteDisplay(const CallContext& context, const v1::RemoteDisplay& display) {
  const CallContext capped = context.Child(kConnectCap);
  RfbOptions options;
  options.encodings = "zrle copyrect raw";
  PROCTOR_ASSIGN_OR_RETURN(options.password, Password(display));
  const absl::StatusOr<int> fd = DialDisplay(capped, display.address());
  PROCTOR_RETURN_IF_ERROR(Annotate(fd.status(), absl::StrCat("the display at ", display.address())));
  absl::StatusOr<std::unique_ptr<RfbClient>> client = RfbClient::Connect(capped, *fd, std::move(options));
  PROCTOR_RETURN_IF_ERROR(Annotate(client.status(), absl::StrCat("the display at ", display.address())));
  return client;
}

absl::StatusOr<std::unique_ptr<DisplayLeases::Lease>> DisplayLeases::Take(const std::string& name) {
  {
    MutexLock lock(mutex_);
    if (!taken_.insert(name).second) {
      return absl::ResourceExhaustedError(absl::StrCat("the display ", name, " is used by another session: one at a time"));
    }
  }
  return std::make_unique<Lease>(*this, name);
}

DisplayLeases::Lease::~Lease() {
  MutexLock lock(leases_.mutex_);
  leases_.taken_.erase(name_);
}

}  // namespace proctor::env::desktop
