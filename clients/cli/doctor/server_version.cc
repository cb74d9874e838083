#include "clients/cli/doctor/server_version.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/json.h"

namespace proctor::cli::doctor {
namespace {

// A busy server's metrics are some 100 KiB.
constexpr size_t kMostBytes = 4 << 20;
constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr char kBefore[] = "proctor_build_info{version=\"";

// "127.0.0.1:9464" or "[::1]:9464".
std::string MetricsAddress(const std::string& data_dir) {
  std::ifstream file(data_dir + "/addresses.json");
  std::stringstream text;
  text << file.rdbuf();
  const absl::StatusOr<Json> addresses = ParseJson(text.str());
  return addresses.ok() ? JsonStringOr(*addresses, "http") : "";
}

// A socket, or -1. Nothing on it takes longer than a second.
int Connect(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  const int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const timeval limit = {.tv_sec = 1, .tv_usec = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(descriptor, found->ai_addr, found->ai_addrlen) == 0) return descriptor;
  close(descriptor);
  return -1;
}

// Up to its end, or as much as comes in time.
std::string ReadAnswer(int descriptor) {
  const absl::Time end = absl::Now() + kPatience;
  std::string answer;
  char bytes[16 << 10];
  while (answer.size() < kMostBytes && absl::Now() < end) {
    const ssize_t count = recv(descriptor, bytes, sizeof bytes, 0);
    if (count <= 0) break;
    answer.append(bytes, static_cast<size_t>(count));
  }
  return answer;
}

std::string VersionIn(const std::string& metrics) {
  const size_t begin = metrics.find(kBefore);
  if (begin == std::string::npos) return "";
  const std::string rest = metrics.substr(begin + sizeof kBefore - 1, 64);
  const size_t end = rest.find('"');
  return end == std::string::npos ? "" : rest.substr(0, end);
}

}  // namespace

std::string ServerVersion(const std::string& data_dir) {
  const std::string address = MetricsAddress(data_dir);
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return "";
  const std::string host(absl::StripSuffix(absl::StripPrefix(address.substr(0, colon), "["), "]"));
  const int descriptor = Connect(host, address.substr(colon + 1));
  if (descriptor < 0) return "";
  const std::string request = absl::StrCat("GET /metrics HTTP/1.1\r\nHost: ", address, "\r\nConnection: close\r\n\r\n");
  std::string version;
  if (send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    version = VersionIn(ReadAnswer(descriptor));
  }
  close(descriptor);
  return version;
}

}  // namespace proctor::cli::doctor
