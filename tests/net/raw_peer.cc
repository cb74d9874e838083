#include "raw_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace proctor::net {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void Die(const char* what) {
  perror(what);
  abort();
}

}  // namespace

RawPeer RawPeer::Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    Die("connect");
  return RawPeer(fd);
}

bool RawPeer::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool RawPeer::Fill() {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  char buffer[16384];
  const ssize_t count = recv(fd_, buffer, sizeof(buffer), 0);
  if (count <= 0) return false;
  pending_.append(buffer, static_cast<size_t>(count));
  return true;
}

std::string RawPeer::ReadUntil(const std::string& end) {
  size_t at = std::string::npos;
  while ((at = pending_.find(end)) == std::string::npos && Fill()) {
  }
  return ReadExactly(at == std::string::npos ? pending_.size() : at + end.size());
}

std::string RawPeer::ReadExactly(size_t count) {
  while (pending_.size() < count && Fill()) {
  }
  std::string result = pending_.substr(0, count);
  pending_.erase(0, result.size());
  return result;
}

std::string RawPeer::ReadToEnd() {
  while (Fill()) {
  }
  return std::move(pending_);
}

std::string RawPeer::ReadReply() {
  std::string head = ReadUntil("\r\n\r\n");
  const std::string lower = absl::AsciiStrToLower(head);
  const size_t at = lower.find("content-length: ");
  size_t length = 0;
  if (at != std::string::npos) {
    const size_t end = lower.find("\r\n", at);
    if (!absl::SimpleAtoi(lower.substr(at + 16, end - at - 16), &length)) return head;
  }
  return head + ReadExactly(length);
}

bool RawPeer::IsClosedByPeer() {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  char byte = 0;
  if (!pending_.empty()) return false;
  const ssize_t count = recv(fd_, &byte, 1, 0);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

void RawPeer::ShutdownSend() { shutdown(fd_, SHUT_WR); }

void RawPeer::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

RawServer::RawServer(std::function<void(RawPeer)> serve)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0) Die("bind");
  if (listen(fd_, 128) != 0) Die("listen");
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this, serve = std::move(serve)] {
    while (true) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      {
        MutexLock lock(mutex_);
        ++accepted_;
      }
      threads_.emplace_back([serve, fd] { serve(RawPeer(fd)); });
    }
  });
}

RawServer::~RawServer() {
  shutdown(fd_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(fd_);
}

int RawServer::accepted() const {
  MutexLock lock(mutex_);
  return accepted_;
}

}  // namespace proctor::net
