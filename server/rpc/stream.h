// The one reusable reactor for streams: one mutex, one read and one write in flight, one place that finishes.
//
// A Stream joins a gRPC reactor (bidi, or server streaming with the request given at the start) with a Handler that runs on
// a serial executor of the stream's own, so that handlers need no locks and gRPC's reactions only move data.
//
// Back-pressure: at most `max_unreleased` messages are with the handler at once, and no other is read while those have
// kMaxUnreleasedBytes or more; each must be released. Writes are queued without a bound here: a handler bounds them by what it
// releases (Act) or by credits (rewards).
#ifndef PROCTOR_SERVER_RPC_STREAM_H_
#define PROCTOR_SERVER_RPC_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/log_request.h"
#include "common/mutex.h"
#include "server/rpc/status.h"

namespace proctor::server {

// Real requests have far less; one that is larger is alone.
inline constexpr size_t kMaxUnreleasedBytes = size_t{4} << 20;

// What a handler may do with its stream, from any thread, also after the stream's end (then it does nothing).
template <typename Response>
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // Queues a message.
  virtual void Write(Response response) = 0;
  // A message given to OnMessage is done with: another may come.
  virtual void Release() = 0;
  // Ends the stream after what is queued. The first status counts.
  virtual void Finish(absl::Status status) = 0;
  virtual const CallContext& call() const = 0;
};

// The logic of one stream. All methods run on the stream's serial executor, never two at once.
template <typename Request, typename Response>
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // First. `writer` may be kept.
  virtual void OnOpen(std::shared_ptr<StreamWriter<Response>> writer) = 0;
  // Release() it when it is done with.
  virtual void OnMessage(Request request) = 0;
  // OnMessage of this one only moves data and posts work, so it may run within gRPC's reaction if nothing of the handler runs or waits.
  // Asked from any thread.
  virtual bool is_quick(const Request&) const { return false; }
  // The client will send no more. A handler with nothing left to say finishes.
  virtual void OnHalfClose() = 0;
  // Queued writes went out (server streaming: write the next). Only called if `wants_drained`: it takes a thread's turn.
  virtual void OnDrained() {}
  virtual bool wants_drained() const { return false; }
  // Last: the stream is over, whoever ended it. The handler dies afterwards.
  virtual void OnClosed() = 0;
};

namespace internal {

// The part that outlives the reactor, shared with handlers.
template <typename Request, typename Response, typename Reactor>
class StreamCore final : public StreamWriter<Response>,
                         public std::enable_shared_from_this<StreamCore<Request, Response, Reactor>> {
 public:
  using Handler = StreamHandler<Request, Response>;

  StreamCore(Reactor* reactor, grpc::CallbackServerContext& context, Executor& pool,
             std::unique_ptr<Handler> handler, int max_unreleased)
      : call_(ContextOf(context)),
        context_(&context),
        serial_(pool),
        handler_(std::move(handler)),
        wants_drained_(handler_->wants_drained()),
        max_unreleased_(max_unreleased),
        reactor_(reactor) {}

  const CallContext& call() const override { return call_; }

  void Open() {
    Post([](StreamCore& core) { core.handler_->OnOpen(core.shared_from_this()); });
  }

  void Write(Response response) override {
    MutexLock lock(mutex_);
    if (reactor_ == nullptr || finishing_) return;
    queue_.push_back(std::move(response));
    Advance();
  }

  void Release() override {
    MutexLock lock(mutex_);
    if (unreleased_.empty()) return;
    unreleased_bytes_ -= unreleased_.front();
    unreleased_.pop_front();
    if (reactor_ == nullptr || !wants_read_ || !HasRoom() || finishing_) return;
    wants_read_ = false;
    reactor_->Read();
  }

  void Finish(absl::Status status) override {
    MutexLock lock(mutex_);
    if (finishing_) return;
    finishing_ = true;
    final_status_ = std::move(status);
    Advance();
  }

  // A message came: true if the reactor may read on at once.
  bool Received(Request request) {
    bool more = false;
    const size_t bytes = request.ByteSizeLong();
    {
      MutexLock lock(mutex_);
      unreleased_.push_back(bytes);
      unreleased_bytes_ += bytes;
      more = HasRoom() && !finishing_;
      wants_read_ = !more;
    }
    const bool quick = handler_->is_quick(request);
    auto task = Task([request = std::make_shared<Request>(std::move(request))](StreamCore& core) {
      core.handler_->OnMessage(std::move(*request));
    });
    quick ? serial_.RunOrPost(std::move(task)) : serial_.Post(std::move(task));
    return more;
  }

  void HalfClosed() {
    Post([](StreamCore& core) { core.handler_->OnHalfClose(); });
  }

  void Written(bool ok) {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) {
      queue_.clear();
      if (!finishing_) {
        finishing_ = true;
        final_status_ = absl::CancelledError("the client is gone");
      }
    } else {
      queue_.pop_front();
      if (wants_drained_ && queue_.empty() && !finishing_) {
        Post([](StreamCore& core) { core.handler_->OnDrained(); });
      }
    }
    Advance();
  }

  void Cancelled() {
    call_.cancel()->Cancel();
    MutexLock lock(mutex_);
    queue_ = writing_ ? TakeFirst(queue_) : std::deque<Response>();
    if (!finishing_) {
      finishing_ = true;
      final_status_ = absl::CancelledError("cancelled by the client");
    }
    Advance();
  }

  // The reactor is about to die.
  void Done() {
    {
      MutexLock lock(mutex_);
      reactor_ = nullptr;
      context_ = nullptr;
    }
    call_.cancel()->Cancel();
    Post([](StreamCore& core) {
      core.handler_->OnClosed();
      core.handler_.reset();
    });
  }

 private:
  static std::deque<Response> TakeFirst(std::deque<Response>& queue) {
    std::deque<Response> first;
    if (!queue.empty()) first.push_back(std::move(queue.front()));
    return first;
  }

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(unreleased_.size()) < max_unreleased_ && unreleased_bytes_ < kMaxUnreleasedBytes;
  }

  std::function<void()> Task(std::function<void(StreamCore&)> task) {
    return [self = this->shared_from_this(), task = std::move(task)] {
      const LogRequest log(self->call_.request_id());
      if (self->handler_ != nullptr) task(*self);
    };
  }
  void Post(std::function<void(StreamCore&)> task) { serial_.Post(Task(std::move(task))); }

  // Starts the next write, or the finish after the last. gRPC allows Start* under a lock: they never call back inline.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (reactor_ == nullptr || writing_ || finished_) return;
    if (!queue_.empty()) {
      writing_ = true;
      reactor_->StartWrite(&queue_.front());
    } else if (finishing_) {
      finished_ = true;
      reactor_->Finish(ToGrpcStatus(final_status_, *context_));
    }
  }

  const CallContext call_;
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);
  SerialExecutor serial_;
  std::unique_ptr<Handler> handler_;  // In `serial_` only, but for is_quick, which is asked before Done.
  const bool wants_drained_;
  const int max_unreleased_;

  Mutex mutex_;
  Reactor* reactor_ ABSL_GUARDED_BY(mutex_);
  std::deque<Response> queue_ ABSL_GUARDED_BY(mutex_);  // The front is being written while `writing_`.
  // The sizes of the messages that are with the handler, which releases them in about this order.
  std::deque<size_t> unreleased_ ABSL_GUARDED_BY(mutex_);
  size_t unreleased_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool wants_read_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status final_status_ ABSL_GUARDED_BY(mutex_);
};

template <typename Request, typename Response>
class BidiReactor final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  BidiReactor(grpc::CallbackServerContext& context, Executor& pool,
              std::unique_ptr<StreamHandler<Request, Response>> handler, int max_unreleased)
      : core_(std::make_shared<StreamCore<Request, Response, BidiReactor>>(
            this, context, pool, std::move(handler), max_unreleased)) {
    core_->Open();
    Read();
  }

  void Read() { this->StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      core_->HalfClosed();
    } else if (core_->Received(std::move(request_))) {
      request_.Clear();
      Read();
    }
  }
  void OnWriteDone(bool ok) override { core_->Written(ok); }
  void OnCancel() override { core_->Cancelled(); }
  void OnDone() override {
    core_->Done();
    delete this;
  }

 private:
  Request request_;
  const std::shared_ptr<StreamCore<Request, Response, BidiReactor>> core_;
};

template <typename Response>
class WriteReactor final : public grpc::ServerWriteReactor<Response> {
 public:
  struct NoRequest {};
  using Handler = StreamHandler<NoRequest, Response>;

  WriteReactor(grpc::CallbackServerContext& context, Executor& pool, std::unique_ptr<Handler> handler)
      : core_(std::make_shared<StreamCore<NoRequest, Response, WriteReactor>>(
            this, context, pool, std::move(handler), 1)) {
    core_->Open();
  }

  void Read() {}
  void OnWriteDone(bool ok) override { core_->Written(ok); }
  void OnCancel() override { core_->Cancelled(); }
  void OnDone() override {
    core_->Done();
    delete this;
  }

 private:
  const std::shared_ptr<StreamCore<NoRequest, Response, WriteReactor>> core_;
};

}  // namespace internal

// Serves a bidi stream with `handler` on `pool`.
template <typename Request, typename Response>
grpc::ServerBidiReactor<Request, Response>* ServeBidi(
    grpc::CallbackServerContext* context, Executor& pool,
    std::unique_ptr<StreamHandler<Request, Response>> handler, int max_unreleased = 16) {
  return new internal::BidiReactor<Request, Response>(*context, pool, std::move(handler),
                                                      max_unreleased);
}

// The handler of a server stream: only OnOpen, OnDrained and OnClosed are called.
template <typename Response>
class ServerStreamHandler
    : public StreamHandler<typename internal::WriteReactor<Response>::NoRequest, Response> {
 public:
  void OnMessage(typename internal::WriteReactor<Response>::NoRequest) override {}
  void OnHalfClose() override {}
};

// Serves a server stream with `handler` on `pool`.
template <typename Response>
grpc::ServerWriteReactor<Response>* ServeWrites(grpc::CallbackServerContext* context, Executor& pool,
                                                std::unique_ptr<ServerStreamHandler<Response>> handler) {
  return new internal::WriteReactor<Response>(*context, pool, std::move(handler));
}

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_STREAM_H_
