// A real proctord on a temporary data directory.
#ifndef PROCTOR_TESTS_SERVER_PROCTORD_H_
#define PROCTOR_TESTS_SERVER_PROCTORD_H_

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace proctor::server {

// Deleted at the end, with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char pattern[] = "/tmp/proctor-test-XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a program to its end; returns its exit code, or minus the signal. Its output goes to `output`.
inline int RunToEnd(const std::vector<std::string>& arguments, std::string* output = nullptr) {
  int ends[2];
  if (pipe(ends) != 0) return -1000;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(ends[0], buffer, sizeof buffer)) > 0) {
    if (output != nullptr) output->append(buffer, got);
  }
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
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
  ~Proctord() {
    if (pid_ > 0) Kill();
  }

  std::string config() const { return directory_ + "/proctord.yaml"; }
  std::string data() const { return directory_ + "/data"; }
  std::vector<std::string> Command() const {
    return {PROCTORD, "--config", config(), "--data-dir", data(), "--listen", "", "--log-level", "warning"};
  }

  // Starts it and waits until it says that it is ready.
  void Start() {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], 1);
      close(ends[0]);
      close(ends[1]);
      const std::vector<std::string> command = Command();
      std::vector<char*> argv;
      for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
    std::string said;
    char byte = 0;
    while (said.find("ready\n") == std::string::npos && read(ends[0], &byte, 1) == 1) said += byte;
    close(ends[0]);
    ASSERT_NE(said.find("ready\n"), std::string::npos) << said;
    // A channel of its own: after a restart an old one would still back off.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel("unix:" + data() + "/proctord.sock",
                                         grpc::InsecureChannelCredentials(), arguments);
  }
  void Signal(int signal) const { kill(pid_, signal); }
  // Returns the exit code, or minus the signal.
  int Stop(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  void Kill() { Stop(SIGKILL); }

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

 private:
  const std::string directory_;
  pid_t pid_ = -1;
  std::shared_ptr<grpc::Channel> channel_;
};

// Every call of the tests ends.
struct ClientContext : grpc::ClientContext {
  ClientContext() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROCTORD_H_
