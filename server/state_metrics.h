// ServerState in Prometheus' terms. Private to server/metrics.cc and its tests.
#ifndef PROCTOR_SERVER_STATE_METRICS_H_
#define PROCTOR_SERVER_STATE_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "server/server_state.h"

namespace proctor::server {

// Appends one family a metric, those of the process (`process_...`) included.
void AppendStateMetrics(const ServerState& state, std::vector<prometheus::MetricFamily>& families);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_STATE_METRICS_H_
