// Reflections on recorded attempts, with everything that the server has.
#ifndef PROCTOR_SERVER_REFLECTING_H_
#define PROCTOR_SERVER_REFLECTING_H_

#include <functional>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/reflection.pb.h"
#include "server/data_directory.h"
#include "server/judging.h"

namespace proctor::server {

// Makes the reflection that the request asks for, or finds it, and calls `done` once, on this thread or the pool of `judging`. Errors: see
// EvaluationService.Reflect. `data` and `judging` outlive what is begun.
void MakeReflection(const CallContext& context, const v1::ReflectRequest& request, DataDirectory& data, Judging& judging,
                    std::function<void(absl::StatusOr<v1::Reflection>)> done);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REFLECTING_H_
