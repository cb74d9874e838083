// A chat under way. Private to model/.
#ifndef PROCTOR_MODEL_CHAT_RUN_H_
#define PROCTOR_MODEL_CHAT_RUN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/call_run.h"
#include "model/fit.h"
#include "model/wire.h"

namespace proctor::model {

class ChatRun final : public CallRun {
 public:
  ChatRun(ClientCore& core, const CallContext& context, ChatRequest request, ChatOptions options, Client::ChatDone done)
      : CallRun(core, context, std::move(options)), request_(std::move(request)), done_(std::move(done)) {}

 private:
  void Begin() override;
  Failure Prepare(Endpoint& endpoint, const Capabilities& capabilities, CallPlan& plan) override;
  bool AnswerUnasked(const Endpoint& endpoint) override;
  Endpoint::Need Needs() const override { return {.images = HasImages(request_), .audio = HasAudio(request_)}; }
  net::FetchRequest Make(const Endpoint& endpoint, int part) override;
  Failure Read(int part, int http_status, const std::string& body, v1::Usage& usage) override;
  int64_t Written(int part) const override;
  void Collect() override;
  void Complete() override;
  bool Cacheable() const override;

  std::string CacheKey(const Endpoint& endpoint) const;
  // Another call may be asking the same just now, or have asked.
  void LeadOrFollow();
  // Takes what another call brought, unless that failed for a reason of its own: then this one, with its own time and money, asks.
  void Follow(const Landing& landing);
  // Takes the reply kept under `key`, if there is one; the call is still to be ended.
  bool FindInCache(const std::string& key);

  ChatRequest request_;
  const Client::ChatDone done_;
  FittedRequest fitted_;
  WireDialect dialect_;
  v1::ModelWire wire_ = v1::MODEL_WIRE_UNSPECIFIED;
  // By request; each is written by the one that reads its reply.
  std::vector<ChatReply> replies_;
  ChatReply reply_;
  // Not empty: this call leads the flight of that key.
  std::string flight_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CHAT_RUN_H_
