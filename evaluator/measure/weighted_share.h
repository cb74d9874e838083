// A share among weighted, clustered observations, with its interval.
#ifndef PROCTOR_EVALUATOR_MEASURE_WEIGHTED_SHARE_H_
#define PROCTOR_EVALUATOR_MEASURE_WEIGHTED_SHARE_H_

#include <cstddef>
#include <span>

#include "evaluator/measure/interval.h"

namespace proctor::evaluator {

struct Observation {
  // Inverse of the inclusion probability, at least 0; 0 is as if it were not there.
  double weight = 1;
  bool hit = false;
  // Dense number from 0; observations of one cluster are not independent.
  size_t cluster = 0;
};

// The Hájek estimate (sum of weights of hits over sum of weights) and Wilson's interval for an
// effective number of observations. Each its own cluster: Kish's number (sum w)^2 / sum w^2, so
// with equal weights the plain Wilson interval. Clustered: the smaller of that and p (1 - p) / V
// with the linearised variance V between clusters, times (z / t)^2 with the clusters' degrees of
// freedom (Korn and Graubard 1998); where all hit or none does, Kish's number of the clusters'
// weights. Undefined: no observation with a weight; no interval: clustered, but only one cluster.
Estimate WeightedShare(std::span<const Observation> observations, double level = 0.95);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_WEIGHTED_SHARE_H_
