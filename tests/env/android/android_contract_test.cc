// The worlds' contract, kept by a simulated phone behind the real adb server.
#include <utility>

#include "common/proto_time.h"
#include "tests/env/android/fixture.h"
#include "tests/env/world_contract.h"

namespace proctor::env {
namespace {

class AndroidUnderTest final : public WorldUnderTest {
 public:
  const android::Lab& lab() const { return lab_; }
  Environment& environment() override { return lab_.environment(); }
  v1::Task MakeTask() override {
    v1::Task task;
    task.set_goal("Open the settings.");
    return task;
  }
  bool Break() override {
    // The next command finds no connection; the device is there again at once.
    lab_.device().adbd().Drop();
    return true;
  }
  // Files on the device and copies on this side, and devices that are still leased.
  int64_t CountLeft() override {
    int64_t leased = lab_.environment().Open(android::Soon(), {}).ok() ? 0 : 1;
    return leased + static_cast<int64_t>(lab_.device().files().size()) + lab_.scratch_folder().entry_count();
  }
  v1::EvidenceRequest evidence() override {
    v1::EvidenceRequest request;
    request.set_id("front");
    request.mutable_foreground();
    return request;
  }
  v1::EnvironmentSettings settings() override {
    v1::EnvironmentSettings settings;
    *settings.mutable_android()->mutable_settle_still() = ToProto(absl::Milliseconds(50));
    return settings;
  }

 private:
  android::Lab lab_;
};

std::unique_ptr<WorldUnderTest> MakeAndroid(std::string& lacks) {
  if (android::FindAdb().empty()) lacks = android::kNoAdb;
  if (!lacks.empty()) return nullptr;
  auto world = std::make_unique<AndroidUnderTest>();
  EXPECT_TRUE(world->lab().ok()) << world->lab().problem();
  if (!world->lab().ok()) return nullptr;
  return world;
}

INSTANTIATE_TEST_SUITE_P(Android, WorldContractTest, testing::Values(&MakeAndroid));

}  // namespace
}  // namespace proctor::env
