// Reflections on recorded attempts, with everything that the server has.
#ifndef PROCTOR_SERVER_REFLECTING_H_
#define PROCTOR_SERVER_REFLECTING_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/reflection.pb.h"
#include "server/data_directory.h"
#include "server/judged_trajectories.h"
#include "server/judging.h"

namespace proctor::server {

// All outlive what is begun.
struct ReflectingParts {
  DataDirectory& data;
  Judging& judging;
  // Where the trajectory's memory comes from.
  const JudgedTrajectories& trajectories;
};

// Makes the reflection that the request asks for, at the cost of `tenant`, or finds it, and calls `done` once, on this thread or the pool of
// `judging`. Errors: see EvaluationService.Reflect.
void MakeReflection(const CallContext& context, const ReflectingParts& parts, const v1::ReflectRequest& request,
                    const std::string& tenant, std::function<void(absl::StatusOr<v1::Reflection>)> done);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REFLECTING_H_
