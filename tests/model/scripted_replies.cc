// What the scripted server says, in the words of both wires.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/strings.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

Json OpenAiUsage(const ScriptedUsage& usage) {
  return {{"prompt_tokens", usage.input},
          {"completion_tokens", usage.output},
          {"total_tokens", usage.input + usage.output},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}}}};
}

Json LogProbs(const ScriptedChoice& choice) {
  const auto token = [](const std::string& text, double log_prob) {
    return Json{{"token", text}, {"logprob", log_prob}, {"bytes", nullptr}};
  };
  Json chosen = token(choice.text, choice.log_prob);
  chosen["top_logprobs"] = {token(choice.text, choice.log_prob), token("other", choice.log_prob - 1)};
  return {{"content", {chosen}}, {"refusal", nullptr}};
}

Json OpenAiWhole(const SeenRequest& request, const std::vector<ScriptedChoice>& choices, const ScriptedUsage& usage) {
  Json body = {
      {"id", "chatcmpl-1"},       {"object", "chat.completion"}, {"created", 1}, {"model", request.model + "-0001"},
      {"choices", Json::array()}, {"usage", OpenAiUsage(usage)}};
  for (size_t i = 0; i < choices.size(); ++i) {
    Json message = {{"role", "assistant"}, {"content", choices[i].text}, {"refusal", nullptr}};
    if (!choices[i].refusal.empty()) message["refusal"] = choices[i].refusal;
    if (!choices[i].reasoning.empty()) message["reasoning_content"] = choices[i].reasoning;
    body["choices"].push_back({{"index", i},
                               {"message", message},
                               {"logprobs", choices[i].log_prob < 0 ? LogProbs(choices[i]) : Json()},
                               {"finish_reason", choices[i].finish_reason}});
  }
  return body;
}

std::string Event(const Json& json) { return absl::StrCat("data: ", DumpJson(json), "\n\n"); }

Json Chunk(const SeenRequest& request, Json choices) {
  return {{"id", "chatcmpl-1"},
          {"object", "chat.completion.chunk"},
          {"created", 1},
          {"model", request.model + "-0001"},
          {"choices", std::move(choices)},
          {"usage", nullptr}};
}

Json Delta(size_t index, Json delta, Json logprobs, Json finish) {
  return Json::array({{{"index", index},
                       {"delta", std::move(delta)},
                       {"logprobs", std::move(logprobs)},
                       {"finish_reason", std::move(finish)}}});
}

// The next piece of a text: a few bytes, whole characters.
std::string Piece(const std::string& text, size_t at) {
  const std::string_view rest = std::string_view(text).substr(at);
  const std::string_view piece = TruncateUtf8(rest, 4);
  return std::string(piece.empty() ? rest.substr(0, 4) : piece);
}

// The choices take turns, piece by piece.
std::string OpenAiStream(const SeenRequest& request, const std::vector<ScriptedChoice>& choices,
                         const ScriptedUsage& usage) {
  std::string body;
  for (size_t i = 0; i < choices.size(); ++i) {
    Json first = {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}};
    if (!choices[i].reasoning.empty()) first["reasoning_content"] = choices[i].reasoning;
    if (!choices[i].refusal.empty()) first["refusal"] = choices[i].refusal;
    body += Event(Chunk(request, Delta(i, first, choices[i].log_prob < 0 ? LogProbs(choices[i]) : Json(), Json())));
  }
  std::vector<size_t> sent(choices.size());
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < choices.size(); ++i) {
      if (sent[i] >= choices[i].text.size()) continue;
      const std::string piece = Piece(choices[i].text, sent[i]);
      sent[i] += piece.size();
      more = true;
      body += Event(Chunk(request, Delta(i, {{"content", piece}}, Json(), Json())));
    }
  }
  for (size_t i = 0; i < choices.size(); ++i) {
    body += Event(Chunk(request, Delta(i, Json::object(), Json(), choices[i].finish_reason)));
  }
  Json last = Chunk(request, Json::array());
  last["usage"] = OpenAiUsage(usage);
  return absl::StrCat(body, Event(last), "data: [DONE]\n\n");
}

std::string StopReason(const ScriptedChoice& choice) {
  if (!choice.refusal.empty()) return "refusal";
  if (choice.finish_reason == "length") return "max_tokens";
  return choice.finish_reason == "stop" ? "end_turn" : choice.finish_reason;
}

Json AnthropicUsage(const ScriptedUsage& usage) {
  return {{"input_tokens", usage.input - usage.cached},
          {"cache_read_input_tokens", usage.cached},
          {"cache_creation_input_tokens", 0},
          {"output_tokens", usage.output}};
}

Json AnthropicWhole(const SeenRequest& request, const ScriptedChoice& choice, const ScriptedUsage& usage) {
  Json content = Json::array();
  if (!choice.reasoning.empty()) content.push_back({{"type", "thinking"}, {"thinking", choice.reasoning}});
  if (!choice.text.empty()) content.push_back({{"type", "text"}, {"text", choice.text}});
  return {{"id", "msg_1"},
          {"type", "message"},
          {"role", "assistant"},
          {"model", request.model + "-0001"},
          {"content", content},
          {"stop_reason", StopReason(choice)},
          {"stop_sequence", nullptr},
          {"usage", AnthropicUsage(usage)}};
}

std::string Named(const Json& json) { return absl::StrCat("event: ", JsonStringOr(json, "type"), "\n", Event(json)); }

std::string AnthropicStream(const SeenRequest& request, const ScriptedChoice& choice, const ScriptedUsage& usage) {
  Json start = AnthropicWhole(request, {}, usage);
  start["stop_reason"] = nullptr;
  start["usage"]["output_tokens"] = 1;
  std::string body = Named({{"type", "message_start"}, {"message", start}});
  int index = 0;
  const auto block = [&](const char* type, const char* member, const std::string& text) {
    if (text.empty()) return;
    body +=
        Named({{"type", "content_block_start"}, {"index", index}, {"content_block", {{"type", type}, {member, ""}}}});
    for (size_t at = 0; at < text.size(); at += Piece(text, at).size()) {
      body += Named({{"type", "content_block_delta"},
                     {"index", index},
                     {"delta", {{"type", absl::StrCat(type, "_delta")}, {member, Piece(text, at)}}}});
      if (at == 0) body += Named({{"type", "ping"}});
    }
    body += Named({{"type", "content_block_stop"}, {"index", index++}});
  };
  block("thinking", "thinking", choice.reasoning);
  block("text", "text", choice.text);
  body += Named({{"type", "message_delta"},
                 {"delta", {{"stop_reason", StopReason(choice)}, {"stop_sequence", nullptr}}},
                 {"usage", {{"output_tokens", usage.output}}}});
  return body + Named({{"type", "message_stop"}});
}

ScriptedReply WithType(int status, const char* type, std::string body) {
  ScriptedReply reply;
  reply.status = status;
  reply.headers = {{"content-type", type}};
  reply.body = std::move(body);
  return reply;
}

}  // namespace

ScriptedReply Say(const SeenRequest& request, const std::vector<ScriptedChoice>& choices, ScriptedUsage usage) {
  const bool anthropic = request.wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES;
  if (request.stream) {
    return WithType(200, "text/event-stream",
                    anthropic ? AnthropicStream(request, choices.at(0), usage) : OpenAiStream(request, choices, usage));
  }
  return WithType(
      200, "application/json",
      DumpJson(anthropic ? AnthropicWhole(request, choices.at(0), usage) : OpenAiWhole(request, choices, usage)));
}

ScriptedReply SayText(const SeenRequest& request, const std::string& text) {
  return Say(request,
             std::vector<ScriptedChoice>(static_cast<size_t>(std::max(1, request.n)), ScriptedChoice{.text = text}));
}

ScriptedReply Refuse(const SeenRequest& request, int status, const std::string& type, const std::string& message) {
  Json body = {{"error", {{"type", type}, {"message", message}}}};
  if (request.wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES) {
    body["type"] = "error";
  } else {
    body["error"]["param"] = nullptr;
    body["error"]["code"] = type;
  }
  return WithType(status, "application/json", DumpJson(body));
}

ScriptedReply EmbedAll(const SeenRequest& request) {
  Json data = Json::array();
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", {request.inputs[i].size(), i, 1}}});
  }
  std::reverse(data.begin(), data.end());  // The order is the index's, not the array's.
  return WithType(200, "application/json",
                  DumpJson({{"object", "list"},
                            {"data", data},
                            {"model", request.model + "-0001"},
                            {"usage", {{"prompt_tokens", 7}, {"total_tokens", 7}}}}));
}

}  // namespace proctor::model
