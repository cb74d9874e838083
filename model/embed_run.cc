#include "model/embed_run.h"

#include "absl/strings/str_cat.h"
#include "model/request_digest.h"
#include "model/wire.h"

namespace proctor::model {

void EmbedRun::Begin() {
  if (request_.inputs.empty() || request_.inputs.size() > 2048) {
    End(Fail(v1::MODEL_FAILURE_BAD_REQUEST, "there must be 1 to 2,048 inputs"));
    return;
  }
  if (FindRoute()) Walk();
}

Failure EmbedRun::Prepare(Endpoint& endpoint, const Capabilities& capabilities, CallPlan& plan) {
  if (!capabilities.embeddings) {
    return Fail(v1::MODEL_FAILURE_NOT_CAPABLE,
                absl::StrCat("endpoint ", endpoint.settings().name, " gives no embeddings"));
  }
  EmbedRequest named = request_;
  if (named.model.empty()) named.model = endpoint.settings().model;
  call().set_request_digest(RequestDigest(named));
  for (const std::string& input : named.inputs) plan.input_tokens += static_cast<int64_t>(input.size()) / 4 + 1;
  plan.model = named.model;
  body_ = EncodeEmbed(named);
  return {};
}

net::FetchRequest EmbedRun::Make(const Endpoint& endpoint, int /*part*/) {
  return endpoint.NewRequest("/embeddings", body_);
}

Failure EmbedRun::Read(int /*part*/, int http_status, const std::string& body, v1::Usage& usage) {
  reply_ = DecodeEmbedReply(http_status, body, static_cast<int>(request_.inputs.size()));
  usage = reply_.call.usage();
  return {.kind = reply_.call.failure(), .detail = reply_.call.failure_detail()};
}

void EmbedRun::Collect() { call().set_model(reply_.call.model()); }

void EmbedRun::Complete() {
  if (call().failure() != v1::MODEL_FAILURE_UNSPECIFIED) reply_.vectors.clear();
  reply_.call = call();
  done_(std::move(reply_));
}

}  // namespace proctor::model
