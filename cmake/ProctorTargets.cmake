# proctor_library(<room> SOURCES ... DEPENDS ... [PRIVATE_DEPENDS ...]): the library proctor_<room>.
function(proctor_library room)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(proctor_${room} STATIC ${ARG_SOURCES})
  target_link_libraries(proctor_${room} PUBLIC proctor_build ${ARG_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:proctor_warnings> ${ARG_PRIVATE_DEPENDS})
  proctor_use_prelude(proctor_${room})
  proctor_use_unity(proctor_${room})
endfunction()

# proctor_test(<name> SOURCES ... DEPENDS ... [LABELS ...] [TIMEOUT seconds] [SERIAL | ALONE]): a GoogleTest
# binary proctor_<name>_test whose tests are found when ctest runs. SERIAL: one test of it at a time (they share a browser
# or the machine's load). ALONE: beside no other test at all. Without LABELS it is labelled "grpc" if it uses gRPC, else "grpc_free": those run under
# ThreadSanitizer, and the target proctor_grpc_free_tests builds them.
add_custom_target(proctor_grpc_free_tests)
function(proctor_test name)
  cmake_parse_arguments(ARG "SERIAL;ALONE" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_LABELS AND "${ARG_DEPENDS}" MATCHES "grpc|gRPC|proctor_(client|cli|server)")
    set(ARG_LABELS grpc)
  elseif(NOT ARG_LABELS)
    set(ARG_LABELS grpc_free)
    add_dependencies(proctor_grpc_free_tests proctor_${name}_test)
  endif()
  set(properties TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(ARG_SERIAL)
    list(APPEND properties RESOURCE_LOCK proctor_${name})
  elseif(ARG_ALONE)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  add_executable(proctor_${name}_test ${ARG_SOURCES})
  target_link_libraries(proctor_${name}_test PRIVATE ${ARG_DEPENDS} proctor_warnings
    GTest::gmock GTest::gtest_main)
  proctor_use_prelude(proctor_${name}_test)
  proctor_use_unity(proctor_${name}_test)
  gtest_discover_tests(proctor_${name}_test DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTIES ${properties})
endfunction()

# proctor_python_test(<name> <file> [LABELS ...] [TIMEOUT seconds] [ARGS ...]): a unittest file run by Debian's Python,
# with the Python client on its path and PROCTORD, PROCTOR_CLI naming the programs. What it skips is named: see tests/python_main.py.
function(proctor_python_test name file)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS;ARGS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND
    /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/python_main.py ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${ARG_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77 LABELS "${ARG_LABELS}" ENVIRONMENT
    "PYTHONPATH=${CMAKE_BINARY_DIR}/python;PROCTORD=${CMAKE_BINARY_DIR}/server/proctord;PROCTOR_CLI=${CMAKE_BINARY_DIR}/clients/cli/proctor")
endfunction()
