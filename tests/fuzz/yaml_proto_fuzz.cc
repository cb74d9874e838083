// Configuration files.
#include "common/yaml_proto.h"
#include "proctor/v1/config.pb.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proctor::v1::ServerConfig config;
  const auto read = proctor::ParseYamlProto(proctor::fuzz::View(data, size), "fuzz.yaml", config);
  if (!read.ok()) {
    proctor::fuzz::Require(read.status().message().find("fuzz.yaml") != std::string::npos, "errors name the file");
  }
  return 0;
}
