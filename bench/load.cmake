# What many_sessions, rpc, trajectory_memory and bytes_kept run beside proctord.
add_executable(proctor_act_load load/act_load.cc load/main.cc)
target_link_libraries(proctor_act_load PRIVATE proctor_common proctor_grpc proctor_warnings gRPC::grpc++)
add_executable(proctor_null_servicer load/null_servicer.cc)
target_link_libraries(proctor_null_servicer PRIVATE proctor_common proctor_grpc proctor_warnings gRPC::grpc++)
add_executable(proctor_same_pixels load/same_pixels.cc)
target_link_libraries(proctor_same_pixels PRIVATE proctor_common proctor_imaging proctor_warnings)
