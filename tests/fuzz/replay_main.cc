// Runs a fuzz target once over each file of the folders given: the corpus as a plain test, with any compiler.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  // The empty input, and one that is no text, belong to every corpus.
  std::vector<std::string> inputs = {"", std::string("\xff\x00\xfe\x80{[", 6)};
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    // Cut short at some places: what a broken connection leaves.
    const std::string whole = bytes.str();
    inputs.push_back(whole);
    for (size_t part = 1; part < 8; ++part) inputs.push_back(whole.substr(0, whole.size() * part / 8));
  }
  for (const std::string& input : inputs) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  std::printf("%zu inputs of %zu files\n", inputs.size(), files.size());
  return files.empty() ? 1 : 0;
}
