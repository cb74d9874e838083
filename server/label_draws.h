// Draws what people are to label.
#ifndef PROCTOR_SERVER_LABEL_DRAWS_H_
#define PROCTOR_SERVER_LABEL_DRAWS_H_

#include <cstddef>
#include <functional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/label.pb.h"
#include "server/auth/caller.h"
#include "server/data_directory.h"
#include "server/tenant_writes.h"

namespace proctor::server {

// Draws from the closed trajectories that pass the filter and have the evaluator's verdict, and stores the sample. Reads all of them, and one
// verdict each. INVALID_ARGUMENT: size out of its range; NOT_FOUND: the evaluator; FAILED_PRECONDITION: there is no verdict.
absl::StatusOr<v1::LabelSample> DrawLabelSample(const CallContext& context, const v1::LabelSample& wanted, DataDirectory& data);

// DrawLabelSample for callers. It may take minutes, so it is done in the background, and few do it at once. Thread-safe.
class LabelDraws {
 public:
  // Of each tenant one.
  static constexpr size_t kAtOnce = 2;

  // All outlive it; `background` has run what was posted to it before it is destroyed.
  LabelDraws(DataDirectory& data, const TenantWrites& writes, Executor& background) : data_(data), writes_(writes), background_(background) {}

  // Calls `done` once: in the background, or within the call with RESOURCE_EXHAUSTED and a hint when to try again, where too many draw already.
  // Errors: those of DrawLabelSample and of TenantWrites::Store. `request` lives until `done` is called.
  using Done = std::function<void(absl::StatusOr<v1::LabelSample>)>;
  void Begin(const CallContext& context, const Caller& caller, const v1::DrawLabelSampleRequest& request, Done done);

 private:
  absl::Status Take(const std::string& tenant);
  void GiveBack(const std::string& tenant);
  absl::StatusOr<v1::LabelSample> Draw(const CallContext& context, const Caller& caller, const v1::DrawLabelSampleRequest& request);

  DataDirectory& data_;
  const TenantWrites& writes_;
  Executor& background_;
  Mutex mutex_;
  // Whose draws are under way.
  std::set<std::string> drawing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_LABEL_DRAWS_H_
