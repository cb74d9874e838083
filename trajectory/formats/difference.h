// What a foreign format did not carry: a record against what reading its export gives.
#ifndef PROCTOR_TRAJECTORY_FORMATS_DIFFERENCE_H_
#define PROCTOR_TRAJECTORY_FORMATS_DIFFERENCE_H_

#include <string>

#include "proctor/v1/trajectory.pb.h"
#include "trajectory/formats/skip_list.h"

namespace proctor::trajectory::formats {

// Adds each field of `original` that `back` lacks or has otherwise, and each that only `back` has,
// as "steps[].observation.title" of `file`; many of the same are counted. Names, format
// versions, digests of the record and step counts are left aside.
void AddDifferences(const v1::Trajectory& original, const v1::Trajectory& back,
                    const std::string& file, SkipList& skips);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_DIFFERENCE_H_
