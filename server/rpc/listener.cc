#include "server/rpc/listener.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
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

absl::Status Taken(const std::string& path, std::string_view why) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", path, ": ", ToAbsl(why), "; choose another path with --unix-socket"));
}

// Takes away a socket that a killed server left: one where nobody listens.
absl::Status ClearSocket(const std::string& path) {
  struct stat there = {};
  if (lstat(path.c_str(), &there) != 0) return absl::OkStatus();
  if (!S_ISSOCK(there.st_mode)) return Taken(path, "it is there, and no socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Taken(path, "it is too long");
  path.copy(address.sun_path, path.size());
  const int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (peer < 0) return Taken(path, std::strerror(errno));
  const bool refused = connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  close(peer);
  if (!refused) return Taken(path, "another program listens there, or may");
  unlink(path.c_str());
  return absl::OkStatus();
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
    PROCTOR_RETURN_IF_ERROR(ClearSocket(config.unix_socket()));
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
  listening.server = builder.BuildAndStart();
  if (listening.server == nullptr) {
    // In this order: a port that was not bound has no number.
    if (!config.listen_address().empty() && listening.port == 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", config.listen_address(),
                                                 ": the address is taken, or not this machine's; choose another one with --listen"));
    }
    return Taken(config.unix_socket(), "it cannot be made there");
  }
  if (!config.unix_socket().empty() && chmod(config.unix_socket().c_str(), 0600) != 0) return Taken(config.unix_socket(), std::strerror(errno));
  return listening;
}

}  // namespace proctor::server
