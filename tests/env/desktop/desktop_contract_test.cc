// The worlds' contract, kept by desktops of their own.
#include <signal.h>

#include <filesystem>

#include "tests/env/desktop/desktop_fixture.h"
#include "tests/env/world_contract.h"

namespace proctor::env {
namespace {

class DesktopUnderTest final : public WorldUnderTest {
 public:
  explicit DesktopUnderTest(std::unique_ptr<desktop::DesktopParts> parts) : parts_(std::move(parts)) {}

  Environment& environment() override { return *parts_->environment; }
  v1::Task MakeTask() override {
    v1::Task task;
    task.set_goal("Write something.");
    v1::DesktopStart& start = *task.mutable_start_state()->mutable_desktop();
    v1::DesktopFile& file = *start.add_files();
    file.set_path("note.txt");
    file.set_content("hello\n");
    v1::DesktopLaunch& launch = *start.add_launches();
    launch.set_application("editor");
    launch.add_files("note.txt");
    return task;
  }
  v1::EvidenceRequest evidence() override {
    v1::EvidenceRequest request;
    request.set_id("note");
    request.mutable_file()->set_path("note.txt");
    return request;
  }
  bool Break() override {
    bool broken = false;
    for (const desktop::FamilyMember& process : desktop::Descendants()) {
      if (process.name == "Xvnc") broken |= kill(process.pid, SIGKILL) == 0;
    }
    return broken;
  }
  int64_t CountLeft() override {
    int64_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(parts_->directory.path())) ++files;
    return files + static_cast<int64_t>(desktop::Descendants().size());
  }

 private:
  const std::unique_ptr<desktop::DesktopParts> parts_;
};

std::unique_ptr<WorldUnderTest> MakeDesktop(std::string& lacks) {
  lacks = desktop::MachineLacks();
  auto parts = desktop::DesktopParts::Make({}, /*prewarm=*/true);
  return parts == nullptr ? nullptr : std::make_unique<DesktopUnderTest>(std::move(parts));
}

INSTANTIATE_TEST_SUITE_P(Desktop, WorldContractTest, testing::Values(&MakeDesktop));

}  // namespace
}  // namespace proctor::env
