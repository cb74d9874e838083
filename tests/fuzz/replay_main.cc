// Runs a fuzz target once over each file of the folders given: the corpus as a plain test, with any compiler. Seeds whose names begin with
// "current_" must be valid to their end.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// Defined by targets with such seeds: whether the parser takes all of the input, and it is what is written today.
extern "C" __attribute__((weak)) bool IsCurrent(const uint8_t* data, size_t size);

namespace {

const uint8_t* Bytes(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  // The empty input, and one that is no text, belong to every corpus.
  std::vector<std::string> inputs = {"", std::string("\xff\x00\xfe\x80{[", 6)};
  size_t current = 0;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    // Cut short at some places: what a broken connection leaves.
    const std::string whole = bytes.str();
    inputs.push_back(whole);
    if (path.filename().string().starts_with("current_")) {
      if (IsCurrent == nullptr || !IsCurrent(Bytes(whole), whole.size())) {
        std::printf("%s is not valid, or not what is written today: record another\n", path.c_str());
        return 1;
      }
      ++current;
    }
    for (size_t part = 1; part < 8; ++part) inputs.push_back(whole.substr(0, whole.size() * part / 8));
  }
  for (const std::string& input : inputs) {
    LLVMFuzzerTestOneInput(Bytes(input), input.size());
  }
  std::printf("%zu inputs of %zu files, of which %zu are valid to their end\n", inputs.size(), files.size(), current);
  if (IsCurrent != nullptr && current == 0) std::printf("no file is valid to its end\n");
  return files.empty() || (IsCurrent != nullptr && current == 0) ? 1 : 0;
}
