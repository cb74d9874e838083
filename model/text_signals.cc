#include "model/text_signals.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/strings.h"
#include "re2/re2.h"

namespace proctor::model {
namespace {

// Lower case, straight apostrophes, single spaces, at most `max_bytes`.
std::string Plain(std::string_view text, size_t max_bytes) {
  std::string plain(ToAbsl(TruncateUtf8(text, max_bytes)));
  plain = absl::StrReplaceAll(plain, {{"\xE2\x80\x99", "'"}, {"\xE2\x80\x98", "'"}, {"\xE2\x80\xAF", " "}});
  absl::AsciiStrToLower(&plain);
  absl::RemoveExtraAsciiWhitespace(&plain);
  return plain;
}

std::string_view Stripped(std::string_view text) { return ToStd(absl::StripAsciiWhitespace(ToAbsl(text))); }

// "I cannot directly view any attached images": who, cannot, sees, which, images. "The image of a shoe" goes on with
// "of" and is none.
std::string UnableToSee() {
  const char* who = R"((?:\bi|\bwe|as a text[- ]based [a-z ]+,? i|assistant|model)\b[a-z, ']{0,30}?)";
  const char* cannot =
      R"((?:cannot|can't|can not|couldn't|could not|am unable to|'m unable to|am not able to|'m not able to|)"
      R"(do not have the (?:ability|capability) to|don't have the (?:ability|capability) to|)"
      R"(am not capable of|lack the ability to)(?: (?:directly|currently|actually|physically))*)";
  const char* see =
      R"( (?:viewing|views?|seeing|see|accessing|access|opening|open|processing|process|analyzing|analy[sz]e|)"
      R"(interpret|display|look at)(?: or (?:view|see|analy[sz]e|interpret|process|describe))?)";
  const char* which =
      R"((?: (?:any|the|these|those|this|that|your|attached|provided|uploaded|actual|visual|external))*?)";
  const char* images = R"( (?:images|pictures|photos|photographs|screenshots|visual content|)"
                       R"((?:attached|provided|uploaded|actual) (?:image|picture|photo|screenshot)|)"
                       R"((?:image|picture|photo|screenshot)s? (?:directly|provided|attached|uploaded|itself|)"
                       R"(you (?:have |'ve )?(?:provided|attached|uploaded|shared|mentioned|sent)))(?:[^a-z]|$))";
  return absl::StrCat(who, cannot, see, which, images);
}

// "No image was attached."
constexpr char kAbsent[] =
    R"((?:no|any|an|the) (?:image|picture|photo|screenshot)s? )"
    R"((?:(?:was|were|is|are|has been|have been|seems to be|appears to be|did not) )?(?:actually )?)"
    R"((?:provided|attached|uploaded|included|shared|come through|load)(?:[^a-z]|$))";
constexpr char kNegated[] =
    R"(\b(?:no|don't see|do not see|didn't|did not|don't have|not see|cannot find|can't find)\b)";

// "I am a text-based model and do not take images."
constexpr char kTextOnly[] =
    R"(\bi(?:'m| am) (?:just |only )?an? (?:text[- ](?:based|only)|language)[a-z -]*(?:model|assistant|ai))"
    R"([^.]{0,60}(?:image|picture|photo|screenshot))";

// "I'm sorry, but I can't assist with that."
constexpr char kDeclines[] =
    R"(^(?:i'm (?:very |so )?sorry|i am (?:very |so )?sorry|sorry|i apologi[sz]e|unfortunately|i must decline)?)"
    R"([,. ]*(?:but )?(?:i )?)"
    R"((?:can't|cannot|can not|am unable to|'m unable to|am not able to|won't|will not|must decline to)(?: be able to)? )"
    R"((?:help|assist|comply|fulfill|fulfil|continue|engage|do that|provide (?:that|this|assistance)|)"
    R"(process (?:that|this)|answer that)\b[^{}]*$)";

}  // namespace

bool SaysNoVision(std::string_view text) {
  text = Stripped(text);
  if (text.empty() || text.front() == '{' || text.front() == '[') return false;
  const std::string plain = Plain(text, 400);
  static const RE2 unable(UnableToSee());
  static const RE2 absent(kAbsent), negated(kNegated), text_only(kTextOnly);
  if (RE2::PartialMatch(plain, unable) || RE2::PartialMatch(plain, text_only)) return true;
  const std::string start = plain.substr(0, 160);
  return RE2::PartialMatch(start, absent) && RE2::PartialMatch(start, negated);
}

bool SaysRefusal(std::string_view text) {
  text = Stripped(text);
  if (text.empty() || text.size() > 300) return false;
  static const RE2 declines(kDeclines);
  return RE2::FullMatch(Plain(text, 300), declines);
}

}  // namespace proctor::model
