#include "server/act_stream.h"

#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/status.h"

namespace proctor::server {
namespace {

using Writer = ActStreams::Writer;

void SetResult(v1::Session value, v1::ActResponse& out) { *out.mutable_session() = std::move(value); }
void SetResult(v1::EpisodeStart value, v1::ActResponse& out) {
  *out.mutable_episode_start() = std::move(value);
}
void SetResult(v1::StepResponse value, v1::ActResponse& out) { *out.mutable_step() = std::move(value); }
void SetResult(v1::Observation value, v1::ActResponse& out) {
  *out.mutable_observation() = std::move(value);
}
void SetResult(v1::Episode value, v1::ActResponse& out) { *out.mutable_episode() = std::move(value); }

// One reply a request, in the order of the requests, whatever the order in which verbs end. Thread-safe.
class Replies : public std::enable_shared_from_this<Replies> {
 public:
  explicit Replies(Writer writer) : writer_(std::move(writer)) {}

  // Takes the next place; the result goes there.
  template <typename T>
  Done<T> Next(int64_t tag) {
    auto slot = std::make_shared<Slot>();
    slot->reply.set_tag(tag);
    {
      MutexLock lock(mutex_);
      slots_.push_back(slot);
    }
    return [self = shared_from_this(), slot](absl::StatusOr<T> result) {
      if (result.ok()) {
        SetResult(*std::move(result), slot->reply);
      } else {
        *slot->reply.mutable_error() = ToRpcError(result.status());
      }
      self->Filled(*slot);
    };
  }

  // Ends the stream once every reply is out.
  void HalfClose() {
    MutexLock lock(mutex_);
    half_closed_ = true;
    if (slots_.empty()) writer_->Finish(absl::OkStatus());
  }

 private:
  struct Slot {
    v1::ActResponse reply;
    bool filled = false;
  };

  void Filled(Slot& slot) {
    // Writing only queues; the lock keeps the order.
    MutexLock lock(mutex_);
    slot.filled = true;
    while (!slots_.empty() && slots_.front()->filled) {
      writer_->WriteAndRelease(std::move(slots_.front()->reply));
      slots_.pop_front();
    }
    if (half_closed_ && slots_.empty()) writer_->Finish(absl::OkStatus());
  }

  const Writer writer_;
  Mutex mutex_;
  std::deque<std::shared_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// The session of a stream, once named; verbs that come while it is being created wait here. Thread-safe.
class Binding {
 public:
  enum class State { kNone, kCreating, kBound };

  // Runs `verb` with the session's name (empty: none was named), now or when it is known.
  template <typename Verb>
  void WithSession(Verb verb) {
    std::string session;
    {
      MutexLock lock(mutex_);
      if (state_ == State::kCreating) {
        waiting_.push_back(std::move(verb));
        return;
      }
      session = session_;
    }
    verb(session);
  }

  // False: the stream has a session.
  bool BeginNaming() {
    MutexLock lock(mutex_);
    if (state_ != State::kNone) return false;
    state_ = State::kCreating;
    return true;
  }

  // Naming ended; empty: it failed.
  void EndNaming(const std::string& session) {
    std::vector<std::function<void(const std::string&)>> verbs;
    while (true) {
      {
        MutexLock lock(mutex_);
        session_ = session;
        verbs.swap(waiting_);
        // Verbs that come while the waiting ones run queue up behind them.
        if (verbs.empty()) {
          state_ = session.empty() ? State::kNone : State::kBound;
          return;
        }
      }
      for (const auto& verb : verbs) verb(session);
      verbs.clear();
    }
  }

  std::string session() const {
    MutexLock lock(mutex_);
    return session_;
  }

  // The stream is over. A naming under way still ends.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  bool closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }

 private:
  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kNone;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::string session_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void(const std::string&)>> waiting_ ABSL_GUARDED_BY(mutex_);
};

class ActHandler final : public StreamHandler<v1::ActRequest, v1::ActResponse> {
 public:
  ActHandler(TenantVerbs verbs, ActStreams& streams) : verbs_(std::move(verbs)), streams_(streams) {}

  void OnOpen(Writer writer) override {
    writer_ = std::move(writer);
    replies_ = std::make_shared<Replies>(writer_);
    // A stream lives longer than any deadline of a verb; its end cancels what has not begun.
    context_ = CallContext(absl::InfiniteFuture(), writer_->call().cancel(), writer_->call().request_id());
  }

  void OnMessage(v1::ActRequest request) override {
    if (const absl::Status may = verbs_.SpendCall(); !may.ok()) return replies_->Next<v1::Session>(request.tag())(may);
    switch (request.verb_case()) {
      case v1::ActRequest::kCreateSession:
        return Create(request.tag(), request.create_session());
      case v1::ActRequest::kAttach:
        return Attach(request.tag(), request.attach().session());
      case v1::ActRequest::kStartEpisode:
        return OnSession<v1::EpisodeStart>(
            request.tag(), std::move(*request.mutable_start_episode()),
            [](const TenantVerbs& verbs, const CallContext& context, const v1::StartEpisodeRequest& verb,
               Done<v1::EpisodeStart> done) { verbs.StartEpisode(context, verb, std::move(done)); });
      case v1::ActRequest::kStep:
        return OnSession<v1::StepResponse>(
            request.tag(), std::move(*request.mutable_step()),
            [](const TenantVerbs& verbs, const CallContext& context, const v1::StepRequest& verb,
               Done<v1::StepResponse> done) { verbs.Step(context, verb, std::move(done)); });
      case v1::ActRequest::kObserve:
        return OnSession<v1::Observation>(
            request.tag(), std::move(*request.mutable_observe()),
            [](const TenantVerbs& verbs, const CallContext& context, const v1::ObserveRequest& verb,
               Done<v1::Observation> done) { verbs.Observe(context, verb, std::move(done)); });
      case v1::ActRequest::kEndEpisode:
        return OnSession<v1::Episode>(
            request.tag(), std::move(*request.mutable_end_episode()),
            [](const TenantVerbs& verbs, const CallContext& context, const v1::EndEpisodeRequest& verb,
               Done<v1::Episode> done) { verbs.EndEpisode(context, verb, std::move(done)); });
      case v1::ActRequest::kWaitEpisode:
        return verbs_.WaitEpisode(context_, request.wait_episode(),
                                  replies_->Next<v1::Episode>(request.tag()));
      case v1::ActRequest::kKeepAlive:
        return OnSession<v1::Session>(
            request.tag(), NamedSession{request.keep_alive().name()},
            [](const TenantVerbs& verbs, const CallContext&, const NamedSession& verb, const Done<v1::Session>& done) {
              v1::KeepAliveRequest keep_alive;
              keep_alive.set_name(verb.session());
              done(verbs.KeepAlive(keep_alive));
            });
      case v1::ActRequest::kCloseSession:
        return OnSession<v1::Session>(
            request.tag(), NamedSession{request.close_session().name()},
            [](const TenantVerbs& verbs, const CallContext&, const NamedSession& verb, Done<v1::Session> done) {
              v1::CloseSessionRequest close;
              close.set_name(verb.session());
              verbs.CloseSession(close, std::move(done));
            });
      case v1::ActRequest::VERB_NOT_SET:
        replies_->Next<v1::Session>(request.tag())(absl::InvalidArgumentError("the request has no verb"));
    }
  }

  // What agents wait for all the time: a session's own executor does the work.
  bool is_quick(const v1::ActRequest& request) const override { return request.has_step() || request.has_observe(); }

  void OnHalfClose() override { replies_->HalfClose(); }

  void OnClosed() override {
    // Cancelled already; only the session's place is left to give back. A session that is still being created gives it
    // back itself: closing comes before looking here, and looking after naming there.
    binding_->Close();
    if (const std::string session = binding_->session(); !session.empty()) {
      streams_.Leave(session, writer_);
    }
  }

 private:
  // KeepAlive and CloseSession call their session `name`.
  class NamedSession {
   public:
    explicit NamedSession(std::string session) : session_(std::move(session)) {}
    const std::string& session() const { return session_; }
    void set_session(const std::string& session) { session_ = session; }

   private:
    std::string session_;
  };

  template <typename Result, typename Request, typename Verb>
  void OnSession(int64_t tag, Request request, Verb verb) {
    Done<Result> done = replies_->Next<Result>(tag);
    binding_->WithSession([verbs = verbs_, context = context_, request = std::move(request), verb,
                           done = std::move(done)](const std::string& session) mutable {
      if (session.empty()) {
        done(absl::FailedPreconditionError("name a session first: create_session or attach"));
        return;
      }
      if (request.session().empty()) request.set_session(session);
      if (request.session() != session) {
        done(absl::InvalidArgumentError(absl::StrCat("this stream is for ", session)));
        return;
      }
      verb(verbs, context, request, std::move(done));
    });
  }

  bool BeginNaming(const Done<v1::Session>& done) {
    if (binding_->BeginNaming()) return true;
    done(absl::FailedPreconditionError("the stream has a session: open another stream for another"));
    return false;
  }

  void Create(int64_t tag, const v1::CreateSessionRequest& request) {
    Done<v1::Session> done = replies_->Next<v1::Session>(tag);
    if (!BeginNaming(done)) return;
    verbs_.CreateSession(context_, request,
                         [&streams = streams_, binding = binding_, writer = writer_,
                          done = std::move(done)](absl::StatusOr<v1::Session> session) {
                           const std::string name = session.ok() ? session->name() : "";
                           const bool session_named = session.ok();
                           if (session_named) streams.Take(name, writer);
                           done(std::move(session));
                           binding->EndNaming(name);
                           if (session_named && binding->closed()) streams.Leave(name, writer);
                         });
  }

  void Attach(int64_t tag, const std::string& name) {
    Done<v1::Session> done = replies_->Next<v1::Session>(tag);
    if (!BeginNaming(done)) return;
    v1::KeepAliveRequest life;
    life.set_name(name);
    absl::StatusOr<v1::Session> session = verbs_.KeepAlive(life);
    const bool attached = session.ok();
    if (attached) streams_.Take(name, writer_);
    done(std::move(session));
    binding_->EndNaming(attached ? name : "");
  }

  const TenantVerbs verbs_;
  ActStreams& streams_;
  Writer writer_;
  CallContext context_;
  std::shared_ptr<Replies> replies_;
  const std::shared_ptr<Binding> binding_ = std::make_shared<Binding>();
};

}  // namespace

void ActStreams::Take(const std::string& session, const Writer& writer) {
  Writer before;
  {
    MutexLock lock(mutex_);
    Writer& holder = holders_[session];
    before = std::exchange(holder, writer);
  }
  if (before != nullptr && before != writer) {
    before->Finish(absl::AbortedError("another Act stream took the session over"));
  }
}

void ActStreams::Leave(const std::string& session, const Writer& writer) {
  MutexLock lock(mutex_);
  const auto it = holders_.find(session);
  if (it != holders_.end() && it->second == writer) holders_.erase(it);
}

std::unique_ptr<StreamHandler<v1::ActRequest, v1::ActResponse>> MakeActHandler(TenantVerbs verbs, ActStreams& streams) {
  return std::make_unique<ActHandler>(std::move(verbs), streams);
}

}  // namespace proctor::server
