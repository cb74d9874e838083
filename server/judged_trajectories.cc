#include "server/judged_trajectories.h"

#include <utility>

#include "common/status.h"

namespace proctor::server {
namespace {

// What pointers to trajectories hold together. The share goes before its budget.
struct Held {
  explicit Held(std::shared_ptr<ByteBudget> of) : budget(std::move(of)), share(*budget) {}

  const std::shared_ptr<ByteBudget> budget;
  ByteBudget::Share share;
  std::vector<v1::Trajectory> trajectories;
};

}  // namespace

absl::StatusOr<JudgedTrajectories::Ptr> JudgedTrajectories::Load(const CallContext& context, const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Ptr> loaded, LoadAll(context, {name}));
  return loaded.front();
}

absl::StatusOr<std::vector<JudgedTrajectories::Ptr>> JudgedTrajectories::LoadAll(const CallContext& context,
                                                                                 const std::vector<std::string>& names) const {
  const auto held = std::make_shared<Held>(memory_);
  int64_t steps = 0;
  for (const std::string& name : names) {
    PROCTOR_ASSIGN_OR_RETURN(const int64_t bytes, store_.StepBytes(context, name));
    // What is more is not read: Get says why.
    if (bytes <= trajectory::kMaxAllStepsBytes) steps += bytes;
  }
  PROCTOR_RETURN_IF_ERROR(held->share.Add(steps));
  int64_t all = 0;
  for (const std::string& name : names) {
    PROCTOR_ASSIGN_OR_RETURN(held->trajectories.emplace_back(), store_.Get(context, name));
    all += static_cast<int64_t>(held->trajectories.back().ByteSizeLong());
  }
  // The rest is known only now.
  if (all > steps) PROCTOR_RETURN_IF_ERROR(held->share.Add(all - steps));
  std::vector<Ptr> loaded;
  for (const v1::Trajectory& trajectory : held->trajectories) loaded.emplace_back(held, &trajectory);
  return loaded;
}

}  // namespace proctor::server
