// Blocking sockets on loopback that send exactly the given bytes, for hostile clients and servers.
#ifndef PROCTOR_TESTS_NET_RAW_PEER_H_
#define PROCTOR_TESTS_NET_RAW_PEER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace proctor::net {

// One end of a connection. Reads fail (return what came) after 10 s without a byte.
class RawPeer {
 public:
  // Aborts the test program if nobody listens.
  static RawPeer Connect(uint16_t port);
  explicit RawPeer(int fd) : fd_(fd) {}
  RawPeer(RawPeer&& other) noexcept : fd_(other.fd_), pending_(std::move(other.pending_)) {
    other.fd_ = -1;
  }
  ~RawPeer() { Close(); }

  int fd() const { return fd_; }
  // False if the peer has gone.
  bool Send(const std::string& bytes);
  // Up to and including `end`, or what came before the connection closed.
  std::string ReadUntil(const std::string& end);
  std::string ReadExactly(size_t count);
  std::string ReadToEnd();
  // Head and body by Content-Length, else head alone.
  std::string ReadReply();
  // True if the connection closes within 10 s without another byte.
  bool IsClosedByPeer();
  void ShutdownSend();
  void Close();

 private:
  bool Fill();
  int fd_;
  std::string pending_;
};

// Accepts on a free port; each connection runs `serve` on a thread of its own.
class RawServer {
 public:
  explicit RawServer(std::function<void(RawPeer)> serve);
  // `serve` must have returned or return once its peer closes.
  ~RawServer();
  uint16_t port() const { return port_; }
  int accepted() const;

 private:
  int fd_;
  uint16_t port_ = 0;
  mutable Mutex mutex_;
  int accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace proctor::net

#endif  // PROCTOR_TESTS_NET_RAW_PEER_H_
