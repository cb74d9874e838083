// Whether two files show the same picture. Reads a line "FIRST<tab>SECOND" with two paths a pair and prints a line of JSON for each: "same"
// (size and every pixel), and "png_bytes", the size of the first one's pixels as an ordinary PNG (zlib level 6, what image libraries write
// unless told otherwise).
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "imaging/image.h"

namespace proctor::bench {
namespace {

constexpr int kOrdinaryLevel = 6;

absl::StatusOr<imaging::Image> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  PROCTOR_ASSIGN_OR_RETURN(imaging::Image image, imaging::Decode(bytes));
  return image;
}

absl::StatusOr<Json> Compare(const std::string& line) {
  const size_t tab = line.find('\t');
  if (tab == std::string::npos) return absl::InvalidArgumentError("a line has two paths and a tab between them");
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image first, Read(line.substr(0, tab)));
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image second, Read(line.substr(tab + 1)));
  imaging::EncodeOptions options;
  options.png_level = kOrdinaryLevel;
  PROCTOR_ASSIGN_OR_RETURN(const std::string png, imaging::Encode(first, options));
  const bool same = first.width_px == second.width_px && first.height_px == second.height_px && first.bgra == second.bgra;
  return Json{{"same", same}, {"png_bytes", png.size()}};
}

}  // namespace
}  // namespace proctor::bench

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto compared = proctor::bench::Compare(line);
    if (!compared.ok()) {
      std::cerr << compared.status().ToString() << "\n";
      return 1;
    }
    std::cout << proctor::DumpJson(*compared) << "\n";
  }
  return 0;
}
