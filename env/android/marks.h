// Numbers by which the agent names elements, the same for the same node from dump to dump.
#ifndef PROCTOR_ENV_ANDROID_MARKS_H_
#define PROCTOR_ENV_ANDROID_MARKS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "env/android/ui_tree.h"

namespace proctor::env::android {

// A dump gives nodes no identity, so it is guessed, from the surest sign to the weakest, each node at most once:
//  1. resource id, class, text, description and path (classes and positions from the root) are the same as of a node seen before;
//  2. the same without the path, if there is an id, a text or a description: it moved, as list items do when scrolled. In document order;
//  3. of the last dump only: the same id and class, and no other node has that id in either dump: its text changed, as in a field typed
//     into;
//  4. of the last dump only: the same class, path and box, outside everything that scrolls: the same without an id.
// What matches none is new. Not thread-safe.
class MarkRegistry {
 public:
  // One mark a node, from 1, in the order of `tree.nodes`; 0 for nodes that are not `wanted`.
  std::vector<int32_t> Assign(const UiTree& tree, const std::vector<bool>& wanted);

  // Marks begin at 1 again.
  void Clear();

 private:
  struct Known {
    int32_t mark = 0;
    // Package, id, class, text, description.
    std::string content;
    uint64_t path = 0;
    // Package, id, class; empty without an id or where several nodes of the dump have that id.
    std::string only_id;
    // Package, class, path, box; empty inside what scrolls.
    std::string place;
    // Has an id, a text or a description.
    bool named = false;
  };

  static std::vector<Known> Describe(const UiTree& tree);
  // Gives the nodes without a mark the marks of those of `from` that have the same key; empty keys match nothing.
  template <typename Key>
  static void Match(const std::vector<const Known*>& from, const std::vector<bool>& wanted, Key key, std::set<int32_t>& taken,
                    std::vector<Known>& nodes);
  void Remember(std::vector<Known> nodes);

  int32_t next_ = 1;
  // By mark, what each node was when it was last seen.
  std::map<int32_t, Known> known_;
  // Marks of the last dump.
  std::vector<int32_t> last_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_MARKS_H_
