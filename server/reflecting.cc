#include "server/reflecting.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/reflect.h"

namespace proctor::server {
namespace {

absl::StatusOr<v1::Verdict> VerdictFor(const CallContext& context, const v1::ReflectRequest& request, DataDirectory& data) {
  if (!request.verdict().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(v1::Verdict verdict, data.verdicts->Get(context, request.verdict()));
    if (verdict.trajectory() == request.trajectory()) return verdict;
    return absl::InvalidArgumentError(absl::StrCat(verdict.name(), " is not about ", request.trajectory()));
  }
  v1::ListVerdictsRequest list;
  list.set_trajectory(request.trajectory());
  list.set_page_size(1);
  PROCTOR_ASSIGN_OR_RETURN(const v1::ListVerdictsResponse newest, data.verdicts->List(context, list));
  if (newest.verdicts_size() > 0) return newest.verdicts(0);
  return absl::FailedPreconditionError(absl::StrCat(request.trajectory(), " has no verdict yet"));
}

// What is known before a model is asked; `work` without the trajectory.
struct Attempt {
  v1::Reflection reflection;
  evaluator::ReflectWork work;
};

absl::StatusOr<Attempt> Prepare(const CallContext& context, const v1::ReflectRequest& request, DataDirectory& data) {
  Attempt attempt;
  PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory header, data.trajectories->GetHeader(context, request.trajectory()));
  PROCTOR_RETURN_IF_ERROR(evaluator::CheckClosed(header));
  PROCTOR_ASSIGN_OR_RETURN(attempt.work.verdict, VerdictFor(context, request, data));
  if (attempt.work.verdict.outcome() == v1::OUTCOME_SUCCESS) {
    return absl::FailedPreconditionError(absl::StrCat(attempt.work.verdict.name(), " says SUCCESS: there is nothing to learn"));
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<v1::Reflection> chain, data.reflections->Chain(context, request.previous()));
  for (const v1::Reflection& earlier : chain) attempt.work.earlier.push_back(earlier.text());
  v1::Reflection& reflection = attempt.reflection;
  reflection.set_trajectory(request.trajectory());
  reflection.set_verdict(attempt.work.verdict.name());
  reflection.set_previous(request.previous());
  reflection.set_depth(static_cast<int>(chain.size()));
  reflection.set_name(
      evaluator::ReflectionStore::NameOf(reflection.trajectory(), reflection.verdict(), reflection.previous()));
  return attempt;
}

}  // namespace

void MakeReflection(const CallContext& context, const ReflectingParts& parts, const v1::ReflectRequest& request,
                    const std::string& tenant, std::function<void(absl::StatusOr<v1::Reflection>)> done) {
  DataDirectory& data = parts.data;
  absl::StatusOr<Attempt> attempt = Prepare(context, request, data);
  if (!attempt.ok()) {
    done(attempt.status());
    return;
  }
  absl::StatusOr<v1::Reflection> stored = data.reflections->Get(context, attempt->reflection.name());
  if (!absl::IsNotFound(stored.status())) {
    done(std::move(stored));
    return;
  }
  const absl::StatusOr<JudgedTrajectories::Ptr> trajectory = parts.trajectories.Load(context, request.trajectory());
  if (!trajectory.ok()) {
    done(trajectory.status());
    return;
  }
  attempt->work.trajectory = *trajectory;
  parts.judging.Reflect(context, attempt->work, tenant,
                        [context, &data, head = std::move(attempt->reflection),
                         done = std::move(done)](absl::StatusOr<v1::Reflection> made) {
                          if (made.ok()) {
                            made->MergeFrom(head);
                            made = data.reflections->Put(context, *made);
                          }
                          done(std::move(made));
                        });
}

}  // namespace proctor::server
