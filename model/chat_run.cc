#include "model/chat_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "model/request_digest.h"

namespace proctor::model {
namespace {

std::string DigestFor(const ChatRequest& request, const Endpoint& endpoint) {
  if (!request.model.empty()) return RequestDigest(request);
  ChatRequest named = request;
  named.model = endpoint.settings().model;
  return RequestDigest(named);
}

}  // namespace

void ChatRun::Begin() {
  if (Failure failure = CheckRequest(request_); !failure.ok()) {
    End(std::move(failure));
    return;
  }
  if (!FindRoute()) return;
  call().set_request_digest(DigestFor(request_, *route()[0]));
  if (core().cache == nullptr || request_.bypass_cache) {
    Walk();
  } else {
    LeadOrFollow();
  }
}

// The same request scaled to other pictures is another one.
std::string ChatRun::CacheKey(const Endpoint& endpoint) const {
  const EndpointSettings& settings = endpoint.settings();
  return Sha256Hex(absl::StrCat(DigestFor(request_, endpoint), " ", settings.image_limits.max_side_px, " ",
                                settings.image_limits.max_bytes));
}

void ChatRun::LeadOrFollow() {
  const std::string key = CacheKey(*route()[0]);
  struct Box {
    Mutex mutex;
    std::shared_ptr<const Landing> landing ABSL_GUARDED_BY(mutex);
    std::shared_ptr<Wait> wait ABSL_GUARDED_BY(mutex);
  };
  const auto box = std::make_shared<Box>();
  const bool leads = core().flights.Lead(key, [box](std::shared_ptr<const Landing> landing) {
    std::shared_ptr<Wait> wait;
    {
      MutexLock lock(box->mutex);
      box->landing = std::move(landing);
      wait = box->wait;
    }
    if (wait != nullptr) wait->Finish();
  });
  if (leads) {
    flight_ = key;
    FindInCache(key) ? End(Failure()) : Walk();
    return;
  }
  const auto self = std::static_pointer_cast<ChatRun>(shared_from_this());
  const auto wait = Wait::Start(context(), core().parts.timers, [self, box](absl::Status status) {
    self->core().parts.executor.Post([self, box, status = std::move(status)] {
      if (!status.ok()) {
        self->End(Fail(absl::IsCancelled(status) ? v1::MODEL_FAILURE_CANCELLED : v1::MODEL_FAILURE_TIMEOUT,
                       "waiting for the same request of another call"));
        return;
      }
      std::shared_ptr<const Landing> landing;
      {
        MutexLock lock(box->mutex);
        landing = box->landing;
      }
      self->Follow(*landing);
    });
  });
  bool landed = false;
  {
    MutexLock lock(box->mutex);
    box->wait = wait;
    landed = box->landing != nullptr;
  }
  if (landed) wait->Finish();
}

void ChatRun::Follow(const Landing& landing) {
  const v1::ModelFailure failure = landing.reply.call.failure();
  const bool leaders_own = landing.hurried || failure == v1::MODEL_FAILURE_CANCELLED || failure == v1::MODEL_FAILURE_TIMEOUT ||
                           failure == v1::MODEL_FAILURE_BUDGET;
  if (leaders_own) {
    LeadOrFollow();
    return;
  }
  reply_ = landing.reply;
  call() = reply_.call;
  call().set_cached(true);
  call().set_attempts(0);
  End({.kind = failure, .detail = call().failure_detail()});
}

bool ChatRun::FindInCache(const std::string& key) {
  const auto found = core().cache->Find(context(), key);
  if (!found.ok()) LogWarning("the cache of model replies was not read", {{"error", found.status().ToString()}});
  if (!found.ok() || !found->has_value()) return false;
  ChatReply reply = DecodeCall(**found);
  if (reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) return false;
  reply_ = std::move(reply);
  call() = reply_.call;
  call().set_cached(true);
  call().set_attempts(0);
  return true;
}

// The first one's reply was looked for before the route was walked.
bool ChatRun::AnswerUnasked(const Endpoint& endpoint) {
  if (core().cache == nullptr || request_.bypass_cache) return false;
  const std::string key = CacheKey(endpoint);
  if (key == flight_ || !FindInCache(key)) return false;
  End(Failure());
  return true;
}

Failure ChatRun::Prepare(Endpoint& endpoint, const Capabilities& capabilities, CallPlan& plan) {
  call().set_request_digest(DigestFor(request_, endpoint));
  Failure failure = FitRequest(request_, endpoint.settings(), capabilities, fitted_);
  if (!failure.ok()) return failure;
  wire_ = endpoint.settings().wire;
  dialect_ = {.max_completion_tokens = capabilities.max_completion_tokens};
  replies_.assign(static_cast<size_t>(fitted_.requests), ChatReply());
  call().set_images(fitted_.images);
  if (core().cache != nullptr && !request_.bypass_cache) set_cache_key(CacheKey(endpoint));
  plan = {.requests = fitted_.requests,
          .input_tokens = fitted_.input_tokens,
          .output_tokens = fitted_.output_tokens,
          .model = fitted_.request.model,
          .fallbacks = fitted_.fallbacks};
  return {};
}

net::FetchRequest ChatRun::Make(const Endpoint& endpoint, int part) {
  WireDialect dialect = dialect_;
  dialect.seed_offset = part;
  const bool anthropic = wire_ == v1::MODEL_WIRE_ANTHROPIC_MESSAGES;
  return endpoint.NewRequest(anthropic ? "/messages" : "/chat/completions",
                             EncodeChat(wire_, dialect, fitted_.request));
}

Failure ChatRun::Read(int part, int http_status, const std::string& body, v1::Usage& usage) {
  ChatReply& reply = replies_[static_cast<size_t>(part)];
  reply = DecodeReply(wire_, LooksStreamed(body), http_status, body, fitted_.images);
  usage = reply.call.usage();
  if (reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) {
    return {.kind = reply.call.failure(), .detail = reply.call.failure_detail()};
  }
  const auto wanted = static_cast<size_t>(std::max(1, fitted_.request.sampling.n()));
  if (reply.choices.size() == wanted) return {};
  return Fail(v1::MODEL_FAILURE_MALFORMED, absl::StrCat(reply.choices.size(), " choices instead of ", wanted));
}

int64_t ChatRun::Written(int part) const {
  size_t bytes = 0;
  for (const Choice& choice : replies_[static_cast<size_t>(part)].choices) bytes += choice.text.size() + choice.reasoning.size();
  return static_cast<int64_t>(bytes) / 4 + 1;
}

void ChatRun::Collect() {
  reply_ = MergeReplies(std::move(replies_));
  call().set_model(reply_.call.model());
  call().set_streamed(reply_.call.streamed());
  const bool asked = request_.sampling.top_logprobs() > 0;
  const bool given = std::any_of(reply_.choices.begin(), reply_.choices.end(),
                                 [](const Choice& choice) { return !choice.tokens.empty(); });
  if (asked && !given) call().add_fallbacks("logprobs: asked for, none given");
}

bool ChatRun::Cacheable() const {
  return std::all_of(reply_.choices.begin(), reply_.choices.end(),
                     [](const Choice& choice) { return choice.failure == v1::MODEL_FAILURE_UNSPECIFIED; });
}

void ChatRun::Complete() {
  if (call().failure() != v1::MODEL_FAILURE_UNSPECIFIED) reply_.choices.clear();
  reply_.call = call();
  if (!flight_.empty()) core().flights.Land(flight_, std::make_shared<const Landing>(Landing{.reply = reply_, .hurried = hurried()}));
  done_(std::move(reply_));
}

}  // namespace proctor::model
