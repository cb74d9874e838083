#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/own_server.h"
#include "clients/cpp/client.h"

namespace proctor::cli::doctor {
namespace {

// 0 if "127.0.0.1:port" or "[::1]:port" can be bound now, else the reason. EINVAL: no such address.
int TryBind(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65'535) {
    return EINVAL;
  }
  const bool six = absl::StartsWith(address, "[::1]");
  const int descriptor = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in four_address = {};
  four_address.sin_family = AF_INET;
  four_address.sin_port = htons(static_cast<uint16_t>(port));
  four_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 six_address = {};
  six_address.sin6_family = AF_INET6;
  six_address.sin6_port = htons(static_cast<uint16_t>(port));
  six_address.sin6_addr = in6addr_loopback;
  const int result =
      six ? bind(descriptor, reinterpret_cast<const sockaddr*>(&six_address), sizeof six_address)
          : bind(descriptor, reinterpret_cast<const sockaddr*>(&four_address), sizeof four_address);
  const int error = result == 0 ? 0 : errno;
  close(descriptor);
  return error;
}

// OK: a proctord answers.
absl::Status AskServer(const std::string& address, const client::Security& security) {
  auto client = client::Client::Connect(
      {.address = address, .connect_timeout = absl::Seconds(1), .max_attempts = 1, .security = security});
  if (!client.ok()) return client.status();
  const absl::Status status =
      (*client)->Call<v1::ListEnvironmentsResponse>(v1::ListEnvironmentsRequest(), absl::Seconds(5)).status();
  // Another program does not know the method.
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ? absl::OkStatus() : status;
}

// The address cannot be bound, because it is taken.
Finding CheckOwner(const Patient& patient) {
  const std::string& address = patient.listen_address;
  if (RunningOn(patient.data_dir) != 0 && ToldOf(patient.data_dir, "grpc") == address) {
    return {Health::kOk, "port", absl::StrCat(address, " is used by the proctord that runs on ", patient.data_dir)};
  }
  const absl::Status status = AskServer(address, patient.security);
  if (status.ok()) return {Health::kOk, "port", absl::StrCat(address, " is used by a proctord")};
  return {Health::kMissing, "port",
          absl::StrCat(address, " is used, and no proctord is reached there", status.message().empty() ? "" : ": ", status.message()),
          "see by which program: ss -ltnp; or listen elsewhere: proctord --listen 127.0.0.1:0"};
}

}  // namespace

std::vector<Finding> CheckPorts(const Patient& patient) {
  std::vector<Finding> findings;
  if (const int error = TryBind("127.0.0.1:0"); error != 0) {
    findings.push_back({Health::kMissing, "loopback",
                        absl::StrCat("no port on 127.0.0.1 can be opened: ", strerror(error)),
                        "bring the loopback device up: ip link set lo up"});
  }
  const std::string& address = patient.listen_address;
  if (address.empty()) return findings;
  const int error = TryBind(address);
  if (error == 0) {
    findings.push_back({Health::kOk, "port", absl::StrCat(address, " is free")});
  } else if (error == EADDRINUSE) {
    findings.push_back(CheckOwner(patient));
  } else {
    findings.push_back({Health::kMissing, "port",
                        absl::StrCat(address, " cannot be listened on: ", strerror(error)),
                        "give a loopback address and a port: proctord --listen 127.0.0.1:50551"});
  }
  return findings;
}

}  // namespace proctor::cli::doctor
