#include "tests/env/android/fake/adbd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::env::android::fake {
namespace {

enum Command : uint32_t {
  kConnect = 0x4e584e43,
  kOpen = 0x4e45504f,
  kOkay = 0x59414b4f,
  kClose = 0x45534c43,
  kWrite = 0x45545257,
};
constexpr uint32_t kVersion = 0x01000001;
constexpr uint32_t kMaxPayload = 256 * 1024;

struct Message {
  uint32_t command = 0;
  uint32_t arg0 = 0;
  uint32_t arg1 = 0;
  std::string payload;
};

std::string Little32(uint32_t n) {
  return {static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16), static_cast<char>(n >> 24)};
}

uint32_t Number(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])); };
  return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

bool ReadFully(int fd, char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t got = recv(fd, bytes, size, 0);
    if (got <= 0 && !(got < 0 && errno == EINTR)) return false;
    if (got < 0) continue;
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteFully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

// One host's connection: a reader thread, and a thread for each stream that is open.
class Adbd::Connection {
 public:
  Connection(int fd, AdbdHost& host, const std::string& model) : fd_(fd), host_(host), model_(model), reader_([this] { Read(); }) {}
  ~Connection() {
    Break();
    reader_.join();
    for (auto& stream : streams_) stream.second->thread.join();
    close(fd_);
  }

  void Break() {
    shutdown(fd_, SHUT_RDWR);
    MutexLock lock(mutex_);
    broken_ = true;
    changed_.SignalAll();
  }
  bool over() const {
    MutexLock lock(mutex_);
    return broken_ && live_ == 0 && reader_done_;
  }

 private:
  struct Stream {
    uint32_t local = 0;
    uint32_t remote = 0;
    std::string inbox;
    bool may_write = true;
    bool closed = false;
    bool done = false;
    std::thread thread;
  };

  bool Send(uint32_t command, uint32_t arg0, uint32_t arg1, std::string_view payload = {}) {
    const std::string head = absl::StrCat(Little32(command), Little32(arg0), Little32(arg1), Little32(static_cast<uint32_t>(payload.size())),
                                          Little32(0), Little32(command ^ 0xffffffff));
    MutexLock lock(write_mutex_);
    return WriteFully(fd_, head) && WriteFully(fd_, payload);
  }

  bool Receive(Message& message) {
    char head[24];
    if (!ReadFully(fd_, head, sizeof head)) return false;
    const std::string_view view(head, sizeof head);
    message.command = Number(view, 0);
    message.arg0 = Number(view, 4);
    message.arg1 = Number(view, 8);
    const uint32_t size = Number(view, 12);
    if (size > (1 << 20) || Number(view, 20) != (message.command ^ 0xffffffff)) return false;
    message.payload.resize(size);
    return ReadFully(fd_, message.payload.data(), size);
  }

  void Read() {
    Message message;
    while (Receive(message)) Handle(message);
    Break();
    MutexLock lock(mutex_);
    reader_done_ = true;
  }

  void Handle(const Message& message) {
    if (message.command == kConnect) {
      Send(kConnect, kVersion, kMaxPayload,
           absl::StrCat("device::ro.product.name=", model_, ";ro.product.model=", model_, ";ro.product.device=", model_,
                        ";features=shell_v2,cmd"));
      return;
    }
    if (message.command == kOpen) return Open(message);
    MutexLock lock(mutex_);
    const auto found = streams_.find(message.arg1);
    if (found == streams_.end()) return;
    Stream& stream = *found->second;
    if (message.command == kOkay) stream.may_write = true;
    if (message.command == kClose) stream.closed = true;
    if (message.command == kWrite) stream.inbox += message.payload;
    changed_.SignalAll();
    if (message.command == kWrite) Send(kOkay, stream.local, stream.remote);
  }

  void Open(const Message& message) {
    std::vector<std::unique_ptr<Stream>> finished;
    {
      MutexLock lock(mutex_);
      if (broken_) return;
      for (auto it = streams_.begin(); it != streams_.end();) {
        const auto next = std::next(it);
        if (it->second->done) {
          finished.push_back(std::move(it->second));
          streams_.erase(it);
        }
        it = next;
      }
      auto stream = std::make_unique<Stream>();
      stream->local = next_++;
      stream->remote = message.arg0;
      std::string service = message.payload;
      while (!service.empty() && service.back() == '\0') service.pop_back();
      ++live_;
      Stream* raw = stream.get();
      streams_[raw->local] = std::move(stream);
      raw->thread = std::thread([this, raw, service] { Serve(*raw, service); });
    }
    for (auto& stream : finished) stream->thread.join();
  }

  void Serve(Stream& stream, const std::string& service) {
    bool drop = false;
    Send(kOkay, stream.local, stream.remote);
    if (absl::StartsWith(service, "shell,v2")) {
      ServeShell(stream, service.substr(service.find(':') + 1), drop);
    } else if (absl::StartsWith(service, "exec:")) {
      const AdbdHost::Result result = host_.RunShell(service.substr(5), drop);
      if (!drop) Write(stream, result.output + result.errors);
    } else if (service == "sync:") {
      ServeSync(stream);
    }
    if (drop) {
      Break();
    } else {
      Send(kClose, stream.local, stream.remote);
    }
    MutexLock lock(mutex_);
    stream.done = true;
    --live_;
  }

  void ServeShell(Stream& stream, const std::string& command, bool& drop) {
    const AdbdHost::Result result = host_.RunShell(command, drop);
    if (drop) return;
    std::string bytes;
    AppendPackets(1, result.output, bytes);
    AppendPackets(2, result.errors, bytes);
    AppendPackets(3, std::string(1, static_cast<char>(result.exit_code)), bytes);
    Write(stream, bytes);
  }

  static void AppendPackets(char kind, std::string_view text, std::string& out) {
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, 60'000);
      absl::StrAppend(&out, std::string(1, kind), Little32(static_cast<uint32_t>(piece.size())), ToAbsl(piece));
      text.remove_prefix(piece.size());
    }
  }

  // One packet at a time is under way, as adb has it.
  bool Write(Stream& stream, std::string_view bytes) {
    while (!bytes.empty()) {
      {
        MutexLock lock(mutex_);
        while (!stream.may_write && !stream.closed && !broken_) changed_.Wait(mutex_);
        if (stream.closed || broken_) return false;
        stream.may_write = false;
      }
      const std::string_view piece = bytes.substr(0, kMaxPayload);
      if (!Send(kWrite, stream.local, stream.remote, piece)) return false;
      bytes.remove_prefix(piece.size());
    }
    // The last packet must have arrived before the stream is closed.
    MutexLock lock(mutex_);
    while (!stream.may_write && !stream.closed && !broken_) changed_.Wait(mutex_);
    return true;
  }

  bool TakeInput(Stream& stream, size_t size, std::string& out) {
    MutexLock lock(mutex_);
    while (stream.inbox.size() < size && !stream.closed && !broken_) changed_.Wait(mutex_);
    if (stream.inbox.size() < size) return false;
    out = stream.inbox.substr(0, size);
    stream.inbox.erase(0, size);
    return true;
  }

  void ServeSync(Stream& stream) {
    std::string head, text;
    while (TakeInput(stream, 8, head)) {
      const std::string name = head.substr(0, 4);
      const uint32_t size = Number(head, 4);
      if (name == "QUIT" || size > 1024 || !TakeInput(stream, size, text)) return;
      if (name == "STAT") {
        const AdbdHost::FileInfo info = host_.StatFile(text);
        Write(stream, absl::StrCat("STAT", Little32(info.mode), Little32(info.size), Little32(info.time)));
      } else if (name == "RECV") {
        SendFile(stream, text);
      } else if (name == "SEND") {
        if (!ReceiveFile(stream, text)) return;
      } else {
        return;
      }
    }
  }

  void SendFile(Stream& stream, const std::string& path) {
    std::string content, reason;
    if (!host_.ReadFile(path, content, reason)) {
      Write(stream, absl::StrCat("FAIL", Little32(static_cast<uint32_t>(reason.size())), reason));
      return;
    }
    std::string bytes;
    for (size_t at = 0; at < content.size(); at += 65536) {
      const std::string piece = content.substr(at, 65536);
      absl::StrAppend(&bytes, "DATA", Little32(static_cast<uint32_t>(piece.size())), piece);
    }
    Write(stream, absl::StrCat(bytes, "DONE", Little32(0)));
  }

  bool ReceiveFile(Stream& stream, const std::string& target) {
    std::string content, head, piece, reason;
    while (TakeInput(stream, 8, head)) {
      const uint32_t number = Number(head, 4);
      if (head.substr(0, 4) == "DATA") {
        if (number > 65536 || !TakeInput(stream, number, piece)) return false;
        content += piece;
        continue;
      }
      if (head.substr(0, 4) != "DONE") return false;
      const std::string path = target.substr(0, target.rfind(','));
      if (host_.WriteFile(path, content, reason)) {
        Write(stream, absl::StrCat("OKAY", Little32(0)));
      } else {
        Write(stream, absl::StrCat("FAIL", Little32(static_cast<uint32_t>(reason.size())), reason));
      }
      return true;
    }
    return false;
  }

  const int fd_;
  AdbdHost& host_;
  const std::string model_;
  Mutex write_mutex_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool reader_done_ ABSL_GUARDED_BY(mutex_) = false;
  int live_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint32_t, std::unique_ptr<Stream>> streams_;
  std::thread reader_;
};

Adbd::Adbd(AdbdHost& host, std::string model, uint16_t port) : host_(host), model_(std::move(model)), port_(port) {
  if (pipe2(wake_fds_, O_CLOEXEC) != 0 || !Listen()) return;
  thread_ = std::thread([this] { Accept(); });
}

Adbd::~Adbd() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  [[maybe_unused]] const ssize_t n = write(wake_fds_[1], "x", 1);
  if (thread_.joinable()) thread_.join();
  std::list<std::unique_ptr<Connection>> gone;
  {
    MutexLock lock(mutex_);
    gone.swap(connections_);
  }
  gone.clear();
  if (listen_fd_ >= 0) close(listen_fd_);
  close(wake_fds_[0]);
  close(wake_fds_[1]);
}

bool Adbd::Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 16) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(fd);
    return false;
  }
  port_ = ntohs(address.sin_port);
  listen_fd_ = fd;
  return true;
}

void Adbd::Accept() {
  while (true) {
    pollfd wait[2] = {{wake_fds_[0], POLLIN, 0}, {listen_fd_, POLLIN, 0}};
    poll(wait, 2, -1);
    if (wait[0].revents != 0) {
      char byte;
      [[maybe_unused]] const ssize_t n = read(wake_fds_[0], &byte, 1);
    }
    std::list<std::unique_ptr<Connection>> over;
    MutexLock lock(mutex_);
    if (stopping_) return;
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if ((*it)->over()) over.splice(over.end(), connections_, it);
      it = next;
    }
    if (wait[1].revents == 0) continue;
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    // Away: nobody answers.
    if (!online_) {
      close(fd);
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.push_back(std::make_unique<Connection>(fd, host_, model_));
  }
}

int Adbd::connection_count() const {
  MutexLock lock(mutex_);
  return static_cast<int>(std::count_if(connections_.begin(), connections_.end(), [](const auto& c) { return !c->over(); }));
}

void Adbd::GoOffline() {
  MutexLock lock(mutex_);
  online_ = false;
  for (auto& connection : connections_) connection->Break();
}

void Adbd::GoOnline() {
  MutexLock lock(mutex_);
  online_ = true;
}

void Adbd::Drop() {
  MutexLock lock(mutex_);
  for (auto& connection : connections_) connection->Break();
}

}  // namespace proctor::env::android::fake
