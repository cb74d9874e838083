#include "common/thread.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor {

absl::StatusOr<std::thread> StartThread(std::function<void()> run) {
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& e) {
    return absl::ResourceExhaustedError(absl::StrCat("no more threads: ", e.what()));
  }
}

}  // namespace proctor
