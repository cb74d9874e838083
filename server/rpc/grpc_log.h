// What gRPC's core has to say, in our log.
#ifndef PROCTOR_SERVER_RPC_GRPC_LOG_H_
#define PROCTOR_SERVER_RPC_GRPC_LOG_H_

namespace proctor::server {

// From here on, for the whole process. Its errors are warnings of ours: most tell of a peer, such as a stranger without TLS. Twenty lines a minute at
// most, so that no stranger fills the disk; how many were left out is said with the next one.
void LogWhatGrpcSays();

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_GRPC_LOG_H_
