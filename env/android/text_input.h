// How text gets into applications.
#ifndef PROCTOR_ENV_ANDROID_TEXT_INPUT_H_
#define PROCTOR_ENV_ANDROID_TEXT_INPUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "proctor/v1/android.pb.h"

namespace proctor::env::android {

// By the device's `input text`, or by the input method ADBKeyBoard (github.com/senzhk/ADBKeyBoard), which takes text by broadcast. Of one
// episode; not thread-safe.
class TextInput {
 public:
  // `device` outlives it.
  TextInput(Device& device, v1::AndroidTextMethod method) : device_(device), method_(method) {}

  // Makes ADBKeyBoard the input method, where that is how text is typed; the one before goes into `before`, which stays as it is if there
  // is none to put back. FAILED_PRECONDITION if ADBKeyBoard is not installed.
  absl::Status Begin(const CallContext& context, std::string& before);

  // Command lines that put `text` into the focused field. INVALID_ARGUMENT, as a sentence for the agent, for text that this method cannot
  // type.
  absl::StatusOr<std::vector<std::string>> Commands(std::string_view text) const;
  // Command lines that empty the focused field, which holds about so many characters.
  std::vector<std::string> ClearCommands(size_t characters) const;

 private:
  Device& device_;
  const v1::AndroidTextMethod method_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_TEXT_INPUT_H_
