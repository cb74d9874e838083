#include "server/addresses.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace proctor::server {
namespace {

std::string FileIn(const std::string& data_dir) { return data_dir + "/addresses.json"; }

}  // namespace

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

absl::Status WriteAddresses(const Addresses& addresses, const std::string& data_dir) {
  const std::string path = FileIn(data_dir);
  const std::string temporary = path + ".new";
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << "{\"grpc\": \"" << addresses.grpc << "\", \"unix_socket\": \"" << addresses.unix_socket
         << "\", \"http\": \"" << addresses.http << "\", \"version\": \"" << addresses.version << "\", \"pid\": " << getpid() << "}\n";
    if (!file.flush()) return absl::UnavailableError(absl::StrCat("cannot write ", temporary));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

void RemoveAddresses(const std::string& data_dir) { std::remove(FileIn(data_dir).c_str()); }

}  // namespace proctor::server
