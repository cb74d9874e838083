// Displays that somebody else started: a real VNC server (LibVNCServer's) that draws what it is told by pointer and keys.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <rfb/rfb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;

// A screen on which a pressed button paints a dot and a key paints everything.
class PaintingServer {
 public:
  explicit PaintingServer(const char* password) {
    screen_ = rfbGetScreen(nullptr, nullptr, 400, 300, 8, 3, 4);
    pixels_.assign(size_t{400} * 300 * 4, 0x20);
    screen_->frameBuffer = reinterpret_cast<char*>(pixels_.data());
    screen_->screenData = this;
    // Connections are taken by a listener of our own, on a port that is free.
    screen_->port = 0;
    screen_->autoPort = FALSE;
    screen_->ipv6port = 0;
    screen_->ptrAddEvent = &OnPointer;
    screen_->kbdAddEvent = &OnKey;
    passwords_ = {const_cast<char*>(password), nullptr};
    if (password != nullptr) {
      screen_->authPasswdData = passwords_.data();
      screen_->passwordCheck = &rfbCheckPasswordByList;
    }
    rfbInitServer(screen_);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 8);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      while (!stop_) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) rfbNewClient(screen_, fd);
        rfbProcessEvents(screen_, 10'000);
        // Without a client it does not wait.
        if (screen_->clientHead == nullptr) absl::SleepFor(absl::Milliseconds(2));
      }
    });
  }
  ~PaintingServer() {
    stop_ = true;
    thread_.join();
    close(listener_);
    rfbShutdownServer(screen_, TRUE);
    screen_->frameBuffer = nullptr;
    rfbScreenCleanup(screen_);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  int buttons() const { return buttons_; }
  int keys_down() const { return keys_down_; }

 private:
  static PaintingServer* Self(rfbClientPtr client) { return static_cast<PaintingServer*>(client->screen->screenData); }
  static void OnPointer(int buttons, int x, int y, rfbClientPtr client) {
    PaintingServer* self = Self(client);
    self->buttons_ = buttons;
    if (buttons == 0 || x >= 400 || y >= 300) return;
    std::fill_n(self->pixels_.begin() + 4 * (400 * y + x), 4, 0xff);
    rfbMarkRectAsModified(client->screen, x, y, x + 1, y + 1);
  }
  static void OnKey(rfbBool down, rfbKeySym, rfbClientPtr client) {
    PaintingServer* self = Self(client);
    self->keys_down_ += down ? 1 : -1;
    if (!down) return;
    std::fill(self->pixels_.begin(), self->pixels_.end(), 0x80);
    rfbMarkRectAsModified(client->screen, 0, 0, 400, 300);
  }

  rfbScreenInfoPtr screen_;
  int listener_ = -1;
  int port_ = 0;
  std::vector<uint8_t> pixels_;
  std::vector<char*> passwords_;
  std::atomic<int> buttons_ = 0;
  std::atomic<int> keys_down_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class RemoteDisplayTest : public DesktopWorldTest {
 protected:
  void Open(const PaintingServer& server, const std::string& password) {
    v1::DesktopConfig config;
    v1::RemoteDisplay& display = (*config.mutable_displays())["vm"];
    display.set_address(server.address());
    display.set_password(password);
    parts_ = std::make_unique<DesktopParts>();
    DesktopEnvironment::Options options;
    options.config = config;
    // Such displays need nothing of this machine.
    options.guest_executable = "/nonexistent/guest";
    options.runtime_directory = parts_->directory.path();
    auto made = DesktopEnvironment::Create(options, parts_->background);
    ASSERT_TRUE(made.ok()) << made.status();
    parts_->environment = *std::move(made);
    settings_.set_display("vm");
    world_ = DesktopWorldTest::Open(settings_);
  }

  // Waits for another picture; gives its digest.
  std::string AwaitOther(const std::string& digest) {
    v1::ObservationRequest picture;
    picture.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (absl::Now() < end) {
      const auto seen = world_->Observe(AMinute(), picture);
      if (seen.ok() && seen->screenshot().digest() != digest) return seen->screenshot().digest();
      absl::SleepFor(absl::Milliseconds(5));
    }
    ADD_FAILURE() << "the picture stays the same";
    return digest;
  }
  static void AwaitHeld(const PaintingServer& server, int buttons, int keys) {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while ((server.buttons() != buttons || server.keys_down() != keys) && absl::Now() < end) absl::SleepFor(absl::Milliseconds(5));
    EXPECT_EQ(server.buttons(), buttons);
    EXPECT_EQ(server.keys_down(), keys);
  }

  v1::DesktopSettings settings_;
};

TEST_F(RemoteDisplayTest, IsActedOnByPoints) {
  const PaintingServer server("geheim");
  Open(server, "geheim");
  v1::ObservationRequest all;
  all.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  const auto start = world_->Reset(AMinute(), {v1::Task(), 0}, all);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->observation.viewport().width(), 400);
  EXPECT_EQ(start->observation.viewport().height(), 300);
  v1::Action click;
  click.mutable_click()->mutable_target()->mutable_point()->set_x(10);
  click.mutable_click()->mutable_target()->mutable_point()->set_y(20);
  EXPECT_EQ(Act(click, all).observation.action_error(), "");
  const std::string clicked = AwaitOther(start->observation.screenshot().digest());
  v1::Action type;
  type.mutable_type()->set_text("x");
  EXPECT_EQ(Act(type, all).observation.action_error(), "");
  AwaitOther(clicked);
}

TEST_F(RemoteDisplayTest, SaysWhatItDoesNotHave) {
  const PaintingServer server(nullptr);
  Open(server, "");
  const v1::Environment described = parts_->environment->Describe();
  EXPECT_TRUE(described.available());
  EXPECT_THAT(described.unavailable_reason(), HasSubstr("/nonexistent/guest"));
  EXPECT_TRUE(absl::IsFailedPrecondition(parts_->environment->Open(AMinute(), {}).status()));
  v1::ObservationRequest all;
  for (const int part : described.capabilities().observation_parts()) all.add_parts(static_cast<v1::ObservationPart>(part));
  const auto start = world_->Reset(AMinute(), {v1::Task(), 0}, all);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->observation.missing_size(), 4);
  EXPECT_TRUE(start->observation.has_screenshot());
  v1::Action action;
  action.mutable_click()->mutable_target()->set_mark(1);
  EXPECT_THAT(ErrorOf(action), HasSubstr("give a point"));
  action.mutable_set_clipboard()->set_text("x");
  EXPECT_THAT(ErrorOf(action), HasSubstr("clipboard"));
  action.mutable_open_app()->set_name("editor");
  EXPECT_THAT(ErrorOf(action), HasSubstr("no application"));
  v1::EvidenceRequest request;
  request.mutable_file()->set_path("x");
  EXPECT_THAT(Evidence(request).error(), HasSubstr("screen_match"));
  EXPECT_TRUE(absl::IsInvalidArgument(world_->Reset(AMinute(), {TaskWith("editor"), 0}, {}).status()));
}

TEST_F(RemoteDisplayTest, IsOneSessionsAtATime) {
  const PaintingServer server(nullptr);
  Open(server, "");
  v1::EnvironmentSettings settings;
  *settings.mutable_desktop() = settings_;
  EXPECT_TRUE(absl::IsResourceExhausted(parts_->environment->Open(AMinute(), settings).status()));
  world_.reset();
  EXPECT_TRUE(parts_->environment->Open(AMinute(), settings).ok());
}

TEST_F(RemoteDisplayTest, AWrongPasswordIsUnavailable) {
  const PaintingServer server("geheim");
  Open(server, "falsch");
  EXPECT_TRUE(absl::IsUnavailable(world_->Reset(AMinute(), {v1::Task(), 0}, {}).status()));
}

TEST_F(RemoteDisplayTest, NothingStaysPressed) {
  const PaintingServer server(nullptr);
  Open(server, "");
  ASSERT_TRUE(world_->Reset(AMinute(), {v1::Task(), 0}, {}).ok());
  v1::Action action;
  action.mutable_mouse_down()->mutable_target()->mutable_point()->set_x(5);
  Act(action, {});
  action.mutable_key_down()->set_key("Shift");
  Act(action, {});
  AwaitHeld(server, 1, 1);
  world_->EndEpisode();
  AwaitHeld(server, 0, 0);
}

TEST_F(RemoteDisplayTest, ASequenceThatCannotGoOnReleasesWhatItPressed) {
  const PaintingServer server(nullptr);
  Open(server, "");
  ASSERT_TRUE(world_->Reset(AMinute(), {v1::Task(), 0}, {}).ok());
  v1::Action before;
  before.mutable_key_down()->set_key("Alt");
  Act(before, {});
  v1::Action action;
  v1::Sequence& sequence = *action.mutable_sequence();
  sequence.add_actions()->mutable_key_down()->set_key("Control");
  sequence.add_actions()->mutable_mouse_down();
  sequence.add_actions()->mutable_scroll()->mutable_target()->mutable_point()->set_x(5000);
  sequence.add_actions()->mutable_key_up()->set_key("Control");
  EXPECT_THAT(ErrorOf(action), HasSubstr("action 3 of 4: the point (5000, 0) is outside the screen"));
  // What was held before still is.
  AwaitHeld(server, 0, 1);
}

TEST_F(RemoteDisplayTest, ACancelledActionLeavesNothingPressed) {
  const PaintingServer server(nullptr);
  Open(server, "");
  ASSERT_TRUE(world_->Reset(AMinute(), {v1::Task(), 0}, {}).ok());
  v1::Action action;
  action.mutable_sequence()->add_actions()->mutable_key_down()->set_key("Shift");
  action.mutable_sequence()->add_actions()->mutable_wait()->mutable_duration()->set_seconds(30);
  const CallContext context = CallContext::WithTimeout(absl::Minutes(1));
  std::thread canceller([&] {
    AwaitHeld(server, 0, 1);
    context.cancel()->Cancel();
  });
  EXPECT_TRUE(absl::IsCancelled(world_->Act(context, action, {}).status()));
  canceller.join();
  AwaitHeld(server, 0, 0);
}

TEST_F(RemoteDisplayTest, ADisplayThatGoesAwayIsAFault) {
  auto server = std::make_unique<PaintingServer>(nullptr);
  Open(*server, "");
  ASSERT_TRUE(world_->Reset(AMinute(), {v1::Task(), 0}, {}).ok());
  server.reset();
  v1::Action action;
  action.mutable_click()->mutable_target()->mutable_point()->set_x(5);
  absl::Status status;
  // The end of the connection may be seen a moment later.
  for (int i = 0; i < 50 && status.ok(); ++i) status = world_->Act(AMinute(), action, {}).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace proctor::env::desktop
