#include "env/desktop/guest/conversation.h"

#include <glib-unix.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "env/desktop/guest/children.h"

namespace proctor::env::desktop::guest {
namespace {

// A file of 16 MiB in base64, and room for the rest.
constexpr size_t kMaxRequestBytes = size_t{24} << 20;

class Conversation {
 public:
  Conversation(int socket, std::string home, std::string runtime)
      : socket_(socket), requests_(std::move(home), std::move(runtime)) {}

  int Run() {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    // Before any thread is made, so that none gets the signal.
    sigprocmask(SIG_BLOCK, &children, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal_fd_ = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    g_unix_fd_add(signal_fd_, G_IO_IN, &OnChildren, this);
    g_unix_fd_add(socket_, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP | G_IO_ERR), &OnRequest, this);
    while (!over_) g_main_context_iteration(nullptr, TRUE);
    return exit_code_;
  }

 private:
  static gboolean OnChildren(gint, GIOCondition, gpointer self) {
    static_cast<Conversation*>(self)->Reap();
    return G_SOURCE_CONTINUE;
  }
  static gboolean OnRequest(gint, GIOCondition, gpointer self) {
    return static_cast<Conversation*>(self)->ReadRequests();
  }
  static gboolean OnDisplay(gint, GIOCondition, gpointer self) {
    static_cast<Conversation*>(self)->requests_.services()->display().HandleEvents();
    return G_SOURCE_CONTINUE;
  }

  void Reap() {
    signalfd_siginfo info;
    while (read(signal_fd_, &info, sizeof info) > 0) {
    }
    for (const pid_t pid : ReapChildren()) {
      if (requests_.services() == nullptr || !requests_.services()->IsEssential(pid)) continue;
      std::fprintf(stderr, "the X server or D-Bus ended\n");
      End(3);
    }
  }

  void End(int exit_code) {
    over_ = true;
    exit_code_ = exit_code;
  }

  gboolean ReadRequests() {
    // An answer under way lets other sources run; requests wait.
    if (busy_) return G_SOURCE_CONTINUE;
    char chunk[65536];
    const ssize_t size = recv(socket_, chunk, sizeof chunk, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return G_SOURCE_CONTINUE;
    if (size <= 0 || input_.size() > kMaxRequestBytes) {
      End(0);
      return G_SOURCE_REMOVE;
    }
    size_t searched = input_.size();
    input_.append(chunk, static_cast<size_t>(size));
    size_t end;
    while (!over_ && (end = input_.find('\n', searched)) != std::string::npos) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      searched = 0;
      Answer(line);
    }
    return over_ ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
  }

  void Answer(const std::string& line) {
    busy_ = true;
    int descriptor = -1;
    const std::string reply = requests_.Handle(line, descriptor);
    busy_ = false;
    if (requests_.services() != nullptr && !watches_display_) {
      watches_display_ = true;
      g_unix_fd_add(requests_.services()->display().descriptor(), G_IO_IN, &OnDisplay, this);
    }
    if (!Send(reply, descriptor)) End(0);
    if (descriptor >= 0) close(descriptor);
    // Xlib may have read events while it waited for answers: nothing more will make its socket readable.
    if (requests_.services() != nullptr) requests_.services()->display().HandleEvents();
  }

  // With the descriptor beside the first byte.
  bool Send(const std::string& text, int descriptor) {
    size_t at = 0;
    while (at < text.size()) {
      iovec data = {const_cast<char*>(text.data()) + at, text.size() - at};
      msghdr message = {};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
      if (at == 0 && descriptor >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
      }
      const ssize_t size = sendmsg(socket_, &message, MSG_NOSIGNAL);
      if (size < 0 && errno != EINTR) return false;
      if (size > 0) at += static_cast<size_t>(size);
    }
    return true;
  }

  const int socket_;
  Requests requests_;
  int signal_fd_ = -1;
  bool over_ = false;
  bool busy_ = false;
  bool watches_display_ = false;
  int exit_code_ = 0;
  std::string input_;
};

}  // namespace

int Converse(int socket, std::string home, std::string runtime) {
  return Conversation(socket, std::move(home), std::move(runtime)).Run();
}

}  // namespace proctor::env::desktop::guest
