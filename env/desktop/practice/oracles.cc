#include "env/desktop/practice/oracles.h"

#include <algorithm>
#include <utility>

#include "common/json.h"

namespace proctor::env::desktop_practice {
namespace {

v1::Oracle FileOracle(const std::string& path) {
  v1::Oracle oracle;
  oracle.mutable_file()->set_path(path);
  return oracle;
}

v1::Oracle FileEquals(const std::string& path, const std::string& text) {
  return FileReads(path, v1::FileCheck::FORMAT_TEXT, JsonString(text));
}

v1::Oracle ClipboardEquals(const std::string& text) {
  v1::Oracle oracle;
  oracle.mutable_state()->mutable_request()->mutable_clipboard();
  oracle.mutable_state()->mutable_match()->set_equals_json(JsonString(text));
  return oracle;
}

// What a pointer names of the home directory's listing.
v1::Oracle HomeLists(const std::string& pointer, const std::vector<std::string>& paths) {
  v1::Oracle oracle;
  oracle.mutable_state()->mutable_request()->mutable_file()->set_path(".");
  oracle.mutable_state()->set_pointer(pointer);
  oracle.mutable_state()->mutable_match()->set_equals_json(DumpJson(Json(paths)));
  return oracle;
}

std::string WithoutLastNewline(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

v1::Oracle Either(v1::Oracle one, v1::Oracle other) {
  v1::Oracle oracle;
  *oracle.mutable_any()->add_oracles() = std::move(one);
  *oracle.mutable_any()->add_oracles() = std::move(other);
  return oracle;
}

v1::Oracle Negation(v1::Oracle oracle) {
  v1::Oracle negation;
  *negation.mutable_negation() = std::move(oracle);
  return negation;
}

}  // namespace

v1::Oracle FileHolds(const std::string& path, const std::string& text) {
  const std::string bare = WithoutLastNewline(text);
  return Either(FileEquals(path, bare), FileEquals(path, bare + "\n"));
}

v1::Oracle FilesAre(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  return All({HomeLists("/names", paths), HomeLists("/hidden", {})});
}

v1::Oracle FileReads(const std::string& path, v1::FileCheck::Format format, const std::string& json) {
  v1::Oracle oracle = FileOracle(path);
  oracle.mutable_file()->set_format(format);
  oracle.mutable_file()->mutable_match()->set_equals_json(json);
  return oracle;
}

v1::Oracle ClipboardHolds(const std::string& text) {
  const std::string bare = WithoutLastNewline(text);
  return Either(ClipboardEquals(bare), ClipboardEquals(bare + "\n"));
}

v1::Oracle ClipboardHoldsNumber(double value) {
  v1::Oracle oracle;
  oracle.mutable_state()->mutable_request()->mutable_clipboard();
  oracle.mutable_state()->mutable_match()->mutable_text()->mutable_number()->set_value(value);
  return oracle;
}

v1::Oracle WindowInFront(const std::string& application, const std::string& title_part) {
  v1::Oracle of_application, titled;
  of_application.mutable_state()->mutable_request()->mutable_foreground();
  of_application.mutable_state()->set_pointer("/0/application");
  of_application.mutable_state()->mutable_match()->mutable_text()->mutable_equals()->add_values(application);
  titled.mutable_state()->mutable_request()->mutable_foreground();
  titled.mutable_state()->set_pointer("/0/title");
  titled.mutable_state()->mutable_match()->mutable_text()->mutable_contains()->add_values(title_part);
  return All({std::move(of_application), std::move(titled)});
}

v1::Oracle Runs(const std::string& program) {
  v1::Oracle oracle;
  oracle.mutable_state()->mutable_request()->mutable_processes();
  oracle.mutable_state()->mutable_match()->set_contains_json(JsonString(program));
  return oracle;
}

v1::Oracle RunsNot(const std::string& program) { return Negation(Runs(program)); }

v1::Oracle AnswerIs(const std::vector<std::string>& spellings) {
  v1::Oracle oracle;
  v1::StringList* equals = oracle.mutable_answer()->mutable_match()->mutable_equals();
  for (const std::string& spelling : spellings) equals->add_values(spelling);
  return oracle;
}

v1::Oracle AnswerIsNumber(double value) {
  v1::Oracle oracle;
  oracle.mutable_answer()->mutable_match()->mutable_number()->set_value(value);
  return oracle;
}

v1::Oracle All(std::vector<v1::Oracle> oracles) {
  if (oracles.size() == 1) return std::move(oracles[0]);
  v1::Oracle all;
  for (v1::Oracle& oracle : oracles) *all.mutable_all()->add_oracles() = std::move(oracle);
  return all;
}

std::string JsonString(std::string_view text) { return DumpJson(Json(std::string(text))); }

std::string JsonRows(const std::vector<std::vector<std::string>>& rows) { return DumpJson(Json(rows)); }

}  // namespace proctor::env::desktop_practice
