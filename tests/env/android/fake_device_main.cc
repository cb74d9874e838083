// A simulated phone as a program, for benchmarks and demonstrations: `proctor_fake_device --port 7001`, then `adb connect 127.0.0.1:7001`.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/env/android/fixture.h"

namespace {

constexpr char kUsage[] =
    "usage: proctor_fake_device [--port N] [--size WIDTHxHEIGHT] [--api LEVEL] [--no-root] [--until-stdin-closes]\n"
    "Prints the port it listens on. Ends on SIGTERM, SIGINT, and with its parent.\n";

bool ParseSize(const std::string& text, proctor::env::android::fake::Phone::Options& phone) {
  const std::vector<std::string> sides = absl::StrSplit(text, 'x');
  return sides.size() == 2 && absl::SimpleAtoi(sides[0], &phone.width) && absl::SimpleAtoi(sides[1], &phone.height) && phone.width >= 200 &&
         phone.height >= 200 && phone.width <= 4096 && phone.height <= 4096;
}

}  // namespace

int main(int argc, char** argv) {
  proctor::env::android::fake::FakeDevice::Options options;
  bool until_stdin_closes = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    uint32_t port = 0;
    bool ok = true;
    if (name == "--port") {
      ok = absl::SimpleAtoi(value, &port) && port <= 65535;
      options.port = static_cast<uint16_t>(port);
      ++i;
    } else if (name == "--size") {
      ok = ParseSize(value, options.phone);
      ++i;
    } else if (name == "--api") {
      ok = absl::SimpleAtoi(value, &options.phone.api_level);
      ++i;
    } else if (name == "--no-root") {
      options.phone.root = false;
    } else if (name == "--until-stdin-closes") {
      until_stdin_closes = true;
    } else {
      ok = false;
    }
    if (!ok) {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  // Before the device's threads begin, so that all of them leave the signals to this one.
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  proctor::env::android::TemporaryFolder folder;
  options.phone.folder = folder.path();
  proctor::env::android::fake::FakeDevice device(options);
  if (!device.ok()) {
    std::fprintf(stderr, "port %u cannot be listened on\n", options.port);
    return 1;
  }
  std::printf("%u\n", device.port());
  std::fflush(stdout);
  if (until_stdin_closes) {
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
  }
  int number = 0;
  sigwait(&ends, &number);
  return 0;
}
