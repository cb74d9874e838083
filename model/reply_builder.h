// Puts a reply together from what a wire's parser finds, in pieces or at once. Private to model/.
#ifndef PROCTOR_MODEL_REPLY_BUILDER_H_
#define PROCTOR_MODEL_REPLY_BUILDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "model/chat.h"
#include "model/failure.h"

namespace proctor::model {

// A choice that is growing.
struct GrowingChoice {
  std::string text;
  std::string reasoning;
  std::string refusal;
  std::string finish_reason;
  bool ended = false;
  bool has_tools = false;
  std::vector<GeneratedToken> tokens;
};

class ReplyBuilder {
 public:
  // The first failure is kept.
  void SetFailure(Failure failure);
  // An error inside a stream: of a transient kind it is MODEL_FAILURE_STREAM if text had already come.
  void SetStreamFailure(Failure failure);
  bool failed() const { return !failure_.ok(); }
  void SetModel(const std::string& model);
  // A null is returned for an index out of 0 to 127: no server gives more, and a hostile one gets no memory for it.
  GrowingChoice* At(int64_t index);
  const std::map<int64_t, GrowingChoice>& choices() const { return choices_; }
  v1::Usage& usage() { return usage_; }

  // Without choices, or with one that has not ended, the reply is MALFORMED. Each choice's text is judged.
  ChatReply Build(int images) &&;

 private:
  Choice Judge(GrowingChoice growing, int images) const;

  Failure failure_;
  std::string model_;
  std::map<int64_t, GrowingChoice> choices_;
  v1::Usage usage_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_REPLY_BUILDER_H_
