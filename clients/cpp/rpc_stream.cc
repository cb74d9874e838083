#include "clients/cpp/rpc_stream.h"

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <deque>

#include "absl/time/clock.h"
#include "clients/cpp/grpc_status.h"
#include "common/mutex.h"

namespace proctor::client {
namespace {

// One read is always in flight, at most one write. gRPC calls On... on its own threads.
class RpcStreamImpl final : public RpcStream,
                            private grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  RpcStreamImpl(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                absl::Time deadline)
      : stub_(channel), has_deadline_(deadline != absl::InfiniteFuture()) {
    SetDeadline(context_, deadline);
    stub_.PrepareBidiStreamingCall(&context_, method, grpc::StubOptions(), this);
    // Writes begin outside of reactions: the hold keeps the call alive for them until the read side
    // has ended.
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  ~RpcStreamImpl() override {
    context_.TryCancel();
    MutexLock lock(mutex_);
    while (!done_) changed_.Wait(mutex_);
  }

  void Write(const google::protobuf::Message& message) override {
    MutexLock lock(mutex_);
    if (half_closed_ || read_ended_) return;
    outgoing_.push_back(ToBuffer(message));
    if (!writing_) StartNext();
  }

  void HalfClose() override {
    MutexLock lock(mutex_);
    if (half_closed_ || read_ended_) return;
    half_closed_ = true;
    if (!writing_) StartNext();
  }

  absl::StatusOr<bool> Read(google::protobuf::Message& message, absl::Duration timeout) override {
    grpc::ByteBuffer buffer;
    {
      MutexLock lock(mutex_);
      const absl::Time deadline = absl::Now() + timeout;
      while (received_.empty() && !done_) {
        const absl::Duration left = deadline - absl::Now();
        if (left <= absl::ZeroDuration())
          return absl::DeadlineExceededError("no message came in time");
        changed_.WaitFor(mutex_, left);
      }
      if (received_.empty()) {
        if (status_.ok()) return false;
        return status_;
      }
      buffer.Swap(&received_.front());
      received_.pop_front();
    }
    if (!FromBuffer(buffer, message))
      return absl::InternalError("the server sent a malformed message");
    return true;
  }

  bool still_open() const override {
    MutexLock lock(mutex_);
    return !done_ && !read_ended_;
  }

  void Cancel() override {
    {
      MutexLock lock(mutex_);
      cancelled_ = true;
    }
    context_.TryCancel();
  }

 private:
  void StartNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!outgoing_.empty()) {
      writing_ = true;
      StartWrite(&outgoing_.front());
    } else if (half_closed_ && !half_close_sent_) {
      half_close_sent_ = true;
      StartWritesDone();
    }
  }

  void OnReadDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      if (ok) {
        received_.push_back(std::move(incoming_));
        incoming_.Clear();
      } else {
        read_ended_ = true;
      }
      changed_.SignalAll();
    }
    if (ok) {
      StartRead(&incoming_);
    } else {
      RemoveHold();
    }
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    outgoing_.pop_front();
    if (!ok || read_ended_) {
      outgoing_.clear();
    } else {
      StartNext();
    }
  }

  void OnDone(const grpc::Status& status) override {
    MutexLock lock(mutex_);
    status_ = FromGrpc(cancelled_ ? status : EndedByServer(status), context_);
    // A time of the server's own: it must not look like that of a Read, after which the stream goes on.
    if (absl::IsDeadlineExceeded(status_) && !has_deadline_) {
      status_ = absl::UnavailableError(status_.message());
    }
    done_ = true;
    changed_.SignalAll();
  }

  grpc::GenericStub stub_;
  const bool has_deadline_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<grpc::ByteBuffer> received_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::ByteBuffer> outgoing_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_close_sent_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<RpcStream> RpcStream::Open(const std::shared_ptr<grpc::Channel>& channel,
                                           const std::string& method, absl::Time deadline) {
  return std::make_unique<RpcStreamImpl>(channel, method, deadline);
}

}  // namespace proctor::client
