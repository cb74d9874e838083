#include "clients/cpp/address.h"

#include <fcntl.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::client {
namespace {

constexpr char kUnix[] = "unix:";
constexpr int kConnectMs = 1000;

std::string Getenv(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

// 0: somebody listens there.
int TryConnect(int family, const sockaddr* to, socklen_t size) {
  const int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  int error = connect(descriptor, to, size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd wait = {descriptor, POLLOUT, 0};
    socklen_t length = sizeof error;
    if (poll(&wait, 1, kConnectMs) != 1) {
      error = ETIMEDOUT;
    } else if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
      error = errno;
    }
  }
  close(descriptor);
  return error;
}

// "": somebody listens there.
std::string WhyNoUnixSocket(const std::string& path) {
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path) return "the path is too long for a socket";
  std::memcpy(to.sun_path, path.c_str(), path.size());
  const int error = TryConnect(AF_UNIX, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return error == 0 ? "" : strerror(error);
}

std::string WhyNoPort(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) return gai_strerror(error);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    error = TryConnect(one->ai_family, one->ai_addr, one->ai_addrlen);
    if (error == 0) return "";
  }
  return strerror(error);
}

// "": somebody listens there.
std::string WhyNobodyListens(const std::string& address) {
  if (absl::StartsWith(address, kUnix)) return WhyNoUnixSocket(address.substr(std::strlen(kUnix)));
  const size_t colon = address.rfind(':');
  std::string_view host = std::string_view(address).substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return WhyNoPort(std::string(host), address.substr(colon + 1));
}

}  // namespace

absl::StatusOr<std::string> DefaultAddress() {
  if (std::string address = Getenv("PROCTOR_ADDRESS"); !address.empty()) return address;
  absl::StatusOr<std::string> address = AddressOfDataDirectory(DefaultDataDirectory());
  if (absl::IsNotFound(address.status()) && Getenv("PROCTOR_DATA_DIR").empty()) return "127.0.0.1:50551";
  return address;
}

std::string DefaultDataDirectory() {
  if (std::string dir = Getenv("PROCTOR_DATA_DIR"); !dir.empty()) return dir;
  if (const std::string data = Getenv("XDG_DATA_HOME"); !data.empty()) return data + "/proctor";
  return geteuid() == 0 ? "/var/lib/proctor" : Getenv("HOME") + "/.local/share/proctor";
}

absl::StatusOr<std::string> AddressOfDataDirectory(const std::string& directory) {
  const std::string path = directory + "/addresses.json";
  std::ifstream file(path);
  if (!file) {
    return absl::ErrnoToStatus(errno, absl::StrCat("no proctord that is known here runs on ", directory, ": cannot read ", path));
  }
  std::stringstream text;
  text << file.rdbuf();
  const absl::StatusOr<Json> json = ParseJson(text.str());
  if (json.ok()) {
    if (const std::string socket = JsonStringOr(*json, "unix_socket"); !socket.empty()) return kUnix + socket;
    if (std::string port = JsonStringOr(*json, "grpc"); !port.empty()) return port;
  }
  return absl::DataLossError(absl::StrCat(path, " names no address: is it proctord's?"));
}

absl::Status CheckAddress(const std::string& address) {
  const auto bad = [&](std::string_view advice) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is no address of a proctord: ", ToAbsl(advice)));
  };
  if (address == kUnix) return bad("write unix:/path/to.sock");
  for (const char* scheme : {kUnix, "unix-abstract:", "dns:", "ipv4:", "ipv6:"}) {
    if (absl::StartsWith(address, scheme)) return absl::OkStatus();
  }
  if (absl::StrContains(address, "://")) return bad("write host:port, without http://");
  if (absl::StartsWith(address, "/")) return bad("write unix: before the path of a socket");
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  int port = 0;
  if (colon == std::string::npos || host.empty()) return bad("write host:port");
  if (absl::StrContains(host, ":") && !absl::StartsWith(host, "[")) return bad("write an IPv6 address as [host]:port");
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) return bad("write host:port, the port from 1 to 65535");
  return absl::OkStatus();
}

bool SomethingListens(const std::string& address) { return WhyNobodyListens(address).empty(); }

bool SpeaksTls(const std::string& address) {
  if (IsUnixSocket(address)) return false;
  grpc::experimental::TlsChannelCredentialsOptions anybody;
  anybody.set_verify_server_certs(false);
  anybody.set_check_call_host(false);
  anybody.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = grpc::CreateCustomChannel(address, grpc::experimental::TlsCredentials(anybody), arguments);
  return channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::milliseconds(kConnectMs));
}

bool IsUnixSocket(const std::string& address) {
  return absl::StartsWith(address, "unix:") || absl::StartsWith(address, "unix-abstract:");
}

std::string WhyUnreachable(const std::string& address, bool tls, absl::Duration waited) {
  const std::string why = WhyNobodyListens(address);
  if (!why.empty()) return absl::StrCat("no proctord answers at ", address, " (", why, "); start it with: proctord");
  const std::string silent = absl::StrCat("something listens at ", address, ", but it does not answer within ", absl::ToDoubleSeconds(waited), " s");
  constexpr char kHung[] = ": busy, stopped or hung?";
  // A unix socket is served in plain text always.
  if (IsUnixSocket(address)) return absl::StrCat(silent, kHung);
  if (tls) {
    return absl::StrCat(silent, " with TLS and a certificate that is trusted here and of this name", kHung,
                        " Or see --tls-ca (PROCTOR_TLS_CA) and --tls-server-name");
  }
  return absl::StrCat(silent, " as a proctord without TLS does", kHung, " Or if it wants TLS, give --tls-ca (PROCTOR_TLS_CA)");
}

}  // namespace proctor::client
