// A run of a foreign format: the first byte chooses it, then comes its document and, after a NUL byte, its picture.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/fuzz/input.h"
#include "tests/trajectory/fixture.h"
#include "trajectory/formats/export_runs.h"
#include "trajectory/formats/import_runs.h"
#include "trajectory/formats/mind2web_text.h"
#include "trajectory/formats/webarena_text.h"
#include "trajectory/formats/webvoyager_text.h"

namespace proctor::trajectory::formats {
namespace {

namespace fs = std::filesystem;

// A document's name and the names of its pictures.
struct Layout {
  v1::TrajectoryFormat format;
  const char* document;
  std::vector<const char*> pictures;
};
const Layout kLayouts[] = {
    {v1::TRAJECTORY_FORMAT_WEBVOYAGER, "interact_messages.json", {"screenshot1.png", "screenshot2.png"}},
    {v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB, "result.json", {"trajectory/0000.png", "trajectory/0001.png"}},
    {v1::TRAJECTORY_FORMAT_ATIF, "trajectory.json", {"images/0000.png"}},
    {v1::TRAJECTORY_FORMAT_AER, "trajectory_log.json", {"images/a_0.png"}},
};

// In memory where there is such a file system.
std::string MakeFolder() {
  std::string path = access("/dev/shm", W_OK) == 0 ? "/dev/shm/proctor-fuzz-XXXXXX" : "/tmp/proctor-fuzz-XXXXXX";
  fuzz::Require(mkdtemp(path.data()) != nullptr, "a temporary folder can be made");
  return path;
}

void Write(const std::string& path, std::string_view bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

void ImportAndExport(const Layout& layout, std::string_view document, std::string_view picture) {
  const std::string parent = MakeFolder();
  Write(parent + "/runs/task1/" + layout.document, document);
  for (const char* const name : layout.pictures) Write(parent + "/runs/task1/" + name, picture);
  const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
  const auto quiet = [](int64_t, int64_t) { return absl::OkStatus(); };
  Room room;
  const auto imported = ImportRuns(context, *room.archive, parent + "/runs", {.format = layout.format, .split = {}}, quiet);
  if (imported.ok() && imported->imported() > 0) {
    const std::vector<std::string> names(imported->names().begin(), imported->names().end());
    const auto exported = ExportRuns(context, *room.archive, {.names = names}, parent + "/again", layout.format, quiet);
    fuzz::Require(exported.ok() || absl::IsFailedPrecondition(exported.status()), "what was imported can be written and read");
    if (exported.ok() && exported->skipped_count() == 0 && exported->failed().empty()) {
      const auto again = ImportRuns(context, *room.archive, parent + "/again", {.format = layout.format, .split = {}}, quiet);
      fuzz::Require(again.ok() && again->unchanged() == imported->imported(), "an export that skips nothing is the same");
    }
  }
  fs::remove_all(parent);
}

void ReadTexts(const std::string& text) {
  v1::Observation seen;
  seen.mutable_screenshot()->set_height_px(300);
  v1::Step step;
  *step.mutable_action() = ReadWebVoyagerTurn(text, seen).action;
  const auto same = [&](const v1::Action& action) {
    return action.SerializeAsString() == step.action().SerializeAsString();
  };
  fuzz::Require(same(ReadWebVoyagerTurn(WriteWebVoyagerTurn(step, seen), seen).action), "WebVoyager reads what it writes");
  *step.mutable_action() = ReadWebArenaAction(text, seen);
  fuzz::Require(same(ReadWebArenaAction(WriteWebArenaAction(step, seen), seen)), "WebArena reads what it writes");
  *step.mutable_action() = ReadMind2WebAction(text, "", seen).action;
  if (step.action().kind_case() != v1::Action::KIND_NOT_SET) {
    const std::string url = step.action().goto_().url();
    fuzz::Require(same(ReadMind2WebAction(WriteMind2WebAction(step.action(), seen, false), url, seen).action),
                  "Online-Mind2Web reads what it writes");
  }
  google::protobuf::RepeatedPtrField<v1::Element> elements;
  (void)ReadElementList(text, elements);
  (void)ReadMind2WebEnd(text, std::nullopt);
}

}  // namespace
}  // namespace proctor::trajectory::formats

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view rest = proctor::fuzz::View(data + 1, size - 1);
  const std::string_view document = proctor::fuzz::TakeUntil(rest, '\0');
  proctor::trajectory::formats::ReadTexts(std::string(document));
  const auto& layouts = proctor::trajectory::formats::kLayouts;
  proctor::trajectory::formats::ImportAndExport(layouts[data[0] % std::size(layouts)], document, rest);
  return 0;
}
