// Writes the task of a template, the parts in any order.
#ifndef PROCTOR_ENV_PRACTICE_TASK_BUILDER_H_
#define PROCTOR_ENV_PRACTICE_TASK_BUILDER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/practice/names.h"
#include "env/practice/random.h"
#include "env/practice/templates.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::practice {

// A form post that changes a site's state.
struct Change {
  std::string path;
  std::vector<std::pair<std::string, std::string>> form = {};
};

class TaskBuilder {
 public:
  TaskBuilder(const Template& source, int64_t seed);

  // Chooses the parameters; its own sequence for each template and seed.
  Random& random() { return random_; }
  uint64_t seed() const { return static_cast<uint64_t>(task_.seed()); }

  // Sets the goal to one of these wordings.
  void Goal(const std::vector<std::string>& wordings);
  // Path of the first page; the site's home page by default.
  void Start(std::string_view path);

  // Steps of the solution, in order. `name` is the element's accessible name.
  void ClickLink(std::string_view name) { Click("link", name); }
  void ClickButton(std::string_view name) { Click("button", name); }
  void Click(std::string_view role, std::string_view name);
  void Type(std::string_view field, std::string_view text);
  // Types and presses Enter.
  void TypeAndSend(std::string_view field, std::string_view text);
  void Select(std::string_view field, std::string_view option);
  void Check(std::string_view box);
  void Drag(std::string_view from, std::string_view to);

  // How it ends; each adds the last step. Exactly one of them.
  // The answer, or one of its usual spellings (without unit, currency sign or thousands separators).
  void Answers(std::string_view answer);
  // The agent's tab is at this path; of the query, these parameters are compared too.
  void EndsAt(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query = {});
  // The site's state is as if exactly these changes had been made, and nothing else.
  void EndsWith(const std::vector<Change>& changes);
  void GivesUp();

  v1::Task Build() &&;

 private:
  void Finish();

  const Template& source_;
  Random random_;
  v1::Task task_;
};

// In double quotes.
std::string Quoted(std::string_view name);

// Each in a file of its own.
void AddShopTemplates(std::vector<Template>& templates);
void AddWikiTemplates(std::vector<Template>& templates);
void AddMailTemplates(std::vector<Template>& templates);
void AddForumTemplates(std::vector<Template>& templates);
void AddBookingTemplates(std::vector<Template>& templates);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_TASK_BUILDER_H_
