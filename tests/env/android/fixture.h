// Fake devices behind a real adb server of their own.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FIXTURE_H_
#define PROCTOR_TESTS_ENV_ANDROID_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "env/android/android_environment.h"
#include "tests/env/android/fake/fake_device.h"

namespace proctor::env::android {

// A folder that goes with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  // Files and folders in it, however deep.
  int entry_count() const;

 private:
  std::string path_;
};

// The `adb` of this machine; empty: there is none, and tests that need it are skipped, with kNoAdb. For nothing else.
std::string FindAdb();
inline constexpr char kNoAdb[] = "this machine has no adb";
// A port that was free a moment ago.
uint16_t FreePort();

struct LabOptions {
  int devices = 1;
  fake::Phone::Options phone;
  // `adb_server`, `connect` and `device_wait` are filled in where they are empty.
  v1::AndroidConfig config;
};

// Devices and an environment that has found them. Needs an adb.
class Lab {
 public:
  using Options = LabOptions;
  explicit Lab(Options options = {});
  ~Lab();

  // False: a failure.
  bool ok() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }

  AndroidEnvironment& environment() { return *environment_; }
  fake::FakeDevice& device(int i = 0) { return *devices_[i]; }
  int device_count() const { return static_cast<int>(devices_.size()); }
  const std::string& scratch() const { return scratch_.path(); }
  TemporaryFolder& scratch_folder() { return scratch_; }
  AdbAddress server() const { return server_; }
  // Takes the environment away, and its adb server with it.
  void CloseEnvironment() { environment_.reset(); }

  // A world of the environment; dies with a message if there is none.
  std::unique_ptr<World> Open(const v1::AndroidSettings& settings = {});

 private:
  // Makes the environment; returns what went wrong.
  std::string Begin(const Options& options);

  std::string problem_;
  TemporaryFolder home_;
  TemporaryFolder scratch_;
  std::vector<std::unique_ptr<TemporaryFolder>> folders_;
  std::vector<std::unique_ptr<fake::FakeDevice>> devices_;
  AdbAddress server_;
  std::unique_ptr<AndroidEnvironment> environment_;
};

// A minute: no test waits that long unless something is wrong.
CallContext Soon();

// Requests for these parts.
v1::ObservationRequest Parts(std::initializer_list<v1::ObservationPart> parts);

// The element of that text, name or identifier's end; a mark of 0 if there is none.
v1::Element Find(const v1::Observation& observation, const std::string& text);

// A tap on the element of that text; dies if there is none.
v1::Action TapOn(const v1::Observation& observation, const std::string& text);

}  // namespace proctor::env::android

#endif  // PROCTOR_TESTS_ENV_ANDROID_FIXTURE_H_
