// Conversions between absl's times and protobuf's.
#ifndef PROCTOR_COMMON_PROTO_TIME_H_
#define PROCTOR_COMMON_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace proctor {

absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);
// Infinite values are cut to what protobuf can hold.
google::protobuf::Duration ToProto(absl::Duration duration);
google::protobuf::Timestamp ToProto(absl::Time time);

}  // namespace proctor

#endif  // PROCTOR_COMMON_PROTO_TIME_H_
