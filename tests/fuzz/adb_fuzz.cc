// What an adb server, a device behind it and the device's programs say: all of it may be hostile.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "env/android/adb_client.h"
#include "env/android/android_evidence.h"
#include "env/android/device_state.h"
#include "env/android/log_watch.h"
#include "env/android/screen.h"
#include "env/android/ui_view.h"
#include "tests/fuzz/input.h"

namespace proctor::env::android {
namespace {

constexpr size_t kMaxReply = 60'000;

// A server that has said all it will ever say.
class Reply {
 public:
  explicit Reply(std::string_view bytes) {
    int ends[2];
    fuzz::Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
    const std::string_view sent = bytes.substr(0, kMaxReply);
    fuzz::Require(send(ends[1], sent.data(), sent.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(sent.size()), "the reply fits");
    shutdown(ends[1], SHUT_WR);
    peer_ = ends[1];
    socket_ = std::make_unique<AdbSocket>(ends[0]);
  }
  ~Reply() { close(peer_); }
  std::unique_ptr<AdbSocket> TakeSocket() { return std::move(socket_); }

 private:
  int peer_ = -1;
  std::unique_ptr<AdbSocket> socket_;
};

void Talk(char request, std::string_view bytes) {
  Reply reply(bytes);
  const AdbClient client({}, [&](const CallContext&) -> absl::StatusOr<std::unique_ptr<AdbSocket>> { return reply.TakeSocket(); });
  const CallContext context = CallContext::WithTimeout(absl::Seconds(10));
  absl::Status status;
  std::string out;
  switch (request) {
    case 'v':
      status = client.Version(context).status();
      break;
    case 'd':
      status = client.Devices(context).status();
      break;
    case 'f':
      status = client.Features(context, "s").status();
      break;
    case 's': {
      const auto result = client.Shell(context, "s", "true", 10'000);
      status = result.status();
      if (result.ok()) fuzz::Require(result->output.size() + result->errors.size() <= 10'000, "output is bounded");
      break;
    }
    case 'e':
      status = client.ExecUnless(context, "s", "true", 10'000, "xxxx", out).status();
      fuzz::Require(out.size() <= 10'000, "output is bounded");
      break;
    case 'p': {
      const auto content = client.Pull(context, "s", "/a", 10'000);
      status = content.status();
      if (content.ok()) fuzz::Require(content->size() <= 10'000, "a file is bounded");
      break;
    }
    case 'w':
      status = client.Push(context, "s", "/a", "b");
      break;
    case 'i':
      status = client.Stat(context, "s", "/a").status();
      break;
    default: {
      const auto tracker = client.Track(context);
      status = tracker.status();
      while (status.ok()) status = (*tracker)->Next(context).status();
    }
  }
  fuzz::Require(!absl::IsDeadlineExceeded(status), "every request ends with its connection");
}

void ShowTree(std::string_view text) {
  absl::StatusOr<UiTree> tree = ParseUiTree(text);
  if (!tree.ok()) return;
  MarkRegistry marks;
  const UiTree again = *tree;
  const UiView view = MakeView(*std::move(tree), marks);
  v1::Size screen;
  screen.set_width(1000);
  screen.set_height(1000);
  v1::Observation observation;
  FillElements(view, screen, observation);
  observation.mutable_accessibility_tree()->set_text(TreeText(view));
  // Protobuf refuses to write what is not UTF-8: then nothing could be sent or recorded.
  fuzz::Require(!observation.SerializeAsString().empty(), "an observation can be written");
  fuzz::Require(MakeView(again, marks).marks == view.marks, "the same screen has the same marks");
}

void Parse(std::string_view text) {
  const Foreground front = ParseForeground(text);
  fuzz::Require(front.rotation >= 0 && front.rotation <= 3, "a rotation is a quarter turn");
  fuzz::Require(ParseDeviceState(front, text).SerializeAsString().size() < 100'000, "a state is bounded");
  (void)ParseScreenSize(text);
  if (const auto screen = ParseRawScreen(text); screen.ok()) {
    fuzz::Require(screen->pixels.size() == static_cast<size_t>(screen->width_px) * screen->height_px * imaging::BytesPerPixel(screen->format),
                  "pixels fit the size");
  }
  (void)ContentRowsAsJson(text, {});
  (void)ContentRowsAsJson(text, {"a", "b"});
  bool found = false;
  for (const std::string& line : LinesAfter(text, "start-1", found)) fuzz::Require(line.find('\n') == std::string::npos, "lines are lines");
}

}  // namespace
}  // namespace proctor::env::android

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view rest = proctor::fuzz::View(data + 2, size - 2);
  switch (data[0]) {
    case 'X':
      proctor::env::android::ShowTree(rest);
      break;
    case 'P':
      proctor::env::android::Parse(rest);
      break;
    default:
      proctor::env::android::Talk(static_cast<char>(data[1]), rest);
  }
  return 0;
}
