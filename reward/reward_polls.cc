#include "reward/reward_polls.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::reward {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr absl::Duration kMaxWait = absl::Seconds(60);

v1::ListRewardsResponse ToResponse(LogBatch batch) {
  v1::ListRewardsResponse response;
  for (v1::RewardRecord& record : batch.records) *response.add_records() = std::move(record);
  response.set_next_after_offset(batch.next_after_offset);
  response.set_end_offset(batch.end_offset);
  response.set_floor_offset(batch.floor_offset);
  return response;
}

}  // namespace

struct RewardPolls::Poll {
  Poll(const CallContext& c, const v1::ListRewardsRequest& r, Executor& p, Done d)
      : context(c), request(r), pool(p), done(std::move(d)), after(r.after_offset()) {}

  const CallContext context;
  const v1::ListRewardsRequest& request;
  Executor& pool;
  const Done done;
  // Set before it looks for the first time; 0: none.
  uint64_t timer = 0;
  uint64_t cancel_callback = 0;
  // Of the task that has it.
  int64_t after = 0;
  v1::ListRewardsResponse nothing;
  // Under the polls' mutex: it waits no more.
  bool stopped = false;
};

RewardPolls::RewardPolls(RewardLog& log, TimerQueue& timers) : log_(log), timers_(timers) {
  listener_ = log_.AddListener([this](int64_t) { WakeAll(); });
}

RewardPolls::~RewardPolls() { log_.RemoveListener(listener_); }

void RewardPolls::Begin(const CallContext& context, const v1::ListRewardsRequest& request, Executor& pool, Done done) {
  if (request.page_size() < 0) {
    done(absl::InvalidArgumentError("page_size must not be negative"));
    return;
  }
  const auto poll = std::make_shared<Poll>(context, request, pool, std::move(done));
  const absl::Duration wait = std::clamp(FromProto(request.max_wait()), absl::ZeroDuration(), std::min(kMaxWait, context.remaining()));
  if (wait > absl::ZeroDuration()) {
    const auto stop = [this, poll] {
      poll->pool.Post([this, poll] { Stop(poll); });
    };
    poll->timer = timers_.RunAfter(wait, stop);
    poll->cancel_callback = context.cancel()->AddCallback(stop);
  } else {
    MutexLock lock(mutex_);
    poll->stopped = true;
  }
  Look(poll);
}

absl::StatusOr<LogBatch> RewardPolls::Read(const Poll& poll) {
  PROCTOR_RETURN_IF_ERROR(poll.context.Check("ListRewards"));
  const int page_size = poll.request.page_size() == 0 ? kDefaultPageSize : poll.request.page_size();
  return log_.Read(poll.context, poll.after, poll.request.filter(), {.max_records = page_size});
}

void RewardPolls::Look(const std::shared_ptr<Poll>& poll) {
  absl::StatusOr<LogBatch> batch = Read(*poll);
  if (!batch.ok() || !batch->records.empty()) {
    if (batch.ok()) {
      Answer(poll, ToResponse(*std::move(batch)));
    } else {
      Answer(poll, batch.status());
    }
    return;
  }
  const int64_t end_offset = batch->end_offset;
  const bool moved = batch->next_after_offset > poll->after;
  poll->after = batch->next_after_offset;
  poll->nothing = ToResponse(*std::move(batch));
  if (moved) {
    // All filtered out: it looks further when it is its turn again.
    poll->pool.Post([this, poll] { Look(poll); });
  } else {
    Wait(poll, end_offset);
  }
}

void RewardPolls::Wait(const std::shared_ptr<Poll>& poll, int64_t end_offset) {
  bool stopped = false;
  {
    MutexLock lock(mutex_);
    stopped = poll->stopped;
    if (!stopped && log_.end_offset() <= end_offset) {
      waiting_.insert(poll);
      return;
    }
  }
  if (stopped) {
    AnswerWithNothing(poll);
  } else {
    poll->pool.Post([this, poll] { Look(poll); });
  }
}

void RewardPolls::WakeAll() {
  std::set<std::shared_ptr<Poll>> woken;
  {
    MutexLock lock(mutex_);
    woken.swap(waiting_);
  }
  for (const auto& poll : woken) poll->pool.Post([this, poll] { Look(poll); });
}

void RewardPolls::Stop(const std::shared_ptr<Poll>& poll) {
  {
    MutexLock lock(mutex_);
    poll->stopped = true;
    if (waiting_.erase(poll) == 0) return;
  }
  AnswerWithNothing(poll);
}

void RewardPolls::AnswerWithNothing(const std::shared_ptr<Poll>& poll) {
  const absl::Status status = poll->context.Check("ListRewards");
  if (status.ok()) {
    Answer(poll, std::move(poll->nothing));
  } else {
    Answer(poll, status);
  }
}

void RewardPolls::Answer(const std::shared_ptr<Poll>& poll, absl::StatusOr<v1::ListRewardsResponse> response) {
  if (poll->timer != 0) timers_.Cancel(poll->timer);
  if (poll->cancel_callback != 0) poll->context.cancel()->RemoveCallback(poll->cancel_callback);
  poll->done(std::move(response));
}

}  // namespace proctor::reward
