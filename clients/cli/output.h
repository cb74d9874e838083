// What a command prints: results on stdout, as tables or JSON lines; notes and progress on stderr.
#ifndef PROCTOR_CLIENTS_CLI_OUTPUT_H_
#define PROCTOR_CLIENTS_CLI_OUTPUT_H_

#include <cstddef>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/table.h"
#include "common/mutex.h"
#include "google/protobuf/message.h"

namespace proctor::cli {

enum class OutputMode { kTable, kJson };

// Thread-safe: a signal ends the program between two writes, never within one.
class Output {
 public:
  explicit Output(OutputMode mode) : mode_(mode) {}

  bool json() const { return mode_ == OutputMode::kJson; }

  // JSON: the message on one line (message_json.h). Otherwise its fields (fields.h).
  void Message(const google::protobuf::Message& message,
               const std::set<std::string>& leave_out = {});
  // Both modes: text as it is.
  void Raw(const std::string& text);
  // Fitted to the terminal if stdout is one.
  void Print(const Table& table);
  // A line on stderr.
  void Note(const std::string& line);
  // A line on stderr that the next one replaces, if stderr is a terminal; otherwise nothing. ""
  // takes it away.
  void Progress(const std::string& line);
  static bool ProgressIsShown();

  // What could not be written (a full disk), else OK.
  absl::Status Flush();

  // Held while something is written.
  Mutex& mutex() { return mutex_; }

 private:
  void ClearProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OutputMode mode_;
  Mutex mutex_;
  bool progress_shown_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
};

// Columns of the terminal that `descriptor` is; 0 if it is none.
size_t TerminalWidth(int descriptor);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_OUTPUT_H_
