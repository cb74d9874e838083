// The simulated phone's toybox.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "re2/re2.h"
#include "tests/env/android/fake/fake_device.h"

namespace proctor::env::android::fake {

int FakeDevice::Nothing(Io) { return 0; }
int FakeDevice::Fail(Io) { return 1; }

int FakeDevice::Echo(Io io) {
  const std::vector<std::string> words(io.arguments.begin() + 1, io.arguments.end());
  absl::StrAppend(&io.output, absl::StrJoin(words, " "), "\n");
  return 0;
}

int FakeDevice::Cat(Io io) {
  if (io.arguments.size() == 1) io.output += io.input;
  int code = 0;
  for (size_t i = 1; i < io.arguments.size(); ++i) {
    std::string content;
    if (LoadFile(io.at(i), content)) {
      io.output += faults_.broken_reads ? content.substr(0, content.size() / 2) : content;
      if (!faults_.broken_reads) continue;
      absl::StrAppend(&io.errors, "cat: ", io.at(i), ": I/O error\n");
      code = 1;
    } else {
      absl::StrAppend(&io.errors, "cat: ", io.at(i), ": No such file or directory\n");
      code = 1;
    }
  }
  return code;
}

int FakeDevice::Grep(Io io) {
  const std::string pattern = io.at(1) == "-E" ? io.at(2) : io.at(1);
  const re2::RE2 expression(pattern, re2::RE2::Quiet);
  bool found = false;
  for (const absl::string_view line : absl::StrSplit(io.input, '\n', absl::SkipEmpty())) {
    if (!re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), expression)) continue;
    absl::StrAppend(&io.output, line, "\n");
    found = true;
  }
  return found ? 0 : 1;
}

int FakeDevice::Rm(Io io) {
  for (size_t i = 1; i < io.arguments.size(); ++i) files_.erase(io.at(i));
  return 0;
}

int FakeDevice::Ls(Io io) {
  std::string content;
  if (LoadFile(io.at(1), content)) {
    absl::StrAppend(&io.output, io.at(1), "\n");
    return 0;
  }
  absl::StrAppend(&io.errors, "ls: ", io.at(1), ": No such file or directory\n");
  return 1;
}

int FakeDevice::Touch(Io io) { return SaveFile(io.at(1), "") ? 0 : 1; }

int FakeDevice::Stat(Io io) {
  io.output += "10123:10123\n";
  return 0;
}

int FakeDevice::Sleep(Io io) {
  double seconds = 0;
  if (absl::SimpleAtod(io.at(1), &seconds)) absl::SleepFor(absl::Seconds(std::min(seconds, 1.0)));
  return 0;
}

int FakeDevice::Date(Io io) {
  const absl::Time now = phone_->Now();
  if (io.at(1) == "-u") {
    absl::Time time;
    std::string error;
    if (!as_root_ || !absl::ParseTime("%m%d%H%M%Y.%S", io.at(2), absl::UTCTimeZone(), &time, &error)) {
      io.errors += "date: cannot set date: Operation not permitted\n";
      return 1;
    }
    phone_->clock_offset() = time - absl::Now();
    return 0;
  }
  if (io.at(1) == "+%s") {
    absl::StrAppend(&io.output, absl::ToUnixSeconds(now), "\n");
  } else {
    absl::StrAppend(&io.output, absl::FormatTime(io.at(1).substr(io.at(1).empty() ? 0 : 1), now, absl::UTCTimeZone()), "\n");
  }
  return 0;
}

int FakeDevice::Id(Io io) {
  io.output += as_root_ ? "0\n" : "2000\n";
  return 0;
}

// `su 0 program arguments...`.
int FakeDevice::Su(Io io) {
  if (!options_.phone.root) {
    io.errors += "/system/bin/sh: su: inaccessible or not found\n";
    return 127;
  }
  if (!faults_.su_refuses.empty()) {
    absl::StrAppend(&io.errors, faults_.su_refuses, "\n");
    return 1;
  }
  const Arguments rest(io.arguments.begin() + 2, io.arguments.end());
  const bool before = std::exchange(as_root_, true);
  int code = 0;
  if (rest.size() == 3 && rest[0] == "sh" && rest[1] == "-c") {
    code = Shell(*this, 1).Run(rest[2], io.output, io.errors);
  } else {
    code = Execute(rest, io.input, io.output, io.errors);
  }
  as_root_ = before;
  return code;
}

// `tar -xf archive -C folder`: plain files of a ustar archive.
int FakeDevice::Tar(Io io) {
  std::string archive;
  if (!as_root_ || !LoadFile(io.at(2), archive)) {
    io.errors += "tar: Permission denied\n";
    return 1;
  }
  for (size_t at = 0; at + 512 <= archive.size() && archive[at] != '\0';) {
    const std::string name = archive.substr(at, 100).c_str();
    const size_t size = std::strtoul(archive.substr(at + 124, 12).c_str(), nullptr, 8);
    if (at + 512 + size > archive.size()) {
      io.errors += "tar: short read\n";
      return 1;
    }
    if (archive[at + 156] == '0' || archive[at + 156] == '\0') {
      SaveFile(absl::StrCat(io.after("-C"), "/", name), archive.substr(at + 512, size));
    }
    at += 512 + (size + 511) / 512 * 512;
  }
  return 0;
}

}  // namespace proctor::env::android::fake
