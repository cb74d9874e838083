// A real proctord with a configuration of the test's own, listening on TCP too; and calls to it as strangers make them.
#ifndef PROCTOR_TESTS_SERVER_GUARDED_PROCTORD_H_
#define PROCTOR_TESTS_SERVER_GUARDED_PROCTORD_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "google/protobuf/message_lite.h"
#include "gtest/gtest.h"
#include "tests/net/certificate.h"
#include "tests/server/proctord.h"

namespace proctor::server {

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct PemPair {
  std::string certificate;
  std::string key;
};

class GuardedProctord {
 public:
  std::string data() const { return directory_.path() + "/data"; }
  std::string log() const { return ReadWholeFile(directory_.path() + "/log"); }
  std::string tokens_file() const { return directory_.path() + "/tokens.yaml"; }

  // In place of what was there, at once.
  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path + ".new") << text;
    chmod((path + ".new").c_str(), 0600);
    std::rename((path + ".new").c_str(), path.c_str());
    return path;
  }
  // Certificate before key: whoever sees one of them new, sees both within a moment.
  void WriteServerPair(const PemPair& pair) const {
    Write("server.pem", pair.certificate);
    Write("server.key", pair.key);
  }

  static std::string Token(const std::string& name, const std::string& scopes, const std::string& more = "") {
    return "- {name: " + name + ", sha256: " + Sha256Hex(TokenOf(name)) + ", scopes: [" + scopes + "]" + more + "}\n";
  }
  // What the tests take for the token of a name.
  static std::string TokenOf(const std::string& name) { return "proctor_hunter2_" + name; }

  std::string TlsSettings() const {
    return "certificate_file: " + directory_.path() + "/server.pem, key_file: " + directory_.path() +
           "/server.key, reload_interval: 1s";
  }

  std::vector<std::string> Command(const std::string& settings, const std::vector<std::string>& flags) const {
    const std::string config =
        Write("proctord.yaml", "environments: {web: {enabled: false}, practice: {enabled: false}}\nshutdown_grace: 2s\n" + settings);
    std::vector<std::string> command = {PROCTORD, "--config", config, "--data-dir", data(), "--log-level", "debug"};
    command.insert(command.end(), flags.begin(), flags.end());
    return command;
  }

  // Runs it where it should refuse to start, or has nothing to serve. A server that does start is ended after a while.
  static int Run(std::vector<std::string> command, std::string* output = nullptr) {
    command.insert(command.begin(), {"/usr/bin/timeout", "-s", "KILL", "60"});
    return RunToEnd(command, output);
  }

  // Starts it on any port of 127.0.0.1, unless the flags say otherwise, and waits until it says that it is ready. `wrapper` is a command that
  // becomes it.
  void Start(const std::string& settings, const std::vector<std::string>& flags = {"--listen", "127.0.0.1:0"},
             std::vector<std::string> wrapper = {}) {
    for (const std::string& word : Command(settings, flags)) wrapper.push_back(word);
    ASSERT_NO_FATAL_FAILURE(process_.Start(wrapper, directory_.path() + "/log")) << log();
    const std::string addresses = ReadWholeFile(data() + "/addresses.json");
    const size_t begin = addresses.find("\"grpc\": \"") + 9;
    const std::string address = addresses.substr(begin, addresses.find('"', begin) - begin);
    port_ = address.substr(address.rfind(':') + 1);
  }
  void Signal(int signal) const { process_.Signal(signal); }
  int Stop(int signal) { return process_.Stop(signal); }
  bool Runs() const { return process_.Runs(); }

  std::shared_ptr<grpc::Channel> Plain() const { return Channel("127.0.0.1:" + port_, grpc::InsecureChannelCredentials()); }
  // Of a client that takes no more than 64 KiB of what it does not read. Others take up to 16 MiB while they have memory.
  std::shared_ptr<grpc::Channel> Narrow() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
    return Channel("127.0.0.1:" + port_, grpc::InsecureChannelCredentials(), arguments);
  }
  std::shared_ptr<grpc::Channel> Unix() const {
    return Channel("unix:" + data() + "/proctord.sock", grpc::InsecureChannelCredentials());
  }
  // `root` verifies the server; `own` is shown to it.
  std::shared_ptr<grpc::Channel> Tls(const std::string& root, const PemPair& own = {}) const {
    return Channel("127.0.0.1:" + port_, grpc::SslCredentials({root, own.key, own.certificate}));
  }

 private:
  static std::shared_ptr<grpc::Channel> Channel(const std::string& address,
                                                const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                                grpc::ChannelArguments arguments = {}) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetMaxSendMessageSize(-1);
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetSslTargetNameOverride("localhost");
    return OwnChannel(address, credentials, arguments);
  }

  TemporaryDirectory directory_;
  ServerProcess process_;
  std::string port_;
};

// How a stranger calls: any method, any bytes, any metadata.
struct RawCall {
  std::string path;
  std::string bytes = "";
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

inline grpc::Status Send(const std::shared_ptr<grpc::Channel>& channel, const RawCall& call, std::string* reply = nullptr) {
  grpc::GenericStub stub(channel);
  ClientContext context;
  for (const auto& [key, value] : call.metadata) context.AddMetadata(key, value);
  const grpc::Slice slice(call.bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, call.path, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { ended.set_value(std::move(status)); });
  const grpc::Status status = ended.get_future().get();
  std::vector<grpc::Slice> slices;
  if (reply != nullptr && status.ok() && response.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) reply->append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return status;
}

inline std::pair<std::string, std::string> Bearer(const std::string& name) {
  return {"authorization", "Bearer " + GuardedProctord::TokenOf(name)};
}

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_GUARDED_PROCTORD_H_
