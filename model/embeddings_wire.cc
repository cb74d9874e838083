#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/failure.h"
#include "model/wire.h"
#include "model/wire_json.h"

namespace proctor::model {
namespace {

constexpr size_t kMaxDimensions = 65536;

// Empty for anything but a list of numbers.
std::vector<float> ReadVector(const Json& item) {
  std::vector<float> vector;
  for (const Json& number : Array(item, "embedding")) {
    const double value = number.is_number() ? number.get<double>() : std::numeric_limits<double>::max();
    if (std::abs(value) > std::numeric_limits<float>::max() || vector.size() == kMaxDimensions) return {};
    vector.push_back(static_cast<float>(value));
  }
  return vector;
}

Failure ReadVectors(const Json& body, int inputs, EmbedReply& reply) {
  const Json& data = Array(body, "data");
  if (data.size() != static_cast<size_t>(inputs)) {
    return Fail(v1::MODEL_FAILURE_MALFORMED, absl::StrCat(data.size(), " vectors for ", inputs, " inputs"));
  }
  std::vector<std::vector<float>> vectors(data.size());
  for (size_t i = 0; i < data.size(); ++i) {
    const Json* index = Member(data[i], "index");
    const int64_t at = index != nullptr && index->is_number_integer() ? index->get<int64_t>() : static_cast<int64_t>(i);
    if (at < 0 || at >= inputs) return Fail(v1::MODEL_FAILURE_MALFORMED, "a vector's index is out of range");
    vectors[static_cast<size_t>(at)] = ReadVector(data[i]);
  }
  for (const std::vector<float>& vector : vectors) {
    if (vector.empty() || vector.size() != vectors[0].size()) {
      return Fail(v1::MODEL_FAILURE_MALFORMED, "vectors are missing, of different lengths, or no numbers");
    }
  }
  reply.vectors = std::move(vectors);
  return {};
}

Failure ReadEmbedding(int http_status, std::string_view raw, int inputs, EmbedReply& reply) {
  if (http_status < 200 || http_status >= 300) return ClassifyHttpError(http_status, raw);
  const absl::StatusOr<Json> body = ParseJson(raw);
  if (!body.ok() || !body->is_object()) {
    return Fail(v1::MODEL_FAILURE_MALFORMED, absl::StrCat("the reply of ", raw.size(), " bytes is no JSON object"));
  }
  reply.call.set_model(SanitizeUtf8(TruncateUtf8(JsonStringOr(*body, "model"), 256)));
  if (const Json* usage = Member(*body, "usage")) {
    reply.call.mutable_usage()->set_input_tokens(Count(*usage, "prompt_tokens"));
  }
  if (const Json* error = Member(*body, "error"); error != nullptr && !error->is_null()) {
    return ClassifyHttpError(200, raw);
  }
  return ReadVectors(*body, inputs, reply);
}

}  // namespace

std::string EncodeEmbed(const EmbedRequest& request) {
  Json body = {{"model", SanitizeUtf8(request.model)}, {"input", Json::array()}, {"encoding_format", "float"}};
  for (const std::string& input : request.inputs) body["input"].push_back(SanitizeUtf8(input));
  return DumpJson(body);
}

EmbedReply DecodeEmbedReply(int http_status, std::string_view raw, int inputs) {
  EmbedReply reply;
  Failure failure = ReadEmbedding(http_status, raw, inputs, reply);
  reply.call.set_wire(v1::MODEL_WIRE_OPENAI_CHAT);
  reply.call.set_http_status(http_status);
  reply.call.set_failure(failure.kind);
  reply.call.set_failure_detail(std::move(failure.detail));
  return reply;
}

}  // namespace proctor::model
