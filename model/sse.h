// Server-sent events, whole or in pieces (WHATWG HTML, section 9.2).
#ifndef PROCTOR_MODEL_SSE_H_
#define PROCTOR_MODEL_SSE_H_

#include <functional>
#include <string>
#include <string_view>

namespace proctor::model {

struct SseEvent {
  // "" for "message".
  std::string type;
  // Its `data` lines, joined by line feeds.
  std::string data;
};

// Takes a stream's bytes in pieces of any size; the events are the same however they were cut. Comments, `id`, `retry`
// and unknown fields are passed over; lines end in LF, CR or CRLF; a byte order mark at the start is dropped.
class SseParser {
 public:
  explicit SseParser(std::function<void(const SseEvent&)> on_event) : on_event_(std::move(on_event)) {}

  void Feed(std::string_view bytes);
  // The stream has ended. An event without its blank line is given all the same: some servers leave it out at the end.
  void Finish();

 private:
  void Line(std::string_view line);
  void Dispatch();

  std::function<void(const SseEvent&)> on_event_;
  std::string line_;
  bool after_cr_ = false;
  bool first_line_ = true;
  bool has_data_ = false;
  SseEvent event_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_SSE_H_
