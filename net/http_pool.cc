#include "net/http_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/status.h"
#include "net/curl_transfer.h"

namespace proctor::net {
namespace {

// One request of the pool.
struct Running {
  Running(const CallContext& its_context, FetchRequest request, HttpPool::Done its_done)
      : context(its_context), transfer(std::move(request)), done(std::move(its_done)) {}
  CallContext context;
  CurlTransfer transfer;
  HttpPool::Done done;
  uint64_t cancel_callback = 0;
};

// What other threads leave for the pool's thread. Outlives the pool where a cancel token still holds it.
class Inbox {
 public:
  explicit Inbox(CURLM* multi) : multi_(multi) {}

  void Add(uint64_t id, std::unique_ptr<Running> request) {
    MutexLock lock(mutex_);
    started_.emplace_back(id, std::move(request));
    curl_multi_wakeup(multi_);
  }
  void Cancel(uint64_t id) {
    MutexLock lock(mutex_);
    if (multi_ == nullptr) return;
    cancelled_.push_back(id);
    curl_multi_wakeup(multi_);
  }
  void Stop() {
    MutexLock lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(multi_);
  }
  // The libcurl handle is about to go.
  void Close() {
    MutexLock lock(mutex_);
    multi_ = nullptr;
  }
  // Returns whether to stop.
  bool Take(std::deque<std::pair<uint64_t, std::unique_ptr<Running>>>& started, std::vector<uint64_t>& cancelled) {
    MutexLock lock(mutex_);
    started.swap(started_);
    cancelled.swap(cancelled_);
    return stopping_;
  }

 private:
  Mutex mutex_;
  CURLM* multi_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::pair<uint64_t, std::unique_ptr<Running>>> started_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
};

class CurlPool final : public HttpPool {
 public:
  CurlPool(Options options, CurlMulti multi)
      : options_(options), multi_(std::move(multi)), inbox_(std::make_shared<Inbox>(multi_.get())) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.max_idle_connections));
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    thread_ = std::thread([this] { Run(); });
  }

  ~CurlPool() override {
    inbox_->Stop();
    thread_.join();
    inbox_->Close();
  }

  void Start(const CallContext& context, FetchRequest request, Done done) override {
    ++in_flight_;
    inbox_->Add(next_id_++, std::make_unique<Running>(context, std::move(request), std::move(done)));
  }

  int in_flight() const override { return in_flight_; }

 private:
  void Run();
  void Begin(uint64_t id, std::unique_ptr<Running> request);
  void End(uint64_t id, absl::Status status);
  void EndFinished();
  void EndExpired();
  int PollMs() const;

  const Options options_;
  const CurlMulti multi_;
  const std::shared_ptr<Inbox> inbox_;
  std::atomic<uint64_t> next_id_{1};
  std::atomic<int> in_flight_{0};
  // Of the pool's thread only.
  std::map<uint64_t, std::unique_ptr<Running>> running_;
  std::multimap<absl::Time, uint64_t> deadlines_;
  std::thread thread_;
};

void CurlPool::Run() {
  pthread_setname_np(pthread_self(), "http-pool");
  while (true) {
    std::deque<std::pair<uint64_t, std::unique_ptr<Running>>> started;
    std::vector<uint64_t> cancelled;
    const bool stop = inbox_->Take(started, cancelled);
    for (auto& [id, request] : started) Begin(id, std::move(request));
    for (const uint64_t id : cancelled) End(id, absl::CancelledError("HTTP request: cancelled"));
    if (stop) break;
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    EndFinished();
    EndExpired();
    curl_multi_poll(multi_.get(), nullptr, 0, PollMs(), nullptr);
  }
  while (!running_.empty()) {
    End(running_.begin()->first, absl::CancelledError("HTTP request: the client is closing"));
  }
}

void CurlPool::Begin(uint64_t id, std::unique_ptr<Running> request) {
  Running& running = *request;
  running_.emplace(id, std::move(request));
  absl::Status status = running.context.Check("HTTP request");
  if (status.ok()) status = running.transfer.Configure();
  if (!status.ok()) {
    End(id, std::move(status));
    return;
  }
  CURL* easy = running.transfer.easy();
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a number that libcurl keeps; nobody follows it.
  curl_easy_setopt(easy, CURLOPT_PRIVATE, reinterpret_cast<char*>(id));
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Waits for a connection that is being set up to say whether it multiplexes, instead of opening hundreds. TLS says it
  // at once; without it libcurl would wait for the first reply.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, running.transfer.uses_tls() ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options_.connect_timeout)));
  if (running.context.deadline() != absl::InfiniteFuture()) {
    deadlines_.emplace(running.context.deadline(), id);
  }
  running.cancel_callback = running.context.cancel()->AddCallback([inbox = inbox_, id] { inbox->Cancel(id); });
  curl_multi_add_handle(multi_.get(), easy);
}

void CurlPool::End(uint64_t id, absl::Status status) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;  // Cancelled as it ended.
  const std::unique_ptr<Running> running = std::move(found->second);
  running_.erase(found);
  FetchReply reply;
  if (running->transfer.easy() != nullptr) {
    reply = running->transfer.TakeReply();
    curl_multi_remove_handle(multi_.get(), running->transfer.easy());
  }
  const auto [first, last] = deadlines_.equal_range(running->context.deadline());
  for (auto it = first; it != last; ++it) {
    if (it->second != id) continue;
    deadlines_.erase(it);
    break;
  }
  if (running->cancel_callback != 0) {
    running->context.cancel()->RemoveCallback(running->cancel_callback);
  }
  --in_flight_;
  running->done(std::move(status), std::move(reply));
}

void CurlPool::EndFinished() {
  // Ending a transfer invalidates its message: collect first.
  std::vector<std::pair<uint64_t, CURLcode>> ended;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    char* id = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &id);
    ended.emplace_back(reinterpret_cast<uint64_t>(id), message->data.result);
  }
  for (const auto& [id, code] : ended) End(id, running_.at(id)->transfer.ToStatus(code));
}

void CurlPool::EndExpired() {
  const absl::Time now = absl::Now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    End(deadlines_.begin()->second, absl::DeadlineExceededError("HTTP request: deadline exceeded"));
  }
}

int CurlPool::PollMs() const {
  constexpr absl::Duration kLongest = absl::Seconds(60);
  absl::Duration wait = kLongest;
  if (!deadlines_.empty()) wait = std::min(wait, deadlines_.begin()->first - absl::Now());
  wait = std::max(wait, absl::ZeroDuration()) + absl::Milliseconds(1);
  return static_cast<int>(absl::ToInt64Milliseconds(wait));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpPool>> HttpPool::Create(Options options) {
  InitializeCurl();
  CurlMulti multi(curl_multi_init());
  if (multi == nullptr) return absl::ResourceExhaustedError("libcurl has no memory");
  return std::make_unique<CurlPool>(options, std::move(multi));
}

}  // namespace proctor::net
