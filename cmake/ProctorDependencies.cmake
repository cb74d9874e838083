# Everything that Proctor is built from; all of it comes from Debian.
set(CMAKE_THREAD_PREFER_PTHREAD ON)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
find_program(GRPC_PYTHON_PLUGIN grpc_python_plugin REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(ZLIB REQUIRED)
find_package(EXPAT REQUIRED)
find_library(RE2_LIBRARY re2 REQUIRED)  # Debian's package has no CMake file.
add_library(proctor_re2 UNKNOWN IMPORTED)
set_target_properties(proctor_re2 PROPERTIES IMPORTED_LOCATION ${RE2_LIBRARY})

# By library: OpenCV's CMake package exists only in the full libopencv-dev of 670 MB.
foreach(module core imgproc imgcodecs)
  find_library(OpenCV_${module}_LIBRARY opencv_${module} REQUIRED)
  add_library(opencv_${module} UNKNOWN IMPORTED)
  set_target_properties(opencv_${module} PROPERTIES
    IMPORTED_LOCATION ${OpenCV_${module}_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES /usr/include/opencv4)
endforeach()

# By library: the package's CMake file asks for the HTTP server and client that it would bring, which are not used here.
find_library(PROMETHEUS_CORE_LIBRARY prometheus-cpp-core REQUIRED)
add_library(prometheus_core UNKNOWN IMPORTED)
set_target_properties(prometheus_core PROPERTIES IMPORTED_LOCATION ${PROMETHEUS_CORE_LIBRARY})

if(PROCTOR_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(PROCTOR_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()
