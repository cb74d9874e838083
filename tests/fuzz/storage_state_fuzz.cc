// The start state that clients send: storage_state JSON, after a first line with the start URL.
#include "env/web/start_state.h"
#include "tests/fuzz/input.h"

namespace {

// Whether it can be brought about.
bool Plan(const uint8_t* data, size_t size) {
  std::string_view rest = proctor::fuzz::View(data, size);
  proctor::v1::StartState state;
  state.set_start_url(std::string(proctor::fuzz::TakeUntil(rest, '\n')));
  state.set_storage_state_json(std::string(rest));
  const auto plan = proctor::env::web::PlanStart(state, {{"__SHOP__", "http://shop.localhost:1"}});
  if (plan.ok()) proctor::fuzz::Require(!plan->urls.empty(), "a plan has a first page");
  return plan.ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Plan(data, size);
  return 0;
}

extern "C" bool IsCurrent(const uint8_t* data, size_t size) { return Plan(data, size); }
