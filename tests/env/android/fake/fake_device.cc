#include "tests/env/android/fake/fake_device.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace proctor::env::android::fake {
namespace {

constexpr size_t kMaxCommands = 1000;
constexpr char kNotesFolder[] = "/data/data/com.proctor.notes/databases/";

bool ReadReal(const std::string& path, std::string& content) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  content.assign(std::istreambuf_iterator<char>(file), {});
  return true;
}

}  // namespace

FakeDevice::FakeDevice(Options options) : options_(std::move(options)), phone_(std::make_unique<Phone>(options_.phone)) {
  adbd_ = std::make_unique<Adbd>(*this, options_.model, options_.port);
}

FakeDevice::~FakeDevice() { adbd_.reset(); }

std::string FakeDevice::serial() const { return absl::StrCat("127.0.0.1:", port()); }

void FakeDevice::With(const std::function<void(Phone&)>& work) {
  MutexLock lock(mutex_);
  work(*phone_);
}

void FakeDevice::SetFaults(const std::function<void(Faults&)>& change) {
  MutexLock lock(mutex_);
  change(faults_);
}

void FakeDevice::Reboot() {
  {
    MutexLock lock(mutex_);
    booted_ = false;
    phone_->Boot();
  }
  adbd_->Drop();
}

void FakeDevice::FinishBoot() {
  MutexLock lock(mutex_);
  booted_ = true;
}

std::vector<std::string> FakeDevice::commands() const {
  MutexLock lock(mutex_);
  return commands_;
}

std::vector<std::string> FakeDevice::files() const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [path, content] : files_) {
    if (!absl::StartsWith(path, "/data/data/")) out.push_back(path);
  }
  return out;
}

AdbdHost::Result FakeDevice::RunShell(const std::string& command, bool& drop) {
  absl::Duration delay;
  {
    MutexLock lock(mutex_);
    delay = faults_.delay;
    drop = !faults_.drop_at.empty() && absl::StrContains(command, faults_.drop_at);
    if (drop) faults_.drop_at.clear();
  }
  Result result;
  if (drop) return result;
  // For tests that need a slow device, not to wait for anything.
  if (delay > absl::ZeroDuration()) absl::SleepFor(delay);
  MutexLock lock(mutex_);
  commands_.push_back(command);
  if (commands_.size() > kMaxCommands) commands_.erase(commands_.begin());
  as_root_ = false;
  result.exit_code = Shell(*this).Run(command, result.output, result.errors);
  return result;
}

std::string FakeDevice::RealPath(const std::string& path) const {
  if (!absl::StartsWith(path, kNotesFolder)) return "";
  const std::string name = path.substr(sizeof kNotesFolder - 1);
  const bool real = name == "notes.db" || name == "notes.db-wal" || name == "notes.db-shm";
  return real ? absl::StrCat(options_.phone.folder, "/", name) : "";
}

bool FakeDevice::Private(const std::string& path) { return absl::StartsWith(path, "/data/data/"); }

bool FakeDevice::LoadFile(const std::string& path, std::string& content) {
  if (Private(path) && !as_root_) return false;
  if (const std::string real = RealPath(path); !real.empty()) {
    const bool read = ReadReal(real, content);
    if (absl::EndsWith(path, ".db") && faults_.busy_reads > 0) {
      --faults_.busy_reads;
      phone_->notes().Save(0, "Busy");
      phone_->notes().Checkpoint();
    }
    return read;
  }
  const auto found = files_.find(path);
  if (found == files_.end()) return false;
  content = found->second;
  return true;
}

bool FakeDevice::SaveFile(const std::string& path, const std::string& content) {
  if (path.empty() || path[0] != '/' || (Private(path) && !as_root_)) return false;
  files_[path] = content;
  return true;
}

AdbdHost::FileInfo FakeDevice::StatFile(const std::string& path) {
  MutexLock lock(mutex_);
  std::string content;
  if (!LoadFile(path, content)) return {};
  return {.mode = 0100644, .size = static_cast<uint32_t>(content.size()), .time = 1};
}

// As a shell user without root: below /data/data nothing can be seen.
bool FakeDevice::ReadFile(const std::string& path, std::string& content, std::string& reason) {
  MutexLock lock(mutex_);
  as_root_ = false;
  if (LoadFile(path, content)) return true;
  reason = absl::StrCat("open failed: ", Private(path) ? "Permission denied" : "No such file or directory");
  return false;
}

bool FakeDevice::WriteFile(const std::string& path, const std::string& content, std::string& reason) {
  MutexLock lock(mutex_);
  as_root_ = false;
  if (SaveFile(path, content)) return true;
  reason = "couldn't create file: Permission denied";
  return false;
}

std::string FakeDevice::Io::after(const std::string& name) const {
  const auto found = std::find(arguments.begin(), arguments.end(), name);
  return found == arguments.end() || std::next(found) == arguments.end() ? "" : *std::next(found);
}

int FakeDevice::Execute(const Arguments& arguments, const std::string& input, std::string& output, std::string& errors) {
  const auto found = Programs().find(arguments[0]);
  if (found == Programs().end()) {
    absl::StrAppend(&errors, "/system/bin/sh: ", arguments[0], ": inaccessible or not found\n");
    return 127;
  }
  return (this->*found->second)({arguments, input, output, errors});
}

const std::map<std::string, FakeDevice::Program>& FakeDevice::Programs() {
  static const auto* const kPrograms = new std::map<std::string, Program>{
      {"am", &FakeDevice::Am},
      {"cat", &FakeDevice::Cat},
      {"chown", &FakeDevice::Nothing},
      {"cmd", &FakeDevice::Cmd},
      {"content", &FakeDevice::Content},
      {"date", &FakeDevice::Date},
      {"dumpsys", &FakeDevice::Dumpsys},
      {"echo", &FakeDevice::Echo},
      {"false", &FakeDevice::Fail},
      {"getprop", &FakeDevice::Getprop},
      {"grep", &FakeDevice::Grep},
      {"id", &FakeDevice::Id},
      {"ime", &FakeDevice::Ime},
      {"input", &FakeDevice::Input},
      {"log", &FakeDevice::LogCommand},
      {"logcat", &FakeDevice::Logcat},
      {"ls", &FakeDevice::Ls},
      {"mkdir", &FakeDevice::Nothing},
      {"pm", &FakeDevice::Pm},
      {"restorecon", &FakeDevice::Nothing},
      {"rm", &FakeDevice::Rm},
      {"screencap", &FakeDevice::Screencap},
      {"settings", &FakeDevice::Settings},
      {"sleep", &FakeDevice::Sleep},
      {"stat", &FakeDevice::Stat},
      {"su", &FakeDevice::Su},
      {"tar", &FakeDevice::Tar},
      {"touch", &FakeDevice::Touch},
      {"true", &FakeDevice::Nothing},
      {"uiautomator", &FakeDevice::Uiautomator},
      {"wm", &FakeDevice::Wm},
  };
  return *kPrograms;
}

}  // namespace proctor::env::android::fake
