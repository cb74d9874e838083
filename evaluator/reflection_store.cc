#include "evaluator/reflection_store.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/stored_message.h"

namespace proctor::evaluator {
namespace {

constexpr char kTable[] = "evaluator_reflections";
constexpr size_t kIdDigits = 32;

}  // namespace

std::string ReflectionStore::NameOf(const std::string& trajectory, const std::string& verdict,
                                    const std::string& previous) {
  return ResourceName("reflections",
                      Sha256Hex(absl::StrCat(trajectory, "\n", verdict, "\n", previous)).substr(0, kIdDigits));
}

absl::StatusOr<v1::Reflection> ReflectionStore::Get(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("reflections", name));
  std::optional<v1::Reflection> found;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(found, Find<v1::Reflection>(transaction, kTable, id));
    return absl::OkStatus();
  }));
  if (!found) return absl::NotFoundError(absl::StrCat("there is no ", name));
  return *std::move(found);
}

absl::StatusOr<std::vector<v1::Reflection>> ReflectionStore::Chain(const CallContext& context, const std::string& name) {
  std::vector<v1::Reflection> chain;
  for (std::string next = name; !next.empty(); next = chain.back().previous()) {
    if (chain.size() == kMaxDepth) {
      return absl::FailedPreconditionError(absl::StrCat(name, " has ", kMaxDepth, " predecessors already: begin anew"));
    }
    PROCTOR_ASSIGN_OR_RETURN(chain.emplace_back(), Get(context, next));
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

absl::StatusOr<v1::Reflection> ReflectionStore::Put(const CallContext& context, const v1::Reflection& reflection) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("reflections", reflection.name()));
  v1::Reflection stored = reflection;
  *stored.mutable_create_time() = ToProto(clock_.Now());
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(auto found, Find<v1::Reflection>(transaction, kTable, id));
    if (found) {
      stored = *std::move(found);
      return absl::OkStatus();
    }
    return transaction
        .Execute("INSERT INTO evaluator_reflections (id, body) VALUES ($1, $2)",
                 {id, storage::Bytes{stored.SerializeAsString()}})
        .status();
  }));
  return stored;
}

}  // namespace proctor::evaluator
