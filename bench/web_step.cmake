add_executable(proctor_web_step_bench
  web_step_bench/floor_arm.cc
  web_step_bench/main.cc
  web_step_bench/pages.cc
  web_step_bench/playwright_arm.cc
  web_step_bench/world_arm.cc)
target_link_libraries(proctor_web_step_bench PRIVATE proctor_env_web proctor_trajectory proctor_storage proctor_imaging
  proctor_net proctor_warnings)
