// One connection to a VNC server: its screen kept up to date, pointer and keys.
//
// What comes in is untrusted, the server of a remote display above all: sizes are limited, and no call waits longer than its context,
// whatever the other side does or leaves undone.
#ifndef PROCTOR_ENV_DESKTOP_RFB_CLIENT_H_
#define PROCTOR_ENV_DESKTOP_RFB_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "imaging/image.h"

struct _rfbClient;  // NOLINT(bugprone-reserved-identifier): libvncclient's name for it.

namespace proctor::env::desktop {

// Bits of a pointer event.
inline constexpr int kButtonLeft = 1;
inline constexpr int kButtonMiddle = 2;
inline constexpr int kButtonRight = 4;
inline constexpr int kWheelUp = 8;
inline constexpr int kWheelDown = 16;
inline constexpr int kWheelLeft = 32;
inline constexpr int kWheelRight = 64;

struct RfbOptions {
  // Where the server asks for one.
  std::string password;
  // What the screen may be sent as, best first: names of libvncclient. On the same machine raw is quickest (4 ms for 1280 x 720; zrle 17).
  std::string encodings = "raw";
};

// How the screen stands.
struct ScreenChange {
  // Counts changes.
  uint64_t count = 0;
  // When the last one came.
  absl::Time time;
};

// A pointer or key event, in the order given.
struct RfbEvent {
  static RfbEvent Pointer(int x, int y, int buttons) { return {.x = x, .y = y, .buttons = buttons}; }
  static RfbEvent Key(uint32_t keysym, bool down) { return {.is_key = true, .keysym = keysym, .down = down}; }

  bool is_key = false;
  uint32_t keysym = 0;
  bool down = false;
  int x = 0;
  int y = 0;
  int buttons = 0;
};

// Thread-safe. One thread of its own, which alone talks to the server.
class RfbClient {
 public:
  // Largest screen, each side.
  static constexpr int kMaxSidePx = 4096;

  // Takes over `socket`, connected; waits for the first whole picture. UNAVAILABLE: the other side is no VNC server, refuses the password,
  // or its screen is too large; DEADLINE_EXCEEDED, CANCELLED.
  static absl::StatusOr<std::unique_ptr<RfbClient>> Connect(const CallContext& context, int socket, RfbOptions options);
  ~RfbClient();

  // OK while the connection stands; else UNAVAILABLE with the reason.
  absl::Status status() const;
  ScreenChange change() const;
  // Size of the screen.
  int width() const;
  int height() const;

  // Sends the events; returns once they are written. UNAVAILABLE; DEADLINE_EXCEEDED, CANCELLED: they are written all the same, later.
  absl::Status Send(const CallContext& context, const std::vector<RfbEvent>& events);

  // Copies the screen unless `image` holds it already: `count` says which change it shows, and is updated.
  void Copy(imaging::Image& image, uint64_t& count) const;

  // Waits until nothing has changed for `still`, counted from `since` at the earliest. False: `cap` came first. UNAVAILABLE; CANCELLED,
  // DEADLINE_EXCEEDED from `context`.
  absl::StatusOr<bool> AwaitStill(const CallContext& context, absl::Time since, absl::Duration still, absl::Duration cap);

 private:
  enum class Phase { kConnecting, kOpen, kClosed };

  RfbClient(int socket, RfbOptions options);
  void Run();
  absl::Status Handshake();
  bool Serve();
  bool WritePending();
  void EndWith(const absl::Status& status);
  void Wake() const;
  bool Stopping() const;

  // Called by the library, on the thread.
  bool MakeBuffer(_rfbClient* client);
  void Fill(_rfbClient* client, int x, int y, int width, int height, uint32_t color);
  void Updated(int x, int y, int width, int height);
  void Finished();
  friend struct RfbCallbacks;

  const RfbOptions options_;
  const int socket_;
  const int wake_fd_;
  // The thread's alone.
  _rfbClient* client_ = nullptr;
  std::vector<uint8_t> buffer_;
  struct Dirty {
    int x, y, width, height;
  };
  // Together never more than the screen, however often it was drawn over.
  std::vector<Dirty> dirty_;
  int64_t dirty_pixels_ = 0;
  void (*fill_)(_rfbClient*, int, int, int, int, uint32_t) = nullptr;
  std::string failure_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kConnecting;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  ScreenChange change_ ABSL_GUARDED_BY(mutex_);
  imaging::Image screen_ ABSL_GUARDED_BY(mutex_);
  // Messages that wait to be written, and how many bytes were ever asked and written.
  std::string pending_ ABSL_GUARDED_BY(mutex_);
  uint64_t asked_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t written_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_RFB_CLIENT_H_
