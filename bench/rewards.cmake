add_executable(proctor_rewards_bench
  rewards_bench/main.cc
  rewards_bench/reader.cc
  rewards_bench/restart.cc
  rewards_bench/room.cc
  rewards_bench/stream.cc
  rewards_bench/wire.cc)
target_link_libraries(proctor_rewards_bench PRIVATE proctor_client proctor_reward proctor_storage proctor_warnings gRPC::grpc++)
