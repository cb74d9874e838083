// The Act stream: the verbs of EnvironmentService on one stream, pipelined.
#ifndef PROCTOR_SERVER_ACT_STREAM_H_
#define PROCTOR_SERVER_ACT_STREAM_H_

#include <map>
#include <memory>
#include <string>

#include "common/mutex.h"
#include "proctor/v1/environment_service.pb.h"
#include "server/rpc/stream.h"
#include "server/tenant_verbs.h"

namespace proctor::server {

// Which stream holds which session. Thread-safe; outlives the streams.
class ActStreams {
 public:
  using Writer = std::shared_ptr<StreamWriter<v1::ActResponse>>;
  // The stream takes the session over: the one that had it ends ABORTED.
  void Take(const std::string& session, const Writer& writer);
  // The stream is over.
  void Leave(const std::string& session, const Writer& writer);

 private:
  Mutex mutex_;
  std::map<std::string, Writer> holders_ ABSL_GUARDED_BY(mutex_);
};

// What `verbs` refers to, and `streams`, outlive the handler and its verbs under way.
std::unique_ptr<StreamHandler<v1::ActRequest, v1::ActResponse>> MakeActHandler(TenantVerbs verbs, ActStreams& streams);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_ACT_STREAM_H_
