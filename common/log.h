// Structured logs to stderr: one line an event, for people or as JSON.
//
//   LogInfo("session reaped", {{"session", name}, {"idle_seconds", absl::StrCat(idle)}});
//
// No secrets and no page content in fields. Thread-safe; a line is written whole.
#ifndef PROCTOR_COMMON_LOG_H_
#define PROCTOR_COMMON_LOG_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace proctor {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

using LogField = std::pair<std::string_view, std::string>;

// Default: kInfo, kText.
void ConfigureLog(LogLevel level, LogFormat format);

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields);

inline void LogDebug(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarning(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, message, fields);
}
inline void LogError(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, message, fields);
}

}  // namespace proctor

#endif  // PROCTOR_COMMON_LOG_H_
