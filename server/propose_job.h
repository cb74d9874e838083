// ProposeTasks as a job: from templates or from a crawl to stored tasks.
#ifndef PROCTOR_SERVER_PROPOSE_JOB_H_
#define PROCTOR_SERVER_PROPOSE_JOB_H_

#include "proposer/task_store.h"
#include "server/job_runner.h"
#include "server/worlds.h"

namespace proctor::server {

// The job as answers show it: without the files that a WebArena source carries. They may hold
// cookies, and together be larger than a message.
v1::Job ShownJob(v1::Job job);

// Registers the work of `propose_tasks` jobs. All outlive the runner.
void RegisterProposeJob(JobRunner& jobs, proposer::TaskStore& tasks, Worlds& worlds);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_PROPOSE_JOB_H_
