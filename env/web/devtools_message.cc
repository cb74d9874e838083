#include "env/web/devtools_message.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

// Room for `,"sessionId":"..."}`, with which Chromium ends messages of a session.
constexpr size_t kTailBytes = 256;
// The protocol's code for a failure that has no code of its own.
constexpr int kServerError = -32000;

constexpr std::string_view kReplyBegin = R"({"id":)";
constexpr std::string_view kEventBegin = R"({"method":")";
constexpr std::string_view kSessionMember = R"(,"sessionId":")";

bool IsReply(std::string_view text) { return text.starts_with(kReplyBegin); }

std::string_view IdOf(std::string_view head) {
  const std::string_view rest = head.substr(kReplyBegin.size());
  return rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size()));
}

std::string_view MethodOf(std::string_view head) {
  if (!head.starts_with(kEventBegin)) return {};
  const std::string_view rest = head.substr(kEventBegin.size());
  return rest.substr(0, std::min(rest.find('"'), rest.size()));
}

// A page cannot write this into its own text: the quotes in a string are escaped, and what closes the message follows at once.
std::string_view SessionOf(std::string_view tail) {
  if (!tail.ends_with(R"("})")) return {};
  tail.remove_suffix(2);
  const size_t member = tail.rfind(kSessionMember);
  if (member == std::string_view::npos) return {};
  const std::string_view session = tail.substr(member + kSessionMember.size());
  return session.find_first_of("\\\"") == std::string_view::npos ? session : std::string_view();
}

}  // namespace

void DevToolsMessage::Add(std::string_view bytes) {
  received_bytes_ += bytes.size();
  if (dropped_) {
    bytes_ += bytes.size();
    tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kTailBytes)));
    if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
    return;
  }
  text_.append(bytes);
  if (text_.size() > limits_.max_event_bytes && text_.size() > Limit()) Drop();
}

size_t DevToolsMessage::Limit() const {
  return IsReply(text_) ? limits_.max_reply_bytes : limits_.max_event_bytes;
}

void DevToolsMessage::Drop() {
  dropped_ = true;
  ++dropped_messages_;
  limit_ = Limit();
  bytes_ = text_.size();
  tail_ = text_.substr(text_.size() - std::min(text_.size(), kTailBytes));
  // Another string: this one's memory goes.
  text_ = text_.substr(0, kDroppedHeadBytes);
}

std::string DevToolsMessage::Take() {
  std::string message = dropped_ ? StandIn() : std::move(text_);
  text_ = std::string();
  tail_.clear();
  dropped_ = false;
  return message;
}

std::string DevToolsMessage::StandIn() const {
  Json message;
  if (IsReply(text_)) {
    message["error"] = {{"code", kServerError},
                        {"message", absl::StrCat("the browser's reply was dropped: it has ", bytes_, " bytes, and ", limit_,
                                                 " are the most that one may have")}};
  } else {
    message["method"] = kMessageDropped;
    message["params"] = {{"method", MethodOf(text_)}, {"bytes", bytes_}, {"head", text_}};
  }
  const std::string_view session = SessionOf(tail_);
  if (!session.empty()) message["sessionId"] = session;
  std::string text = DumpJson(message);
  // As it came: a number of the protocol's, not of a JSON library's.
  if (IsReply(text_)) text = absl::StrCat(ToAbsl(kReplyBegin), ToAbsl(IdOf(text_)), ",", ToAbsl(std::string_view(text).substr(1)));
  return text;
}

}  // namespace proctor::env::web
