#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/desktop/practice/oracles.h"
#include "env/desktop/practice/task_builder.h"

namespace proctor::env::desktop_practice {
namespace {

using absl::StrCat;
using absl::Substitute;

// As the calculator takes it, with a result that is a whole number above 0.
struct Expression {
  std::string text;
  int value = 0;
};

// A button of the calculator that a key has pressed is deaf for a quarter of a second (GTK's): of a text that is typed at once, a character
// that comes again is lost.
bool HasRepeats(std::string text) {
  std::sort(text.begin(), text.end());
  return std::adjacent_find(text.begin(), text.end()) != text.end();
}

Expression AnyExpression(Random& random) {
  const int a = random.Int(101, 999), b = random.Int(12, 98), c = random.Int(3, 9);
  switch (random.Int(1, 5)) {
    case 1: return {StrCat(a, "+", b, "*", c), a + b * c};
    case 2: return {StrCat(a, "-", b), a - b};
    case 3: return {StrCat(a, "*", c), a * c};
    case 4: return {StrCat("(", a, "+", b, ")*", c), (a + b) * c};
    default: return {StrCat(a, "*", b), a * b};
  }
}

Expression SomeExpression(Random& random) {
  for (;;) {
    Expression expression = AnyExpression(random);
    if (!HasRepeats(expression.text)) return expression;
  }
}

std::vector<int> Prices(Random& random, size_t count) {
  std::vector<int> prices;
  while (prices.size() < count) prices.push_back(random.Int(13, 997));
  return prices;
}

void Evaluate(TaskBuilder& task) {
  const Expression expression = SomeExpression(task.random());
  const std::string quoted = Quoted(expression.text);
  task.Open("calculator");
  task.Goal({Substitute("Calculate $0 with the calculator. What is the result?", quoted), Substitute("What is the result of $0? Calculate it.", quoted),
             Substitute("Use the calculator to calculate $0 and tell me the result.", quoted)});
  task.Enter(expression.text);
  task.AnswersNumber(expression.value);
}

void CopyResult(TaskBuilder& task) {
  const Expression expression = SomeExpression(task.random());
  const std::string quoted = Quoted(expression.text);
  task.Open("calculator");
  task.Goal({Substitute("Calculate $0 with the calculator and copy the result.", quoted), Substitute("Copy the result of $0 to the clipboard.", quoted),
             Substitute("I need the result of $0 on the clipboard: calculate and copy it.", quoted)});
  task.Enter(expression.text);
  task.Press("Control+C");
  task.EndsWith(ClipboardHoldsNumber(expression.value));
}

void AddPrices(TaskBuilder& task) {
  const std::vector<std::string> goods = Words(task.random(), task.random().Int(4, 6));
  std::vector<int> prices = Prices(task.random(), goods.size());
  while (HasRepeats(StrCat(prices[1], "+", prices[3]))) prices = Prices(task.random(), goods.size());
  std::vector<std::string> lines;
  for (size_t i = 0; i < goods.size(); ++i) lines.push_back(StrCat(goods[i], ": ", prices[i]));
  const std::string file = FileNames(task.random(), 1, ".txt")[0], first = Quoted(goods[1]), second = Quoted(goods[3]);
  task.File(file, Lines(lines));
  task.Open("editor", {file});
  task.Open("calculator");
  task.Goal({Substitute("The editor shows prices. What do $0 and $1 cost together?", first, second),
             Substitute("Add the prices of $0 and $1, which the editor shows.", first, second),
             Substitute("Use the calculator to add up what $0 and $1 cost according to the text in the editor.", first, second)});
  task.Enter(StrCat(prices[1], "+", prices[3]));
  task.AnswersNumber(prices[1] + prices[3]);
}

}  // namespace

void AddCalculatorTemplates(std::vector<Template>& templates) {
  templates.push_back({"calculator/evaluate", "calculator", "find_fact", 2, false, Evaluate});
  templates.push_back({"calculator/add_prices", "calculator", "find_fact", 2, false, AddPrices});
  templates.push_back({"calculator/copy_result", "calculator", "content_change", 3, false, CopyResult});
}

}  // namespace proctor::env::desktop_practice
