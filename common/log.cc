#include "common/log.h"

#include <unistd.h>

#include <array>
#include <atomic>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log_request.h"
#include "common/strings.h"

namespace proctor {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kText};

thread_local const std::string* t_request = nullptr;

constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : SanitizeUtf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

LogRequest::LogRequest(const std::string& id) : outer_(t_request) { t_request = &id; }
LogRequest::~LogRequest() { t_request = outer_; }

void ConfigureLog(LogLevel level, LogFormat format) {
  g_level = level;
  g_format = format;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < g_level.load()) return;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  const std::string_view name = kNames[static_cast<size_t>(level)];
  std::string line;
  if (g_format.load() == LogFormat::kJson) {
    line = absl::StrCat("{\"time\":\"", time, "\",\"level\":\"", ToAbsl(name),
                        "\",\"message\":", JsonString(message));
    for (const auto& [key, value] : fields) {
      absl::StrAppend(&line, ",", JsonString(key), ":", JsonString(value));
    }
    if (t_request != nullptr && !t_request->empty()) absl::StrAppend(&line, ",\"request\":", JsonString(*t_request));
    line += "}\n";
  } else {
    line = absl::StrCat(time, " ", ToAbsl(name), " ", ToAbsl(message));
    for (const auto& [key, value] : fields) {
      absl::StrAppend(&line, " ", ToAbsl(key), "=", absl::CHexEscape(value));
    }
    if (t_request != nullptr && !t_request->empty()) absl::StrAppend(&line, " request=", absl::CHexEscape(*t_request));
    line += "\n";
  }
  // One write, so that lines of several threads do not mix. Nothing can be done about a failure.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace proctor
