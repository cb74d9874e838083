// Delimiters that keep what pages, agents and models wrote apart from what we ask.
#ifndef PROCTOR_MODEL_FENCE_H_
#define PROCTOR_MODEL_FENCE_H_

#include <string>
#include <string_view>
#include <vector>

namespace proctor::model {

// What makes a fence: the same values give the same delimiters, so that requests and caches stay stable, and nobody without
// the secret can guess them.
struct FenceKey {
  // Of the data directory.
  std::string_view secret;
  // Who asks: the version of the evaluator, the kind of question.
  std::string_view asker;
  // Which request for the same contents: 0, and counted up when a reply has to be asked for again.
  int attempt = 0;
};

// The delimiters and the verdict tag of one request. Immutable.
class Fence {
 public:
  // `contents`: all untrusted texts of the request, in order. Neither tag occurs in any of them.
  Fence(const FenceKey& key, const std::vector<std::string>& contents);

  // "<<answer 0f3a...>>\n<content>\n<<end of answer 0f3a...>>".
  std::string Wrap(std::string_view name, std::string_view content) const;

  // What the model is asked to put before its verdict: "VERDICT-9c41...". Another number than the delimiters', so that a
  // reply that quotes a fence does not quote it.
  const std::string& verdict_tag() const { return verdict_tag_; }

 private:
  std::string delimiter_;
  std::string verdict_tag_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_FENCE_H_
