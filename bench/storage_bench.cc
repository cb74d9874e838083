// Throughput of the store and of recording. Run on an idle machine; the directory is below TMPDIR: choose the disk that counts.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "storage/file_blob_store.h"
#include "storage/sqlite_database.h"
#include "trajectory/archive.h"
#include "trajectory/recorder.h"

namespace proctor {
namespace {

// A server's storage in a folder of its own, removed at the end.
class Disk {
 public:
  explicit Disk(storage::Durability durability) {
    std::string pattern = (std::filesystem::temp_directory_path() / "proctor-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
    database_ = storage::OpenSqliteDatabase({.directory = path_, .durability = durability}).value();
    blobs_ = storage::OpenFileBlobStore({.directory = path_ + "/blobs", .durability = durability})
                 .value();
    archive_ = trajectory::Archive::Open(*database_, *blobs_, SystemClock()).value();
  }
  ~Disk() {
    archive_.reset();
    blobs_.reset();
    database_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  storage::BlobStore& blobs() { return *blobs_; }
  trajectory::Archive& archive() { return *archive_; }

 private:
  std::string path_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::BlobStore> blobs_;
  std::unique_ptr<trajectory::Archive> archive_;
};

storage::Durability DurabilityOf(const benchmark::State& state) {
  return state.range(0) == 0 ? storage::Durability::kPower : storage::Durability::kProcess;
}

std::string RandomBytes(size_t size) {
  static std::atomic<unsigned> seed = 1;
  std::minstd_rand random(seed++);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

v1::Step MakeStep(int index, size_t picture_bytes, const std::string& picture) {
  v1::Step step;
  step.set_index(index);
  step.mutable_action()->mutable_click()->mutable_target()->set_mark(7);
  step.mutable_agent_data()->set_thought(std::string(400, 't'));
  step.mutable_observation()->mutable_text()->set_text(std::string(4'000, 'x'));
  if (picture_bytes > 0) {
    // Another picture each step, without making random bytes on the clock.
    std::string bytes = picture;
    const std::string stamp = absl::StrCat(index);
    bytes.replace(0, stamp.size(), stamp);
    step.mutable_observation()->mutable_screenshot()->set_data(std::move(bytes));
  }
  return step;
}

std::unique_ptr<Disk> g_disk;

// Every thread records one episode; arguments: durability (0 power, 1 process), bytes of a step's picture.
void AppendSteps(benchmark::State& state) {
  if (state.thread_index() == 0) g_disk = std::make_unique<Disk>(DurabilityOf(state));
  const CallContext context;
  const std::string id = absl::StrCat("e", state.thread_index());
  const size_t picture_bytes = static_cast<size_t>(state.range(1));
  const std::string picture = RandomBytes(picture_bytes);
  std::unique_ptr<trajectory::Recorder> recorder;
  int index = 0;
  for (auto _ : state) {
    if (recorder == nullptr) {
      recorder = std::make_unique<trajectory::Recorder>(g_disk->archive());
      v1::Trajectory header;
      header.set_name("trajectories/" + id);
      if (!recorder->BeginWithoutEpisode(context, header).ok()) state.SkipWithError("begin");
    }
    const absl::Status status =
        recorder->Append(context, id, MakeStep(index++, picture_bytes, picture), {});
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) g_disk.reset();
}
BENCHMARK(AppendSteps)
    ->ArgNames({"process", "picture"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 300'000})
    ->Args({1, 300'000})
    ->Threads(1)
    ->Threads(16)
    ->UseRealTime()
    ->MinTime(1.0);

void PutBlob(benchmark::State& state) {
  Disk disk(DurabilityOf(state));
  const CallContext context;
  std::string bytes = RandomBytes(300'000);
  int64_t count = 0;
  for (auto _ : state) {
    const std::string stamp = absl::StrCat(count++);
    bytes.replace(0, stamp.size(), stamp);
    if (!disk.blobs().Put(context, bytes).ok()) state.SkipWithError("put");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(PutBlob)->ArgName("process")->Arg(0)->Arg(1)->UseRealTime();

void PutKnownBlob(benchmark::State& state) {
  Disk disk(storage::Durability::kPower);
  const std::string bytes = RandomBytes(300'000);
  for (auto _ : state) {
    if (!disk.blobs().Put(CallContext(), bytes).ok()) state.SkipWithError("put");
  }
}
BENCHMARK(PutKnownBlob)->UseRealTime();

}  // namespace
}  // namespace proctor
