// Text for a terminal. What servers and pages say is untrusted: nothing here lets it move the
// cursor, change colours or reorder what is read.
#ifndef PROCTOR_CLIENTS_CLI_TEXT_H_
#define PROCTOR_CLIENTS_CLI_TEXT_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace proctor::cli {

// One line of valid UTF-8: white space becomes blanks, control characters and bidirectional
// overrides become "\x1b" and the like.
std::string OneLine(std::string_view text);
// The same, but line breaks stay.
std::string ManyLines(std::string_view text);

// Columns that valid UTF-8 takes on a terminal: 2 for East Asian wide characters and emoji, 0 for
// combining marks.
size_t DisplayWidth(std::string_view text);
// `text` cut to `width` columns, its last one "…" if something was cut off.
std::string CutToWidth(std::string_view text, size_t width);

// "2026-11-24 02:03:04Z"; "" if unset.
std::string TimeText(const google::protobuf::Timestamp& time);
// "1m30s", rounded to what a person reads.
std::string DurationText(absl::Duration duration);
std::string DurationText(const google::protobuf::Duration& duration);
// "12.3 MiB".
std::string BytesText(double bytes);
// A number without needless digits.
std::string NumberText(double number);
// "abc" of "tasks/abc".
std::string ShortName(const std::string& name);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_TEXT_H_
