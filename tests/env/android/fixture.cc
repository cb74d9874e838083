#include "tests/env/android/fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_time.h"

namespace proctor::env::android {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "proctor_android_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int TemporaryFolder::entry_count() const {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(path_)) ++count;
  return count;
}

std::string FindAdb() {
  for (const char* path : {"/usr/bin/adb", "/usr/local/bin/adb"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

uint16_t FreePort() {
  // Below the ports that the kernel gives to whoever connects: those may be taken again before ours is.
  while (true) {
    const uint16_t port = static_cast<uint16_t>(20'000 + std::stoul(RandomHex(4), nullptr, 16) % 10'000);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
}

Lab::Lab(Options options) {
  // No look for emulators on the machine's own ports.
  setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5554", 1);
  for (int i = 0; i < options.devices; ++i) {
    folders_.push_back(std::make_unique<TemporaryFolder>());
    fake::FakeDevice::Options device;
    device.phone = options.phone;
    device.phone.folder = folders_.back()->path();
    devices_.push_back(std::make_unique<fake::FakeDevice>(device));
    if (options.config.connect_size() < options.devices) options.config.add_connect(devices_.back()->serial());
  }
  if (!options.config.adb_server().empty()) {
    server_.port = static_cast<uint16_t>(std::atoi(options.config.adb_server().substr(options.config.adb_server().rfind(':') + 1).c_str()));
    problem_ = Begin(options);
    return;
  }
  // A port that was free may be somebody else's before the adb server has it.
  for (int attempt = 0; attempt < 3; ++attempt) {
    server_.port = FreePort();
    options.config.set_adb_server(server_.text());
    problem_ = Begin(options);
    if (problem_.empty()) return;
    std::fprintf(stderr, "with the adb server at %s: %s\n", server_.text().c_str(), problem_.c_str());
  }
}

std::string Lab::Begin(const Options& options) {
  environment_.reset();
  AndroidEnvironment::Options environment;
  environment.config = options.config;
  environment.adb_home = home_.path();
  environment.scratch = scratch_.path();
  auto made = AndroidEnvironment::Create(std::move(environment));
  if (!made.ok()) return std::string(made.status().message());
  environment_ = *std::move(made);
  const absl::Status found = environment_->AwaitDevices(CallContext::WithTimeout(absl::Seconds(30)), options.devices);
  return found.ok() ? "" : absl::StrCat("no devices: ", environment_->Describe().unavailable_reason());
}

Lab::~Lab() { environment_.reset(); }

std::unique_ptr<World> Lab::Open(const v1::AndroidSettings& settings) {
  v1::EnvironmentSettings all;
  *all.mutable_android() = settings;
  if (!settings.has_settle_still()) *all.mutable_android()->mutable_settle_still() = ToProto(absl::Milliseconds(50));
  auto world = environment_->Open(Soon(), all);
  if (!world.ok()) {
    std::fprintf(stderr, "no world: %s\n", world.status().ToString().c_str());
    std::abort();
  }
  return *std::move(world);
}

CallContext Soon() { return CallContext::WithTimeout(absl::Minutes(1)); }

v1::ObservationRequest Parts(std::initializer_list<v1::ObservationPart> parts) {
  v1::ObservationRequest request;
  for (const v1::ObservationPart part : parts) request.add_parts(part);
  return request;
}

v1::Element Find(const v1::Observation& observation, const std::string& text) {
  for (const v1::Element& element : observation.elements()) {
    if (element.text() == text || element.name() == text || absl::EndsWith(element.identifier(), absl::StrCat("/", text))) return element;
  }
  return {};
}

v1::Action TapOn(const v1::Observation& observation, const std::string& text) {
  const int mark = Find(observation, text).mark();
  if (mark == 0) {
    std::fprintf(stderr, "nothing is called %s in %s\n", text.c_str(), observation.DebugString().c_str());
    std::abort();
  }
  v1::Action action;
  action.mutable_click()->mutable_target()->set_mark(mark);
  return action;
}

}  // namespace proctor::env::android
