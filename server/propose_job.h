// ProposeTasks as a job: from templates, a crawl, a file or a model to stored tasks.
#ifndef PROCTOR_SERVER_PROPOSE_JOB_H_
#define PROCTOR_SERVER_PROPOSE_JOB_H_

#include "server/job_runner.h"
#include "server/propose_parts.h"

namespace proctor::server {

// The job as answers show it: without the files that a WebArena source carries, which may hold cookies and together be larger than a message, and
// without user names and passwords in the URLs of the others.
v1::Job ShownJob(v1::Job job);

// Registers the work of `propose_tasks` jobs.
void RegisterProposeJob(JobRunner& jobs, ProposeParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_PROPOSE_JOB_H_
