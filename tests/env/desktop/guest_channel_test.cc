// The conversation with a guest that may be hostile.
#include "env/desktop/guest_channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::env::desktop {
namespace {

// The guest's end, scripted.
class ScriptedGuest {
 public:
  ScriptedGuest() {
    int sockets[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    channel = std::make_unique<GuestChannel>(sockets[0]);
    fd = sockets[1];
  }
  ~ScriptedGuest() { Close(); }
  void Close() {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  void Say(const std::string& text) { EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())); }
  // Beforehand: it is read once the question is asked.
  absl::StatusOr<Json> AskAfter(const std::string& answer) {
    Say(answer);
    return channel->Call(CallContext::WithTimeout(absl::Seconds(20)), absl::Seconds(20), {{"op", "x"}});
  }

  std::unique_ptr<GuestChannel> channel;
  int fd = -1;
};

TEST(GuestChannelTest, GivesTheReply) {
  ScriptedGuest guest;
  const auto reply = guest.AskAfter("{\"id\": 1, \"ok\": {\"a\": 5}}\n");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, (Json{{"a", 5}}));
  EXPECT_TRUE(guest.channel->status().ok());
}

TEST(GuestChannelTest, GivesTheGuestsErrors) {
  ScriptedGuest guest;
  EXPECT_TRUE(absl::IsNotFound(guest.AskAfter("{\"id\": 1, \"error\": \"gone\", \"code\": \"NOT_FOUND\"}\n").status()));
  // A code that is not a guest's to give.
  EXPECT_TRUE(absl::IsInternal(guest.AskAfter("{\"id\": 2, \"error\": \"x\", \"code\": \"CANCELLED\"}\n").status()));
  EXPECT_TRUE(absl::IsInternal(guest.AskAfter("{\"id\": 3, \"error\": 7}\n").status()));
  EXPECT_TRUE(guest.channel->status().ok());
}

TEST(GuestChannelTest, BreaksAtNonsenseForGood) {
  for (const char* nonsense : {"no json\n", "[]\n", "{}\n", "{\"id\": \"1\", \"ok\": {}}\n", "{\"id\": 7, \"ok\": {}}\n", "{\"id\": 1}\n",
                               "{\"id\": 1, \"ok\": 3}\n", "\n", "{\"id\": 1.5, \"ok\": {}}\n", "{\"id\": 18446744073709551615, \"ok\": {}}\n"}) {
    ScriptedGuest guest;
    EXPECT_TRUE(absl::IsUnavailable(guest.AskAfter(nonsense).status())) << nonsense;
    EXPECT_TRUE(absl::IsUnavailable(guest.AskAfter("{\"id\": 2, \"ok\": {}}\n").status())) << nonsense;
  }
}

TEST(GuestChannelTest, EndsWithTheGuest) {
  ScriptedGuest guest;
  guest.Close();
  EXPECT_TRUE(absl::IsUnavailable(guest.channel->Call(CallContext(), absl::Seconds(20), {{"op", "x"}}).status()));
  ScriptedGuest half;
  half.Say("{\"id\": 1,");
  shutdown(half.fd, SHUT_WR);
  EXPECT_TRUE(absl::IsUnavailable(half.channel->Call(CallContext(), absl::Seconds(20), {{"op", "x"}}).status()));
}

TEST(GuestChannelTest, AnEndlessAnswerEnds) {
  ScriptedGuest guest;
  std::thread speaker([fd = guest.fd] {
    const std::string chunk(1 << 20, 'x');
    while (send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  EXPECT_TRUE(absl::IsUnavailable(guest.channel->Call(CallContext(), absl::Minutes(1), {{"op", "x"}}).status()));
  guest.channel.reset();
  speaker.join();
}

TEST(GuestChannelTest, ALateAnswerIsSkipped) {
  ScriptedGuest guest;
  EXPECT_TRUE(absl::IsDeadlineExceeded(guest.channel->Call(CallContext(), absl::Milliseconds(20), {{"op", "x"}}).status()));
  const auto reply = guest.AskAfter("{\"id\": 1, \"ok\": {\"late\": true}}\n{\"id\": 2, \"ok\": {\"late\": false}}\n");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, (Json{{"late", false}}));
}

TEST(GuestChannelTest, ACancelledCallEnds) {
  ScriptedGuest guest;
  CallContext context;
  std::thread canceller([&] { context.cancel()->Cancel(); });
  EXPECT_TRUE(absl::IsCancelled(guest.channel->Call(context, absl::Minutes(1), {{"op", "x"}}).status()));
  canceller.join();
}

TEST(GuestChannelTest, DescriptorsThatNobodyAskedForAreClosed) {
  const auto count = [] {
    int64_t open = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++open;
    return open;
  };
  const int64_t before = count();
  {
    ScriptedGuest guest;
    const int spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const std::string text = "{\"id\": 1, \"ok\": {}}\n";
    iovec data = {const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(5 * sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(5 * sizeof(int));
    for (int i = 0; i < 5; ++i) memcpy(CMSG_DATA(header) + i * sizeof(int), &spare, sizeof spare);
    ASSERT_GT(sendmsg(guest.fd, &message, 0), 0);
    close(spare);
    EXPECT_TRUE(guest.channel->Call(CallContext(), absl::Seconds(20), {{"op", "x"}}).ok());
    const int taken = guest.channel->TakeDescriptor();
    EXPECT_GE(taken, 0);
    EXPECT_EQ(guest.channel->TakeDescriptor(), -1);
    close(taken);
  }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace proctor::env::desktop
