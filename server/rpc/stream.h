// The one reusable reactor for streams: one mutex, one read and one write in flight, one place that finishes.
//
// A Stream joins a gRPC reactor (bidi, or server streaming with the request given at the start) with a Handler that runs on
// a serial executor of the stream's own, so that handlers need no locks and gRPC's reactions only move data.
//
// Back-pressure: at most `max_unreleased` messages are with the handler at once, and no other is read while those have
// kMaxUnreleasedBytes or more, or while that much is to be written; each must be released. So what is queued is bounded where each
// message is released by its answer (Act), and where one is written at a time (rewards, server streams). A client that takes nothing of what is
// being written for as long as its Patience (at most twice that) loses the stream: StreamHandler::stalled, and all that was queued is dropped.
// Where there is no memory for a message (CallBooks::memory) the stream ends RESOURCE_EXHAUSTED. The message of a caller who is not known any
// more is dropped, and the stream with what is queued: UNAUTHENTICATED.
#ifndef PROCTOR_SERVER_RPC_STREAM_H_
#define PROCTOR_SERVER_RPC_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/serial_executor.h"
#include "common/log_request.h"
#include "common/mutex.h"
#include "server/rpc/call_memory.h"
#include "server/rpc/status.h"
#include "server/rpc/stream_call.h"

namespace proctor::server {

// Real requests have far less; one that is larger is alone.
inline constexpr size_t kMaxUnreleasedBytes = size_t{4} << 20;
// A client that reads has taken most of it by the time that the next answer is there.
inline constexpr size_t kMaxUnwrittenBytes = size_t{4} << 20;

// What a handler may do with its stream, from any thread, also after the stream's end (then it does nothing).
template <typename Response>
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // Queues a message.
  virtual void Write(Response response) = 0;
  // The same; when it went out, a message given to OnMessage is done with.
  virtual void WriteAndRelease(Response response) = 0;
  // A message given to OnMessage is done with: another may come.
  virtual void Release() = 0;
  // Ends the stream after what is queued. The first status counts.
  virtual void Finish(absl::Status status) = 0;
  // See StreamContextOf: mostly without a deadline.
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
  // OnMessage of this one takes microseconds (it moves data and posts work), so it may run within gRPC's reaction if nothing of the handler
  // runs or waits.
  // Asked from any thread.
  virtual bool is_quick(const Request&) const { return false; }
  // The client will send no more. A handler with nothing left to say finishes.
  virtual void OnHalfClose() = 0;
  // Queued writes went out (server streaming: write the next). Only called if `wants_drained`: it takes a thread's turn.
  virtual void OnDrained() {}
  virtual bool wants_drained() const { return false; }
  // What a client is told that took nothing for so long. Asked from any thread, under the stream's lock.
  virtual absl::Status stalled(absl::Duration timeout) const {
    return absl::UnavailableError(absl::StrCat("the client took nothing of what was written to it for ", absl::FormatDuration(timeout),
                                               " (connections.stalled_reader_timeout): open another stream"));
  }
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

  // `books` null: interceptors see to the call, and `patience`, which outlives it, is how long its client may take nothing. Both null: as long
  // as it likes.
  StreamCore(Reactor* reactor, grpc::CallbackServerContext& context, Executor& pool,
             std::unique_ptr<Handler> handler, int max_unreleased, std::unique_ptr<StreamCall> books, const Patience* patience = nullptr)
      : call_(books == nullptr ? StreamContextOf(context) : StreamContextOf(context, books->id())),
        patience_(books == nullptr ? patience : books->patience()),
        books_(std::move(books)),
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

  void Write(Response response) override { Queue(std::move(response), /*releases=*/false); }
  void WriteAndRelease(Response response) override { Queue(std::move(response), /*releases=*/true); }

  void Release() override {
    MutexLock lock(mutex_);
    ReleaseOne();
    ReadIfRoom();
  }

  void Finish(absl::Status status) override {
    {
      MutexLock lock(mutex_);
      if (finishing_) return;
      finishing_ = true;
      final_status_ = std::move(status);
    }
    Advance();
  }

  // A message came: true if the reactor may read on at once.
  bool Received(Request request) {
    if (books_ != nullptr) {
      if (const absl::Status may = books_->Received(request); !may.ok()) {
        MutexLock lock(mutex_);
        EndAtOnce(may);
        return false;
      }
    }
    bool more = false;
    const auto bytes = static_cast<size_t>(MemoryOf(request));
    absl::Status held;
    {
      MutexLock lock(mutex_);
      if (books_ != nullptr) held = books_->Hold(bytes);
      if (held.ok()) {
        unreleased_.push_back(bytes);
        unreleased_bytes_ += bytes;
        more = HasRoom() && !finishing_;
        wants_read_ = !more;
      }
    }
    if (!held.ok()) {
      Finish(held);
      return false;
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
    // Before anybody may write the next. A picture is not kept until then.
    outgoing_.message = Response();
    bool drained = false;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      unwritten_bytes_ -= outgoing_.bytes;
      if (outgoing_.releases) ReleaseOne();
      if (!ok) GiveUp(absl::CancelledError("the client is gone"));
      ReadIfRoom();
      drained = wants_drained_ && queue_.empty() && !finishing_;
    }
    if (drained) Post([](StreamCore& core) { core.handler_->OnDrained(); });
    Advance();
  }

  void Cancelled() {
    call_.cancel()->Cancel();
    {
      MutexLock lock(mutex_);
      GiveUp(absl::CancelledError("cancelled by the client"));
    }
    Advance();
  }

  // The reactor is about to die.
  void Done() {
    std::unique_ptr<StreamCall> ended;
    uint64_t watch = 0;
    {
      MutexLock lock(mutex_);
      reactor_ = nullptr;
      context_ = nullptr;
      ended = std::move(books_);
      watch = std::exchange(watch_, 0);
    }
    if (watch != 0) patience_->timers.Cancel(watch);
    ended.reset();
    call_.cancel()->Cancel();
    Post([](StreamCore& core) {
      core.handler_->OnClosed();
      core.handler_.reset();
    });
  }

 private:
  struct Outgoing {
    Response message;
    size_t bytes = 0;
    bool releases = false;
  };

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(unreleased_.size()) < max_unreleased_ && unreleased_bytes_ < kMaxUnreleasedBytes &&
           unwritten_bytes_ < kMaxUnwrittenBytes;
  }

  void ReleaseOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (unreleased_.empty()) return;
    unreleased_bytes_ -= unreleased_.front();
    if (books_ != nullptr) books_->LetGo(unreleased_.front());
    unreleased_.pop_front();
  }

  void ReadIfRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (reactor_ == nullptr || !wants_read_ || !HasRoom() || finishing_) return;
    wants_read_ = false;
    reactor_->Read();
  }

  void Queue(Response response, bool releases) {
    const size_t bytes = response.ByteSizeLong();
    {
      MutexLock lock(mutex_);
      if (reactor_ == nullptr || finishing_) return;
      queue_.push_back({std::move(response), bytes, releases});
      unwritten_bytes_ += bytes;
    }
    Advance();
  }

  // One timer a stream, however many writes there are: it looks whether the write of its start is still under way.
  void WatchWrites() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (watch_ != 0 || patience_ == nullptr) return;
    watch_ = patience_->timers.RunAfter(patience_->For(outgoing_.bytes),
                                        [self = this->shared_from_this(), write = writes_] { self->LookForStall(write); });
  }

  // On the timers' thread.
  void LookForStall(uint64_t write) {
    MutexLock lock(mutex_);
    watch_ = 0;
    if (reactor_ == nullptr || !writing_) return;
    if (write != writes_) {
      WatchWrites();
      return;
    }
    EndAtOnce(handler_->stalled(patience_->timeout));
  }

  // A status alone would wait for the client to take what is on its way. What is read and written fails now, and then the stream finishes.
  void EndAtOnce(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (reactor_ == nullptr) return;
    queue_.clear();
    finishing_ = true;
    final_status_ = std::move(why);
    BreakCall(*context_, final_status_);
  }

  std::function<void()> Task(std::function<void(StreamCore&)> task) {
    return [self = this->shared_from_this(), task = std::move(task)] {
      const LogRequest log(self->call_.request_id());
      if (self->handler_ != nullptr) task(*self);
    };
  }
  void Post(std::function<void(StreamCore&)> task) { serial_.Post(Task(std::move(task))); }

  // Nothing more is written.
  void GiveUp(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    queue_.clear();
    if (finishing_) return;
    finishing_ = true;
    final_status_ = std::move(why);
  }

  // Starts the next write, or the finish after the last. Without the lock: a write goes as far as the socket, and the thread that hears of
  // its end would wait for it. The reactor lives on meanwhile: it dies only after its finish, which comes after all writes.
  void Advance() {
    Reactor* reactor = nullptr;
    grpc::Status status;
    absl::StatusCode code = absl::StatusCode::kOk;
    bool writes = false;
    {
      MutexLock lock(mutex_);
      if (reactor_ == nullptr || writing_ || finished_ || (queue_.empty() && !finishing_)) return;
      reactor = reactor_;
      writes = !queue_.empty();
      if (writes) {
        writing_ = true;
        ++writes_;
        outgoing_ = std::move(queue_.front());
        queue_.pop_front();
        WatchWrites();
      } else {
        finished_ = true;
        code = final_status_.code();
        status = ToGrpcStatus(final_status_, *context_);
      }
    }
    if (writes) {
      if (books_ != nullptr) books_->Sent(outgoing_.message);
      reactor->StartWrite(&outgoing_.message);
    } else {
      if (books_ != nullptr) books_->Ended(code);
      reactor->Finish(status);
    }
  }

  const CallContext call_;
  const Patience* const patience_;     // Until Done; may be null.
  std::unique_ptr<StreamCall> books_;  // Until Done.
  Outgoing outgoing_;                  // Being written: of whoever set `writing_`, then of Written.
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);
  SerialExecutor serial_;
  std::unique_ptr<Handler> handler_;  // In `serial_` only, but for is_quick and stalled, which are asked before Done.
  const bool wants_drained_;
  const int max_unreleased_;

  Mutex mutex_;
  Reactor* reactor_ ABSL_GUARDED_BY(mutex_);
  std::deque<Outgoing> queue_ ABSL_GUARDED_BY(mutex_);
  // Queued and being written.
  size_t unwritten_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Begun so far.
  uint64_t writes_ ABSL_GUARDED_BY(mutex_) = 0;
  // The timer of WatchWrites; 0: none.
  uint64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
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
  BidiReactor(grpc::CallbackServerContext& context, Executor& pool, std::unique_ptr<StreamHandler<Request, Response>> handler,
              int max_unreleased, std::unique_ptr<StreamCall> books)
      : core_(std::make_shared<StreamCore<Request, Response, BidiReactor>>(
            this, context, pool, std::move(handler), max_unreleased, std::move(books))) {
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

  WriteReactor(grpc::CallbackServerContext& context, Executor& pool, std::unique_ptr<Handler> handler, const Patience& patience)
      : core_(std::make_shared<StreamCore<NoRequest, Response, WriteReactor>>(
            this, context, pool, std::move(handler), 1, nullptr, &patience)) {
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

// Ends at once.
template <typename Response>
class RefusedReactor final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedReactor(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace internal

// Serves a bidi stream with `handler` on `pool`. `books` is not null, and its path one of IsStreamCall.
template <typename Request, typename Response>
grpc::ServerBidiReactor<Request, Response>* ServeBidi(grpc::CallbackServerContext* context, Executor& pool, std::unique_ptr<StreamCall> books,
                                                      std::unique_ptr<StreamHandler<Request, Response>> handler, int max_unreleased = 16) {
  return new internal::BidiReactor<Request, Response>(*context, pool, std::move(handler), max_unreleased, std::move(books));
}

// The handler of a server stream: only OnOpen, OnDrained, stalled and OnClosed are called.
template <typename Response>
class ServerStreamHandler
    : public StreamHandler<typename internal::WriteReactor<Response>::NoRequest, Response> {
 public:
  void OnMessage(typename internal::WriteReactor<Response>::NoRequest) override {}
  void OnHalfClose() override {}
};

// Serves a server stream with `handler` on `pool`. `patience` outlives it.
template <typename Response>
grpc::ServerWriteReactor<Response>* ServeWrites(grpc::CallbackServerContext* context, Executor& pool,
                                                std::unique_ptr<ServerStreamHandler<Response>> handler, const Patience& patience) {
  if (const absl::Status held = CheckMemory(*context); !held.ok()) {
    return new internal::RefusedReactor<Response>(ToGrpcStatus(held, *context));
  }
  return new internal::WriteReactor<Response>(*context, pool, std::move(handler), patience);
}

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_STREAM_H_
