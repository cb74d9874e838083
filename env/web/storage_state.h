// Playwright's `storage_state`: cookies and local storage, read strictly.
#ifndef PROCTOR_ENV_WEB_STORAGE_STATE_H_
#define PROCTOR_ENV_WEB_STORAGE_STATE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/json.h"

namespace proctor::env::web {

// The local storage of one origin.
struct OriginStorage {
  // As NormalOrigin writes it.
  std::string origin;
  std::vector<std::pair<std::string, std::string>> items;
};

struct StorageState {
  // Parameters of Storage.setCookies, in the order of the list. Partitioned ones too.
  Json cookies = Json::array();
  std::vector<OriginStorage> origins;
};

// Of `text`, which may be empty. Anything of another type, an unknown value, and a key that is unknown and not empty (IndexedDB
// cannot be brought) gives INVALID_ARGUMENT with its place: "start_state.storage_state_json: cookies[3].sameSite: ...".
// Messages have no values in them: they are secrets.
absl::StatusOr<StorageState> ParseStorageState(std::string_view text);

// An error about `cookies[index]`, with its name and domain.
absl::Status CookieError(const Json& cookies, size_t index, std::string_view why);

// Whether a browser has what it was given: `has` is the reply to Storage.getCookies. A cookie that is expired `now` need not
// be there. INVALID_ARGUMENT names the first that is missing or different.
absl::Status CheckCookiesTaken(const Json& cookies, const Json& has, absl::Time now);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_STORAGE_STATE_H_
