# `cmake --install`: a prefix with proctord, proctor, the C++ client (find_package(proctor), target proctor::client),
# the Python package, the .protos, the example configuration and bash completion. Building the targets proctord,
# proctor_cli and proctor_python is enough for it. `--component server`: only the programs and what explains them, for which proctord
# and proctor_cli are enough.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(TARGETS proctord proctor_cli COMPONENT server)
install(TARGETS proctor_client proctor_common proctor_proto proctor_build EXPORT proctor)
install(EXPORT proctor NAMESPACE proctor:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/proctor FILE proctor-targets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/proctor-config.cmake.in
  ${CMAKE_BINARY_DIR}/proctor-config.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/proctor)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/proctor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/proctor-config.cmake ${CMAKE_BINARY_DIR}/proctor-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/proctor)

# Headers lie below include/proctor as they do in the source tree: #include "clients/cpp/client.h".
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/proctor)
foreach(header actions client rewards rpc_stream security session)
  install(FILES clients/cpp/${header}.h DESTINATION ${headers}/clients/cpp)
endforeach()
foreach(header mutex proto_json proto_time retry_hint status)
  install(FILES common/${header}.h DESTINATION ${headers}/common)
endforeach()
install(DIRECTORY ${CMAKE_BINARY_DIR}/generated/proctor DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.pb.h" PATTERN "*.grpc.pb.h" EXCLUDE)
install(DIRECTORY proto/proctor DESTINATION ${CMAKE_INSTALL_DATADIR}/proctor/proto FILES_MATCHING PATTERN "*.proto")

# Debian's Python finds it there if the prefix is /usr; elsewhere it goes onto PYTHONPATH.
set(python lib/python3/dist-packages)
install(DIRECTORY clients/python/proctor DESTINATION ${python} PATTERN "__pycache__" EXCLUDE)
install(FILES ${CMAKE_BINARY_DIR}/python/proctor/version.py DESTINATION ${python}/proctor)
install(DIRECTORY ${CMAKE_BINARY_DIR}/python/proctor/v1 DESTINATION ${python}/proctor PATTERN "__pycache__" EXCLUDE)

install(FILES server/proctord.yaml server/proctord.service DESTINATION ${CMAKE_INSTALL_DATADIR}/proctor COMPONENT server)
install(FILES ${CMAKE_BINARY_DIR}/clients/cli/completion.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME proctor COMPONENT server)
# The README's links lead to the others.
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT server)
install(FILES docker/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/docker COMPONENT server)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT server FILES_MATCHING PATTERN "*.md")
