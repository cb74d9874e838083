// "The Potting Shed", a forum of gardeners and makers.
#ifndef PROCTOR_ENV_PRACTICE_FORUM_H_
#define PROCTOR_ENV_PRACTICE_FORUM_H_

#include <memory>
#include <string>
#include <vector>

#include "env/practice/site.h"

namespace proctor::env::practice {

struct ForumMember {
  std::string name, slug, town, number, joined, tool;
};

struct ForumPost {
  std::string author, date, text;
};

struct ForumThread {
  std::string title, slug, board;
  std::vector<ForumPost> posts;  // the first is the opening
  int votes = 0;
  int views = 0;
};

// Immutable.
struct ForumContent {
  static constexpr int kThreadsOnPage = 8;

  std::vector<std::string> boards;
  std::vector<ForumThread> threads;  // by board, newest first
  std::vector<ForumMember> members;  // by name
  std::vector<std::vector<std::string>> polls;  // options, one poll a board
  std::vector<std::string> projects;            // names of the tiles
  std::vector<std::string> start_follows;       // slugs of threads

  static std::shared_ptr<const ForumContent> Generate(uint64_t seed);
  // Null if there is none.
  const ForumThread* FindThread(const std::string& slug) const;
  const ForumMember* FindMember(const std::string& slug) const;
  std::vector<const ForumThread*> OnBoard(const std::string& board) const;
};

std::unique_ptr<Site> NewForum(std::shared_ptr<const ForumContent> content);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_FORUM_H_
