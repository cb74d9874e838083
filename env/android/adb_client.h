// The adb server's wire protocol ("smart socket"): one connection a request. What the server and the devices send is not trusted:
// sizes are limited, texts parsed strictly, everything ends with its context.
#ifndef PROCTOR_ENV_ANDROID_ADB_CLIENT_H_
#define PROCTOR_ENV_ANDROID_ADB_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/adb_socket.h"

namespace proctor::env::android {

// A device as the adb server lists it.
struct AdbDevice {
  std::string serial;
  // "device" if it can be used; else "offline", "unauthorized", "recovery", ...
  std::string state;
};

// What a command of the device's shell left.
struct ShellResult {
  std::string output;
  std::string errors;
  int exit_code = 0;
};

// What is known of a file of the device.
struct FileStat {
  // 0: there is no such file, or it may not be seen.
  uint32_t mode = 0;
  uint32_t size_bytes = 0;

  bool exists() const { return mode != 0; }
  bool regular() const { return (mode & 0170000) == 0100000; }
};

// Longest command line of the device's shell: with its service's name it must fit into one packet of any device that has shell_v2.
inline constexpr size_t kMaxCommandBytes = 32'000;
inline constexpr size_t kMaxShellOutput = size_t{16} << 20;

// Thread-safe. Errors: CANCELLED, DEADLINE_EXCEEDED from the context; UNAVAILABLE no server, no such device, it went away or is not
// authorized; DATA_LOSS what came is not the protocol; RESOURCE_EXHAUSTED more came than allowed; INVALID_ARGUMENT a request that
// cannot be sent.
class AdbClient {
 public:
  explicit AdbClient(const AdbAddress& address);
  // Over connections of `connect`, for tests; the address is only for messages.
  using Connect = std::function<absl::StatusOr<std::unique_ptr<AdbSocket>>(const CallContext&)>;
  AdbClient(AdbAddress address, Connect connect) : address_(std::move(address)), connect_(std::move(connect)) {}

  const AdbAddress& address() const { return address_; }

  // The protocol's version that the server speaks.
  absl::StatusOr<int> Version(const CallContext& context) const;
  absl::StatusOr<std::vector<AdbDevice>> Devices(const CallContext& context) const;
  // What the device can do: "shell_v2", "cmd", ...
  absl::StatusOr<std::vector<std::string>> Features(const CallContext& context, const std::string& serial) const;
  // Makes the server connect to a device by network ("host:port"). UNAVAILABLE with the server's words if it cannot.
  absl::Status ConnectDevice(const CallContext& context, const std::string& address) const;

  // The opposite. UNAVAILABLE if it was not connected.
  absl::Status DisconnectDevice(const CallContext& context, const std::string& address) const;

  // Runs a command line in the device's shell, without a terminal and without input. A command that fails is no error: see its exit
  // code.
  absl::StatusOr<ShellResult> Shell(const CallContext& context, const std::string& serial, std::string_view command,
                                    size_t max_output = kMaxShellOutput) const;
  // What a command writes, bytes as they are, into `output` (replaced; its memory is used again). Its exit code is not known. True, and
  // `output` is not to be used, if it writes exactly `expected`, which must not lie in `output`: for 4 MB half a millisecond less.
  absl::StatusOr<bool> ExecUnless(const CallContext& context, const std::string& serial, std::string_view command, size_t max_output,
                                  std::string_view expected, std::string& output) const;

  absl::StatusOr<FileStat> Stat(const CallContext& context, const std::string& serial, const std::string& path) const;
  // NOT_FOUND, PERMISSION_DENIED or what the device says (FAILED_PRECONDITION) if it cannot be read.
  absl::StatusOr<std::string> Pull(const CallContext& context, const std::string& serial, const std::string& path,
                                   size_t max_bytes) const;
  // Writes a file, and the folders above it where the device allows that.
  absl::Status Push(const CallContext& context, const std::string& serial, const std::string& path, std::string_view content,
                    int mode = 0644) const;

  // Follows the list of devices.
  class Tracker {
   public:
    explicit Tracker(std::unique_ptr<AdbSocket> socket) : socket_(std::move(socket)) {}
    // The list once it changed (the first time: as it is). After DEADLINE_EXCEEDED it may be called again.
    absl::StatusOr<std::vector<AdbDevice>> Next(const CallContext& context);

   private:
    std::unique_ptr<AdbSocket> socket_;
    // Came, but is not yet a whole message.
    std::string pending_;
  };
  absl::StatusOr<std::unique_ptr<Tracker>> Track(const CallContext& context) const;

 private:
  // A connection on which the server accepted `service`.
  absl::StatusOr<std::unique_ptr<AdbSocket>> OpenHost(const CallContext& context, std::string_view service) const;
  // The same for a device's service.
  absl::StatusOr<std::unique_ptr<AdbSocket>> OpenDevice(const CallContext& context, const std::string& serial,
                                                        std::string_view service) const;
  absl::StatusOr<std::string> Query(const CallContext& context, std::string_view service) const;

  const AdbAddress address_;
  const Connect connect_;
};

// Lines of `host:devices` and `track-devices`: serial, tab, state. DATA_LOSS for anything else.
absl::StatusOr<std::vector<AdbDevice>> ParseDeviceList(std::string_view text);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ADB_CLIENT_H_
