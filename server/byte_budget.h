// Memory that many calls hold together, so that no number of them takes all there is.
#ifndef PROCTOR_SERVER_BYTE_BUDGET_H_
#define PROCTOR_SERVER_BYTE_BUDGET_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/mutex.h"

namespace proctor::server {

// Thread-safe. Outlives its shares.
class ByteBudget {
 public:
  // For refusals: the memory is for `purpose` ("blobs"), and `setting` sets its size.
  ByteBudget(int64_t bytes, std::string purpose, std::string setting)
      : bytes_(bytes), purpose_(std::move(purpose)), setting_(std::move(setting)) {}

  // What one call holds; given back with it. Used by one thread at a time.
  class Share {
   public:
    explicit Share(ByteBudget& budget) : budget_(budget) {}
    ~Share() { Clear(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // RESOURCE_EXHAUSTED: not now; with a hint when to try again, unless the share could never be that large.
    absl::Status Add(int64_t bytes);
    // Gives back so many of those that were added.
    void Remove(int64_t bytes);
    void Clear() { Remove(held_); }

   private:
    ByteBudget& budget_;
    int64_t held_ = 0;
  };

  int64_t held() const;

 private:
  const int64_t bytes_;
  const std::string purpose_;
  const std::string setting_;
  mutable Mutex mutex_;
  int64_t held_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_BYTE_BUDGET_H_
