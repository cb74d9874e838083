// An imported folder: the input's parts, between NUL bytes, are its files; what follows the third is the first blob.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/fuzz/input.h"
#include "tests/trajectory/fixture.h"
#include "trajectory/folder_format.h"
#include "trajectory/folder_import.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

namespace fs = std::filesystem;

// In memory where there is such a file system.
std::string MakeFolder() {
  std::string path = access("/dev/shm", W_OK) == 0 ? "/dev/shm/proctor-fuzz-XXXXXX" : "/tmp/proctor-fuzz-XXXXXX";
  fuzz::Require(mkdtemp(path.data()) != nullptr, "a temporary folder can be made");
  return path;
}

// A folder is called by the id in its first file.
std::string IdIn(std::string_view header) {
  constexpr std::string_view kBefore = "\"trajectories/";
  const size_t at = header.find(kBefore);
  if (at == std::string_view::npos) return "t";
  header.remove_prefix(at + kBefore.size());
  const size_t end = header.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789");
  return "t" == header.substr(0, end) || end == 0 ? "t" : std::string(header.substr(0, std::min<size_t>(end, 64)));
}

// The record that an import of these gives; without a name if it gives none.
v1::Trajectory Import(const std::vector<std::string>& files, std::string_view blob) {
  const std::string parent = MakeFolder();
  const std::string folder = parent + "/" + IdIn(files.empty() ? "" : files[0]);
  fs::create_directory(folder);
  const char* names[] = {kHeaderFile, kStepsFile, kBlobsFile};
  for (size_t i = 0; i < files.size() && i < std::size(names); ++i) {
    std::ofstream(folder + "/" + names[i], std::ios::binary) << files[i];
  }
  fs::create_directory(folder + "/" + kBlobsFolder);
  const auto entries = BlobListFromText(files.size() > 2 ? files[2] : "");
  if (entries.ok() && !entries->empty()) {
    std::ofstream(folder + "/" + kBlobsFolder + "/" + BlobFileName(entries->front()), std::ios::binary) << blob;
  }
  Room room;
  const auto result = ImportTrajectories(CallContext::WithTimeout(absl::Seconds(10)), *room.archive, folder,
                                         [](int64_t, int64_t) { return absl::OkStatus(); });
  if (result.ok()) fuzz::Require(result->imported() + result->failed_size() <= 1, "one folder, one trajectory");
  fs::remove_all(parent);
  if (!result.ok() || result->imported() == 0) return {};
  const absl::StatusOr<v1::Trajectory> record = room.trajectories.Get(CallContext(), result->names(0));
  fuzz::Require(record.ok(), "what was imported can be read");
  return *record;
}

v1::Trajectory ImportParts(std::string_view rest) {
  std::vector<std::string> files;
  for (int i = 0; i < 3; ++i) files.emplace_back(fuzz::TakeUntil(rest, '\0'));
  return Import(files, rest);
}

}  // namespace
}  // namespace proctor::trajectory

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = proctor::fuzz::View(data, size);
  (void)proctor::trajectory::ExportListFromText(text);
  proctor::v1::Step step;
  (void)proctor::trajectory::MessageFromText(text, step);
  (void)proctor::trajectory::ImportParts(text);
  return 0;
}

extern "C" bool IsCurrent(const uint8_t* data, size_t size) {
  return proctor::trajectory::ImportParts(proctor::fuzz::View(data, size)).format_version() == proctor::trajectory::kFormatVersion;
}
