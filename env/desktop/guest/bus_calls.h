// D-Bus calls, many at a time, with one deadline for all of them.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_BUS_CALLS_H_
#define PROCTOR_ENV_DESKTOP_GUEST_BUS_CALLS_H_

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::env::desktop::guest {

// Owns a reference to a value; may hold none.
class Variant {
 public:
  Variant() = default;
  explicit Variant(GVariant* value) : value_(value) {}
  Variant(Variant&& other) noexcept : value_(other.value_) { other.value_ = nullptr; }
  Variant& operator=(Variant&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Variant() {
    if (value_ != nullptr) g_variant_unref(value_);
  }
  GVariant* get() const { return value_; }
  explicit operator bool() const { return value_ != nullptr; }

 private:
  GVariant* value_ = nullptr;
};

struct BusConnectionCloser {
  void operator()(GDBusConnection* connection) const { g_object_unref(connection); }
};
using BusConnection = std::unique_ptr<GDBusConnection, BusConnectionCloser>;

// UNAVAILABLE: nobody answers there.
absl::StatusOr<BusConnection> ConnectBus(const std::string& address);

struct BusCall {
  std::string bus;
  std::string path;
  std::string interface;
  std::string method;
  // Floating, or null.
  GVariant* arguments = nullptr;
  // What the answer must look like, "(as)".
  const char* reply = nullptr;
};

// A batch. Answers may send more. One thread, that of the default main context, whose other sources run meanwhile.
class BusCalls {
 public:
  // `connection` outlives it.
  BusCalls(GDBusConnection* connection, absl::Time deadline);
  // What has not been answered is forgotten.
  ~BusCalls();

  // `done` gets null if the call failed or its answer looks otherwise than said.
  void Send(const BusCall& call, std::function<void(GVariant*)> done);
  // Until everything is answered. False: the deadline came.
  bool Await();

 private:
  struct State {
    int pending = 0;
  };
  struct Pending {
    std::shared_ptr<State> state;
    GCancellable* cancel = nullptr;
    std::function<void(GVariant*)> done;
  };
  static void OnReply(GObject* source, GAsyncResult* result, gpointer data);

  GDBusConnection* const connection_;
  const absl::Time deadline_;
  GCancellable* const cancel_;
  std::shared_ptr<State> state_;
};

// One call. UNAVAILABLE with the error's text.
absl::StatusOr<Variant> CallBus(GDBusConnection* connection, const BusCall& call, absl::Time deadline);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_BUS_CALLS_H_
