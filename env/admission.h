// Who may open a session, beyond there being one free: decided by server/, which knows tenants and their quotas.
#ifndef PROCTOR_ENV_ADMISSION_H_
#define PROCTOR_ENV_ADMISSION_H_

#include <string>

#include "absl/status/status.h"

namespace proctor::env {

// Thread-safe; blocks on nothing.
class Admission {
 public:
  virtual ~Admission() = default;

  // Counts one more session of the tenant, or an explorer's world: asked for before it waits or opens. A refusal (RESOURCE_EXHAUSTED, with a
  // retry hint) is the answer of CreateSession.
  virtual absl::Status Take(const std::string& tenant, const std::string& environment_id) = 0;
  // The same for what can do without: false, and nothing is counted as refused, where Take refuses.
  virtual bool TryTake(const std::string& tenant, const std::string& environment_id) = 0;
  // That session is closed, or never came to be.
  virtual void GiveBack(const std::string& tenant, const std::string& environment_id) = 0;

  // A tenant's share beside others that wait for the same environment; greater than 0.
  virtual double Share(const std::string& tenant) const = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_ADMISSION_H_
