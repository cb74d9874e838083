// Oracles about a desktop at the end of an episode, in the words of its tasks.
#ifndef PROCTOR_ENV_DESKTOP_PRACTICE_ORACLES_H_
#define PROCTOR_ENV_DESKTOP_PRACTICE_ORACLES_H_

#include <string>
#include <string_view>
#include <vector>

#include "proctor/v1/oracle.pb.h"

namespace proctor::env::desktop_practice {

// Paths are relative to the home directory.

// The file holds exactly this text; a newline at its end may be there or not, as editors differ in that.
v1::Oracle FileHolds(const std::string& path, const std::string& text);
// The home directory and the folders in it hold these files and no others, hidden ones included; what is below .cache, .config and .local, the
// programs' own, does not count. None of `paths` is hidden.
v1::Oracle FilesAre(std::vector<std::string> paths);
// The file's content read in this format equals this JSON text, whatever its spaces, comments and order of keys.
v1::Oracle FileReads(const std::string& path, v1::FileCheck::Format format, const std::string& json);

// The clipboard holds exactly this text (a newline at its end as above), or this number.
v1::Oracle ClipboardHolds(const std::string& text);
v1::Oracle ClipboardHoldsNumber(double value);

// The window in front is of this application (WM_CLASS) and its title contains the text.
v1::Oracle WindowInFront(const std::string& application, const std::string& title_part);

// A process of this name runs, or none does.
v1::Oracle Runs(const std::string& program);
v1::Oracle RunsNot(const std::string& program);

v1::Oracle AnswerIs(const std::vector<std::string>& spellings);
v1::Oracle AnswerIsNumber(double value);

// All hold. At least one; a single one is itself.
v1::Oracle All(std::vector<v1::Oracle> oracles);

// A JSON text.
std::string JsonString(std::string_view text);
// [["cell", ...], ...].
std::string JsonRows(const std::vector<std::vector<std::string>>& rows);

}  // namespace proctor::env::desktop_practice

#endif  // PROCTOR_ENV_DESKTOP_PRACTICE_ORACLES_H_
