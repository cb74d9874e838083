// What a browser says, and what our script in a page answers: both may be a hostile page's doing.
#include <deque>
#include <utility>

#include "env/web/devtools.h"
#include "env/web/devtools_message.h"
#include "env/web/frame_merge.h"
#include "env/web/page_reply.h"
#include "env/web/tab.h"
#include "tests/fuzz/input.h"

namespace proctor::env::web {
namespace {

// Says what it was given, then the connection is over.
class ScriptedTransport final : public DevToolsTransport {
 public:
  explicit ScriptedTransport(std::vector<std::string> messages) : messages_(messages.begin(), messages.end()) {}
  absl::Status Write(const std::vector<std::string>&) override { return absl::OkStatus(); }
  absl::StatusOr<std::string> Read() override {
    MutexLock lock(mutex_);
    while (!begun_ && !closed_) changed_.Wait(mutex_);
    if (closed_ || messages_.empty()) return absl::UnavailableError("closed");
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  DevToolsTraffic traffic() const override { return {}; }
  void Close() override {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.SignalAll();
  }
  void Begin() {
    MutexLock lock(mutex_);
    begun_ = true;
    changed_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::string> messages_ ABSL_GUARDED_BY(mutex_);
};

// Pieces of a message that may be too large.
void Gather(std::string_view text) {
  DevToolsMessage message({.max_reply_bytes = 64, .max_event_bytes = 16});
  for (const std::string& piece : fuzz::Split(text, '\0')) message.Add(piece);
  (void)message.Take();
}

void Talk(std::string_view text) {
  auto transport = std::make_unique<ScriptedTransport>(fuzz::Split(text, '\0'));
  ScriptedTransport& script = *transport;
  DevTools devtools(std::move(transport));
  for (const char* session : {"", "S"}) {
    devtools.Subscribe(session, [](const DevToolsEvent& event) { (void)event.Params(); });
  }
  const auto replies = devtools.SendAll({{"", "Browser.getVersion"}, {"S", "Runtime.evaluate"}});
  script.Begin();
  for (const DevToolsReply& reply : replies) {
    const auto result = reply.AwaitText(CallContext::WithTimeout(absl::Seconds(10)));
    fuzz::Require(!absl::IsDeadlineExceeded(result.status()), "every command gets its reply");
    if (result.ok()) (void)ScriptString(*result);
  }
}

// A tab hears what a browser says of it.
void Hear(std::string_view text) {
  auto transport = std::make_unique<ScriptedTransport>(fuzz::Split(text, '\0'));
  ScriptedTransport& script = *transport;
  DevTools devtools(std::move(transport));
  const auto tab = std::make_shared<Tab>(devtools, "S", "T", "");
  tab->Start({});
  script.Begin();
  fuzz::Require(!absl::IsDeadlineExceeded(tab->AwaitStarted(CallContext::WithTimeout(absl::Seconds(10)))), "a tab starts or does not");
  (void)tab->TakeDialogs();
  (void)tab->TakeConsoleErrors();
  (void)tab->TakeFileChooser();
  tab->Stop();
}

void Merge(std::string_view text) {
  std::vector<ObservedFrame> frames;
  for (const std::string& part : fuzz::Split(text, '\0')) {
    absl::StatusOr<PageReply> reply = ParsePageReply(part);
    if (!reply.ok()) continue;
    ObservedFrame& frame = frames.emplace_back();
    frame.reply = *std::move(reply);
    frame.owner_id = frames.size() == 1 ? 0 : 1;
  }
  if (frames.empty()) return;
  const FrameMerge merge(frames, [](const std::string&, int64_t id) { return static_cast<int32_t>(id & 0xffff); });
  v1::Observation observation;
  merge.FillElements(observation);
  merge.Tree(1 << 20);
  merge.Html(1 << 20);
  merge.Text(1 << 20);
  merge.FocusedMark();
  // Protobuf refuses to write what is not UTF-8: then nothing could be sent or recorded.
  fuzz::Require(!observation.SerializeAsString().empty() || observation.ByteSizeLong() == 0, "an observation can be written");
}

}  // namespace
}  // namespace proctor::env::web

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = proctor::fuzz::View(data + 1, size - 1);
  switch (data[0]) {
    case 'T': proctor::env::web::Talk(rest); break;
    case 'H': proctor::env::web::Hear(rest); break;
    case 'G': proctor::env::web::Gather(rest); break;
    default: proctor::env::web::Merge(rest);
  }
  return 0;
}
