#include "evaluator/judge/reply_parser.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json.h"
#include "common/strings.h"
#include "evaluator/judge/value_place.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxTextBytes = 16 << 10;

ReadReply Invalid(std::string reason) {
  ReadReply read;
  read.sample.set_invalid_reason(std::move(reason));
  return read;
}

ReadReply OfGrade(const v1::Grade& grade) {
  ReadReply read;
  read.sample.set_grade(grade.text());
  if (grade.undetermined()) {
    read.sample.set_undetermined(true);
    return read;
  }
  read.sample.set_valid(true);
  read.sample.set_score(grade.score());
  read.sample.set_value(grade.score());
  return read;
}

ReadReply OfNumber(double value, double min, double max, bool integers_only) {
  if (!std::isfinite(value) || value < min || value > max) {
    return Invalid(absl::StrCat(value, " is not in ", min, " to ", max));
  }
  if (integers_only && value != std::floor(value)) return Invalid(absl::StrCat(value, " is no whole number"));
  ReadReply read;
  read.sample.set_valid(true);
  read.sample.set_value(value);
  read.sample.set_score((value - min) / (max - min));
  return read;
}

bool IsWordByte(char c) { return absl::ascii_isalnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

// What may follow a value within its line: nothing, or the end of a phrase. "success or failure" is no verdict.
bool EndsPhrase(std::string_view rest) {
  if (rest.empty()) return true;
  if (std::string_view(".,;!*_`\"'\n").find(rest[0]) != std::string_view::npos) return true;
  return rest.substr(0, 2) == " (" || rest.substr(0, 3) == " - " || rest[0] == ':' ||
         rest.substr(0, 4) == " \xe2\x80\x94" || rest.substr(0, 4) == " \xe2\x80\x93";
}

// The longest grade that `text` begins with.
const v1::Grade* GradeAt(const v1::GradeParser& parser, std::string_view text) {
  const v1::Grade* best = nullptr;
  for (const v1::Grade& grade : parser.grades()) {
    const std::string wanted = FoldFor(parser.place(), grade.text());
    const bool longer = best == nullptr || grade.text().size() > best->text().size();
    if (longer && text.substr(0, wanted.size()) == wanted) best = &grade;
  }
  return best;
}

// All grades anywhere in the reply, as words of their own.
std::vector<std::pair<const v1::Grade*, size_t>> GradesAnywhere(const v1::GradeParser& parser, std::string_view text) {
  std::vector<std::pair<const v1::Grade*, size_t>> found;
  for (size_t i = 0; i < text.size();) {
    const v1::Grade* grade = i > 0 && IsWordByte(text[i - 1]) ? nullptr : GradeAt(parser, text.substr(i));
    const size_t end = grade == nullptr ? 0 : i + grade->text().size();
    if (grade == nullptr || (end < text.size() && IsWordByte(text[end]))) {
      ++i;
      continue;
    }
    found.emplace_back(grade, i);
    i = end;
  }
  return found;
}

// The grade of a region, which must be the whole of it or begin it as a phrase of its own. None where the region ends with another
// one: "success, or rather failure."
const v1::Grade* GradeOfRegion(const v1::GradeParser& parser, std::string_view region) {
  const v1::Grade* grade = GradeAt(parser, region);
  if (grade == nullptr || !EndsPhrase(region.substr(grade->text().size()))) return nullptr;
  const std::vector<std::pair<const v1::Grade*, size_t>> all = GradesAnywhere(parser, region);
  if (all.empty() || all.back().first->text() == grade->text()) return grade;
  const std::string_view rest = region.substr(all.back().second + all.back().first->text().size());
  return std::any_of(rest.begin(), rest.end(), IsWordByte) ? grade : nullptr;
}

size_t LineBeginOf(std::string_view text, size_t at) {
  const size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

// A value with the line it stands on.
struct Found {
  ReadReply read;
  size_t line_begin = 0;
};

Found ReadGrade(const v1::GradeParser& parser, std::string_view tag, std::string_view reply) {
  const std::string folded = FoldFor(parser.place(), reply);
  std::vector<std::pair<const v1::Grade*, size_t>> found;
  if (parser.place().after().empty()) {
    found = GradesAnywhere(parser, folded);
    for (auto& [grade, at] : found) at = LineBeginOf(reply, at);
  } else {
    for (const ValueRegion& region : FindRegions(parser.place(), tag, reply)) {
      const std::string_view text = std::string_view(folded).substr(region.begin, region.end - region.begin);
      found.emplace_back(GradeOfRegion(parser, text), region.line_begin);
    }
  }
  if (found.empty()) return {Invalid("no verdict"), reply.size()};
  for (const auto& [grade, line] : found) {
    if (grade == nullptr) return {Invalid("the verdict is none of the grades"), line};
    if (grade->text() != found.front().first->text()) return {Invalid("two different verdicts"), line};
  }
  return {OfGrade(*found.back().first), found.back().second};
}

// A number that begins `text`: digits, maybe a sign and a fraction. Its length; 0 if there is none.
size_t NumberLength(std::string_view text) {
  size_t i = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const size_t digits = i;
  while (i < text.size() && absl::ascii_isdigit(text[i])) ++i;
  if (i == digits) return 0;
  if (i + 1 < text.size() && text[i] == '.' && absl::ascii_isdigit(text[i + 1])) {
    ++i;
    while (i < text.size() && absl::ascii_isdigit(text[i])) ++i;
  }
  return i;
}

bool BeginsWithDigit(absl::string_view text) { return !text.empty() && absl::ascii_isdigit(text[0]); }

// Where a number goes on, it is another one: "0,9", "1:2", "3 - 4".
bool GoesOn(std::string_view rest) {
  absl::string_view tail = ToAbsl(rest);
  if (!tail.empty() && (tail[0] == ',' || tail[0] == '.' || tail[0] == ':')) return BeginsWithDigit(tail.substr(1));
  tail = absl::StripLeadingAsciiWhitespace(tail);
  const bool dash = absl::ConsumePrefix(&tail, "-") || absl::ConsumePrefix(&tail, "\xe2\x80\x94") || absl::ConsumePrefix(&tail, "\xe2\x80\x93");
  return dash && BeginsWithDigit(absl::StripLeadingAsciiWhitespace(tail));
}

// "4/5", "4 out of 5" and "4 (out of 5)" on a scale up to 5 are 4; on another scale they are nothing.
bool TailFits(std::string_view rest, double max) {
  if (GoesOn(rest)) return false;
  absl::string_view tail = absl::StripLeadingAsciiWhitespace(ToAbsl(rest));
  const bool aside = absl::ConsumePrefix(&tail, "(");
  if (!absl::ConsumePrefix(&tail, "/") && !absl::ConsumePrefix(&tail, "out of ") && !absl::ConsumePrefix(&tail, "of ")) {
    return EndsPhrase(rest);
  }
  tail = absl::StripLeadingAsciiWhitespace(tail);
  const size_t length = NumberLength(ToStd(tail));
  double scale = 0;
  if (length == 0 || !absl::SimpleAtod(tail.substr(0, length), &scale) || scale != max) return false;
  tail.remove_prefix(length);
  return aside || EndsPhrase(ToStd(tail));
}

ReadReply NumberOfRegion(const v1::NumberParser& parser, std::string_view reply, const ValueRegion& region) {
  const std::string_view text = reply.substr(region.begin, region.end - region.begin);
  const size_t length = NumberLength(text);
  double value = 0;
  if (length == 0 || !absl::SimpleAtod(ToAbsl(text.substr(0, length)), &value)) return Invalid("no number");
  if (!TailFits(text.substr(length), parser.max())) return Invalid("more than a number");
  ReadReply read = OfNumber(value, parser.min(), parser.max(), parser.integers_only());
  read.value_begin = region.begin;
  read.value_end = region.begin + length;
  return read;
}

Found ReadNumber(const v1::NumberParser& parser, std::string_view tag, std::string_view reply) {
  std::vector<ValueRegion> regions = FindRegions(parser.place(), tag, reply);
  if (parser.place().after().empty()) {
    // The reply begins with it (G-Eval's form).
    const size_t begin = std::min(reply.find_first_not_of(" \t\r\n"), reply.size());
    regions.push_back({.line_begin = begin, .begin = begin, .end = std::min(reply.find('\n', begin), reply.size())});
  }
  if (regions.empty()) return {Invalid("no verdict"), reply.size()};
  Found last;
  for (size_t i = 0; i < regions.size(); ++i) {
    ReadReply read = NumberOfRegion(parser, reply, regions[i]);
    if (!read.sample.valid()) return {std::move(read), regions[i].line_begin};
    if (i > 0 && read.sample.value() != last.read.sample.value()) {
      return {Invalid("two different verdicts"), regions[i].line_begin};
    }
    last = {std::move(read), regions[i].line_begin};
  }
  return last;
}

// The reply without a code fence around the whole of it.
std::string_view WithoutCodeFence(std::string_view reply) {
  absl::string_view text = absl::StripAsciiWhitespace(ToAbsl(reply));
  if (absl::ConsumePrefix(&text, "```") && absl::ConsumeSuffix(&text, "```")) {
    absl::ConsumePrefix(&text, "json");
    text = absl::StripAsciiWhitespace(text);
  }
  return ToStd(text);
}

ReadReply OfJsonField(const v1::JsonParser& parser, const Json& field) {
  if (field.is_number() && parser.grades().empty()) {
    return OfNumber(field.get<double>(), parser.min(), parser.max(), false);
  }
  std::string text;
  if (field.is_boolean()) text = field.get<bool>() ? "true" : "false";
  if (field.is_string()) text = field.get<std::string>();
  for (const v1::Grade& grade : parser.grades()) {
    if (absl::AsciiStrToLower(grade.text()) == absl::AsciiStrToLower(text)) return OfGrade(grade);
  }
  return Invalid(absl::StrCat("`", parser.field(), "` is not what was asked for"));
}

ReadReply ReadJson(const v1::JsonParser& parser, std::string_view reply) {
  const absl::StatusOr<Json> json = ParseJson(WithoutCodeFence(reply));
  if (!json.ok() || !json->is_object()) return Invalid("the reply is not one JSON object");
  const auto field = json->find(parser.field());
  if (field == json->end()) return Invalid(absl::StrCat("the reply has no `", parser.field(), "`"));
  ReadReply read = OfJsonField(parser, *field);
  if (!parser.text_field().empty()) read.text = JsonStringOr(*json, parser.text_field());
  return read;
}

std::string Stripped(std::string_view text) { return std::string(ToStd(absl::StripAsciiWhitespace(ToAbsl(text)))); }

// The text for later stages: up to the value's line, after the last `text_after` that anything follows.
std::string TextOf(const v1::ReplyParser& parser, std::string_view reply, size_t line_begin) {
  const std::string_view text = reply.substr(0, line_begin);
  const std::string marker = absl::AsciiStrToLower(parser.text_after());
  if (marker.empty()) return Stripped(text);
  const std::string folded = absl::AsciiStrToLower(ToAbsl(text));
  for (size_t at = folded.rfind(marker); at != std::string::npos; at = folded.rfind(marker, at - 1)) {
    std::string rest = Stripped(text.substr(at + marker.size()));
    if (!rest.empty()) return rest;
    if (at == 0) break;
  }
  return Stripped(text);
}

}  // namespace

ReadReply ParseReply(const v1::ReplyParser& parser, std::string_view verdict_tag, std::string_view reply) {
  const std::string clean = SanitizeUtf8(reply);
  Found found;
  switch (parser.kind_case()) {
    case v1::ReplyParser::kText:
      found.line_begin = clean.size();
      break;
    case v1::ReplyParser::kGrade:
      found = ReadGrade(parser.grade(), verdict_tag, clean);
      break;
    case v1::ReplyParser::kNumber:
      found = ReadNumber(parser.number(), verdict_tag, clean);
      break;
    case v1::ReplyParser::kJson:
      found.read = ReadJson(parser.json(), clean);
      break;
    case v1::ReplyParser::KIND_NOT_SET:
      found.read = Invalid("no parser");
      break;
  }
  if (!parser.has_json()) found.read.text = TextOf(parser, clean, found.line_begin);
  found.read.text = std::string(TruncateUtf8(found.read.text, kMaxTextBytes));
  if (parser.has_text()) {
    found.read.sample.set_valid(!found.read.text.empty());
    if (found.read.text.empty()) found.read.sample.set_invalid_reason("the reply has no text");
  }
  return std::move(found.read);
}

}  // namespace proctor::evaluator
