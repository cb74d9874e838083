// Does on purpose what a sanitizer must report: race, overflow, leak or shift.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/executor.h"

namespace {

// Two tasks of a pool write one variable without a lock, as a careless user of common/executor.h would.
int Race() {
  int counter = 0;
  {
    proctor::ThreadPool pool("race", 2);
    for (int i = 0; i < 2; ++i) {
      pool.Post([&counter] {
        for (int j = 0; j < 2'000'000; ++j) counter = counter + 1;
      });
    }
  }
  return counter;
}

int Overflow(int past) {
  // Where the compiler knows the size, UndefinedBehaviorSanitizer reports it first.
  int* volatile held = new int[4]();
  int* const values = held;
  const int value = values[3 + past];
  delete[] values;
  return value;
}

int Leak() {
  static int* volatile held = nullptr;
  held = new int[100]();
  held = nullptr;
  return 0;
}

int Shift(int by) { return 1 << by; }

}  // namespace

int main(int argc, char** argv) {
  const std::string fault = argc > 1 ? argv[1] : "";
  // `argc` keeps the compiler from seeing the fault.
  if (fault == "race") return std::printf("%d\n", Race()), 0;
  if (fault == "overflow") return std::printf("%d\n", Overflow(argc - 1)), 0;
  if (fault == "leak") return Leak();
  if (fault == "shift") return std::printf("%d\n", Shift(38 + argc)), 0;
  return 2;
}
