// A TCP connection to an adb server, under deadlines.
#ifndef PROCTOR_ENV_ANDROID_ADB_SOCKET_H_
#define PROCTOR_ENV_ANDROID_ADB_SOCKET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::env::android {

// Where an adb server listens.
struct AdbAddress {
  // A name or an address.
  std::string host = "127.0.0.1";
  uint16_t port = 5037;

  bool loopback() const { return host == "127.0.0.1" || host == "localhost" || host == "::1"; }
  std::string text() const;
};

// Closed by its destructor. Errors of all calls: CANCELLED and DEADLINE_EXCEEDED from the context; UNAVAILABLE where the peer is
// not there or went away. One thread at a time.
class AdbSocket {
 public:
  static absl::StatusOr<std::unique_ptr<AdbSocket>> Connect(const CallContext& context, const AdbAddress& address);
  // Takes over a connected socket.
  explicit AdbSocket(int fd);
  ~AdbSocket();
  AdbSocket(const AdbSocket&) = delete;
  AdbSocket& operator=(const AdbSocket&) = delete;

  absl::Status Write(const CallContext& context, std::string_view bytes);
  // Exactly `size` bytes.
  absl::Status Read(const CallContext& context, char* bytes, size_t size);
  // At least one byte, at most `size`; 0 at the end of the stream.
  absl::StatusOr<size_t> ReadSome(const CallContext& context, char* bytes, size_t size);

 private:
  absl::Status Await(const CallContext& context, short events);

  const int fd_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ADB_SOCKET_H_
