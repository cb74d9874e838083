// Where a server is. Thread-safe.
#ifndef PROCTOR_CLIENTS_CPP_ADDRESS_H_
#define PROCTOR_CLIENTS_CPP_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::client {

// $PROCTOR_ADDRESS, else AddressOfDataDirectory of $PROCTOR_DATA_DIR if that is set, else of DefaultDataDirectory() or, if no
// server has ever run there, 127.0.0.1:50551. Errors of AddressOfDataDirectory.
absl::StatusOr<std::string> DefaultAddress();

// $PROCTOR_DATA_DIR, else where a server that was started by this user keeps its data:
// $XDG_DATA_HOME/proctor, as root /var/lib/proctor, else ~/.local/share/proctor.
std::string DefaultDataDirectory();

// The unix socket (else the port) of the server that runs on `directory`. NOT_FOUND: none has left its addresses there;
// PERMISSION_DENIED: they are not for this user; DATA_LOSS: they cannot be read.
absl::StatusOr<std::string> AddressOfDataDirectory(const std::string& directory);

// INVALID_ARGUMENT unless it is "unix:/path/to.sock", "host:port" or another form that gRPC knows.
absl::Status CheckAddress(const std::string& address);

// Whether the address is that of a unix socket, "unix:..." or "unix-abstract:..."; not a host whose name begins with "unix".
bool IsUnixSocket(const std::string& address);

// Whether somebody listens at a good address, a proctord or not: by connecting without speaking, for at most 1 s.
bool SomethingListens(const std::string& address);

// Whether somebody at a good address speaks TLS, whatever its certificate, which is not looked at; for at most 1 s. Not of a unix socket, nor
// where a certificate of the client's is wanted.
bool SpeaksTls(const std::string& address);

// Why no server was reached at a good address within `waited`, and what to do: by connecting once more, without speaking, for at most
// 1 s. `tls`: whether TLS was tried.
std::string WhyUnreachable(const std::string& address, bool tls, absl::Duration waited);

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_ADDRESS_H_
