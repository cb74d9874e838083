// What nearly every source includes, read by the compiler once for all of them: the standard library, Abseil and protobuf. The generated
// messages are added to it by ProctorPrelude.cmake. Sources still include what they use: builds with -DPROCTOR_PRELUDE=OFF, as the
// Clang preset is, have none of this. No header of the project belongs here: every change of it would build everything anew.
#ifndef PROCTOR_CMAKE_PRELUDE_H_
#define PROCTOR_CMAKE_PRELUDE_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#endif  // PROCTOR_CMAKE_PRELUDE_H_
