// Evidence from a desktop, for oracles.
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_EVIDENCE_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_EVIDENCE_H_

#include "common/call_context.h"
#include "env/desktop/display.h"
#include "imaging/image.h"
#include "proctor/v1/desktop.pb.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::env::desktop {

// One request. Whatever goes wrong stands in its `error`; what the desktop was made into is no error: of what is in a file's place the value
// is {"exists": false, "instead": "link"} ("directory", "other"), of a file that may not be read {"exists": true, "size": 12, "unreadable":
// true, "base64": ""}. Of a directory, "." the home directory itself, there are `names` too: see HomeFile in guest/home_files.h. `pixels`: the
// screen.
v1::Evidence CollectDesktopEvidence(const CallContext& context, const v1::DesktopConfig& config, Display display,
                                    const imaging::Image& pixels, const v1::EvidenceRequest& request);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_EVIDENCE_H_
