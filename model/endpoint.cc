#include "model/endpoint.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "model/secrets.h"

namespace proctor::model {
namespace {

// Far above what any max_tokens gives, log-probabilities included: replies are kept with their verdicts.
constexpr int64_t kMaxReplyBytes = 8 << 20;
constexpr absl::Duration kAskTimeout = absl::Seconds(20);

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Endpoint>> Endpoint::Create(const std::string& name, const v1::ModelEndpoint& config,
                                                           const Parts& parts) {
  PROCTOR_ASSIGN_OR_RETURN(std::string key, ReadKey(config));
  std::string certificate;
  if (!config.ca_certificate_file().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(certificate, ReadFile(config.ca_certificate_file()));
  }
  return std::unique_ptr<Endpoint>(new Endpoint(ResolveEndpoint(name, config),
                                                KnownCapabilities(config.server(), config.capabilities()),
                                                std::move(key), std::move(certificate), parts));
}

Endpoint::Endpoint(EndpointSettings settings, Capabilities capabilities, std::string key, std::string ca_certificate,
                   const Parts& parts)
    : settings_(std::move(settings)),
      key_(std::move(key)),
      ca_certificate_(std::move(ca_certificate)),
      parts_(parts),
      gate_(settings_.rate_limit, settings_.breaker, parts.clock, parts.timers),
      capabilities_(capabilities) {}

net::FetchRequest Endpoint::NewRequest(const std::string& path, std::string body) const {
  net::FetchRequest request;
  request.url = absl::StrCat(settings_.base_url, path);
  if (!settings_.api_version.empty()) absl::StrAppend(&request.url, "?api-version=", settings_.api_version);
  request.method = "POST";
  request.headers = {{"content-type", "application/json"}};
  if (settings_.wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES) {
    request.headers.emplace_back("anthropic-version", "2023-06-01");
    if (!key_.empty()) request.headers.emplace_back("x-api-key", key_);
  } else if (!key_.empty() && settings_.server == v1::MODEL_SERVER_AZURE) {
    request.headers.emplace_back("api-key", key_);
  } else if (!key_.empty()) {
    request.headers.emplace_back("authorization", absl::StrCat("Bearer ", key_));
  }
  request.body = std::move(body);
  request.max_reply_bytes = kMaxReplyBytes;
  request.ca_certificate_pem = ca_certificate_;
  return request;
}

std::string Endpoint::Redact(std::string_view text) const { return RedactKey(text, key_); }

void Endpoint::Ask(const CallContext& context, Need need, AskDone done) {
  Capabilities known;
  {
    MutexLock lock(mutex_);
    known = capabilities_;
  }
  std::optional<net::FetchRequest> question;
  const bool unknown = (need.images && known.ask_images) || (need.audio && known.ask_audio);
  if (unknown) question = CapabilityQuestion(settings_);
  if (!question) {
    done(Failure(), known);
    return;
  }
  question->ca_certificate_pem = ca_certificate_;
  if (!key_.empty()) question->headers.emplace_back("authorization", absl::StrCat("Bearer ", key_));
  parts_.pool.Start(context.Child(kAskTimeout), *std::move(question),
                    [this, done = std::move(done)](const absl::Status& status, const net::FetchReply& reply) {
                      Capabilities capabilities;
                      Failure failure = TakeAnswer(status, reply, capabilities);
                      done(std::move(failure), capabilities);
                    });
}

Failure Endpoint::TakeAnswer(const absl::Status& status, const net::FetchReply& reply, Capabilities& capabilities) {
  const std::string about = absl::StrCat("endpoint ", settings_.name, ", asked what its model takes: ");
  if (absl::IsCancelled(status)) return Fail(v1::MODEL_FAILURE_CANCELLED, "cancelled");
  if (absl::IsDeadlineExceeded(status))
    return Fail(v1::MODEL_FAILURE_TIMEOUT, absl::StrCat(about, "no answer in time"));
  if (!status.ok()) return Fail(v1::MODEL_FAILURE_UNREACHABLE, absl::StrCat(about, Redact(ToStd(status.message()))));
  if (reply.status != 200 && reply.status != 404) {
    Failure failure = ClassifyHttpError(reply.status, Redact(reply.body));
    return Fail(failure.kind, absl::StrCat(about, failure.detail));
  }
  MutexLock lock(mutex_);
  const bool said = reply.status == 200 && ReadCapabilityAnswer(settings_.server, reply.body, capabilities_);
  capabilities = capabilities_;
  if (said) return {};
  return Fail(v1::MODEL_FAILURE_NOT_CAPABLE,
              absl::StrCat(about, "it does not say; configure capabilities.images and capabilities.audio"));
}

}  // namespace proctor::model
