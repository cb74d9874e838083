#include "trajectory/formats/atif_parts.h"

#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proctor::trajectory::formats {
namespace {

void AddText(const std::string& text, AtifContent& content) {
  absl::StrAppend(&content.text, content.has_text ? "\n" : "", text);
  content.has_text = true;
}

bool IsUrl(const std::string& path) {
  return absl::StartsWith(path, "http://") || absl::StartsWith(path, "https://") ||
         absl::StartsWith(path, "data:");
}

void ReadPart(const Json& json, const std::string& where, Findings& findings,
              AtifContent& content) {
  JsonObject part(json, where, findings);
  const std::string type = part.Text("type");
  if (type == "text") {
    AddText(part.Text("text"), content);
  } else if (type == "image") {
    JsonObject source(part.Object("source"), part.At("source"), findings);
    const std::string path = source.Text("path");
    source.Ignore("media_type");
    source.ReportRest();
    if (IsUrl(path)) {
      findings.Skip(source.At("path"), "only pictures in files beside the document are read");
    } else {
      content.pictures.push_back(path);
    }
  } else {
    findings.Fail(part.At("type"), "is neither text nor image");
  }
  part.ReportRest();
}

int64_t Tokens(JsonObject& metrics, const char* key, Findings& findings) {
  const int64_t tokens = metrics.OptionalInteger(key).value_or(0);
  if (tokens < 0) findings.Fail(metrics.At(key), "is negative");
  return tokens;
}

void ReadIds(JsonObject& metrics, const char* key, Findings& findings,
             google::protobuf::RepeatedField<int32_t>& ids) {
  for (const Json& id : metrics.OptionalArray(key)) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() > std::numeric_limits<int32_t>::max()) {
      findings.Fail(metrics.At(key), "has an entry that is no token's number");
      return;
    }
    ids.Add(id.get<int32_t>());
  }
}

void ReadLogProbs(JsonObject& metrics, Findings& findings,
                  google::protobuf::RepeatedField<float>& values) {
  const Json& log_probs = metrics.OptionalArray("logprobs");
  if (!log_probs.empty()) values.Clear();
  for (const Json& value : log_probs) {
    const double number = value.is_number() ? value.get<double>() : HUGE_VAL;
    if (std::abs(number) > std::numeric_limits<float>::max()) {
      findings.Fail(metrics.At("logprobs"), "has an entry that is no number");
      return;
    }
    values.Add(static_cast<float>(number));
  }
}

}  // namespace

AtifContent ReadAtifContent(const Json* json, const std::string& where, Findings& findings) {
  AtifContent content;
  if (json == nullptr || json->is_null()) return content;
  if (json->is_string()) {
    AddText(json->get<std::string>(), content);
    return content;
  }
  if (!json->is_array()) findings.Fail(where, "is neither a text nor a list of parts");
  for (size_t i = 0; json->is_array() && i < json->size(); ++i) {
    ReadPart((*json)[i], absl::StrCat(where, "[", i, "]"), findings, content);
  }
  return content;
}

void ReadAtifMetrics(JsonObject& step, Findings& findings, v1::AgentData& data) {
  const Json* const object = step.OptionalObject("metrics");
  if (object == nullptr) return;
  JsonObject metrics(*object, step.At("metrics"), findings);
  bool has_usage = false;
  for (const char* const key :
       {"prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd"}) {
    has_usage = has_usage || metrics.Has(key);
  }
  if (has_usage) {
    v1::Usage& usage = *data.mutable_usage();
    usage.set_input_tokens(Tokens(metrics, "prompt_tokens", findings));
    usage.set_output_tokens(Tokens(metrics, "completion_tokens", findings));
    usage.set_cached_input_tokens(Tokens(metrics, "cached_tokens", findings));
    usage.set_cost_usd(metrics.OptionalNumber("cost_usd").value_or(0));
  }
  ReadIds(metrics, "prompt_token_ids", findings, *data.mutable_prompt_token_ids());
  ReadIds(metrics, "completion_token_ids", findings, *data.mutable_token_ids());
  ReadLogProbs(metrics, findings, *data.mutable_log_probs());
  metrics.ReportRest();
}

}  // namespace proctor::trajectory::formats
