#include "server/idle_thread.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <utility>

#include "common/log.h"

namespace proctor::server {
namespace {

constexpr int kLeastNice = 19;

}  // namespace

IdleThread::IdleThread(std::string name) : pool_(std::move(name), 1) {
  pool_.Post([this] { StandBack(); });
}

void IdleThread::StandBack() {
  id_ = gettid();
  const sched_param no_priority{};
  if (sched_setscheduler(id_, SCHED_IDLE, &no_priority) != 0) {
    const int idle_error = errno;
    if (setpriority(PRIO_PROCESS, static_cast<id_t>(id_), kLeastNice) != 0) {
      LogWarning("a thread for idle times runs like any other", {{"error", std::strerror(idle_error)}});
    }
  }
  // Asked for before it stood back.
  if (hurried_) Hurry();
}

void IdleThread::Run(std::function<void()> task) {
  const auto done = std::make_shared<std::promise<void>>();
  pool_.Post([done, task = std::move(task)] {
    task();
    done->set_value();
  });
  done->get_future().wait();
}

void IdleThread::Hurry() {
  hurried_ = true;
  const pid_t id = id_;
  if (id == 0) return;
  // Refused: it ends when the others leave it time for that.
  const sched_param no_priority{};
  (void)sched_setscheduler(id, SCHED_OTHER, &no_priority);
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(id), 0);
}

}  // namespace proctor::server
