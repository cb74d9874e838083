// Collects evidence from the live world without touching what the agent sees.
#ifndef PROCTOR_ENV_WEB_WEB_EVIDENCE_H_
#define PROCTOR_ENV_WEB_WEB_EVIDENCE_H_

#include "common/call_context.h"
#include "env/web/browser_context.h"
#include "env/web/page_load.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::env::web {

// One result; a failure is recorded in it.
v1::Evidence CollectWebEvidence(const CallContext& context, BrowserContext& browser, const BaseUrls& base_urls,
                                const v1::EvidenceRequest& request);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_WEB_EVIDENCE_H_
