// A request for embeddings under way. Private to model/.
#ifndef PROCTOR_MODEL_EMBED_RUN_H_
#define PROCTOR_MODEL_EMBED_RUN_H_

#include <string>
#include <utility>

#include "model/call_run.h"

namespace proctor::model {

class EmbedRun final : public CallRun {
 public:
  EmbedRun(ClientCore& core, const CallContext& context, EmbedRequest request, ChatOptions options,
           Client::EmbedDone done)
      : CallRun(core, context, std::move(options)), request_(std::move(request)), done_(std::move(done)) {}

 private:
  void Begin() override;
  Failure Prepare(Endpoint& endpoint, const Capabilities& capabilities, CallPlan& plan) override;
  Endpoint::Need Needs() const override { return {}; }
  net::FetchRequest Make(const Endpoint& endpoint, int part) override;
  Failure Read(int part, int http_status, const std::string& body, v1::Usage& usage) override;
  int64_t Written(int /*part*/) const override { return 0; }
  void Collect() override;
  void Complete() override;
  bool Cacheable() const override { return false; }

  const EmbedRequest request_;
  const Client::EmbedDone done_;
  std::string body_;
  EmbedReply reply_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_EMBED_RUN_H_
