// Widgets as elements with marks, and as a tree in text.
#ifndef PROCTOR_ENV_DESKTOP_ELEMENT_LIST_H_
#define PROCTOR_ENV_DESKTOP_ELEMENT_LIST_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "env/desktop/guest_replies.h"
#include "proctor/v1/geometry.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::desktop {

// What an action needs to know of an element that was listed.
struct ListedElement {
  v1::Element element;
  std::string bus;
  std::string path;
  uint64_t window = 0;
  // Paths of the scroll areas that it lies in.
  std::vector<std::string> scrolled_in;
  // What of its box could be seen: not cut off by the screen's edge or by what it is scrolled in. Empty: nothing.
  v1::Rect seen;
  // In a menu that hangs over its window.
  bool in_menu = false;
};

// Marks of one episode: the same widget keeps its mark. One thread.
class ElementList {
 public:
  static constexpr int kMaxElements = 5000;

  // Takes a look's widgets: they are what marks mean from now on.
  void Update(const AccessibleNodes& nodes, const v1::Size& screen);

  // As of the last look, in document order.
  const std::vector<ListedElement>& elements() const { return elements_; }
  bool truncated() const { return truncated_; }
  // One line a widget that says something, indented by what it lies in: `[3] button "Save" disabled`.
  const std::string& tree() const { return tree_; }
  // 0: none.
  int focused_mark() const { return focused_mark_; }
  // Null: no such mark in the last look.
  const ListedElement* Find(int mark) const;
  // Whether the mark was ever given.
  bool Knows(int mark) const { return mark > 0 && mark <= last_mark_; }

 private:
  int MarkOf(const AccessibleNode& node);

  std::map<std::pair<std::string, std::string>, int> marks_;
  int last_mark_ = 0;
  std::vector<ListedElement> elements_;
  std::map<int, size_t> by_mark_;
  std::string tree_;
  bool truncated_ = false;
  int focused_mark_ = 0;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_ELEMENT_LIST_H_
