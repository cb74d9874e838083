// Languages and time zones that the browser honours. It takes others too, and shows English and UTC.
#ifndef PROCTOR_ENV_WEB_LOCALE_H_
#define PROCTOR_ENV_WEB_LOCALE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::env::web {

// Those that Chromium formats numbers and dates in, without regions: "de", "fil".
const std::vector<std::string_view>& KnownLanguages();

// A BCP 47 tag of language, script and region ("de", "zh-Hant-TW", "es-419") in its usual case. INVALID_ARGUMENT says why not:
// its shape, or a language that is not known.
absl::StatusOr<std::string> NormalLocale(std::string_view tag);

// "UTC" or a name of the IANA database, in its own case. None of the names that other files beside it have ("posix/...",
// "right/...", "localtime"), and no offsets.
bool IsTimeZone(std::string_view name);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_LOCALE_H_
