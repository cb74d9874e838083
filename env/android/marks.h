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

// A dump gives nodes no identity, so it is guessed from what they say: resource id, class, text, description; for a node without text the
// first text that lies in it; and for what lies in an item of a list (of anything that scrolls but a ScrollView, whose only child is a page) the
// first text of that item. Texts of fields do not count as an item's: they change. From the surest sign to the weakest, each node at most once:
//  1. it says the same as a node seen before, and its path (classes and positions from the root) is the same;
//  2. it says the same, and says anything: it moved, as list items do when scrolled. In document order;
//  3. of the last dump only: the same id and class, and no other node has that id in either dump: its text changed, as in a field typed
//     into;
//  4. of the last dump only: the same id, class, path and box, outside of lists.
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
    // What it says.
    std::string content;
    uint64_t path = 0;
    // Package, id, class; empty without an id or where several nodes of the dump have that id.
    std::string only_id;
    // Package, class, id, path, box; empty in lists.
    std::string place;
    // It says anything.
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
