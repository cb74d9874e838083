#include "server/rpc/door.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/auth_context.h>

#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/strings.h"
#include "server/auth/method_rules.h"
#include "server/rpc/call_memory.h"
#include "server/rpc/stream_call.h"

namespace proctor::server {
namespace {

constexpr char kAuthorization[] = "authorization";
// How a call's caller reaches its method: as metadata that the interceptor puts there. What a client sends under these names is dropped.
constexpr char kCallerKey[] = "proctor-caller";
constexpr char kTenantKey[] = "proctor-caller-tenant";
constexpr char kSeesAllKey[] = "proctor-caller-sees-all";
constexpr char kProposesKey[] = "proctor-caller-proposes";

std::string_view View(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

// Names in the client's certificate; gRPC gives them only if it was verified. The common name counts where there are no others.
std::vector<std::string> Identities(const grpc_auth_context* context) {
  for (const char* property : {GRPC_X509_SAN_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    std::vector<std::string> names;
    grpc_auth_property_iterator it = grpc_auth_context_find_properties_by_name(context, property);
    while (const grpc_auth_property* found = grpc_auth_property_iterator_next(&it)) {
      names.emplace_back(found->value, found->value_length);
    }
    if (!names.empty()) return names;
  }
  return {};
}
std::vector<std::string> Identities(const grpc::AuthContext& context) {
  for (const char* property : {GRPC_X509_SAN_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    std::vector<std::string> names;
    for (const grpc::string_ref& value : context.FindPropertyValues(property)) names.emplace_back(value.data(), value.size());
    if (!names.empty()) return names;
  }
  return {};
}

// What gRPC's C core asks about every call of an address.
struct Doorman {
  Entrance entrance;
  const CallGuard& guard;
  const ConnectionPeers& peers;

  static absl::Status Decide(const Doorman& self, const grpc_auth_context* context, const grpc_metadata* metadata, size_t count) {
    std::string_view path;
    Credentials credentials;
    bool seen = false;
    bool twice = false;
    for (size_t i = 0; i < count; ++i) {
      const std::string_view key = View(metadata[i].key);
      if (key == ":path") path = View(metadata[i].value);
      if (key != kAuthorization) continue;
      // An empty one counts: AdmittedCall reads the first.
      twice = std::exchange(seen, true);
      credentials.authorization = View(metadata[i].value);
    }
    credentials.identities = Identities(context);
    const auto find_peer = [&] { return self.peers.Find(context); };
    if (twice) return self.guard.Refuse(self.entrance, path, absl::UnauthenticatedError("`authorization` is there more than once"), find_peer);
    return self.guard.Admit(self.entrance, path, credentials, find_peer);
  }

  static void Process(void* state, grpc_auth_context* context, const grpc_metadata* metadata, size_t count,
                      grpc_process_auth_metadata_done_cb done, void* user_data) {
    const absl::Status status = Decide(*static_cast<const Doorman*>(state), context, metadata, count);
    const std::string message = SanitizeUtf8(ToStd(status.message()));
    done(user_data, nullptr, 0, nullptr, 0, static_cast<grpc_status_code>(status.code()), status.ok() ? nullptr : message.c_str());
  }
  static void Destroy(void* state) { delete static_cast<const Doorman*>(state); }
};

// grpc::InsecureServerCredentials takes no processor of metadata in gRPC 1.51, though the core below it does.
class GuardedCredentials final : public grpc::ServerCredentials {
 public:
  GuardedCredentials(grpc_server_credentials* core, Doorman doorman) : core_(core) {
    grpc_server_credentials_set_auth_metadata_processor(core_, {Doorman::Process, Doorman::Destroy, new Doorman(std::move(doorman))});
  }  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): gRPC's core destroys it.
  ~GuardedCredentials() override { grpc_server_credentials_release(core_); }
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}  // Ours stays.

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), core_);
  }

  grpc_server_credentials* const core_;
};

std::string Copy(const grpc::string_ref& text) { return {text.data(), text.size()}; }

absl::Status NotKnownAnyMore() {
  return absl::UnauthenticatedError("the token was withdrawn, has expired or has other scopes since this call began: begin another");
}

// Lives as long as its call.
class CallerInterceptor final : public grpc::experimental::Interceptor {
 public:
  CallerInterceptor(const CallGuard& guard, ConnectionPeers& peers, const grpc::experimental::ServerRpcInfo& info, grpc::ServerContextBase& context)
      : context_(context),
        is_ours_(std::string_view(info.method()).starts_with("/proctor.")),
        call_(guard, peers, context, info.method(), info.type() != grpc::experimental::ServerRpcInfo::Type::UNARY) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_INITIAL_METADATA)) Begin(*methods->GetRecvInitialMetadata());
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE)) Received(methods->GetRecvMessage());
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_MESSAGE) && Looks()) {
      if (const void* message = methods->GetSendMessage(); message != nullptr) call_.Sent(*static_cast<const Message*>(message));
    }
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
      call_.Ended(static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  using Message = google::protobuf::Message;

  // gRPC hands messages on as void*. Those of our services are protobuf messages, whose base is where they begin.
  bool Looks() const { return is_ours_ && !call_.idle(); }

  // Null: the client sends no more.
  void Received(void* message) {
    if (const absl::Status known = call_.CheckStillKnown(); !known.ok()) {
      // It cannot be kept from the method, but what is in it can.
      if (message != nullptr && is_ours_) static_cast<Message*>(message)->Clear();
      BreakCall(context_, known);
      return;
    }
    if (message != nullptr && Looks()) call_.Received(*static_cast<const Message*>(message));
  }

  void Begin(AdmittedCall::Metadata& metadata) {
    call_.Begin(metadata);
    for (const char* key : {kAuthorization, kCallerKey, kTenantKey, kSeesAllKey, kProposesKey}) metadata.erase(key);
    // It stays what it was, as the metadata refers to it.
    const Caller& caller = call_.caller();
    metadata.emplace(kCallerKey, caller.name);
    metadata.emplace(kTenantKey, caller.tenant);
    if (caller.sees_all()) metadata.emplace(kSeesAllKey, "1");
    if (caller.sees_credentials()) metadata.emplace(kProposesKey, "1");
  }

  grpc::ServerContextBase& context_;
  const bool is_ours_;
  AdmittedCall call_;
};

class CallerInterceptors final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallerInterceptors(const CallGuard& guard, ConnectionPeers& peers) : guard_(guard), peers_(peers) {}
  // None for health checks: they may come from anybody, and ask nothing about the caller.
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    if (IsHealthCheck(info->method()) || IsStreamCall(info->method())) return nullptr;
    return new CallerInterceptor(guard_, peers_, *info, *info->server_context());
  }

 private:
  const CallGuard& guard_;
  ConnectionPeers& peers_;
};

}  // namespace

AdmittedCall::AdmittedCall(const CallGuard& guard, ConnectionPeers& peers, grpc::ServerContextBase& context, std::string_view path, bool streams)
    : guard_(guard), peers_(peers), context_(context), streams_(streams), trail_(guard, path) {}

void AdmittedCall::Begin(const Metadata& metadata) {
  if (const auto it = metadata.find(kAuthorization); it != metadata.end()) authorization_ = Copy(it->second);
  generation_ = guard_.parts().doors.generation();
  caller_ = Identified();
  // The doorman let the call in, so only a change of the tokens file in between leads here.
  if (caller_.scopes.empty()) BreakCall(context_, NotKnownAnyMore());
  std::string peer = context_.peer();
  peers_.Note(context_.c_call(), peer);
  trail_.Begin(caller_, std::move(peer));
}

Caller AdmittedCall::Identified() const {
  const auto context = context_.auth_context();
  auto caller = guard_.Identify(context_.peer(), {authorization_, context == nullptr ? std::vector<std::string>() : Identities(*context)});
  return caller.ok() ? *std::move(caller) : Caller{.name = "", .tenant = "", .scopes = {}};
}

absl::Status AdmittedCall::CheckStillKnown() {
  if (caller_.scopes.empty()) return NotKnownAnyMore();
  if (!streams_) return absl::OkStatus();
  const uint64_t generation = guard_.parts().doors.generation();
  if (generation == generation_ && (caller_.expire_time == absl::InfiniteFuture() || absl::Now() < caller_.expire_time)) return absl::OkStatus();
  const Caller now = Identified();
  if (now.name != caller_.name || now.tenant != caller_.tenant || !(now.scopes == caller_.scopes)) return NotKnownAnyMore();
  caller_.expire_time = now.expire_time;
  generation_ = generation;
  return absl::OkStatus();
}

std::shared_ptr<grpc::ServerCredentials> PlainCredentials(Entrance entrance, const CallGuard& guard, const ConnectionPeers& peers) {
  return std::make_shared<GuardedCredentials>(grpc_insecure_server_credentials_create(), Doorman{std::move(entrance), guard, peers});
}

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const v1::TlsConfig& tls, Entrance entrance, const CallGuard& guard,
                                                        const ConnectionPeers& peers) {
  const auto interval = static_cast<unsigned int>(absl::ToInt64Seconds(FromProto(tls.reload_interval())));
  const std::string& authorities = tls.client_ca_file();
  grpc_tls_certificate_provider* const files = grpc_tls_certificate_provider_file_watcher_create(
      tls.key_file().c_str(), tls.certificate_file().c_str(), authorities.empty() ? nullptr : authorities.c_str(), interval);
  grpc_tls_credentials_options* const options = grpc_tls_credentials_options_create();
  grpc_tls_credentials_options_set_certificate_provider(options, files);
  grpc_tls_certificate_provider_release(files);
  grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
  if (!authorities.empty()) {
    grpc_tls_credentials_options_watch_root_certs(options);
    grpc_tls_credentials_options_set_cert_request_type(options, tls.client_certificate_optional()
                                                                    ? GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY
                                                                    : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return std::make_shared<GuardedCredentials>(grpc_tls_server_credentials_create(options), Doorman{std::move(entrance), guard, peers});
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallerInterceptors(const CallGuard& guard, ConnectionPeers& peers) {
  return std::make_unique<CallerInterceptors>(guard, peers);
}

Caller CallerOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto name = metadata.find(kCallerKey);
  if (name == metadata.end()) return Caller();
  const auto tenant = metadata.find(kTenantKey);
  Caller caller{.name = Copy(name->second), .tenant = tenant == metadata.end() ? "" : Copy(tenant->second), .scopes = {}};
  if (metadata.contains(kProposesKey)) caller.scopes.Add(v1::SCOPE_PROPOSE);
  if (metadata.contains(kSeesAllKey)) caller.scopes = Scopes::Every();
  return caller;
}

}  // namespace proctor::server
