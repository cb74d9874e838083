// Collects evidence from the live world without touching what the agent sees.
#ifndef PROCTOR_ENV_WEB_WEB_EVIDENCE_H_
#define PROCTOR_ENV_WEB_WEB_EVIDENCE_H_

#include "common/call_context.h"
#include "env/web/browser_context.h"
#include "env/web/page_load.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::env::web {

// One result; a failure to collect is recorded in it, without values.
//
// Where it is the agent that left nothing to read, the reason is recorded *and* a value: null for an expression that throws in the agent's
// tab or in a page that the oracle names, "" for an entry of a page sequence that is about the agent's page and cannot be had or throws. So
// that it counts as the agent's failure, and as nothing else. A site of the task's own that cannot be had, and a server that fails, are a
// failure to collect.
v1::Evidence CollectWebEvidence(const CallContext& context, BrowserContext& browser, const TaskSites& sites,
                                const v1::EvidenceRequest& request);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_WEB_EVIDENCE_H_
