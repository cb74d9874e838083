// A VNC server that says what it is told to, for tests: right, wrong, or nothing at all. Over a real socket.
#ifndef PROCTOR_TESTS_ENV_DESKTOP_FAKE_RFB_SERVER_H_
#define PROCTOR_TESTS_ENV_DESKTOP_FAKE_RFB_SERVER_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "common/mutex.h"

namespace proctor::env::desktop {

inline std::string Big16(int value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
inline std::string Big32(uint32_t value) { return Big16(static_cast<int>(value >> 16)) + Big16(static_cast<int>(value & 0xffff)); }

// One connection's server side.
class RfbPeer {
 public:
  explicit RfbPeer(int fd) : fd_(fd) {}

  bool Write(const std::string& bytes) const { return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
  // Exactly so many bytes; fewer at the end of the connection.
  std::string Read(size_t size) const {
    std::string out;
    while (out.size() < size) {
      char chunk[4096];
      const ssize_t got = recv(fd_, chunk, std::min(sizeof chunk, size - out.size()), 0);
      if (got <= 0) break;
      out.append(chunk, static_cast<size_t>(got));
    }
    return out;
  }
  // Until the client goes.
  void ReadAll() const {
    while (!Read(1).empty()) {
    }
  }

  // Version and security "None", as RFC 6143 has it.
  void Greet() const {
    Write("RFB 003.008\n");
    Read(12);
    Write(std::string("\x01\x01", 2));
    Read(1);
    Write(Big32(0));
    Read(1);
  }
  void SayScreen(int width, int height, const std::string& name = "fake") const {
    std::string format = {32, 24, 0, 1};
    format += Big16(255) + Big16(255) + Big16(255);
    format += std::string("\x10\x08\x00\x00\x00\x00", 6);
    Write(Big16(width) + Big16(height) + format + Big32(static_cast<uint32_t>(name.size())) + name);
  }
  // SetPixelFormat, SetEncodings and the first request for an update.
  void ReadSetUp() const {
    Read(20);
    const std::string head = Read(4);
    if (head.size() == 4) Read(4 * ((static_cast<unsigned char>(head[2]) << 8) + static_cast<unsigned char>(head[3])));
    Read(10);
  }
  static std::string Rectangle(int x, int y, int width, int height, int32_t encoding) {
    return Big16(x) + Big16(y) + Big16(width) + Big16(height) + Big32(static_cast<uint32_t>(encoding));
  }
  static std::string Update(int rectangles) { return std::string("\x00\x00", 2) + Big16(rectangles); }
  // A rectangle of one colour, as RRE has it: few bytes, however large.
  static std::string Painted(int x, int y, int width, int height, const std::string& bgr) {
    return Rectangle(x, y, width, height, 2) + Big32(0) + bgr + '\0';
  }
  // A whole picture of one colour, blue, green, red.
  static std::string Filled(int width, int height, const std::string& bgr) {
    std::string out = Update(1) + Rectangle(0, 0, width, height, 0);
    for (int i = 0; i < width * height; ++i) out += bgr + '\0';
    return out;
  }

 private:
  const int fd_;
};

// Listens on a port of its own; each connection is handed to `serve` on a thread, one after another.
class FakeRfbServer {
 public:
  explicit FakeRfbServer(std::function<void(RfbPeer&)> serve) : serve_(std::move(serve)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 8);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeRfbServer() {
    shutdown(listener_, SHUT_RDWR);
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
    }
    thread_.join();
    close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }

 private:
  void Run() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      {
        MutexLock lock(mutex_);
        connection_ = fd;
        if (stopping_) shutdown(fd, SHUT_RDWR);
      }
      RfbPeer peer(fd);
      serve_(peer);
      MutexLock lock(mutex_);
      connection_ = -1;
      close(fd);
    }
  }

  const std::function<void(RfbPeer&)> serve_;
  int listener_ = -1;
  int port_ = 0;
  Mutex mutex_;
  int connection_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_TESTS_ENV_DESKTOP_FAKE_RFB_SERVER_H_
