#include "clients/cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "clients/cli/fields.h"
#include "clients/cli/message_json.h"
#include "clients/cli/text.h"

namespace proctor::cli {

size_t TerminalWidth(int descriptor) {
  winsize size = {};
  if (isatty(descriptor) == 0) return 0;
  // A terminal that does not tell its size is taken for an ordinary one.
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void Output::Message(const google::protobuf::Message& message,
                     const std::set<std::string>& leave_out) {
  Raw(json() ? absl::StrCat(MessageJson(message), "\n") : FieldsText(message, leave_out));
}

void Output::Raw(const std::string& text) {
  MutexLock lock(mutex_);
  ClearProgress();
  // At once: whoever follows a stream sees each line as it comes.
  if (fwrite(text.data(), 1, text.size(), stdout) != text.size() || fflush(stdout) != 0)
    failed_ = true;
}

void Output::Print(const Table& table) { Raw(table.Text(TerminalWidth(STDOUT_FILENO))); }

void Output::Note(const std::string& line) {
  MutexLock lock(mutex_);
  ClearProgress();
  fprintf(stderr, "%s\n", ManyLines(line).c_str());
}

bool Output::ProgressIsShown() { return isatty(STDERR_FILENO) != 0; }

void Output::Progress(const std::string& line) {
  if (!ProgressIsShown()) return;
  MutexLock lock(mutex_);
  ClearProgress();
  if (line.empty()) return;
  fputs(CutToWidth(OneLine(line), TerminalWidth(STDERR_FILENO) - 1).c_str(), stderr);
  fflush(stderr);
  progress_shown_ = true;
}

void Output::ClearProgress() {
  if (progress_shown_) fputs("\r\x1b[K", stderr);
  progress_shown_ = false;
}

absl::Status Output::Flush() {
  MutexLock lock(mutex_);
  ClearProgress();
  return failed_ ? absl::DataLossError("standard output could not be written") : absl::OkStatus();
}

}  // namespace proctor::cli
