// Whether a machine can have desktops, whatever the product makes of it.
#ifndef PROCTOR_TESTS_ENV_DESKTOP_MACHINE_LACKS_H_
#define PROCTOR_TESTS_ENV_DESKTOP_MACHINE_LACKS_H_

#include <cstdio>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::env::desktop {

// What the script of that name says: for this, and for nothing else, tests of desktops are skipped. Tests run in the tree's root.
inline std::string MachineLacks(const std::string& argument = "") {
  FILE* script = popen(absl::StrCat("tests/env/desktop/machine_lacks ", argument).c_str(), "re");
  if (script == nullptr) {
    ADD_FAILURE() << "the script cannot be run";
    return "";
  }
  std::string said(4096, '\0');
  said.resize(fread(said.data(), 1, said.size(), script));
  EXPECT_EQ(pclose(script), 0);
  return std::string(absl::StripTrailingAsciiWhitespace(said));
}

}  // namespace proctor::env::desktop

#endif  // PROCTOR_TESTS_ENV_DESKTOP_MACHINE_LACKS_H_
