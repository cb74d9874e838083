#include "env/desktop/rfb_client.h"

#include <fcntl.h>
#include <poll.h>
#include <rfb/rfbclient.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/thread.h"

namespace proctor::env::desktop {
namespace {

// A message that stops in its middle holds the thread for so long; callers wait no longer than their contexts.
constexpr unsigned kReadTimeoutSeconds = 20;
// Input that the other side does not take is not piled up.
constexpr size_t kMaxPendingBytes = size_t{4} << 20;
constexpr size_t kMaxDirty = 4096;
char kClientTag;

void Append16(std::string& out, int value) {
  out.push_back(static_cast<char>(value >> 8 & 0xff));
  out.push_back(static_cast<char>(value & 0xff));
}

// RFC 6143, 7.5.4 and 7.5.5.
std::string Encode(const RfbEvent& event) {
  std::string out;
  if (event.is_key) {
    out = {4, static_cast<char>(event.down ? 1 : 0), 0, 0};
    Append16(out, static_cast<int>(event.keysym >> 16));
    Append16(out, static_cast<int>(event.keysym & 0xffff));
  } else {
    out = {5, static_cast<char>(event.buttons)};
    Append16(out, std::clamp(event.x, 0, 65535));
    Append16(out, std::clamp(event.y, 0, 65535));
  }
  return out;
}

}  // namespace

// From the library's C callbacks to the object.
struct RfbCallbacks {
  static RfbClient* Self(rfbClient* client) { return static_cast<RfbClient*>(rfbClientGetClientData(client, &kClientTag)); }
  static rfbBool MakeBuffer(rfbClient* client) { return Self(client)->MakeBuffer(client) ? TRUE : FALSE; }
  static void Fill(rfbClient* client, int x, int y, int width, int height, uint32_t color) {
    Self(client)->Fill(client, x, y, width, height, color);
  }
  static void Updated(rfbClient* client, int x, int y, int width, int height) { Self(client)->Updated(x, y, width, height); }
  static void Finished(rfbClient* client) { Self(client)->Finished(); }
  // The library frees it.
  static char* Password(rfbClient* client) { return strdup(Self(client)->options_.password.c_str()); }
  static void Quiet(const char*, ...) {}
  static void Ignore(rfbClient*) {}
  // The library allocates a mask for each new shape of the pointer and does not free the one before.
  static void ForgetMask(rfbClient* client, int, int, int, int, int) {
    free(client->rcMask);
    client->rcMask = nullptr;
  }
  static void IgnoreText(rfbClient*, const char*, int) {}
};

RfbClient::RfbClient(int socket, RfbOptions options)
    : options_(std::move(options)), socket_(socket), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

absl::StatusOr<std::unique_ptr<RfbClient>> RfbClient::Connect(const CallContext& context, int socket, RfbOptions options) {
  static std::once_flag quiet;
  std::call_once(quiet, [] {
    rfbEnableClientLogging = FALSE;
    rfbClientLog = &RfbCallbacks::Quiet;
    rfbClientErr = &RfbCallbacks::Quiet;
  });
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  auto client = std::unique_ptr<RfbClient>(new RfbClient(socket, std::move(options)));
  if (client->wake_fd_ < 0) return absl::ResourceExhaustedError("no descriptors left");
  PROCTOR_ASSIGN_OR_RETURN(client->thread_, StartThread([raw = client.get()] { raw->Run(); }));
  RfbClient& self = *client;
  MutexLock lock(self.mutex_);
  PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
      context, self.mutex_, self.changed_,
      [&self]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return self.phase_ == Phase::kClosed || self.change_.count > 0; },
      "connecting to the VNC server"));
  if (self.phase_ == Phase::kClosed) return self.status_;
  return client;
}

RfbClient::~RfbClient() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  // Ends whatever the thread waits for on it.
  shutdown(socket_, SHUT_RDWR);
  Wake();
  if (thread_.joinable()) thread_.join();
  close(socket_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

void RfbClient::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(wake_fd_, &one, sizeof one);
}

bool RfbClient::Stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

absl::Status RfbClient::status() const {
  MutexLock lock(mutex_);
  return phase_ == Phase::kClosed ? status_ : absl::OkStatus();
}

ScreenChange RfbClient::change() const {
  MutexLock lock(mutex_);
  return change_;
}

int RfbClient::width() const {
  MutexLock lock(mutex_);
  return screen_.width_px;
}

int RfbClient::height() const {
  MutexLock lock(mutex_);
  return screen_.height_px;
}

void RfbClient::Copy(imaging::Image& image, uint64_t& count) const {
  MutexLock lock(mutex_);
  if (count == change_.count && image.width_px == screen_.width_px && image.height_px == screen_.height_px) return;
  image.width_px = screen_.width_px;
  image.height_px = screen_.height_px;
  image.bgra = screen_.bgra;
  count = change_.count;
}

absl::Status RfbClient::Send(const CallContext& context, const std::vector<RfbEvent>& events) {
  std::string bytes;
  for (const RfbEvent& event : events) bytes += Encode(event);
  MutexLock lock(mutex_);
  if (phase_ == Phase::kClosed) return status_;
  if (pending_.size() + bytes.size() > kMaxPendingBytes) return absl::UnavailableError("the VNC server takes no input");
  pending_ += bytes;
  asked_bytes_ += bytes.size();
  const uint64_t wanted = asked_bytes_;
  Wake();
  PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
      context, mutex_, changed_,
      [this, wanted]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return phase_ == Phase::kClosed || written_bytes_ >= wanted; },
      "input to the VNC server"));
  return phase_ == Phase::kClosed ? status_ : absl::OkStatus();
}

absl::StatusOr<bool> RfbClient::AwaitStill(const CallContext& context, absl::Time since, absl::Duration still, absl::Duration cap) {
  const absl::Time end = since + cap;
  MutexLock lock(mutex_);
  for (;;) {
    if (phase_ == Phase::kClosed) return status_;
    PROCTOR_RETURN_IF_ERROR(context.Check("the screen to come to rest"));
    const absl::Time rest = std::max(since, change_.time) + still;
    const absl::Time now = absl::Now();
    if (now >= rest) return true;
    if (now >= end) return false;
    const uint64_t count = change_.count;
    // Until it may be at rest; a change or the cap makes that another moment.
    const absl::Status waited = AwaitWithContext(
        context.Child(std::min(rest, end) - now), mutex_, changed_,
        [this, count]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return phase_ == Phase::kClosed || change_.count != count; },
        "the screen to come to rest");
    if (absl::IsCancelled(waited)) return waited;
  }
}

void RfbClient::EndWith(const absl::Status& status) {
  MutexLock lock(mutex_);
  phase_ = Phase::kClosed;
  status_ = status;
  changed_.SignalAll();
}

void RfbClient::Run() {
  // The library writes without asking for EPIPE instead.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  absl::Status status = Handshake();
  if (status.ok()) {
    while (Serve()) {
    }
    status = absl::UnavailableError(failure_.empty() ? "the VNC server closed the connection" : failure_);
  }
  if (client_ != nullptr) {
    // Its buffer is ours.
    client_->frameBuffer = nullptr;
    // The library allocates the pointer's shape and forgets it.
    for (uint8_t** shape : {&client_->rcSource, &client_->rcMask}) {
      free(*shape);
      *shape = nullptr;
    }
    rfbClientCleanup(client_);
    client_ = nullptr;
  }
  EndWith(status);
}

absl::Status RfbClient::Handshake() {
  client_ = rfbGetClient(8, 3, 4);
  if (client_ == nullptr) return absl::ResourceExhaustedError("no memory for a VNC client");
  rfbClientSetClientData(client_, &kClientTag, this);
  client_->MallocFrameBuffer = &RfbCallbacks::MakeBuffer;
  fill_ = std::exchange(client_->GotFillRect, &RfbCallbacks::Fill);
  client_->GotFrameBufferUpdate = &RfbCallbacks::Updated;
  client_->FinishedFrameBufferUpdate = &RfbCallbacks::Finished;
  client_->GetPassword = &RfbCallbacks::Password;
  client_->Bell = &RfbCallbacks::Ignore;
  client_->GotXCutText = &RfbCallbacks::IgnoreText;
  client_->GotCursorShape = &RfbCallbacks::ForgetMask;
  client_->canHandleNewFBSize = TRUE;
  // Blue, green, red, nothing: as `imaging` has it.
  client_->format.redShift = 16;
  client_->format.greenShift = 8;
  client_->format.blueShift = 0;
  client_->appData.encodingsString = options_.encodings.c_str();
  client_->appData.enableJPEG = FALSE;
  // The pointer is told apart, not drawn into the picture.
  client_->appData.useRemoteCursor = TRUE;
  client_->readTimeout = kReadTimeoutSeconds;
  const uint32_t with_password[] = {rfbVncAuth, rfbNoAuth};
  const uint32_t without[] = {rfbNoAuth};
  options_.password.empty() ? SetClientAuthSchemes(client_, without, 1) : SetClientAuthSchemes(client_, with_password, 2);
  // It talks on the socket that we give it, and closes it; ours stays, for the destructor to shut.
  client_->listenSpecified = TRUE;
  client_->sock = fcntl(socket_, F_DUPFD_CLOEXEC, 3);
  if (client_->sock < 0) return absl::ResourceExhaustedError("no descriptors left");
  // The library waits by select(), which writes past its sets for larger ones.
  if (client_->sock >= FD_SETSIZE) {
    close(std::exchange(client_->sock, -1));
    return absl::ResourceExhaustedError(
        absl::StrCat("a screen's connection needs one of the first ", FD_SETSIZE, " descriptors, and all are open: close connections or sessions"));
  }
  if (rfbInitClient(client_, nullptr, nullptr)) return absl::OkStatus();
  // The library has freed it.
  client_ = nullptr;
  return absl::UnavailableError(failure_.empty() ? "the VNC server does not speak RFB as it should, or refuses the password" : failure_);
}

bool RfbClient::WritePending() {
  std::string bytes;
  {
    MutexLock lock(mutex_);
    bytes.swap(pending_);
  }
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t size = send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (size > 0) at += static_cast<size_t>(size);
    if (size >= 0) continue;
    // Its buffer is full: it may be waiting for us to read. Both ways must go on.
    break;
  }
  MutexLock lock(mutex_);
  pending_.insert(0, bytes, at);
  written_bytes_ += at;
  changed_.SignalAll();
  return true;
}

// One turn: what came is handled, what waits is written. False: it is over.
bool RfbClient::Serve() {
  bool writing = false;
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    writing = !pending_.empty();
  }
  pollfd waits[2] = {{socket_, static_cast<short>(POLLIN | (writing ? POLLOUT : 0)), 0}, {wake_fd_, POLLIN, 0}};
  // Read ahead by the library: there is no other sign of it.
  const int timeout = client_->buffered > 0 ? 0 : -1;
  if (poll(waits, 2, timeout) < 0 && errno != EINTR) return false;
  uint64_t woken = 0;
  [[maybe_unused]] const ssize_t size = read(wake_fd_, &woken, sizeof woken);
  if (!WritePending()) return false;
  if (client_->buffered > 0 || (waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (!HandleRFBServerMessage(client_)) return false;
  }
  return true;
}

bool RfbClient::MakeBuffer(_rfbClient* client) {
  const int width = client->width, height = client->height;
  dirty_.clear();
  dirty_pixels_ = 0;
  if (Stopping()) {
    client->width = client->height = 0;
    return false;
  }
  if (width <= 0 || height <= 0 || width > kMaxSidePx || height > kMaxSidePx) {
    failure_ = absl::StrCat("the screen of ", width, " x ", height, " pixels is too large: at most ", kMaxSidePx, " x ", kMaxSidePx);
    // Nothing can be drawn on it any more.
    client->width = client->height = 0;
    client->frameBuffer = nullptr;
    shutdown(socket_, SHUT_RDWR);
    return false;
  }
  buffer_.assign(size_t{4} * static_cast<size_t>(width) * static_cast<size_t>(height), 0);
  client->frameBuffer = buffer_.data();
  client->updateRect = {0, 0, width, height};
  MutexLock lock(mutex_);
  screen_.width_px = width;
  screen_.height_px = height;
  // Black and opaque until it is drawn.
  screen_.bgra.assign(buffer_.size(), 0);
  for (size_t i = 3; i < screen_.bgra.size(); i += 4) screen_.bgra[i] = 255;
  return true;
}

// A few bytes of a message may ask for the whole screen to be drawn, thousands of times.
void RfbClient::Fill(_rfbClient* client, int x, int y, int width, int height, uint32_t color) {
  if (!Stopping()) fill_(client, x, y, width, height, color);
}

void RfbClient::Updated(int x, int y, int width, int height) {
  const int64_t screen = int64_t{client_->width} * client_->height;
  dirty_pixels_ += int64_t{width} * height;
  if (dirty_.size() < kMaxDirty && dirty_pixels_ <= screen) {
    dirty_.push_back({x, y, width, height});
  } else {
    dirty_ = {{0, 0, client_->width, client_->height}};
    dirty_pixels_ = screen;
  }
  // The library refuses the next rectangle then, and with it the rest of the message.
  if (Stopping()) client_->width = client_->height = 0;
}

void RfbClient::Finished() {
  if (dirty_.empty()) return;
  MutexLock lock(mutex_);
  const int width = screen_.width_px, height = screen_.height_px;
  for (const Dirty& dirty : dirty_) {
    const int left = std::clamp(dirty.x, 0, width), right = std::clamp(dirty.x + dirty.width, left, width);
    const int top = std::clamp(dirty.y, 0, height), bottom = std::clamp(dirty.y + dirty.height, top, height);
    for (int row = top; row < bottom; ++row) {
      const size_t at = size_t{4} * (static_cast<size_t>(row) * static_cast<size_t>(width) + static_cast<size_t>(left));
      const auto* from = reinterpret_cast<const uint32_t*>(buffer_.data() + at);
      auto* to = reinterpret_cast<uint32_t*>(screen_.bgra.data() + at);
      for (int i = 0; i < right - left; ++i) to[i] = from[i] | 0xff000000U;
    }
  }
  dirty_.clear();
  dirty_pixels_ = 0;
  ++change_.count;
  change_.time = absl::Now();
  phase_ = Phase::kOpen;
  changed_.SignalAll();
}

}  // namespace proctor::env::desktop
