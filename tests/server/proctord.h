// A real proctord on a temporary data directory.
#ifndef PROCTOR_TESTS_SERVER_PROCTORD_H_
#define PROCTOR_TESTS_SERVER_PROCTORD_H_

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/server_process.h"

namespace proctor::server {

// Deleted at the end, with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char pattern[] = "/tmp/proctor-test-XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A channel of its own: after a restart an old one would still back off.
inline std::shared_ptr<grpc::Channel> OwnChannel(
    const std::string& address,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials(),
    grpc::ChannelArguments arguments = {}) {
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

// The null environment only: no browser is needed.
class Proctord {
 public:
  explicit Proctord(std::string directory) : directory_(std::move(directory)) {
    std::ofstream(config()) << "environments:\n"
                               "  web: {enabled: false}\n"
                               "  practice: {enabled: false}\n"
                               "shutdown_grace: 2s\n";
  }

  std::string config() const { return directory_ + "/proctord.yaml"; }
  std::string data() const { return directory_ + "/data"; }
  std::vector<std::string> Command() const {
    return {PROCTORD, "--config", config(), "--data-dir", data(), "--listen", "", "--log-level", "warning"};
  }

  // Starts it and waits until it says that it is ready.
  void Start() {
    ASSERT_NO_FATAL_FAILURE(process_.Start(Command()));
    channel_ = OwnChannel("unix:" + data() + "/proctord.sock");
  }
  void Signal(int signal) const { process_.Signal(signal); }
  // Returns the exit code, or minus the signal.
  int Stop(int signal) { return process_.Stop(signal); }
  // See ServerProcess.
  int StopWithin(int signal, std::chrono::seconds deadline) { return process_.StopWithin(signal, deadline); }
  void Kill() { Stop(SIGKILL); }

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

 private:
  const std::string directory_;
  ServerProcess process_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Every call of the tests ends.
struct ClientContext : grpc::ClientContext {
  ClientContext() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROCTORD_H_
