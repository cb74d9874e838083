// null_servicer.py in C++: answers the verbs of EnvironmentService.Act at once, within gRPC's own reactions, with replies made beforehand. What
// gRPC itself leaves to any server written in C++: the floor of the arms beside it.
//
//   proctor_null_servicer REPLIES.json
//
// Prints its port; ends with SIGTERM.
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "common/json.h"
#include "proctor/v1/environment_service.grpc.pb.h"

namespace proctor::bench {
namespace {

struct Replies {
  v1::Session session;
  v1::EpisodeStart start;
  v1::StepResponse step;
  v1::Observation observation;
};

class ActReactor final : public grpc::ServerBidiReactor<v1::ActRequest, v1::ActResponse> {
 public:
  explicit ActReactor(const Replies& replies) : replies_(replies) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    response_.Clear();
    response_.set_tag(request_.tag());
    switch (request_.verb_case()) {
      case v1::ActRequest::kStep:
        *response_.mutable_step() = replies_.step;
        break;
      case v1::ActRequest::kObserve:
        *response_.mutable_observation() = replies_.observation;
        break;
      case v1::ActRequest::kStartEpisode:
        *response_.mutable_episode_start() = replies_.start;
        break;
      default:
        *response_.mutable_session() = replies_.session;
    }
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&request_);
    } else {
      Finish(grpc::Status::CANCELLED);  // The client is gone.
    }
  }
  void OnDone() override { delete this; }

 private:
  const Replies& replies_;
  v1::ActRequest request_;
  v1::ActResponse response_;
};

class Service final : public v1::EnvironmentService::CallbackService {
 public:
  explicit Service(const Replies& replies) : replies_(replies) {}
  grpc::ServerBidiReactor<v1::ActRequest, v1::ActResponse>* Act(grpc::CallbackServerContext*) override {
    return new ActReactor(replies_);
  }

 private:
  const Replies& replies_;
};

bool Load(const char* path, Replies& replies) {
  std::ifstream file(path, std::ios::binary);
  const auto json = ParseJson(std::string((std::istreambuf_iterator<char>(file)), {}));
  if (!json.ok()) return false;
  const auto read = [&](const char* name, google::protobuf::Message& message) {
    return message.ParseFromString(absl::HexStringToBytes(JsonStringOr(*json, name)));
  };
  return read("session", replies.session) && read("start", replies.start) && read("step", replies.step) &&
         read("observation", replies.observation) && replies.observation.elements_size() > 0;
}

}  // namespace
}  // namespace proctor::bench

int main(int argc, char** argv) {
  using namespace proctor::bench;
  Replies replies;
  if (argc != 2 || !Load(argv[1], replies)) {
    fprintf(stderr, "usage: proctor_null_servicer REPLIES.json (made by python_client.py --replies)\n");
    return 2;
  }
  // Before gRPC's threads begin: they inherit it, so that only this one hears of it.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  Service service(replies);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  printf("%d\n", port);
  fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
