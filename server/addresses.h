// Where a server listens, and the file that tells it to programs on the same machine.
#ifndef PROCTOR_SERVER_ADDRESSES_H_
#define PROCTOR_SERVER_ADDRESSES_H_

#include <string>

#include "absl/status/status.h"

namespace proctor::server {

// Empty: not there.
struct Addresses {
  // "127.0.0.1:50551"
  std::string grpc;
  // "/var/lib/proctor/proctord.sock"
  std::string unix_socket;
  // "127.0.0.1:9464"; of health and metrics.
  std::string http;
  // Of the server.
  std::string version;
};

// `address` ("127.0.0.1:0", "[::1]:0") with the port that was got.
std::string WithPort(const std::string& address, int port);

// Writes `addresses.json` in the data directory, at once in place of the last one. UNAVAILABLE: the disk does not take it.
absl::Status WriteAddresses(const Addresses& addresses, const std::string& data_dir);
// The server takes no more calls.
void RemoveAddresses(const std::string& data_dir);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_ADDRESSES_H_
