#include "model/failure.h"

#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/wire_json.h"

namespace proctor::model {
namespace {

constexpr size_t kMaxDetailBytes = 500;
constexpr size_t kMaxMessageBytes = 300;
constexpr size_t kMaxErrorBytes = 1 << 20;

struct ErrorText {
  std::string type;
  std::string code;
  std::string message;
};

// Google's `details[].reason`, Azure's `innererror.code`, and `status` say more than `code`.
std::string DeeperCode(const Json& error) {
  std::string code = Text(error, "status");
  for (const Json& detail : Array(error, "details")) {
    const std::string reason = Text(detail, "reason");
    if (!reason.empty()) absl::StrAppend(&code, " ", reason);
  }
  if (const Json* inner = Member(error, "innererror")) absl::StrAppend(&code, " ", Text(*inner, "code"));
  return code;
}

// Nested under `error`, an `error` that is text, flat, `detail`, or in an array of one.
ErrorText ReadError(std::string_view body) {
  const absl::StatusOr<Json> parsed =
      body.size() <= kMaxErrorBytes ? ParseJson(body) : absl::InvalidArgumentError("larger than any error");
  if (!parsed.ok()) return {.type = "", .code = "", .message = std::string(TruncateUtf8(body, kMaxMessageBytes))};
  const Json& outer = parsed->is_array() && !parsed->empty() ? parsed->front() : *parsed;
  const Json* nested = Member(outer, "error");
  const Json& error = nested != nullptr && nested->is_object() ? *nested : outer;
  ErrorText text;
  text.type = Text(error, "type");
  if (text.type.empty() || text.type == "error") text.type = Text(error, "error_type");
  text.code = absl::StrCat(Text(error, "code"), " ", DeeperCode(error));
  text.message = Text(error, "message");
  if (text.message.empty()) text.message = Text(outer, "error");
  if (text.message.empty()) text.message = Text(outer, "detail");
  if (text.message.empty()) text.message = Text(outer, "message");
  return text;
}

bool HasAny(const std::string& text, std::initializer_list<absl::string_view> words) {
  for (const absl::string_view word : words) {
    if (absl::StrContains(text, word)) return true;
  }
  return false;
}

bool SaysTooLong(const std::string& name, const std::string& message) {
  return HasAny(name, {"context_length_exceeded", "exceed_context_size", "too_many_prompt_tokens", "too_many_tokens",
                       "request_too_large", "string_above_max_length"}) ||
         HasAny(message, {"prompt is too long", "prompt too long", "context length", "context window", "context size",
                          "too many tokens", "input tokens exceed", "input token count", "reduce the length",
                          "maximum number of tokens allowed", "messages is too long", "input is too long"});
}

bool SaysNotCapable(const std::string& message) {
  return HasAny(message, {"not a multimodal model", "image input is not supported", "support image input",
                          "not support image", "does not support vision", "image_url is not supported",
                          "images are not supported", "mmproj", "audio input is not supported"});
}

v1::ModelFailure ByWords(int status, const std::string& name, const std::string& message) {
  if (HasAny(name, {"insufficient_quota", "billing", "insufficient_balance", "payment_required"}) ||
      HasAny(message, {"credit balance is too low", "insufficient balance", "insufficient credits"})) {
    return v1::MODEL_FAILURE_QUOTA;
  }
  if (HasAny(name, {"content_filter", "content_policy", "responsibleaipolicy", "data_inspection", "moderation"}) ||
      HasAny(message, {"content management policy", "content policy", "flagged by"})) {
    return v1::MODEL_FAILURE_CONTENT_FILTER;
  }
  if (HasAny(name, {"overloaded", "unavailable"}) || (status == 429 && HasAny(message, {"overloaded"}))) {
    return v1::MODEL_FAILURE_OVERLOADED;
  }
  if (HasAny(name, {"rate_limit", "ratelimit", "resource_exhausted", "too_many_requests"})) {
    return v1::MODEL_FAILURE_RATE_LIMITED;
  }
  if (status != 429 && SaysTooLong(name, message)) return v1::MODEL_FAILURE_CONTEXT_TOO_LONG;
  if (HasAny(name, {"api_key", "authentication", "permission"}) ||
      HasAny(message, {"api key not valid", "incorrect api key", "invalid api key", "invalid x-api-key"})) {
    return v1::MODEL_FAILURE_UNAUTHENTICATED;
  }
  if (SaysNotCapable(message)) return v1::MODEL_FAILURE_NOT_CAPABLE;
  if (HasAny(name, {"model_not_found", "deploymentnotfound", "not_found_error"}))
    return v1::MODEL_FAILURE_NO_SUCH_MODEL;
  return v1::MODEL_FAILURE_UNSPECIFIED;
}

v1::ModelFailure ByStatus(int status) {
  switch (status) {
    case 200:
      return v1::MODEL_FAILURE_STREAM;
    case 401:
    case 403:
    case 407:
      return v1::MODEL_FAILURE_UNAUTHENTICATED;
    case 402:
      return v1::MODEL_FAILURE_QUOTA;
    case 404:
    case 405:
    case 410:
      return v1::MODEL_FAILURE_NO_SUCH_MODEL;
    case 408:
    case 409:
    case 425:
      return v1::MODEL_FAILURE_SERVER;
    case 413:
      return v1::MODEL_FAILURE_CONTEXT_TOO_LONG;
    case 429:
      return v1::MODEL_FAILURE_RATE_LIMITED;
    case 503:
    case 529:
      return v1::MODEL_FAILURE_OVERLOADED;
    default:
      if (status >= 300 && status < 400) return v1::MODEL_FAILURE_NO_SUCH_MODEL;
      return status >= 400 && status < 500 ? v1::MODEL_FAILURE_BAD_REQUEST : v1::MODEL_FAILURE_SERVER;
  }
}

}  // namespace

Failure Fail(v1::ModelFailure kind, std::string_view detail) {
  std::string valid = SanitizeUtf8(detail.substr(0, 2 * kMaxDetailBytes));
  return {.kind = kind, .detail = std::string(TruncateUtf8(valid, kMaxDetailBytes))};
}

Failure ClassifyErrorText(int http_status, std::string_view type, std::string_view code, std::string_view message) {
  // OpenRouter puts the HTTP status that it means into the code of an error inside a stream.
  int status = http_status, numeric = 0;
  const absl::string_view number = absl::StripAsciiWhitespace(ToAbsl(code));
  if (http_status == 200 && absl::SimpleAtoi(number, &numeric) && numeric >= 400 && numeric < 600) status = numeric;
  const std::string name = absl::AsciiStrToLower(absl::StrCat(ToAbsl(type), " ", ToAbsl(code)));
  const std::string words = absl::AsciiStrToLower(ToAbsl(message.substr(0, 4096)));
  v1::ModelFailure kind = ByWords(status, name, words);
  if (kind == v1::MODEL_FAILURE_UNSPECIFIED) kind = ByStatus(status);
  const std::string title(absl::StripAsciiWhitespace(absl::StrCat(ToAbsl(type), " ", number)));
  return Fail(kind, absl::StrCat("HTTP ", http_status, title.empty() ? "" : " ", title, ": ",
                                 ToAbsl(TruncateUtf8(message, kMaxMessageBytes))));
}

Failure ClassifyHttpError(int http_status, std::string_view body) {
  const ErrorText error = ReadError(body);
  return ClassifyErrorText(http_status, error.type, error.code, error.message);
}

bool IsTransient(v1::ModelFailure failure) {
  switch (failure) {
    case v1::MODEL_FAILURE_UNREACHABLE:
    case v1::MODEL_FAILURE_TIMEOUT:
    case v1::MODEL_FAILURE_RATE_LIMITED:
    case v1::MODEL_FAILURE_OVERLOADED:
    case v1::MODEL_FAILURE_SERVER:
    case v1::MODEL_FAILURE_MALFORMED:
    case v1::MODEL_FAILURE_STREAM:
      return true;
    default:
      return false;
  }
}

bool IsOfEndpoint(v1::ModelFailure failure) {
  switch (failure) {
    case v1::MODEL_FAILURE_UNAUTHENTICATED:
    case v1::MODEL_FAILURE_NO_SUCH_MODEL:
    case v1::MODEL_FAILURE_QUOTA:
    case v1::MODEL_FAILURE_NOT_CAPABLE:
      return true;
    default:
      return IsTransient(failure);
  }
}

absl::Status ToStatus(const v1::ModelCall& call) {
  const auto with = [&](absl::StatusCode code) {
    const std::string& kind = v1::ModelFailure_Name(call.failure());
    return absl::Status(code, absl::StrCat("model call: ", kind, ": ", call.failure_detail()));
  };
  switch (call.failure()) {
    case v1::MODEL_FAILURE_UNSPECIFIED:
      return absl::OkStatus();
    case v1::MODEL_FAILURE_TIMEOUT:
      return with(absl::StatusCode::kDeadlineExceeded);
    case v1::MODEL_FAILURE_CANCELLED:
      return with(absl::StatusCode::kCancelled);
    case v1::MODEL_FAILURE_RATE_LIMITED:
    case v1::MODEL_FAILURE_QUOTA:
    case v1::MODEL_FAILURE_BUDGET:
      return with(absl::StatusCode::kResourceExhausted);
    case v1::MODEL_FAILURE_UNAUTHENTICATED:
      return with(absl::StatusCode::kUnauthenticated);
    case v1::MODEL_FAILURE_NO_SUCH_MODEL:
      return with(absl::StatusCode::kNotFound);
    case v1::MODEL_FAILURE_BAD_REQUEST:
    case v1::MODEL_FAILURE_CONTEXT_TOO_LONG:
      return with(absl::StatusCode::kInvalidArgument);
    default:
      return with(IsTransient(call.failure()) ? absl::StatusCode::kUnavailable : absl::StatusCode::kFailedPrecondition);
  }
}

}  // namespace proctor::model
