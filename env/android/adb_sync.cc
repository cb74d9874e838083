#include "env/android/adb_sync.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::android {
namespace {

// What the protocol allows for a path and for a piece of a file.
constexpr size_t kMaxPath = 1024;
constexpr size_t kMaxPiece = size_t{64} << 10;

std::string Little32(uint32_t number) {
  return {static_cast<char>(number), static_cast<char>(number >> 8), static_cast<char>(number >> 16),
          static_cast<char>(number >> 24)};
}

uint32_t Number(const char* bytes) {
  const auto at = [&](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])); };
  return at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24;
}

// A message's name and its number, mostly a length.
struct Head {
  std::string name;
  uint32_t number = 0;
};

absl::StatusOr<Head> ReadHead(const CallContext& context, AdbSocket& socket) {
  std::array<char, 8> bytes;
  PROCTOR_RETURN_IF_ERROR(socket.Read(context, bytes.data(), bytes.size()));
  return Head{std::string(bytes.data(), 4), Number(bytes.data() + 4)};
}

absl::Status CheckPath(const std::string& path) {
  if (path.empty() || path[0] != '/' || path.size() > kMaxPath || path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a device's path is absolute and at most 1024 bytes long");
  }
  return absl::OkStatus();
}

std::string Request(std::string_view name, std::string_view text) {
  return absl::StrCat(ToAbsl(name), Little32(static_cast<uint32_t>(text.size())), ToAbsl(text));
}

absl::Status Malformed() { return absl::DataLossError("the device does not speak the sync protocol"); }

// The device's own words of why it did not do it.
absl::Status ReadFailure(const CallContext& context, AdbSocket& socket, uint32_t size, const std::string& path) {
  if (size > kMaxPiece) return Malformed();
  std::string reason(size, '\0');
  PROCTOR_RETURN_IF_ERROR(socket.Read(context, reason.data(), reason.size()));
  const std::string text = absl::StrCat(path, ": ", SanitizeUtf8(TruncateUtf8(reason, 300)));
  if (absl::StrContains(reason, "No such file")) return absl::NotFoundError(text);
  if (absl::StrContains(reason, "ermission denied")) return absl::PermissionDeniedError(text);
  return absl::FailedPreconditionError(text);
}

}  // namespace

absl::StatusOr<FileStat> SyncStat(const CallContext& context, AdbSocket& socket, const std::string& path) {
  PROCTOR_RETURN_IF_ERROR(CheckPath(path));
  PROCTOR_RETURN_IF_ERROR(socket.Write(context, Request("STAT", path)));
  std::array<char, 16> answer;
  PROCTOR_RETURN_IF_ERROR(socket.Read(context, answer.data(), answer.size()));
  if (std::string_view(answer.data(), 4) != "STAT") return Malformed();
  return FileStat{.mode = Number(answer.data() + 4), .size_bytes = Number(answer.data() + 8)};
}

absl::StatusOr<std::string> SyncReceive(const CallContext& context, AdbSocket& socket, const std::string& path,
                                        size_t max_bytes) {
  PROCTOR_RETURN_IF_ERROR(CheckPath(path));
  PROCTOR_RETURN_IF_ERROR(socket.Write(context, Request("RECV", path)));
  std::string content;
  while (true) {
    PROCTOR_ASSIGN_OR_RETURN(const Head head, ReadHead(context, socket));
    if (head.name == "DONE") return content;
    if (head.name == "FAIL") return ReadFailure(context, socket, head.number, path);
    if (head.name != "DATA" || head.number > kMaxPiece) return Malformed();
    if (content.size() + head.number > max_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(path, " is longer than ", max_bytes, " bytes"));
    }
    const size_t before = content.size();
    content.resize(before + head.number);
    PROCTOR_RETURN_IF_ERROR(socket.Read(context, content.data() + before, head.number));
  }
}

absl::Status SyncSend(const CallContext& context, AdbSocket& socket, const std::string& path, std::string_view content,
                      int mode) {
  PROCTOR_RETURN_IF_ERROR(CheckPath(path));
  PROCTOR_RETURN_IF_ERROR(socket.Write(context, Request("SEND", absl::StrCat(path, ",", 0100000 | mode))));
  for (std::string_view rest = content; !rest.empty();) {
    const std::string_view piece = rest.substr(0, kMaxPiece);
    PROCTOR_RETURN_IF_ERROR(socket.Write(context, Request("DATA", piece)));
    rest.remove_prefix(piece.size());
  }
  const uint32_t modified = static_cast<uint32_t>(absl::ToUnixSeconds(absl::Now()));
  PROCTOR_RETURN_IF_ERROR(socket.Write(context, absl::StrCat("DONE", Little32(modified))));
  PROCTOR_ASSIGN_OR_RETURN(const Head head, ReadHead(context, socket));
  if (head.name == "OKAY") return absl::OkStatus();
  if (head.name == "FAIL") return ReadFailure(context, socket, head.number, path);
  return Malformed();
}

}  // namespace proctor::env::android
