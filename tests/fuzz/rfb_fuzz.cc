// What a VNC server says, from its first word on; and what the guest in a desktop answers.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "common/json.h"
#include "env/desktop/element_list.h"
#include "env/desktop/guest_replies.h"
#include "env/desktop/keysyms.h"
#include "env/desktop/rfb_client.h"
#include "tests/fuzz/input.h"

namespace proctor::env::desktop {
namespace {

// Says it all, hears the client out, closes.
void Serve(int fd, std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t size = send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (size <= 0) break;
    at += static_cast<size_t>(size);
  }
  shutdown(fd, SHUT_WR);
  char chunk[4096];
  while (recv(fd, chunk, sizeof chunk, 0) > 0) {
  }
  close(fd);
}

void Talk(std::string_view bytes) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return;
  std::thread server([fd = sockets[1], bytes] { Serve(fd, bytes); });
  {
    // Both kinds of encodings: the remote ones include those of our own desktops.
    auto client = RfbClient::Connect(CallContext::WithTimeout(absl::Seconds(30)), sockets[0], {.password = "secret", .encodings = "zrle copyrect raw"});
    fuzz::Require(!absl::IsDeadlineExceeded(client.status()), "a server that has said all is done with");
    if (client.ok()) {
      const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
      (*client)->Send(context, {RfbEvent::Pointer(1, 1, 1), RfbEvent::Key('a', true)}).IgnoreError();
      while ((*client)->status().ok()) {
        fuzz::Require(context.Check("the end").ok(), "the end of the connection is noticed");
        (*client)->AwaitStill(context, absl::Now(), absl::Milliseconds(1), absl::Milliseconds(1)).IgnoreError();
      }
      imaging::Image image;
      uint64_t count = 0;
      (*client)->Copy(image, count);
      fuzz::Require(image.width_px <= RfbClient::kMaxSidePx && image.height_px <= RfbClient::kMaxSidePx, "screens are limited");
      fuzz::Require(image.bgra.size() == size_t{4} * image.width_px * image.height_px, "a screen has its pixels");
    }
  }
  server.join();
}

void Reply(std::string_view text) {
  const absl::StatusOr<Json> reply = ParseJson(text);
  if (!reply.ok()) return;
  ReadWindows(*reply).IgnoreError();
  ReadLocation(*reply).IgnoreError();
  const absl::StatusOr<AccessibleNodes> nodes = ReadElements(*reply);
  if (!nodes.ok()) return;
  v1::Size screen;
  screen.set_width(1280);
  screen.set_height(800);
  ElementList list;
  list.Update(*nodes, screen);
  v1::Observation observation;
  for (const ListedElement& listed : list.elements()) *observation.add_elements() = listed.element;
  observation.mutable_accessibility_tree()->set_text(list.tree());
  std::string bytes;
  fuzz::Require(observation.SerializeToString(&bytes), "an observation can be written");
}

void Keys(std::string_view text) {
  KeysymsOf(text).IgnoreError();
  ParseChord(text).IgnoreError();
}

}  // namespace
}  // namespace proctor::env::desktop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = proctor::fuzz::View(data + 1, size - 1);
  switch (data[0]) {
    case 'R': proctor::env::desktop::Talk(rest); break;
    case 'J': proctor::env::desktop::Reply(rest); break;
    case 'K': proctor::env::desktop::Keys(rest); break;
    default: break;
  }
  return 0;
}
