# Options, the warnings target, sanitizers and the compiler cache.
option(PROCTOR_BUILD_TESTS "Build the tests" ON)
option(PROCTOR_BUILD_BENCHMARKS "Build the benchmarks" OFF)
option(PROCTOR_BUILD_FUZZERS "Build the fuzzers (clang only)" OFF)
option(PROCTOR_WERROR "Treat warnings as errors" OFF)
option(PROCTOR_COVERAGE "Count which lines run (gcov)" OFF)
set(PROCTOR_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(PROCTOR_CCACHE ccache)
if(PROCTOR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # How it takes precompiled headers (cmake/ProctorPrelude.cmake).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${PROCTOR_CCACHE})
endif()

add_library(proctor_warnings INTERFACE)
target_compile_options(proctor_warnings INTERFACE -Wall -Wextra $<$<BOOL:${PROCTOR_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
# GCC 12 sees overlapping copies and uninitialised variants in inlined library code once it optimises.
target_compile_options(proctor_warnings INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict;-Wno-maybe-uninitialized>)

add_library(proctor_build INTERFACE)
target_include_directories(proctor_build INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
  $<INSTALL_INTERFACE:include/proctor>)
target_compile_features(proctor_build INTERFACE cxx_std_20)
# Everywhere, as some libraries ask for it: sources that share a precompiled header are compiled alike.
target_compile_options(proctor_build INTERFACE $<BUILD_INTERFACE:-pthread>)
find_program(PROCTOR_MOLD mold)
if(PROCTOR_MOLD)
  target_link_options(proctor_build INTERFACE $<BUILD_INTERFACE:-fuse-ld=mold>)
endif()
if(PROCTOR_BUILD_FUZZERS)
  target_compile_options(proctor_build INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PROCTOR_COVERAGE)
  # Counted by several threads at once.
  target_compile_options(proctor_build INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(proctor_build INTERFACE --coverage)
endif()
if(PROCTOR_SANITIZE)
  target_compile_options(proctor_build INTERFACE -fsanitize=${PROCTOR_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(proctor_build INTERFACE -fsanitize=${PROCTOR_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's checks hide from its own analysis what is initialised: it warns of every std::optional of a message.
    target_compile_options(proctor_build INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(PROCTOR_SANITIZE MATCHES thread)
    # Under __SANITIZE_THREAD__ protobuf's headers lay maps out in another way than the library that Debian built without it does.
    # The standard library goes by a name of its own.
    target_compile_options(proctor_build INTERFACE -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
  if(PROCTOR_SANITIZE MATCHES undefined)
    target_compile_options(proctor_build INTERFACE -fno-sanitize-recover=undefined)
    # Clang 14 cannot assemble what its check of function types makes of coroutines.
    target_compile_options(proctor_build INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  endif()
endif()
