#include "env/android/text_input.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/input.h"

namespace proctor::env::android {
namespace {

constexpr char kKeyboard[] = "com.android.adbkeyboard/.AdbIME";
// Text of one broadcast: a command line holds a third more.
constexpr size_t kMaxPiece = 3000;

}  // namespace

absl::Status TextInput::Begin(const CallContext& context, std::string& before) {
  if (method_ != v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const std::string current, device_.Run(context, "settings get secure default_input_method"));
  const std::string was(absl::StripAsciiWhitespace(current));
  const absl::StatusOr<std::string> set = device_.Run(context, absl::StrCat("ime enable ", kKeyboard, " && ime set ", kKeyboard));
  if (absl::IsFailedPrecondition(set.status())) {
    return absl::FailedPreconditionError(absl::StrCat("text method ADB_KEYBOARD: ", set.status().message(),
                                                      "; install ADBKeyBoard on the device, or use INPUT_TEXT"));
  }
  PROCTOR_RETURN_IF_ERROR(set.status());
  // A session that ended without putting it back left ours: then there is none to put back.
  if (!was.empty() && was != "null" && was != kKeyboard) before = was;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> TextInput::Commands(std::string_view text) const {
  if (method_ != v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD) return TextCommands(text);
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::string_view piece = TruncateUtf8(text, kMaxPiece);
    out.push_back(absl::StrCat("am broadcast -a ADB_INPUT_B64 --es msg ", ShellQuote(absl::Base64Escape(ToAbsl(piece))), " >&2"));
    text.remove_prefix(piece.size());
  }
  return out;
}

std::vector<std::string> TextInput::ClearCommands(size_t characters) const {
  if (method_ == v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD) return {"am broadcast -a ADB_CLEAR_TEXT >&2"};
  return android::ClearCommands(device_.api_level(), characters);
}

}  // namespace proctor::env::android
