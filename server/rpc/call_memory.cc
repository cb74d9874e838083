#include "server/rpc/call_memory.h"

#include <grpc/grpc.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/retry_hint.h"
#include "common/strings.h"
#include "server/rpc/status.h"

namespace proctor::server {
namespace {

using google::protobuf::Message;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using Point = grpc::experimental::InterceptionHookPoints;

// How a refusal reaches the method: as metadata. What a client sends under these names is dropped.
constexpr char kRefusedForNow[] = "proctor-no-memory-now";
constexpr char kRefused[] = "proctor-no-memory";
constexpr absl::Duration kRetryAfter = absl::Seconds(2);
// Smaller messages are not worth a look through all their fields.
constexpr size_t kSmallMessage = 4 << 10;
// Smaller answers go out whatever waits: they tell of what was done.
constexpr size_t kLargeAnswer = 64 << 10;

// Lives as long as its call.
class MemoryInterceptor final : public grpc::experimental::Interceptor {
 public:
  MemoryInterceptor(ByteBudget& budget, const Patience& patience, const ServerRpcInfo& info, grpc::ServerContextBase& context)
      : patience_(patience), context_(context), unary_(info.type() == ServerRpcInfo::Type::UNARY), share_(budget) {}
  ~MemoryInterceptor() override { StopTimer(); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_INITIAL_METADATA)) {
      metadata_ = methods->GetRecvInitialMetadata();
      for (const char* key : {kRefusedForNow, kRefused}) metadata_->erase(key);
    }
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE)) Received(methods->GetRecvMessage());
    if (unary_ && methods->QueryInterceptionHookPoint(Point::PRE_SEND_MESSAGE)) Send(*methods);
    if (methods->QueryInterceptionHookPoint(Point::POST_SEND_MESSAGE)) {
      // The call still lives: a break that begins is over before this goes on.
      StopTimer();
    }
    methods->Proceed();
  }

 private:
  void StopTimer() {
    if (timer_ != 0) patience_.timers.Cancel(std::exchange(timer_, 0));
  }

  void Received(const void* message) {
    // Null: the client sends no more, or what cannot be parsed.
    if (message == nullptr || metadata_ == nullptr) return;
    const absl::Status held = share_.Add(MemoryOf(*static_cast<const Message*>(message)));
    if (held.ok()) return;
    refusal_ = std::string(held.message());
    metadata_->emplace(RetryHint(held) ? kRefusedForNow : kRefused, refusal_);
  }

  void Send(InterceptorBatchMethods& methods) {
    const auto* const message = static_cast<const Message*>(methods.GetSendMessage());
    const size_t bytes = message == nullptr ? 0 : message->ByteSizeLong();
    if (bytes < kLargeAnswer) return;
    if (const absl::Status held = share_.Add(static_cast<int64_t>(bytes)); !held.ok()) {
      methods.ModifySendMessage(nullptr);
      methods.ModifySendStatus(ToGrpcStatus(held, context_));
      return;
    }
    timer_ = patience_.timers.RunAfter(patience_.For(bytes), [this] {
      BreakCall(context_, absl::UnavailableError(absl::StrCat("the client did not take the answer for ", absl::FormatDuration(patience_.timeout),
                                                              " (connections.stalled_reader_timeout)")));
    });
  }

  const Patience& patience_;
  grpc::ServerContextBase& context_;
  const bool unary_;
  ByteBudget::Share share_;
  std::multimap<grpc::string_ref, grpc::string_ref>* metadata_ = nullptr;
  // Referred to by the metadata.
  std::string refusal_;
  uint64_t timer_ = 0;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(ByteBudget& budget, const Patience& patience) : budget_(budget), patience_(patience) {}
  // gRPC hands messages on as void*. Those of our services are protobuf messages, whose base is where they begin.
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    const bool one_request = info->type() == ServerRpcInfo::Type::UNARY || info->type() == ServerRpcInfo::Type::SERVER_STREAMING;
    if (!one_request || !std::string_view(info->method()).starts_with("/proctor.")) return nullptr;
    return new MemoryInterceptor(budget_, patience_, *info, *info->server_context());  // gRPC owns it.
  }

 private:
  ByteBudget& budget_;
  const Patience patience_;
};

}  // namespace

int64_t MemoryOf(const Message& message) {
  const size_t bytes = message.ByteSizeLong();
  return static_cast<int64_t>(bytes < kSmallMessage ? bytes : message.SpaceUsedLong());
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CountMemory(ByteBudget& budget, const Patience& patience) {
  return std::make_unique<Factory>(budget, patience);
}

absl::Status CheckMemory(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  for (const char* key : {kRefusedForNow, kRefused}) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) continue;
    const absl::Status refused = absl::ResourceExhaustedError(absl::string_view(found->second.data(), found->second.size()));
    return key == kRefused ? refused : WithRetryHint(refused, kRetryAfter);
  }
  return absl::OkStatus();
}

void BreakCall(grpc::ServerContextBase& context, const absl::Status& status) {
  // ServerContextBase::TryCancel would say CANCELLED.
  const std::string message = SanitizeUtf8(ToStd(status.message()));
  grpc_call_cancel_with_status(context.c_call(), static_cast<grpc_status_code>(status.code()), message.c_str(), nullptr);
}

}  // namespace proctor::server
