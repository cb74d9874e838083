// The contract that every world keeps, driven through sessions. Each environment instantiates it:
//
//   INSTANTIATE_TEST_SUITE_P(Null, WorldContractTest, testing::Values(&MakeNullWorldUnderTest), ...);
#ifndef PROCTOR_TESTS_ENV_WORLD_CONTRACT_H_
#define PROCTOR_TESTS_ENV_WORLD_CONTRACT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "env/world.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {

// An environment and what the suite needs to know of it. Owns all that the environment needs.
class WorldUnderTest {
 public:
  virtual ~WorldUnderTest() = default;
  virtual Environment& environment() = 0;
  // A task whose first observation lists at least one element that can be clicked.
  virtual v1::Task MakeTask() = 0;
  // Breaks the world that is open (kills its browser, ...): the next action must end interrupted. False: it could not.
  virtual bool Break() = 0;
  // Things that a closed session must not leave behind: browser contexts, site instances, files.
  virtual int64_t CountLeft() { return 0; }
  // Something that can be collected of it; default: the final URL.
  virtual v1::EvidenceRequest evidence() { return {}; }
  // Settings of a session; default: none given.
  virtual v1::EnvironmentSettings settings() { return {}; }
};

// `lacks`, if it is set: what this machine lacks for the world; the tests are skipped, visibly. Else nullptr is a failure.
using MakeWorldUnderTest = std::function<std::unique_ptr<WorldUnderTest>(std::string& lacks)>;

class WorldContractTest : public testing::TestWithParam<MakeWorldUnderTest> {
 protected:
  void SetUp() override;

  std::string Open();
  absl::StatusOr<v1::EpisodeStart> Start(const std::string& session, const std::string& request_id = "",
                                         int max_steps = 0);
  v1::StepRequest Click(const std::string& session, int mark) const;
  // A mark that can be clicked without harm: the first enabled element.
  static int FirstMark(const v1::Observation& observation);

  std::unique_ptr<WorldUnderTest> world_;
  std::unique_ptr<SessionFixture> fixture_;
};

}  // namespace proctor::env

#endif  // PROCTOR_TESTS_ENV_WORLD_CONTRACT_H_
