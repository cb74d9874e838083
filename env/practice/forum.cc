#include "env/practice/forum.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "env/practice/names.h"
#include "env/practice/random.h"

namespace proctor::env::practice {

std::shared_ptr<const ForumContent> ForumContent::Generate(uint64_t seed) {
  Random random(seed, "forum");
  auto content = std::make_shared<ForumContent>();
  const std::vector<std::string> people = PersonNames(random, 40);
  const std::vector<std::string> towns = TownNames(random, 90);
  static const auto& tools = *new std::vector<std::string>{"Spade", "Fork", "Hoe", "Rake", "Trowel", "Plane", "Chisel", "Lathe"};
  static const auto& subjects = *new std::vector<std::string>{
      "How do you store $ over winter?", "My $ fell over", "Best soil for $", "$ for beginners", "A shed built of $",
      "Show your $ here", "Who still uses $?", "Trouble with $ and slugs", "Swap: $ against anything", "The $ that would not grow"};
  for (size_t i = 0; i < people.size(); ++i) {
    content->members.push_back({people[i], Slug(people[i]), towns[i], absl::StrCat(random.Int(1000, 1900) + 200 * static_cast<int>(i)),
                                LongDate(random.Int(0, 110)), random.Pick(tools)});
  }
  std::sort(content->members.begin(), content->members.end(), [](auto& a, auto& b) { return a.name < b.name; });
  content->boards = {"Vegetables", "Flowers", "Fruit trees", "Workshop", "Ponds"};
  std::set<int> votes, views;
  std::set<std::string> slugs;
  for (size_t board = 0; board < content->boards.size(); ++board) {
    int day = 119;
    for (const std::string& word : SeriesWords(random, 18)) {
      ForumThread thread;
      thread.board = content->boards[board];
      thread.title = absl::StrReplaceAll(random.Pick(subjects), {{"$", word}});
      thread.slug = Slug(thread.title);
      if (!slugs.insert(thread.slug).second) continue;
      day -= random.Int(1, 4);
      // Everybody writes once in a thread: who wrote what is unambiguous.
      const std::vector<std::string> authors = random.Sample(people, 2 + random.Int(1, 5));
      for (size_t i = 0; i < authors.size(); ++i) {
        thread.posts.push_back({authors[i], LongDate(day + static_cast<int>(i)), Filler(random, word)});
      }
      do thread.votes = random.Int(3, 480); while (!votes.insert(thread.votes).second);
      do thread.views = random.Int(500, 9800); while (!views.insert(thread.views).second);
      content->threads.push_back(std::move(thread));
    }
    content->polls.push_back({towns.begin() + 50 + 4 * board, towns.begin() + 54 + 4 * board});
  }
  for (const std::string& word : SeriesWords(random, 6)) content->projects.push_back(word + random.Pick(std::vector<std::string>{" greenhouse", " compost heap", " fence", " footpath"}));
  for (int i = 0; i < 3; ++i) content->start_follows.push_back(content->threads[random.Int(0, 20) + 25 * i].slug);
  return content;
}

const ForumThread* ForumContent::FindThread(const std::string& slug) const {
  for (const ForumThread& thread : threads) {
    if (thread.slug == slug) return &thread;
  }
  return nullptr;
}

const ForumMember* ForumContent::FindMember(const std::string& slug) const {
  for (const ForumMember& member : members) {
    if (member.slug == slug) return &member;
  }
  return nullptr;
}

std::vector<const ForumThread*> ForumContent::OnBoard(const std::string& board) const {
  std::vector<const ForumThread*> found;
  for (const ForumThread& thread : threads) {
    if (thread.board == board) found.push_back(&thread);
  }
  return found;
}

}  // namespace proctor::env::practice
