// Settings of auth, connections and quotas: defaults filled in, checked as a whole.
#ifndef PROCTOR_SERVER_AUTH_AUTH_CONFIG_H_
#define PROCTOR_SERVER_AUTH_AUTH_CONFIG_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proctor/v1/config.pb.h"
#include "server/auth/doors.h"

namespace proctor::server {

// A value that cannot be in force.
struct ConfigFault {
  // "auth.tls.key_file"
  std::string path;
  // What is wrong, and what to do.
  std::string reason;
};

// Whether --anyone-on-the-network-may-connect was given: the second time that an operator says so.
enum class NetworkConsent { kNotGiven, kGiven };

// Fills in what is left out. Reads no file. `listen_address` must have its default by now.
std::optional<ConfigFault> CheckAuth(v1::ServerConfig& config, NetworkConsent consent);

// Reads the tokens file and the TLS files as a start does, `now`. Its errors.
absl::Status CheckDoorFiles(const v1::AuthConfig& auth, absl::Time now);

// "127.0.0.1:50551", "[::1]:0", "localhost:80": reached from this machine only.
bool IsLoopbackAddress(const std::string& listen_address);

// What `listen_address` asks of callers.
Door TcpDoor(const v1::ServerConfig& config);

// What every start is to say about doors that are open wider than they should be; empty: nothing.
std::vector<std::string> DoorWarnings(const v1::ServerConfig& config);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_AUTH_CONFIG_H_
