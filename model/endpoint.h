// An endpoint at work: its key, its gate, what it can do.
#ifndef PROCTOR_MODEL_ENDPOINT_H_
#define PROCTOR_MODEL_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "model/capabilities.h"
#include "model/config.h"
#include "model/failure.h"
#include "model/gate.h"
#include "model/parts.h"
#include "net/http_client.h"

namespace proctor::model {

// Thread-safe.
class Endpoint {
 public:
  // `parts` outlive it. Errors of ReadKey; NOT_FOUND: the certificate's file.
  static absl::StatusOr<std::unique_ptr<Endpoint>> Create(const std::string& name, const v1::ModelEndpoint& config,
                                                          const Parts& parts);

  const EndpointSettings& settings() const { return settings_; }
  Gate& gate() { return gate_; }

  // A request to `path` ("/chat/completions") below its base URL, with its key.
  net::FetchRequest NewRequest(const std::string& path, std::string body) const;
  // Without its key.
  std::string Redact(std::string_view text) const;

  // What it can do: asks the server, once, where only it knows what `need` says is needed. `done` runs once, on this
  // thread or the pool's. NOT_CAPABLE: the server does not say; other failures: it cannot be asked just now.
  using AskDone = std::function<void(Failure, Capabilities)>;
  struct Need {
    bool images = false;
    bool audio = false;
  };
  void Ask(const CallContext& context, Need need, AskDone done);

 private:
  Endpoint(EndpointSettings settings, Capabilities capabilities, std::string key, std::string ca_certificate,
           const Parts& parts);
  Failure TakeAnswer(const absl::Status& status, const net::FetchReply& reply, Capabilities& capabilities);

  const EndpointSettings settings_;
  const std::string key_;
  const std::string ca_certificate_;
  const Parts& parts_;
  Gate gate_;
  Mutex mutex_;
  Capabilities capabilities_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_ENDPOINT_H_
