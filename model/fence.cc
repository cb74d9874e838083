#include "model/fence.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/strings.h"

namespace proctor::model {
namespace {

// 64 bits: out of reach of guessing within a page, short enough for a model to repeat.
constexpr size_t kTagDigits = 16;

bool OccursIn(const std::vector<std::string>& folded, const std::string& tag) {
  return std::any_of(folded.begin(), folded.end(),
                     [&](const std::string& content) { return content.find(tag) != std::string::npos; });
}

std::string Tag(const FenceKey& key, const std::string& contents_digest, std::string_view use,
                const std::vector<std::string>& folded) {
  for (int count = 0;; ++count) {
    const std::string identity = absl::StrCat(ToAbsl(use), "\n", ToAbsl(key.asker), "\n", contents_digest,
                                              "\n", key.attempt, "\n", count);
    std::string tag = HmacSha256Hex(key.secret, identity).substr(0, kTagDigits);
    if (!OccursIn(folded, tag)) return tag;
  }
}

}  // namespace

Fence::Fence(const FenceKey& key, const std::vector<std::string>& contents) {
  std::string identity;
  std::vector<std::string> folded;
  for (const std::string& content : contents) {
    absl::StrAppend(&identity, Sha256Hex(content), "\n");
    folded.push_back(absl::AsciiStrToLower(content));
  }
  const std::string digest = Sha256Hex(identity);
  delimiter_ = Tag(key, digest, "fence", folded);
  verdict_tag_ = absl::StrCat("VERDICT-", Tag(key, digest, "verdict", folded));
}

std::string Fence::Wrap(std::string_view name, std::string_view content) const {
  return absl::StrCat("<<", ToAbsl(name), " ", delimiter_, ">>\n", ToAbsl(content), "\n<<end of ", ToAbsl(name), " ",
                      delimiter_, ">>");
}

}  // namespace proctor::model
