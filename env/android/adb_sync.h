// The `sync:` service of a device: files, version 1 of its messages (every device since Android 1 has them).
#ifndef PROCTOR_ENV_ANDROID_ADB_SYNC_H_
#define PROCTOR_ENV_ANDROID_ADB_SYNC_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/adb_client.h"
#include "env/android/adb_socket.h"

namespace proctor::env::android {

// `socket`: where the device accepted `sync:`. Errors as AdbClient's methods of the same meaning.
absl::StatusOr<FileStat> SyncStat(const CallContext& context, AdbSocket& socket, const std::string& path);
absl::StatusOr<std::string> SyncReceive(const CallContext& context, AdbSocket& socket, const std::string& path, size_t max_bytes);
absl::Status SyncSend(const CallContext& context, AdbSocket& socket, const std::string& path, std::string_view content, int mode);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ADB_SYNC_H_
