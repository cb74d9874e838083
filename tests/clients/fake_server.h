// A Proctor server made of maps, on a free loopback port: speaks the real wire protocol, misbehaves
// when told.
#ifndef PROCTOR_TESTS_CLIENTS_FAKE_SERVER_H_
#define PROCTOR_TESTS_CLIENTS_FAKE_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/reward_service.pb.h"

namespace proctor::client {

// Thread-safe. One environment `environments/null`, tasks `tasks/t0` to `tasks/t9`; an episode ends
// at the answer, its reward is 1 for "42". In `environments/full` there is no place, and `environments/away` cannot be had now: answers
// such as proctord gives.
class FakeServer {
 public:
  // Listens on 127.0.0.1:`port`; 0: a free one. nullptr: it is somebody else's.
  static std::unique_ptr<FakeServer> Start(int port = 0);
  virtual ~FakeServer() = default;

  virtual std::string address() const = 0;
  virtual int port() const = 0;

  // The next `count` unary calls fail with `code`, after doing their work if `after`; blobs break off.
  virtual void FailUnary(int count, bool after, absl::StatusCode code = absl::StatusCode::kUnavailable) = 0;
  // The next `count` WatchJob calls fail UNAVAILABLE before they tell anything.
  virtual void RefuseWatches(int count) = 0;
  // The next `count` verbs on Act streams end their stream UNAVAILABLE after doing their work.
  virtual void BreakAct(int count) = 0;
  // The reward stream ends UNAVAILABLE after every `count` records; 0: never.
  virtual void BreakRewardsEvery(int count) = 0;
  // The next `count` acknowledgements cannot be stored: their reward streams end with `code`.
  virtual void FailAcks(int count, absl::StatusCode code = absl::StatusCode::kResourceExhausted) = 0;
  // KeepAlive calls are not answered any more.
  virtual void HoldKeepAlives() = 0;
  // How many of those still wait, and how many their client gave up before their deadline.
  virtual int keep_alives_held() const = 0;
  virtual int keep_alives_given_up() const = 0;
  // As if all leases had run out.
  virtual void CloseSessions() = 0;
  // Appends rewards to the log.
  virtual void AddRewards(int count) = 0;

  // What arrived, by method name; an Act verb by its field's name.
  virtual int Calls(const std::string& method) const = 0;
  // Steps really taken: repeated request ids do not count.
  virtual int steps() const = 0;
  virtual int open_sessions() const = 0;
  virtual int64_t committed() const = 0;
  // The largest number of records that were on their way beyond what was taken: never above the
  // credits.
  virtual bool credits_kept() const = 0;
  virtual std::vector<std::string> request_ids() const = 0;
};

}  // namespace proctor::client

#endif  // PROCTOR_TESTS_CLIENTS_FAKE_SERVER_H_
