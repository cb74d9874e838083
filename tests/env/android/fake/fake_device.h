// A phone that real adb can connect to: the simulation behind adbd's protocol, with faults on demand.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FAKE_FAKE_DEVICE_H_
#define PROCTOR_TESTS_ENV_ANDROID_FAKE_FAKE_DEVICE_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "tests/env/android/fake/adbd.h"
#include "tests/env/android/fake/phone.h"
#include "tests/env/android/fake/shell.h"

namespace proctor::env::android::fake {

// What goes wrong. All of it may be set at any time.
struct Faults {
  // Each command takes this much longer.
  absl::Duration delay;
  // So many UI dumps fail with uiautomator's words.
  int failing_dumps = 0;
  // The connection breaks when a command holds this text, before it is answered; once, then it is cleared.
  std::string drop_at;
  // Pictures and UI dumps are noise.
  bool garbage = false;
  // `dumpsys` does not find these services.
  std::set<std::string> missing_services;
  // What `su` says, if anything, instead of doing it.
  std::string su_refuses;
  // `cat` gives half of a file, and ends with an I/O error.
  bool broken_reads = false;
  // So many reads of the notes' database are each followed by one more note and a checkpoint.
  int busy_reads = 0;
};

// Thread-safe.
class FakeDevice final : public AdbdHost, public ShellHost {
 public:
  struct Options {
    Phone::Options phone;
    std::string model = "FakePhone";
    // 0: any that is free.
    uint16_t port = 0;
  };
  explicit FakeDevice(Options options);
  ~FakeDevice() override;

  bool ok() const { return adbd_ != nullptr && adbd_->listening(); }
  uint16_t port() const { return adbd_->port(); }
  // As `adb devices` lists it.
  std::string serial() const;
  Adbd& adbd() { return *adbd_; }

  // Runs `work` with the phone locked.
  void With(const std::function<void(Phone&)>& work);
  void SetFaults(const std::function<void(Faults&)>& change);
  // Gone, and back with everything stopped. Android "starts" until FinishBoot.
  void Reboot();
  void FinishBoot();

  // Command lines that came, oldest first, at most the last 1,000.
  std::vector<std::string> commands() const;
  // Files outside the applications' folders that were written and not removed: a well-behaved driver leaves none.
  std::vector<std::string> files() const;

  // AdbdHost.
  Result RunShell(const std::string& command, bool& drop) override;
  FileInfo StatFile(const std::string& path) override;
  bool ReadFile(const std::string& path, std::string& content, std::string& reason) override;
  bool WriteFile(const std::string& path, const std::string& content, std::string& reason) override;
  // ShellHost; with the lock held by RunShell.
  int Execute(const std::vector<std::string>& arguments, const std::string& input, std::string& output, std::string& errors) override;
  bool LoadFile(const std::string& path, std::string& content) override;
  bool SaveFile(const std::string& path, const std::string& content) override;

 private:
  using Arguments = std::vector<std::string>;
  struct Io {
    const Arguments& arguments;
    const std::string& input;
    std::string& output;
    std::string& errors;
    // Empty if there are fewer.
    std::string at(size_t i) const { return i < arguments.size() ? arguments[i] : ""; }
    // The argument after `name`; empty without.
    std::string after(const std::string& name) const;
  };
  using Program = int (FakeDevice::*)(Io io);
  static const std::map<std::string, Program>& Programs();

  // android_commands.cc
  int Input(Io io);
  int Settings(Io io);
  int Content(Io io);
  int Dumpsys(Io io);
  int Wm(Io io);
  int Am(Io io);
  int Pm(Io io);
  int Cmd(Io io);
  int Ime(Io io);
  int Logcat(Io io);
  int LogCommand(Io io);
  int Uiautomator(Io io);
  int Screencap(Io io);
  int Getprop(Io io);
  // file_commands.cc
  int Echo(Io io);
  int Cat(Io io);
  int Grep(Io io);
  int Rm(Io io);
  int Ls(Io io);
  int Date(Io io);
  int Id(Io io);
  int Su(Io io);
  int Tar(Io io);
  int Stat(Io io);
  int Touch(Io io);
  int Sleep(Io io);
  int Nothing(Io io);
  int Fail(Io io);

  // Real files behind the phone's paths: the notes' database.
  std::string RealPath(const std::string& path) const;
  // Only root may look below.
  static bool Private(const std::string& path);

  const Options options_;
  mutable Mutex mutex_;
  // Guarded by mutex_; not annotated, because programs run within RunShell, which the analysis cannot follow.
  std::unique_ptr<Phone> phone_;
  Faults faults_;
  bool booted_ = true;
  bool as_root_ = false;
  std::map<std::string, std::string> files_;
  std::vector<std::string> commands_;
  std::string ime_ = "";
  // Last: its threads call the rest.
  std::unique_ptr<Adbd> adbd_;
};

}  // namespace proctor::env::android::fake

#endif  // PROCTOR_TESTS_ENV_ANDROID_FAKE_FAKE_DEVICE_H_
