// Replies as model servers send them, made up for these tests in the forms that recordings show, with what each must
// mean.
#ifndef PROCTOR_TESTS_MODEL_FIXTURES_H_
#define PROCTOR_TESTS_MODEL_FIXTURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proctor/v1/model.pb.h"

namespace proctor::model {

struct ExpectedChoice {
  std::string text;
  v1::ModelFailure failure = v1::MODEL_FAILURE_UNSPECIFIED;
  std::string finish_reason = "stop";
  std::string reasoning = "";
  int tokens = 0;
};

struct Fixture {
  std::string name;
  v1::ModelWire wire = v1::MODEL_WIRE_OPENAI_CHAT;
  int http_status = 200;
  std::string body;
  // Expected: either this, or the choices.
  v1::ModelFailure failure = v1::MODEL_FAILURE_UNSPECIFIED;
  std::vector<ExpectedChoice> choices = {};
  std::string model = "";
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cached_tokens = 0;
  int images = 0;
};

const std::vector<Fixture>& Fixtures();

}  // namespace proctor::model

#endif  // PROCTOR_TESTS_MODEL_FIXTURES_H_
