// What re-scoring costs the server beside the judge's own time: see bench/rescore.
#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "imaging/image.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "storage/file_blob_store.h"
#include "storage/sqlite_database.h"
#include "tests/model/scripted_server.h"
#include "trajectory/recorder.h"

namespace proctor::bench {
namespace {

constexpr int kSteps = 10;
// The judge (PAE) shows the last three.
constexpr int kShown = 3;
constexpr char kEvaluator[] = "evaluators/pae";

struct Options {
  std::string proctord;
  std::string format = "jpeg";
  int trajectories = 4000;
  int at_once = 200;
  absl::Duration latency = absl::Seconds(1);
};

// A picture of 1280 x 720 that differs from all others and compresses like a page: flat areas and some detail.
absl::StatusOr<std::string> Picture(const std::string& format, std::mt19937& random) {
  imaging::Image image{.width_px = 1280, .height_px = 720, .bgra = std::vector<uint8_t>(size_t{4} * 1280 * 720, 255)};
  for (int box = 0; box < 60; ++box) {
    const int x = random() % 1200, y = random() % 680, width = 10 + random() % 70, height = 4 + random() % 30;
    const uint32_t colour = random();
    for (int row = y; row < std::min(720, y + height); ++row) {
      for (int column = x; column < std::min(1280, x + width); ++column) {
        uint8_t* pixel = &image.bgra[size_t{4} * (row * 1280 + column)];
        for (int channel = 0; channel < 3; ++channel) pixel[channel] = (colour >> (8 * channel)) + random() % 24;
      }
    }
  }
  imaging::EncodeOptions options;
  options.format = format == "png" ? imaging::Format::kPng : imaging::Format::kJpeg;
  options.quality = 80;
  return imaging::Encode(image, options);
}

v1::Observation See(const std::string& digest, v1::ImageFormat format) {
  v1::Observation observation;
  observation.set_url("http://shop.localhost/");
  observation.mutable_screenshot()->set_digest(digest);
  observation.mutable_screenshot()->set_format(format);
  observation.mutable_screenshot()->set_width_px(1280);
  observation.mutable_screenshot()->set_height_px(720);
  return observation;
}

// Closed records of ten steps; the last pictures are each trajectory's own. Returns the mean size of a shown picture.
absl::StatusOr<double> MakeRecords(const std::string& data, const Options& options) {
  storage::SqliteDatabaseOptions database_options;
  database_options.directory = data;
  database_options.durability = storage::Durability::kProcess;
  PROCTOR_ASSIGN_OR_RETURN(const auto database, storage::OpenSqliteDatabase(database_options));
  PROCTOR_ASSIGN_OR_RETURN(const auto blobs,
                           storage::OpenFileBlobStore({data + "/blobs", storage::Durability::kProcess}));
  PROCTOR_ASSIGN_OR_RETURN(const auto archive, trajectory::Archive::Open(*database, *blobs, SystemClock()));
  trajectory::Recorder recorder(*archive);
  const v1::ImageFormat format = options.format == "png" ? v1::IMAGE_FORMAT_PNG : v1::IMAGE_FORMAT_JPEG;
  const CallContext context;
  std::mt19937 random(1);
  double bytes = 0;
  PROCTOR_ASSIGN_OR_RETURN(const std::string common, Picture(options.format, random));
  PROCTOR_ASSIGN_OR_RETURN(const std::string common_digest, blobs->Put(context, common));
  for (int i = 0; i < options.trajectories; ++i) {
    const std::string id = absl::StrCat("t", i);
    v1::Trajectory header;
    header.set_name("trajectories/" + id);
    header.mutable_task()->set_goal(absl::StrCat("Find the price of item ", i, "."));
    *header.mutable_initial_observation() = See(common_digest, format);
    PROCTOR_RETURN_IF_ERROR(recorder.BeginWithoutEpisode(context, header));
    for (int index = 0; index < kSteps; ++index) {
      v1::Step step;
      step.set_index(index);
      if (index + 1 < kSteps) {
        step.mutable_action()->mutable_click()->mutable_target()->set_mark(index + 1);
      } else {
        step.mutable_action()->mutable_answer()->set_text("It costs 4.20.");
      }
      std::string digest = common_digest;
      if (index >= kSteps - kShown) {
        PROCTOR_ASSIGN_OR_RETURN(const std::string picture, Picture(options.format, random));
        bytes += static_cast<double>(picture.size());
        PROCTOR_ASSIGN_OR_RETURN(digest, blobs->Put(context, picture));
      }
      *step.mutable_observation() = See(digest, format);
      PROCTOR_RETURN_IF_ERROR(recorder.Append(context, id, step, {}));
    }
    v1::Trajectory ending;
    ending.set_end_kind(v1::END_KIND_TERMINATED);
    ending.set_end_reason(v1::END_REASON_ANSWERED);
    PROCTOR_RETURN_IF_ERROR(recorder.FinishWithoutEpisode(context, id, ending, {}).status());
    if (i % 100 == 0) fprintf(stderr, "\rwriting records %d/%d", i, options.trajectories);
  }
  fprintf(stderr, "\r\033[K");
  return bytes / (options.trajectories * kShown);
}

// proctord as a child.
class Child {
 public:
  Child(const std::string& program, const std::string& directory, const std::string& base_url, int at_once) {
    std::ofstream(directory + "/proctord.yaml")
        << "environments: {web: {enabled: false}, practice: {enabled: false}}\nmodels: {endpoints: {load: {base_url: '" << base_url
        << "', model: load, capabilities: {images: true}, max_in_flight: " << at_once << "}}}\n";
    const std::string config = directory + "/proctord.yaml", data = directory + "/data";
    pid_ = fork();
    if (pid_ == 0) {
      const int null = open("/dev/null", O_WRONLY);
      dup2(null, 1);
      execl(program.c_str(), program.c_str(), "--config", config.c_str(), "--data-dir", data.c_str(), "--listen", "",
            "--log-level", "warning", nullptr);
      _exit(127);
    }
  }
  ~Child() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }

  // Seconds of user and system time until now.
  std::pair<double, double> Cpu() const {
    std::ifstream file(absl::StrCat("/proc/", pid_, "/stat"));
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const std::vector<std::string> fields = absl::StrSplit(text.substr(text.rfind(')') + 2), ' ');
    double user = 0, system = 0;
    if (fields.size() > 12 && (!absl::SimpleAtod(fields[11], &user) || !absl::SimpleAtod(fields[12], &system))) return {0, 0};
    const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    return {user / ticks, system / ticks};
  }
  // Most memory held until now, in MiB.
  double PeakMiB() const {
    std::ifstream file(absl::StrCat("/proc/", pid_, "/status"));
    for (std::string line; std::getline(file, line);) {
      double kib = 0;
      if (line.rfind("VmHWM:", 0) == 0 && sscanf(line.c_str(), "VmHWM: %lf", &kib) == 1) return kib / 1024;
    }
    return 0;
  }

 private:
  pid_t pid_ = -1;
};

struct Context : grpc::ClientContext {
  explicit Context(std::chrono::seconds patience) { set_deadline(std::chrono::system_clock::now() + patience); }
};

absl::StatusOr<v1::Job> Rescore(const std::shared_ptr<grpc::Channel>& channel, const Options& options) {
  const auto evaluations = v1::EvaluationService::NewStub(channel);
  const auto jobs = v1::JobService::NewStub(channel);
  v1::RescoreRequest request;
  request.add_evaluators(kEvaluator);
  request.set_concurrency(options.at_once);
  v1::Job job;
  {
    Context context(std::chrono::seconds(60));
    context.set_wait_for_ready(true);
    const grpc::Status status = evaluations->Rescore(&context, request, &job);
    if (!status.ok()) return absl::UnavailableError(status.error_message());
  }
  v1::WatchJobRequest watch;
  watch.set_name(job.name());
  Context context(std::chrono::seconds(3600));
  const auto stream = jobs->WatchJob(&context, watch);
  while (stream->Read(&job)) fprintf(stderr, "\rjudged %d/%d", static_cast<int>(job.done()), static_cast<int>(job.total()));
  fprintf(stderr, "\r\033[K");
  if (job.state() == v1::JOB_STATE_SUCCEEDED) return job;
  return absl::AbortedError(absl::StrCat(v1::JobState_Name(job.state()), ": ", job.error_message()));
}

absl::Status Run(const Options& options, const std::string& directory) {
  PROCTOR_ASSIGN_OR_RETURN(const double picture_bytes, MakeRecords(directory + "/data", options));
  std::atomic<int64_t> first_ns = 0, last_ns = 0;
  model::ScriptedServer load([&](const model::SeenRequest& request) {
    int64_t unset = 0;
    first_ns.compare_exchange_strong(unset, absl::GetCurrentTimeNanos());
    last_ns = absl::GetCurrentTimeNanos();
    const std::string all = request.system + request.text;
    model::ScriptedReply reply = model::SayText(request, all.substr(all.find("VERDICT-"), 24) + ": SUCCESS");
    reply.delay = options.latency;
    return reply;
  });
  const Child server(options.proctord, directory, load.base_url(), options.at_once);
  const auto channel = grpc::CreateChannel("unix:" + directory + "/data/proctord.sock", grpc::InsecureChannelCredentials());
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(60))) {
    return absl::UnavailableError("proctord did not start");
  }
  const auto before = server.Cpu();
  const double idle_mib = server.PeakMiB();
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job job, Rescore(channel, options));
  const auto after = server.Cpu();
  v1::RescoreResult result;
  if (!job.result().UnpackTo(&result) || result.evaluated() != options.trajectories || result.failed() > 0) {
    return absl::InternalError(absl::StrCat("judged ", result.evaluated(), ", failed ", result.failed()));
  }
  const double seconds = absl::ToDoubleSeconds(absl::Nanoseconds(last_ns - first_ns) + options.latency);
  const double busy = options.trajectories * absl::ToDoubleSeconds(options.latency) / (options.at_once * seconds);
  const double user = 1000 * (after.first - before.first) / options.trajectories;
  const double system = 1000 * (after.second - before.second) / options.trajectories;
  printf("%d trajectories of %d steps, %d %s pictures of %.0f KB shown each; latency %s, %d at once\n", options.trajectories, kSteps,
         kShown, options.format.c_str(), picture_bytes / 1000, absl::FormatDuration(options.latency).c_str(), options.at_once);
  printf("CPU a trajectory: user %.2f ms, system %.2f ms, together %.2f ms\n", user, system, user + system);
  printf("endpoint busy: %.1f %% of %d places over %.1f s; most at once %d\n", 100 * busy, options.at_once, seconds,
         load.most_at_once());
  printf("memory: %.0f MiB at start, %.0f MiB at most\n", idle_mib, server.PeakMiB());
  return absl::OkStatus();
}

bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::string> parts = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    const std::string value = parts.size() == 2 ? parts[1] : "";
    int64_t latency_ms = 0;
    bool known = true;
    if (parts[0] == "--proctord") {
      options.proctord = value;
    } else if (parts[0] == "--format") {
      known = value == "jpeg" || value == "png";
      options.format = value;
    } else if (parts[0] == "--trajectories") {
      known = absl::SimpleAtoi(value, &options.trajectories) && options.trajectories > 0;
    } else if (parts[0] == "--at-once") {
      known = absl::SimpleAtoi(value, &options.at_once) && options.at_once > 0 && options.at_once <= 1000;
    } else if (parts[0] == "--latency-ms") {
      known = absl::SimpleAtoi(value, &latency_ms) && latency_ms >= 0;
      options.latency = absl::Milliseconds(latency_ms);
    } else {
      known = false;
    }
    if (!known) {
      fprintf(stderr, "bad option %s; see bench/rescore --help\n", argv[i]);
      return false;
    }
  }
  return !options.proctord.empty();
}

}  // namespace
}  // namespace proctor::bench

int main(int argc, char** argv) {
  proctor::bench::Options options;
  if (!proctor::bench::Parse(argc, argv, options)) return 2;
  std::string directory = std::filesystem::temp_directory_path() / "proctor-rescore-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return 1;
  const absl::Status status = proctor::bench::Run(options, directory);
  std::filesystem::remove_all(directory);
  if (status.ok()) return 0;
  fprintf(stderr, "rescore: %s\n", status.ToString().c_str());
  return 1;
}
