// How flags are made that several commands have.
#ifndef PROCTOR_CLIENTS_CLI_FLAGS_H_
#define PROCTOR_CLIENTS_CLI_FLAGS_H_

#include <cstdint>
#include <vector>

#include "clients/cli/command.h"

namespace proctor::cli {

Flag TextFlag(const char* name, const char* value, const char* help);
// May be given several times.
Flag TextsFlag(const char* name, const char* value, const char* help);
// From `low` to `high`.
Flag NumberFlag(const char* name, const char* help, int64_t low, int64_t high);
Flag SeedFlag();
Flag TagFlag(const char* help);

// Flags of two kinds in one command.
std::vector<Flag> operator+(std::vector<Flag> left, const std::vector<Flag>& right);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_FLAGS_H_
