#include "server/webarena_source.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "common/status.h"
#include "evaluator/webarena_config.h"
#include "proposer/splits.h"

namespace proctor::server {
namespace {

absl::StatusOr<std::vector<v1::Task>> Load(const v1::WebArenaSource& source) {
  evaluator::WebArenaConfigOptions options;
  if (!source.environment().empty()) {
    PROCTOR_RETURN_IF_ERROR(ResourceId("environments", source.environment()).status());
    options.environment = source.environment();
  }
  for (const auto& [placeholder, url] : source.base_urls()) options.base_urls[placeholder] = url;
  // What was not sent is not looked for: a path in the file is the client's, never the server's.
  std::map<std::string, int> missing;
  options.read_storage_state = [&source, &missing](const std::string& path) -> absl::StatusOr<std::string> {
    const auto found = source.storage_states().find(path);
    if (found != source.storage_states().end()) return found->second;
    ++missing[path];
    return std::string();
  };
  PROCTOR_ASSIGN_OR_RETURN(std::vector<v1::Task> tasks, evaluator::LoadWebArenaConfig(source.config_json(), options));
  // Whoever is not logged in sees another site, and fails for it.
  if (!missing.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "storage states that tasks start with were not sent: ",
        absl::StrJoin(missing, ", ",
                      [](std::string* out, const auto& entry) {
                        absl::StrAppend(out, entry.first, " (", entry.second, entry.second == 1 ? " task)" : " tasks)");
                      }),
        "; send each one's content (proctor task import --storage-state PATH=FILE), or an empty one (PATH=) to start logged out"));
  }
  return tasks;
}

}  // namespace

absl::StatusOr<proposer::Proposal> ProposeFromWebArena(const v1::ProposeTasksRequest& request,
                                                       const std::string& job) {
  PROCTOR_ASSIGN_OR_RETURN(std::vector<v1::Task> tasks, Load(request.webarena()));
  PROCTOR_ASSIGN_OR_RETURN(const v1::SplitShares shares,
                           proposer::NormalizeShares(request.split_shares()));
  proposer::Proposal proposal;
  proposal.result.set_drafted(static_cast<int>(tasks.size()));
  if (request.count() > 0 && tasks.size() > static_cast<size_t>(request.count()))
    tasks.resize(request.count());
  for (v1::Task& task : tasks) {
    const std::string& about = task.template_().empty() ? task.name() : task.template_();
    // A benchmark is for testing unless somebody says otherwise.
    task.set_split(request.has_split_shares() ? proposer::SplitOfName(shares, about)
                                              : v1::SPLIT_TEST);
    for (const auto& [tag, value] : request.tags()) (*task.mutable_tags())[tag] = value;
    task.mutable_lineage()->set_job(job);
    ++(*proposal.result.mutable_accepted_by_kind())[task.kind()];
  }
  proposal.result.set_accepted(static_cast<int>(tasks.size()));
  proposal.tasks = std::move(tasks);
  return proposal;
}

}  // namespace proctor::server
