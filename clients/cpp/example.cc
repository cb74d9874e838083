// Tries one accepted practice task: clicks the first element, answers, and prints what came of it.
// Usage: proctor_cpp_example [address]
#include <iostream>

#include "clients/cpp/actions.h"
#include "clients/cpp/client.h"
#include "clients/cpp/session.h"

namespace v1 = proctor::v1;
using namespace proctor::client;  // NOLINT: an example

absl::Status Run(const std::string& address) {
  auto client = Client::Connect({.address = address});
  if (!client.ok()) return client.status();
  v1::SampleTasksRequest sample;
  sample.set_count(1);
  auto tasks = (*client)->Call<v1::SampleTasksResponse>(sample);
  if (!tasks.ok()) return tasks.status();
  if (tasks->tasks().empty())
    return absl::NotFoundError("no tasks: run `proctor task propose --count 10` first");
  const v1::Task& task = tasks->tasks(0);
  std::cout << task.goal() << std::endl;

  auto session = Session::Open(**client, {.environment = task.environment()});
  if (!session.ok()) return session.status();
  auto episode = (*session)->Start(task.name(), Observe({v1::OBSERVATION_PART_ELEMENTS}));
  if (!episode.ok()) return episode.status();
  std::cout << episode->observation().elements_size() << " elements on "
            << episode->observation().url() << std::endl;
  if (auto step = episode->Step(Click(Mark(1))); !step.ok()) return step.status();
  if (!episode->done()) {
    if (auto step = episode->Step(Answer("42")); !step.ok()) return step.status();
  }
  auto result = episode->Wait(absl::Seconds(30));
  if (!result.ok()) return result.status();
  std::cout << v1::Outcome_Name(result->verdict().outcome()) << ", reward "
            << result->reward().value() << std::endl;
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "");
  if (!status.ok()) std::cerr << status << std::endl;
  return status.ok() ? 0 : 1;
}
