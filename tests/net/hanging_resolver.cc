#include "hanging_resolver.h"

#include <dlfcn.h>
#include <netdb.h>

#include <cstring>

#include "common/mutex.h"

namespace proctor::net {
namespace {

struct Lookups {
  Mutex mutex;
  CondVar changed;
  bool hanging ABSL_GUARDED_BY(mutex) = false;
  int begun ABSL_GUARDED_BY(mutex) = 0;
  int running ABSL_GUARDED_BY(mutex) = 0;
};

Lookups& TheLookups() {
  static auto* const lookups = new Lookups();
  return *lookups;
}

void Hang() {
  Lookups& lookups = TheLookups();
  MutexLock lock(lookups.mutex);
  ++lookups.begun;
  ++lookups.running;
  lookups.changed.SignalAll();
  while (lookups.hanging) lookups.changed.Wait(lookups.mutex);
  --lookups.running;
  lookups.changed.SignalAll();
}

}  // namespace

HangingResolver::HangingResolver() {
  Lookups& lookups = TheLookups();
  MutexLock lock(lookups.mutex);
  lookups.hanging = true;
  lookups.begun = 0;
}

HangingResolver::~HangingResolver() {
  Lookups& lookups = TheLookups();
  MutexLock lock(lookups.mutex);
  lookups.hanging = false;
  lookups.changed.SignalAll();
  while (lookups.running > 0) lookups.changed.Wait(lookups.mutex);
}

int HangingResolver::begun() const {
  Lookups& lookups = TheLookups();
  MutexLock lock(lookups.mutex);
  return lookups.begun;
}

}  // namespace proctor::net

// In place of the C library's: the linker takes what the program itself has.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** list) {
  const bool numeric = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (name != nullptr && !numeric && std::strcmp(name, proctor::net::kHangingName) == 0) {
    proctor::net::Hang();
    return EAI_NONAME;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(name, service, hints, list);
}
