#include "server/rpc/listener.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "server/auth/auth_config.h"
#include "server/rpc/call_memory.h"
#include "server/rpc/door.h"
#include "server/rpc/observe_calls.h"

namespace proctor::server {
namespace {

// What a client, well or ill meaning, may ask of a connection.
void ApplyLimits(const v1::ConnectionConfig& limits, grpc::ServerBuilder& builder) {
  const auto milliseconds = [](const google::protobuf::Duration& duration) {
    const int64_t value = absl::ToInt64Milliseconds(FromProto(duration));
    // gRPC counts them as int; the largest one means never.
    return value == 0 ? INT_MAX : static_cast<int>(std::min<int64_t>(value, INT_MAX));
  };
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.max_message_bytes()));
  builder.SetMaxSendMessageSize(-1);
  // gRPC 1.51 unpacks a message before it measures it: 64 MiB of one can be 64 GiB, outside the memory that it counts.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  grpc::ResourceQuota memory("proctord");
  memory.Resize(static_cast<size_t>(limits.memory_bytes()));
  builder.SetResourceQuota(memory);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(limits.max_metadata_bytes()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_calls());
  // A client that is gone is noticed even in the middle of a silent stream.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits.keepalive_time()));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits.keepalive_timeout()));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, milliseconds(limits.min_client_ping_interval()));
  // Either side may look whether the other is there while no call runs, too. Otherwise clients that do are disconnected at their fourth ping.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, milliseconds(limits.max_age()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, milliseconds(limits.max_age_grace()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(limits.max_idle()));
}

}  // namespace

absl::StatusOr<Listening> ListenGrpc(const v1::ServerConfig& config, const CallBooks& books,
                                     const std::vector<std::unique_ptr<grpc::Service>>& services) {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::channelz::experimental::InitChannelzService();
  grpc::ServerBuilder builder;
  ApplyLimits(config.connections(), builder);
  // Two servers on one port would each get some of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  Listening listening;
  if (!config.listen_address().empty()) {
    const Entrance entrance{TcpDoor(config), config.listen_address()};
    builder.AddListeningPort(
        config.listen_address(),
        config.auth().has_tls() ? TlsCredentials(config.auth().tls(), entrance, books.guard, books.peers)
                                   : PlainCredentials(entrance, books.guard, books.peers),
        &listening.port);
  }
  if (!config.unix_socket().empty()) {
    // Left by a server that was killed; the data directory's lock says that it is not running.
    unlink(config.unix_socket().c_str());
    builder.AddListeningPort("unix:" + config.unix_socket(), PlainCredentials({Door::kLocal, "unix"}, books.guard, books.peers));
  }
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(CountMemory(books.memory, books.patience));
  interceptors.push_back(ObserveCalls(books.observer, books.sample_share));
  interceptors.push_back(MakeCallerInterceptors(books.guard, books.peers));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  listening.health = std::make_unique<HealthService>(books.patience);
  builder.RegisterService(listening.health.get());
  for (const auto& service : services) builder.RegisterService(service.get());
  // The socket is made under a mask, so that it is never open to others, not even for a moment.
  const mode_t mask = umask(0177);
  listening.server = builder.BuildAndStart();
  umask(mask);
  if (listening.server == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", config.listen_address(), " and ",
                                               config.unix_socket(), ": an address is taken or not writable; choose "
                                               "others with --listen and --unix-socket"));
  }
  return listening;
}

}  // namespace proctor::server
