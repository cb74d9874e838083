// What each method needs: the one table that every call is checked against.
#ifndef PROCTOR_SERVER_AUTH_METHOD_RULES_H_
#define PROCTOR_SERVER_AUTH_METHOD_RULES_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/auth/caller.h"

namespace proctor::server {

struct MethodRule {
  // "/proctor.v1.TaskService/GetTask"
  std::string_view path;
  // Any of them is enough.
  Scopes scopes;
  // It changes something: a line in the audit log. Of a stream each verb has a line instead.
  bool changes = false;
  // Quotas that must not be spent when it begins: it puts what it is sent into the store; a model may be asked.
  bool stores = false;
  bool asks_models = false;
};

// Every method that callers may use; anything else is refused. Health checks are not in it: they are open to all.
const std::vector<MethodRule>& MethodRules();

// Null: not in the table.
const MethodRule* FindMethodRule(std::string_view path);

// A method of grpc.health.v1.Health: needs no token.
bool IsHealthCheck(std::string_view path);

// PERMISSION_DENIED, naming the scope that is missing; UNIMPLEMENTED: not in the table.
absl::Status CheckScopes(std::string_view path, const Caller& caller);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_METHOD_RULES_H_
