// Lookups of names that take as long as a test wants: everything in its program that asks the system's resolver, libraries too.
#ifndef PROCTOR_TESTS_NET_HANGING_RESOLVER_H_
#define PROCTOR_TESTS_NET_HANGING_RESOLVER_H_

namespace proctor::net {

// A name whose lookup hangs as long as a HangingResolver lives, and then fails. Others are looked up as ever.
inline constexpr char kHangingName[] = "name.hangs";

// One at a time.
class HangingResolver {
 public:
  HangingResolver();
  // Lets the lookups go and waits until all that began have ended.
  ~HangingResolver();
  // Lookups of the name that have begun.
  int begun() const;
};

}  // namespace proctor::net

#endif  // PROCTOR_TESTS_NET_HANGING_RESOLVER_H_
