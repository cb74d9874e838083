// Turns the steps of a known solution into actions on what is seen now.
#ifndef PROCTOR_PROPOSER_SOLUTION_REPLAY_H_
#define PROCTOR_PROPOSER_SOLUTION_REPLAY_H_

#include "absl/status/statusor.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/solution.pb.h"

namespace proctor::proposer {

// The listed element that `reference` means: of those whose role, name, heading and label fit (each compared without
// case, inner white space collapsed; empty fits any), the one number `nth` in document order.
// Errors: NOT_FOUND, whose message names the reference and how many elements fit; INVALID_ARGUMENT negative `nth`.
absl::StatusOr<v1::Element> FindElement(const v1::Observation& observation, const v1::ElementRef& reference);

// `reference` with the number that it takes to mean the element `mark` of `observation`, of those that fit; 0 where that
// element does not fit or is not listed.
v1::ElementRef NumberedReference(const v1::Observation& observation, v1::ElementRef reference, int mark);

// The action that does `step` now. `observation` must list elements if the step names any. Pure.
// Errors: as FindElement; INVALID_ARGUMENT for a step without a kind.
absl::StatusOr<v1::Action> ResolveSolutionStep(const v1::Observation& observation, const v1::SolutionStep& step);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SOLUTION_REPLAY_H_
