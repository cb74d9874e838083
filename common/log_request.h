// Marks log lines with the request that they are about.
#ifndef PROCTOR_COMMON_LOG_REQUEST_H_
#define PROCTOR_COMMON_LOG_REQUEST_H_

#include <string>

namespace proctor {

// While it lives, lines that this thread logs have the field `request`; an empty id adds nothing. Nests: the innermost counts.
class LogRequest {
 public:
  // `id` outlives it.
  explicit LogRequest(const std::string& id);
  ~LogRequest();
  LogRequest(const LogRequest&) = delete;
  LogRequest& operator=(const LogRequest&) = delete;

 private:
  const std::string* const outer_;
};

}  // namespace proctor

#endif  // PROCTOR_COMMON_LOG_REQUEST_H_
