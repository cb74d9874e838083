// The device's side of adb's protocol over TCP: what `adb connect` talks to. CNXN, OPEN, WRTE, OKAY, CLSE; the services `shell,v2`,
// `exec` and `sync`.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FAKE_ADBD_H_
#define PROCTOR_TESTS_ENV_ANDROID_FAKE_ADBD_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace proctor::env::android::fake {

// What runs behind adbd. Thread-safe.
class AdbdHost {
 public:
  virtual ~AdbdHost() = default;
  struct Result {
    std::string output;
    std::string errors;
    int exit_code = 0;
  };
  // A command line of the shell. `drop` set: the connection breaks before anything is answered.
  virtual Result RunShell(const std::string& command, bool& drop) = 0;
  struct FileInfo {
    uint32_t mode = 0;
    uint32_t size = 0;
    uint32_t time = 0;
  };
  virtual FileInfo StatFile(const std::string& path) = 0;
  // False and a reason: it cannot be read or written.
  virtual bool ReadFile(const std::string& path, std::string& content, std::string& reason) = 0;
  virtual bool WriteFile(const std::string& path, const std::string& content, std::string& reason) = 0;
};

class Adbd {
 public:
  // Port 0: any that is free.
  Adbd(AdbdHost& host, std::string model, uint16_t port);
  ~Adbd();

  bool listening() const { return listen_fd_ >= 0; }
  uint16_t port() const { return port_; }
  // Connections that are open.
  int connection_count() const;

  // Breaks all connections and takes no new ones until GoOnline. Not from within a host's call.
  void GoOffline();
  void GoOnline();
  // Breaks all connections; a new one may come at once.
  void Drop();

 private:
  class Connection;

  void Accept();
  bool Listen();

  AdbdHost& host_;
  const std::string model_;
  uint16_t port_;
  int wake_fds_[2] = {-1, -1};

  mutable Mutex mutex_;
  int listen_fd_ = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool online_ ABSL_GUARDED_BY(mutex_) = true;
  std::list<std::unique_ptr<Connection>> connections_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace proctor::env::android::fake

#endif  // PROCTOR_TESTS_ENV_ANDROID_FAKE_ADBD_H_
