#include "env/web/rest_watch.h"

#include "common/json.h"
#include "env/web/settle_script.h"

namespace proctor::env::web {

RestWatch::RestWatch(Tab& tab) : tab_(tab), changes_(tab.activity().changes()) {
  tab_.devtools().Send({tab_.session_id(), "Runtime.evaluate", {{"expression", MarkExpression()}}});
}

bool RestWatch::Undisturbed(const CallContext& context) {
  if (tab_.frames().Frames().size() != 1) return false;
  const absl::StatusOr<Json> answer =
      tab_.devtools().Call(context, tab_.session_id(), "Runtime.evaluate",
                           {{"expression", QuietExpression(absl::ZeroDuration())}, {"returnByValue", true}});
  const bool still = answer.ok() && JsonNumberOr(JsonMember(*answer, "result"), "value", -1) == 0;
  return still && tab_.activity().busy() == PageActivity::Busy::kIdle && tab_.activity().changes() == changes_;
}

}  // namespace proctor::env::web
