#include "env/android/adb_client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/adb_sync.h"

namespace proctor::env::android {
namespace {

// Lists and errors of the server; four hex digits cannot say more.
constexpr size_t kMaxQueryBytes = 0xffff;
// Small enough to stay in a core's cache.
constexpr size_t kReadChunk = size_t{128} << 10;
// adb's largest packet; a shell packet is never longer.
constexpr size_t kMaxShellPacket = size_t{1} << 20;
constexpr size_t kMaxDevices = 1000;

// Packet kinds of `shell,v2`.
enum ShellPacket : unsigned char { kStdout = 1, kStderr = 2, kExit = 3 };

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(absl::StrCat("the adb server does not speak its protocol: ", ToAbsl(what)));
}

absl::StatusOr<size_t> ParseHexLength(std::string_view digits) {
  size_t length = 0;
  for (const char c : digits) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return Malformed("a length is not four hex digits");
    length = length * 16 + (absl::ascii_isdigit(static_cast<unsigned char>(c)) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
  }
  return length;
}

absl::StatusOr<size_t> ReadHexLength(const CallContext& context, AdbSocket& socket) {
  std::array<char, 4> digits;
  PROCTOR_RETURN_IF_ERROR(socket.Read(context, digits.data(), digits.size()));
  return ParseHexLength({digits.data(), digits.size()});
}

absl::StatusOr<std::string> ReadCounted(const CallContext& context, AdbSocket& socket) {
  PROCTOR_ASSIGN_OR_RETURN(const size_t length, ReadHexLength(context, socket));
  std::string text(length, '\0');
  PROCTOR_RETURN_IF_ERROR(socket.Read(context, text.data(), text.size()));
  return text;
}

// What went wrong as the server says it, as a status.
absl::Status Refusal(std::string_view reason) {
  return absl::UnavailableError(absl::StrCat("the adb server refused: ", ToAbsl(SanitizeUtf8(TruncateUtf8(reason, 300)))));
}

absl::Status Ask(const CallContext& context, AdbSocket& socket, std::string_view service) {
  if (service.size() > kMaxQueryBytes) return absl::InvalidArgumentError("a request to the adb server is too long");
  PROCTOR_RETURN_IF_ERROR(socket.Write(context, absl::StrCat(absl::StrFormat("%04x", service.size()), ToAbsl(service))));
  std::array<char, 4> answer;
  PROCTOR_RETURN_IF_ERROR(socket.Read(context, answer.data(), answer.size()));
  const std::string_view word(answer.data(), answer.size());
  if (word == "OKAY") return absl::OkStatus();
  if (word != "FAIL") return Malformed("neither OKAY nor FAIL");
  PROCTOR_ASSIGN_OR_RETURN(const std::string reason, ReadCounted(context, socket));
  return Refusal(reason);
}

absl::Status CheckSerial(const std::string& serial) {
  const bool fine = !serial.empty() && serial.size() <= 256 &&
                    std::none_of(serial.begin(), serial.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
  return fine ? absl::OkStatus() : absl::InvalidArgumentError("a device's serial is empty, too long or has white space");
}

absl::Status CheckCommand(std::string_view command) {
  if (command.size() > kMaxCommandBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a command line of ", command.size(), " bytes; at most ", kMaxCommandBytes));
  }
  if (command.find('\0') != std::string_view::npos) return absl::InvalidArgumentError("a command line with a zero byte");
  return absl::OkStatus();
}

absl::Status TooMuch(size_t limit) {
  return absl::ResourceExhaustedError(absl::StrCat("the device sent more than ", limit, " bytes"));
}

// Bounds what comes of a packet into its stream.
absl::Status AppendExactly(const CallContext& context, AdbSocket& socket, size_t size, std::string& out) {
  const size_t before = out.size();
  out.resize(before + size);
  return socket.Read(context, out.data() + before, size);
}

}  // namespace

absl::StatusOr<std::vector<AdbDevice>> ParseDeviceList(std::string_view text) {
  std::vector<AdbDevice> devices;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits('\t', 1));
    AdbDevice device{std::string(parts.first), std::string(parts.second)};
    if (!CheckSerial(device.serial).ok() || device.state.empty() || device.state.size() > 200) return Malformed("its list of devices");
    if (devices.size() == kMaxDevices) return Malformed("a list of over 1000 devices");
    device.state = SanitizeUtf8(device.state);
    devices.push_back(std::move(device));
  }
  return devices;
}

AdbClient::AdbClient(const AdbAddress& address)
    : address_(address), connect_([address](const CallContext& context) { return AdbSocket::Connect(context, address); }) {}

absl::StatusOr<std::unique_ptr<AdbSocket>> AdbClient::OpenHost(const CallContext& context, std::string_view service) const {
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<AdbSocket> socket, connect_(context));
  PROCTOR_RETURN_IF_ERROR(Ask(context, *socket, service));
  return socket;
}

absl::StatusOr<std::unique_ptr<AdbSocket>> AdbClient::OpenDevice(const CallContext& context, const std::string& serial,
                                                                 std::string_view service) const {
  PROCTOR_RETURN_IF_ERROR(CheckSerial(serial));
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<AdbSocket> socket, OpenHost(context, absl::StrCat("host:transport:", serial)));
  PROCTOR_RETURN_IF_ERROR(Ask(context, *socket, service));
  return socket;
}

absl::StatusOr<std::string> AdbClient::Query(const CallContext& context, std::string_view service) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbSocket> socket, OpenHost(context, service));
  return ReadCounted(context, *socket);
}

absl::StatusOr<int> AdbClient::Version(const CallContext& context) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, Query(context, "host:version"));
  if (text.empty() || text.size() > 4) return Malformed("its version");
  PROCTOR_ASSIGN_OR_RETURN(const size_t version, ParseHexLength(text));
  return static_cast<int>(version);
}

absl::StatusOr<std::vector<AdbDevice>> AdbClient::Devices(const CallContext& context) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, Query(context, "host:devices"));
  return ParseDeviceList(text);
}

absl::StatusOr<std::vector<std::string>> AdbClient::Features(const CallContext& context, const std::string& serial) const {
  PROCTOR_RETURN_IF_ERROR(CheckSerial(serial));
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, Query(context, absl::StrCat("host-serial:", serial, ":features")));
  std::vector<std::string> features;
  for (const absl::string_view name : absl::StrSplit(text, absl::ByAnyChar(", \n"), absl::SkipEmpty())) features.emplace_back(name);
  return features;
}

absl::Status AdbClient::ConnectDevice(const CallContext& context, const std::string& address) const {
  PROCTOR_RETURN_IF_ERROR(CheckSerial(address));
  PROCTOR_ASSIGN_OR_RETURN(const std::string answer, Query(context, absl::StrCat("host:connect:", address)));
  // It answers OKAY, and a sentence that says whether it worked.
  if (absl::StartsWith(answer, "connected to") || absl::StartsWith(answer, "already connected to")) return absl::OkStatus();
  return Refusal(answer);
}

absl::Status AdbClient::DisconnectDevice(const CallContext& context, const std::string& address) const {
  PROCTOR_RETURN_IF_ERROR(CheckSerial(address));
  return Query(context, absl::StrCat("host:disconnect:", address)).status();
}

absl::StatusOr<ShellResult> AdbClient::Shell(const CallContext& context, const std::string& serial, std::string_view command,
                                             size_t max_output) const {
  PROCTOR_RETURN_IF_ERROR(CheckCommand(command));
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbSocket> socket,
                           OpenDevice(context, serial, absl::StrCat("shell,v2,raw:", ToAbsl(command))));
  ShellResult result;
  while (true) {
    std::array<unsigned char, 5> head;
    PROCTOR_RETURN_IF_ERROR(Annotate(socket->Read(context, reinterpret_cast<char*>(head.data()), head.size()), "device shell"));
    const size_t size = head[1] | head[2] << 8 | head[3] << 16 | static_cast<size_t>(head[4]) << 24;
    if (size > kMaxShellPacket) return Malformed("a shell packet that is too long");
    if (head[0] == kExit) {
      if (size != 1) return Malformed("an exit code that is not one byte");
      unsigned char code = 0;
      PROCTOR_RETURN_IF_ERROR(socket->Read(context, reinterpret_cast<char*>(&code), 1));
      result.exit_code = code;
      return result;
    }
    if (head[0] != kStdout && head[0] != kStderr) return Malformed("an unknown shell packet");
    if (result.output.size() + result.errors.size() + size > max_output) return TooMuch(max_output);
    PROCTOR_RETURN_IF_ERROR(AppendExactly(context, *socket, size, head[0] == kStdout ? result.output : result.errors));
  }
}

absl::StatusOr<bool> AdbClient::ExecUnless(const CallContext& context, const std::string& serial, std::string_view command,
                                           size_t max_output, std::string_view expected, std::string& output) const {
  PROCTOR_RETURN_IF_ERROR(CheckCommand(command));
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbSocket> socket,
                           OpenDevice(context, serial, absl::StrCat("exec:", ToAbsl(command))));
  const auto chunk = std::make_unique_for_overwrite<char[]>(kReadChunk);
  size_t have = 0;
  // As long as it is what is expected, it is not kept.
  bool same = true;
  while (true) {
    // The buffer keeps its size between calls: a screen's picture is megabytes, and new memory is filled with zeros first.
    if (!same && output.size() - have < kReadChunk) output.resize(have + kReadChunk);
    char* const target = same ? chunk.get() : output.data() + have;
    const absl::StatusOr<size_t> got = socket->ReadSome(context, target, kReadChunk);
    const absl::Status failure = !got.ok() ? got.status() : have + *got > max_output ? TooMuch(max_output) : absl::OkStatus();
    if (!failure.ok()) {
      output.clear();
      return failure;
    }
    if (*got == 0) break;
    if (same && (have + *got > expected.size() || std::memcmp(target, expected.data() + have, *got) != 0)) {
      same = false;
      if (output.size() < have + *got) output.resize(have + *got);
      std::memcpy(output.data(), expected.data(), have);
      std::memcpy(output.data() + have, target, *got);
    }
    have += *got;
  }
  if (same && have == expected.size()) return true;
  if (same) output.assign(expected.data(), have);
  output.resize(have);
  return false;
}

absl::StatusOr<FileStat> AdbClient::Stat(const CallContext& context, const std::string& serial, const std::string& path) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbSocket> socket, OpenDevice(context, serial, "sync:"));
  return SyncStat(context, *socket, path);
}

absl::StatusOr<std::string> AdbClient::Pull(const CallContext& context, const std::string& serial, const std::string& path,
                                            size_t max_bytes) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbSocket> socket, OpenDevice(context, serial, "sync:"));
  return SyncReceive(context, *socket, path, max_bytes);
}

absl::Status AdbClient::Push(const CallContext& context, const std::string& serial, const std::string& path,
                             std::string_view content, int mode) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbSocket> socket, OpenDevice(context, serial, "sync:"));
  return SyncSend(context, *socket, path, content, mode);
}

absl::StatusOr<std::unique_ptr<AdbClient::Tracker>> AdbClient::Track(const CallContext& context) const {
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<AdbSocket> socket, OpenHost(context, "host:track-devices"));
  return std::make_unique<Tracker>(std::move(socket));
}

absl::StatusOr<std::vector<AdbDevice>> AdbClient::Tracker::Next(const CallContext& context) {
  while (true) {
    if (pending_.size() >= 4) {
      PROCTOR_ASSIGN_OR_RETURN(const size_t length, ParseHexLength(std::string_view(pending_).substr(0, 4)));
      if (pending_.size() >= 4 + length) {
        const std::string text = pending_.substr(4, length);
        pending_.erase(0, 4 + length);
        return ParseDeviceList(text);
      }
    }
    std::array<char, 4096> bytes;
    PROCTOR_ASSIGN_OR_RETURN(const size_t got, socket_->ReadSome(context, bytes.data(), bytes.size()));
    if (got == 0) return absl::UnavailableError("the adb server ended");
    pending_.append(bytes.data(), got);
  }
}

}  // namespace proctor::env::android
