#include "net/lookup.h"

#include <netdb.h>

#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status.h"
#include "common/thread.h"

namespace proctor::net {
namespace {

absl::StatusOr<std::vector<std::string>> Resolve(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot look up ", host, ": ", gai_strerror(error)));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0) addresses.emplace_back(text);
  }
  freeaddrinfo(list);
  return addresses;
}

// What a call and the thread that works for it share.
struct Answer {
  Mutex mutex;
  CondVar came;
  std::optional<absl::StatusOr<std::vector<std::string>>> addresses ABSL_GUARDED_BY(mutex);
};

}  // namespace

absl::StatusOr<std::vector<std::string>> SystemResolve(const std::string& host) { return Resolve(host, 0); }

absl::StatusOr<std::vector<std::string>> Lookup(const CallContext& context, const std::string& host) {
  if (absl::StatusOr<std::vector<std::string>> numeric = Resolve(host, AI_NUMERICHOST); numeric.ok()) return numeric;
  const auto shared = std::make_shared<Answer>();
  PROCTOR_ASSIGN_OR_RETURN(std::thread thread, StartThread([shared, host] {
    absl::StatusOr<std::vector<std::string>> addresses = SystemResolve(host);
    MutexLock lock(shared->mutex);
    shared->addresses = std::move(addresses);
    shared->came.SignalAll();
  }));
  // The resolver knows no deadline, and cannot be stopped.
  thread.detach();
  Answer& answer = *shared;
  MutexLock lock(answer.mutex);
  PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
      context, answer.mutex, answer.came, [&answer]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return answer.addresses.has_value(); },
      absl::StrCat("looking up ", host)));
  return *std::move(answer.addresses);
}

}  // namespace proctor::net
