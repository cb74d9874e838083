#include "env/desktop/guest/bus_calls.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace proctor::env::desktop::guest {
namespace {

absl::Status FromError(GError* error) {
  absl::Status status = absl::UnavailableError(error != nullptr ? error->message : "no answer");
  if (error != nullptr) g_error_free(error);
  return status;
}

int LeftMs(absl::Time deadline) {
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(deadline - absl::Now()), 1, 60'000));
}

gboolean Wake(gpointer) { return G_SOURCE_CONTINUE; }

}  // namespace

absl::StatusOr<BusConnection> ConnectBus(const std::string& address) {
  GError* error = nullptr;
  GDBusConnection* connection = g_dbus_connection_new_for_address_sync(
      address.c_str(),
      static_cast<GDBusConnectionFlags>(G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                        G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION),
      nullptr, nullptr, &error);
  if (connection == nullptr) return FromError(error);
  return BusConnection(connection);
}

BusCalls::BusCalls(GDBusConnection* connection, absl::Time deadline)
    : connection_(connection), deadline_(deadline), cancel_(g_cancellable_new()), state_(std::make_shared<State>()) {}

BusCalls::~BusCalls() {
  g_cancellable_cancel(cancel_);
  g_object_unref(cancel_);
}

void BusCalls::Send(const BusCall& call, std::function<void(GVariant*)> done) {
  ++state_->pending;
  auto* pending = new Pending{state_, G_CANCELLABLE(g_object_ref(cancel_)), std::move(done)};
  g_dbus_connection_call(connection_, call.bus.c_str(), call.path.c_str(), call.interface.c_str(), call.method.c_str(),
                         call.arguments, call.reply == nullptr ? nullptr : G_VARIANT_TYPE(call.reply),
                         G_DBUS_CALL_FLAGS_NONE, LeftMs(deadline_), cancel_, &BusCalls::OnReply, pending);
}

void BusCalls::OnReply(GObject* source, GAsyncResult* result, gpointer data) {
  const std::unique_ptr<Pending> pending(static_cast<Pending*>(data));
  GVariant* reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, nullptr);
  --pending->state->pending;
  // Cancelled: those who asked are gone.
  if (!g_cancellable_is_cancelled(pending->cancel)) pending->done(reply);
  g_object_unref(pending->cancel);
  if (reply != nullptr) g_variant_unref(reply);
}

bool BusCalls::Await() {
  // The context sleeps until something happens; this makes the deadline happen.
  const guint timer = g_timeout_add(static_cast<guint>(LeftMs(deadline_)), &Wake, nullptr);
  while (state_->pending > 0 && absl::Now() < deadline_) g_main_context_iteration(nullptr, TRUE);
  g_source_remove(timer);
  return state_->pending == 0;
}

absl::StatusOr<Variant> CallBus(GDBusConnection* connection, const BusCall& call, absl::Time deadline) {
  GError* error = nullptr;
  GVariant* reply = g_dbus_connection_call_sync(
      connection, call.bus.c_str(), call.path.c_str(), call.interface.c_str(), call.method.c_str(), call.arguments,
      call.reply == nullptr ? nullptr : G_VARIANT_TYPE(call.reply), G_DBUS_CALL_FLAGS_NONE, LeftMs(deadline), nullptr, &error);
  if (reply == nullptr) return FromError(error);
  return Variant(reply);
}

}  // namespace proctor::env::desktop::guest
