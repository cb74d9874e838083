# The scripted model server is the tests', which are not built with benchmarks.
add_executable(proctor_rescore_bench
  ${CMAKE_SOURCE_DIR}/tests/model/scripted_replies.cc
  ${CMAKE_SOURCE_DIR}/tests/model/scripted_server.cc
  rescore_bench/main.cc)
target_link_libraries(proctor_rescore_bench PRIVATE proctor_grpc proctor_imaging proctor_storage proctor_trajectory
  proctor_warnings gRPC::grpc++)
