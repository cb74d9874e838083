#include "tests/model/fixtures.h"

namespace proctor::model {
namespace {

constexpr v1::ModelWire kOpenAi = v1::MODEL_WIRE_OPENAI_CHAT;
constexpr v1::ModelWire kAnthropic = v1::MODEL_WIRE_ANTHROPIC_MESSAGES;

std::vector<Fixture> OpenAiReplies() {
  return {
      {.name = "openai_text",
       .body = R"({
  "id": "chatcmpl-x1", "object": "chat.completion", "created": 17, "model": "gpt-test-2030-01-01",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": "Status: success", "refusal": null, "annotations": []},
               "logprobs": null, "finish_reason": "stop"}],
  "usage": {"prompt_tokens": 21, "completion_tokens": 4, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 16, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0}},
  "service_tier": "default", "system_fingerprint": "fp_1"})",
       .choices = {{.text = "Status: success"}},
       .model = "gpt-test-2030-01-01",
       .input_tokens = 21,
       .output_tokens = 4,
       .cached_tokens = 16},
      {.name = "openai_two_choices",
       .body = R"({"model":"m","choices":[{"index":1,"message":{"content":"no"},"finish_reason":"stop"},
                   {"index":0,"message":{"content":"yes"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})",
       .choices = {{.text = "yes", .failure = v1::MODEL_FAILURE_TRUNCATED, .finish_reason = "length"}, {.text = "no"}},
       .model = "m",
       .input_tokens = 3,
       .output_tokens = 2},
      {.name = "openai_logprobs",
       .body = R"({"model":"m","choices":[{"index":0,"message":{"content":"Yes."},"finish_reason":"stop","logprobs":{"content":[
                   {"token":"Yes","logprob":-0.02,"bytes":[89,101,115],"top_logprobs":[{"token":"Yes","logprob":-0.02,"bytes":null},{"token":"No","logprob":-4.1}]},
                   {"token":".","logprob":-0.5,"bytes":null,"top_logprobs":[]}],"refusal":null}}]})",
       .choices = {{.text = "Yes.", .tokens = 2}},
       .model = "m"},
      {.name = "openai_refusal_field",
       .body = R"({"model":"m","choices":[{"index":0,"message":{"content":null,"refusal":"I will not judge this."},"finish_reason":"stop"}]})",
       .choices = {{.text = "I will not judge this.", .failure = v1::MODEL_FAILURE_REFUSAL}},
       .model = "m"},
      {.name = "openai_refusal_in_words",
       .body = R"({"model":"m","choices":[{"index":0,"message":{"content":"I’m sorry, but I can’t assist with that."},"finish_reason":"stop"}]})",
       .choices = {{.text = "I’m sorry, but I can’t assist with that.", .failure = v1::MODEL_FAILURE_REFUSAL}},
       .model = "m"},
      {.name = "openai_tool_calls_without_text",
       .body = R"({"model":"m","choices":[{"index":0,"message":{"content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})",
       .choices = {{.text = "", .failure = v1::MODEL_FAILURE_EMPTY, .finish_reason = "tool_calls"}},
       .model = "m"},
      {.name = "azure_filtered_reply_without_message",
       .body = R"({"model":"m","choices":[{"index":0,"finish_reason":"content_filter","content_filter_results":{"violence":{"filtered":true}}}],"prompt_filter_results":[]})",
       .choices = {{.text = "", .failure = v1::MODEL_FAILURE_CONTENT_FILTER, .finish_reason = "content_filter"}},
       .model = "m"},
      {.name = "vllm_empty_tool_calls",
       .body = R"({"id":"chat-5","model":"qwen","choices":[{"index":0,"message":{"role":"assistant","content":"ok","tool_calls":[]},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":9,"completion_tokens":1},"prompt_logprobs":null})",
       .choices = {{.text = "ok"}},
       .model = "qwen",
       .input_tokens = 9,
       .output_tokens = 1},
      {.name = "ollama_line_feed_at_the_end_and_reasoning",
       .body = "{\"id\":\"chatcmpl-101\",\"model\":\"local\",\"system_fingerprint\":\"fp_ollama\",\"choices\":[{\"index\":0,\"message\":"
               "{\"role\":\"assistant\",\"content\":\"4\",\"reasoning\":\"2 and 2\"},\"finish_reason\":\"stop\"}],"
               "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,\"total_tokens\":11}}\n",
       .choices = {{.text = "4", .reasoning = "2 and 2"}},
       .model = "local",
       .input_tokens = 5,
       .output_tokens = 6},
      {.name = "gpustack_reasoning_content",
       .body = R"({"choices":[{"finish_reason":"stop","index":0,"message":{"content":"\n\nFour.","reasoning_content":"\nsum"}}],"model":"q"})",
       .choices = {{.text = "\n\nFour.", .reasoning = "\nsum"}},
       .model = "q"},
      {.name = "openrouter_white_space_before_the_reply",
       .body = "\n         \n\n         \n{\"model\":\"x/y\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"native_finish_reason\":\"end_turn\","
               "\"message\":{\"content\":\"fine\",\"refusal\":null,\"reasoning\":null}}]}",
       .choices = {{.text = "fine"}},
       .model = "x/y"},
      {.name = "openrouter_error_in_a_choice",
       .body = R"({"model":"x/y","choices":[{"index":0,"finish_reason":"error","message":{"content":""},"error":{"code":502,"message":"Upstream broke"}}]})",
       .failure = v1::MODEL_FAILURE_SERVER,
       .model = "x/y"},
      {.name = "mistral_content_in_parts",
       .body = R"({"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"tool_calls":null,"content":[{"type":"text","text":"a "},{"type":"text","text":"gem"}]}}]})",
       .choices = {{.text = "a gem"}},
       .model = "m"},
      {.name = "model_was_shown_no_image",
       .body = R"({"model":"m","choices":[{"index":0,"message":{"content":"\nI'm sorry, but I cannot view images. Please describe it."},"finish_reason":"stop"}]})",
       .choices = {{.text = "\nI'm sorry, but I cannot view images. Please describe it.", .failure = v1::MODEL_FAILURE_NO_VISION}},
       .model = "m",
       .images = 1},
      {.name = "same_words_without_an_image_in_the_request",
       .body = R"({"model":"m","choices":[{"index":0,"message":{"content":"I cannot view images. Please describe it."},"finish_reason":"stop"}]})",
       .choices = {{.text = "I cannot view images. Please describe it."}},
       .model = "m"},
      {.name = "error_of_status_200", .body = R"({"error":{"message":"No capacity","code":503}})",
       .failure = v1::MODEL_FAILURE_OVERLOADED},
      {.name = "no_choice", .body = R"({"model":"m","choices":[]})", .failure = v1::MODEL_FAILURE_MALFORMED, .model = "m"},
      {.name = "page_of_a_proxy", .body = "<html><body>Bad gateway</body></html>", .failure = v1::MODEL_FAILURE_MALFORMED},
      {.name = "cut_off", .body = R"({"model":"m","choices":[{"index":0,"mess)", .failure = v1::MODEL_FAILURE_MALFORMED},
      {.name = "nothing", .body = "", .failure = v1::MODEL_FAILURE_MALFORMED},
      {.name = "another_api", .body = R"({"candidates":[{"content":{"parts":[{"text":"hi"}]}}]})",
       .failure = v1::MODEL_FAILURE_MALFORMED},
  };
}

std::vector<Fixture> OpenAiStreams() {
  return {
      {.name = "openai_stream",
       .body = R"(data: {"id":"c","model":"gpt-test","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"q7"}

data: {"id":"c","model":"gpt-test","choices":[{"index":0,"delta":{"content":"Sch"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}

data: {"id":"c","model":"gpt-test","choices":[{"index":0,"delta":{"content":"ön\n"},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"c","model":"gpt-test","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}

data: {"id":"c","model":"gpt-test","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":2}}}

data: [DONE]

)",
       .choices = {{.text = "Schön\n"}},
       .model = "gpt-test",
       .input_tokens = 12,
       .output_tokens = 3,
       .cached_tokens = 2},
      {.name = "stream_with_interleaved_choices_and_crlf",
       .body = "data: {\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}}]}\r\n\r\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"yes\"}}]}\r\n\r\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"pe\"},\"finish_reason\":\"stop\"}]}\r\n\r\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\r\n\r\n"
               "data: [DONE]\r\n\r\n",
       .choices = {{.text = "yes", .failure = v1::MODEL_FAILURE_TRUNCATED, .finish_reason = "length"}, {.text = "nope"}},
       .model = "m"},
      {.name = "stream_of_a_refusal",
       .body = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"refusal\":\"\"},\"logprobs\":{\"content\":null,\"refusal\":[]},\"finish_reason\":null}]}\n\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"No\"},\"logprobs\":{\"content\":null,\"refusal\":[{\"token\":\"No\",\"logprob\":-0.1,\"bytes\":[78,111],\"top_logprobs\":[]}]},\"finish_reason\":null}]}\n\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
       .choices = {{.text = "No", .failure = v1::MODEL_FAILURE_REFUSAL, .tokens = 1}},
       .model = "m"},
      {.name = "stream_without_done_but_with_its_end",
       .body = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"},\"finish_reason\":null,\"index\":0}],\"model\":\"q\",\"usage\":null}\n\n"
               "data: {\"choices\":[{\"delta\":{\"content\":\"3\"},\"finish_reason\":\"stop\",\"index\":0}],\"model\":\"q\",\"usage\":{\"completion_tokens\":2,\"prompt_tokens\":8}}\n\n",
       .choices = {{.text = "3", .reasoning = "hm"}},
       .model = "q",
       .input_tokens = 8,
       .output_tokens = 2},
      {.name = "stream_with_comments_before_the_first_event",
       .body = ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
               "data: {\"model\":\"a/b\",\"provider\":\"P\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"1\",\"role\":\"assistant\"},\"finish_reason\":null,\"native_finish_reason\":null}]}\n\n"
               "data: {\"model\":\"a/b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\",\"native_finish_reason\":\"end_turn\"}]}\n\n"
               "data: [DONE]\n\n",
       .choices = {{.text = "1"}},
       .model = "a/b"},
      {.name = "error_inside_a_stream_that_began_well",
       .body = "data: {\"model\":\"a/b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":null}]}\n\n"
               "data: {\"model\":\"a/b\",\"error\":{\"code\":502,\"message\":\"Token limit reached\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n"
               "data: [DONE]\n\n",
       .failure = v1::MODEL_FAILURE_STREAM,
       .model = "a/b"},
      {.name = "error_inside_a_stream_in_place_of_its_beginning",
       .body = "data: {\"error\":{\"message\":\"Slow down\",\"type\":\"rate_limit_error\",\"code\":\"rate_limit_exceeded\"}}\n\n",
       .failure = v1::MODEL_FAILURE_RATE_LIMITED},
      {.name = "flat_error_inside_a_stream",
       .body = "data: {\"object\":\"error\",\"message\":\"This model's maximum context length is 10 tokens.\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}\n\ndata: [DONE]\n\n",
       .failure = v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
      {.name = "stream_that_breaks_off",
       .body = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":null}]}\n\n",
       .failure = v1::MODEL_FAILURE_MALFORMED,
       .model = "m"},
      {.name = "stream_cut_within_an_event",
       .body = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":null}]}\n\ndata: {\"mod",
       .failure = v1::MODEL_FAILURE_MALFORMED,
       .model = "m"},
      {.name = "stream_filtered_on_its_way",
       .body = "data: {\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n"
               "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\ndata: [DONE]\n\n",
       .choices = {{.text = "a", .failure = v1::MODEL_FAILURE_CONTENT_FILTER, .finish_reason = "content_filter"}},
       .model = "m"},
  };
}

std::vector<Fixture> AnthropicReplies() {
  return {
      {.name = "anthropic_text",
       .wire = kAnthropic,
       .body = R"({"model":"claude-test","id":"msg_1","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"1\n2"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":15,"cache_creation_input_tokens":4,"cache_read_input_tokens":20,"output_tokens":9}})",
       .choices = {{.text = "1\n2", .finish_reason = "end_turn", .reasoning = "hm"}},
       .model = "claude-test",
       .input_tokens = 39,
       .output_tokens = 9,
       .cached_tokens = 20},
      {.name = "anthropic_refusal",
       .wire = kAnthropic,
       .body = R"({"model":"claude-test","type":"message","content":[],"stop_reason":"refusal","usage":{"input_tokens":5,"output_tokens":1}})",
       .choices = {{.text = "", .failure = v1::MODEL_FAILURE_REFUSAL, .finish_reason = "refusal"}},
       .model = "claude-test",
       .input_tokens = 5,
       .output_tokens = 1},
      {.name = "anthropic_longest_length",
       .wire = kAnthropic,
       .body = R"({"model":"c","type":"message","content":[{"type":"text","text":"so"}],"stop_reason":"max_tokens"})",
       .choices = {{.text = "so", .failure = v1::MODEL_FAILURE_TRUNCATED, .finish_reason = "max_tokens"}},
       .model = "c"},
      {.name = "anthropic_stream",
       .wire = kAnthropic,
       .body = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-test\",\"id\":\"msg_2\",\"type\":\"message\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":15,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n"
               "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}      }\n\n"
               "event: ping\ndata: {\"type\": \"ping\"}\n\n"
               "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"1\\n\"}   }\n\n"
               "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"2\"}}\n\n"
               "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0  }\n\n"
               "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":15,\"cache_read_input_tokens\":2,\"output_tokens\":9}     }\n\n"
               "event: message_stop\ndata: {\"type\":\"message_stop\"   }\n\n",
       .choices = {{.text = "1\n2", .finish_reason = "end_turn"}},
       .model = "claude-test",
       .input_tokens = 17,
       .output_tokens = 9,
       .cached_tokens = 2},
      {.name = "anthropic_error_inside_a_stream",
       .wire = kAnthropic,
       .body = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
               "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"1\"}}\n\n"
               "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
       .failure = v1::MODEL_FAILURE_STREAM,
       .model = "c",
       .input_tokens = 3,
       .output_tokens = 1},
      {.name = "anthropic_error_before_a_stream_began",
       .wire = kAnthropic,
       .body = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
       .failure = v1::MODEL_FAILURE_OVERLOADED},
      {.name = "anthropic_stream_that_breaks_off",
       .wire = kAnthropic,
       .body = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\"}}\n\n"
               "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"1\"}}\n\n",
       .failure = v1::MODEL_FAILURE_MALFORMED,
       .model = "c"},
  };
}

struct ErrorCase {
  const char* name;
  v1::ModelWire wire;
  int status;
  const char* body;
  v1::ModelFailure failure;
};

constexpr ErrorCase kErrors[] = {
    {"openai_wrong_key", kOpenAi, 401,
     R"({"error":{"message":"Incorrect key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
     v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"gemini_wrong_key_is_400", kOpenAi, 400,
     R"([{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}])",
     v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"xai_wrong_key_is_400", kOpenAi, 400, R"({"code":"invalid-argument","error":"Incorrect API key provided."})",
     v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"bedrock_wrong_key_is_403", kOpenAi, 403, R"({"message":"The token is invalid."})", v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"mistral_detail", kOpenAi, 401, "{\"detail\":\"Invalid API Key\"}\n", v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"ollama_null_code", kOpenAi, 401, "{\"error\":{\"message\":\"Unauthorized\",\"type\":\"api_error\",\"param\":null,\"code\":null}}\n",
     v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"anthropic_wrong_key", kAnthropic, 401,
     R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"})",
     v1::MODEL_FAILURE_UNAUTHENTICATED},
    {"openai_no_such_model", kOpenAi, 404,
     R"({"error":{"message":"The model does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     v1::MODEL_FAILURE_NO_SUCH_MODEL},
    {"redirect", kOpenAi, 307, "", v1::MODEL_FAILURE_NO_SUCH_MODEL},
    {"openai_rate_limit", kOpenAi, 429,
     R"({"error":{"message":"Rate limit reached on tokens per min. Please try again in 1.5s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}})",
     v1::MODEL_FAILURE_RATE_LIMITED},
    {"openai_no_money", kOpenAi, 429,
     R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
     v1::MODEL_FAILURE_QUOTA},
    {"gemini_quota_of_a_minute", kOpenAi, 429,
     R"({"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48s"}]}})",
     v1::MODEL_FAILURE_RATE_LIMITED},
    {"azure_rate_limit", kOpenAi, 429, R"({"error":{"code":"RateLimitReached","message":"exceeded rate limit","details":"words"}})",
     v1::MODEL_FAILURE_RATE_LIMITED},
    {"anthropic_no_money_is_400", kAnthropic, 400,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}})",
     v1::MODEL_FAILURE_QUOTA},
    {"payment_required", kOpenAi, 402, R"({"error":{"message":"Insufficient Balance","code":"invalid_request_error"}})",
     v1::MODEL_FAILURE_QUOTA},
    {"anthropic_overloaded", kAnthropic, 529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
     v1::MODEL_FAILURE_OVERLOADED},
    {"llama_cpp_loading", kOpenAi, 503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
     v1::MODEL_FAILURE_OVERLOADED},
    {"server_error_without_json", kOpenAi, 500, "Internal Server Error", v1::MODEL_FAILURE_SERVER},
    {"bad_gateway_page", kOpenAi, 502, "<html>502</html>", v1::MODEL_FAILURE_SERVER},
    {"gateway_timeout", kOpenAi, 504, "", v1::MODEL_FAILURE_SERVER},
    {"openai_context", kOpenAi, 400,
     R"({"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}})",
     v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
    {"anthropic_context", kAnthropic, 400,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 3 tokens > 2 maximum"}})",
     v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
    {"anthropic_body_too_large", kAnthropic, 413,
     R"({"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}})",
     v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
    {"llama_cpp_context", kOpenAi, 400,
     R"({"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":4}})",
     v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
    {"vllm_flat_context", kOpenAi, 400,
     R"({"object":"error","message":"This model's maximum context length is 8 tokens.","type":"BadRequestError","param":null,"code":400})",
     v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
    {"vllm_nested_bad_request", kOpenAi, 400,
     R"({"error":{"message":"temperature must be non-negative","type":"BadRequestError","param":null,"code":400}})",
     v1::MODEL_FAILURE_BAD_REQUEST},
    {"groq_failed_generation", kOpenAi, 400,
     R"({"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"text of a page"}})",
     v1::MODEL_FAILURE_BAD_REQUEST},
    {"azure_filtered_prompt", kOpenAi, 400,
     R"({"error":{"message":"The response was filtered due to the prompt triggering our content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
     v1::MODEL_FAILURE_CONTENT_FILTER},
    {"vllm_model_without_images", kOpenAi, 400,
     R"({"object":"error","message":"plain is not a multimodal model","type":"BadRequestError","param":null,"code":400})",
     v1::MODEL_FAILURE_NOT_CAPABLE},
    {"openrouter_no_endpoint_with_images", kOpenAi, 404,
     R"({"error":{"message":"No endpoints found that support image input","code":404}})", v1::MODEL_FAILURE_NOT_CAPABLE},
    {"error_of_a_stream_that_was_asked_for", kAnthropic, 429,
     "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\"}}\n\n",
     v1::MODEL_FAILURE_RATE_LIMITED},
    {"other_refused_request", kOpenAi, 422, R"({"detail":[{"loc":["body"],"msg":"field required"}]})",
     v1::MODEL_FAILURE_BAD_REQUEST},
};

}  // namespace

const std::vector<Fixture>& Fixtures() {
  static const auto& all = *new std::vector<Fixture>([] {
    std::vector<Fixture> fixtures = OpenAiReplies();
    for (std::vector<Fixture> more : {OpenAiStreams(), AnthropicReplies()}) {
      fixtures.insert(fixtures.end(), more.begin(), more.end());
    }
    for (const ErrorCase& error : kErrors) {
      fixtures.push_back({.name = error.name, .wire = error.wire, .http_status = error.status, .body = error.body,
                          .failure = error.failure});
    }
    return fixtures;
  }());
  return all;
}

}  // namespace proctor::model
