#include <algorithm>

#include "fake_world.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"

namespace proctor::client {
namespace {

class Tasks final : public v1::TaskService::Service {
 public:
  explicit Tasks(World& world) : world_(world) {}

  Status GetTask(ServerContext*, const v1::GetTaskRequest* request, v1::Task* response) override {
    return Unary(world_, "GetTask", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = world_.tasks.find(request->name());
      if (it == world_.tasks.end()) return NotFound(request->name());
      *response = it->second;
      return Status::OK;
    });
  }
  // Pages of at most four, whatever is asked.
  Status ListTasks(ServerContext*, const v1::ListTasksRequest* request,
                   v1::ListTasksResponse* response) override {
    return Unary(world_, "ListTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (auto it = world_.tasks.upper_bound(request->page_token()); it != world_.tasks.end();
           ++it) {
        if (response->tasks_size() == 4) {
          response->set_next_page_token(response->tasks(3).name());
          break;
        }
        *response->add_tasks() = it->second;
      }
      response->set_total_size(static_cast<int64_t>(world_.tasks.size()));
      return Status::OK;
    });
  }
  Status CreateTask(ServerContext*, const v1::CreateTaskRequest* request,
                    v1::Task* response) override {
    return Unary(world_, "CreateTask", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      world_.request_ids.push_back(request->request_id());
      *response = request->task();
      if (response->name().empty()) response->set_name("tasks/made");
      world_.tasks[response->name()] = *response;
      return Status::OK;
    });
  }
  Status BatchCreateTasks(ServerContext*, const v1::BatchCreateTasksRequest* request,
                          v1::BatchCreateTasksResponse* response) override {
    return Unary(world_, "BatchCreateTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& task : request->tasks()) {
        world_.tasks[task.name()] = task;
        *response->add_tasks() = task;
      }
      return Status::OK;
    });
  }
  Status AcceptTask(ServerContext*, const v1::AcceptTaskRequest* request,
                    v1::Task* response) override {
    return Unary(world_, "AcceptTask", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      response->set_name(request->name());
      response->set_state(v1::TASK_STATE_ACCEPTED);
      return Status::OK;
    });
  }
  Status SampleTasks(ServerContext*, const v1::SampleTasksRequest*,
                     v1::SampleTasksResponse* response) override {
    return Unary(world_, "SampleTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      *response->add_tasks() = world_.tasks.begin()->second;
      return Status::OK;
    });
  }
  Status ProposeTasks(ServerContext*, const v1::ProposeTasksRequest* request,
                      v1::Job* response) override {
    return Unary(world_, "ProposeTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      v1::Job& job = world_.jobs["jobs/propose"];
      job.set_name("jobs/propose");
      job.set_kind("propose_tasks");
      job.set_total(request->count());
      job.set_state(v1::JOB_STATE_QUEUED);
      *response = job;
      return Status::OK;
    });
  }

 private:
  World& world_;
};

class Jobs final : public v1::JobService::Service {
 public:
  explicit Jobs(World& world) : world_(world) {}

  Status GetJob(ServerContext*, const v1::GetJobRequest* request, v1::Job* response) override {
    return Unary(world_, "GetJob", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = world_.jobs.find(request->name());
      if (it == world_.jobs.end()) return NotFound(request->name());
      *response = it->second;
      return Status::OK;
    });
  }
  Status ListJobs(ServerContext*, const v1::ListJobsRequest*,
                  v1::ListJobsResponse* response) override {
    return Unary(world_, "ListJobs", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& [name, job] : world_.jobs) *response->add_jobs() = job;
      return Status::OK;
    });
  }
  // A fifth of the work a message; "jobs/broken" fails; a stream breaks once on the way when told
  // to.
  Status WatchJob(ServerContext*, const v1::WatchJobRequest* request,
                  grpc::ServerWriter<v1::Job>* writer) override {
    v1::Job job;
    {
      MutexLock lock(world_.mutex);
      ++world_.calls["WatchJob"];
      if (world_.refuse_watches > 0) {
        --world_.refuse_watches;
        return Gone();
      }
      const auto it = world_.jobs.find(request->name());
      if (it == world_.jobs.end()) return NotFound(request->name());
      job = it->second;
    }
    const int64_t total = std::max<int64_t>(job.total(), 5);
    for (int64_t done = job.done(); done <= total; done += std::max<int64_t>(1, total / 5)) {
      job.set_done(done);
      job.set_message("working");
      job.set_state(done >= total ? v1::JOB_STATE_SUCCEEDED : v1::JOB_STATE_RUNNING);
      if (job.name() == "jobs/broken" && done >= total) {
        job.set_state(v1::JOB_STATE_FAILED);
        job.set_error_message("broken on purpose");
      }
      writer->Write(job);
      MutexLock lock(world_.mutex);
      world_.jobs[job.name()] = job;
      if (world_.fail_unary > 0) {
        --world_.fail_unary;
        return Gone();
      }
    }
    return Status::OK;
  }

 private:
  World& world_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeTasks(World& world) { return std::make_unique<Tasks>(world); }
std::unique_ptr<grpc::Service> MakeFakeJobs(World& world) { return std::make_unique<Jobs>(world); }

}  // namespace proctor::client
