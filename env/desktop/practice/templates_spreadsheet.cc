#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/substitute.h"
#include "env/desktop/practice/oracles.h"
#include "env/desktop/practice/task_builder.h"

namespace proctor::env::desktop_practice {
namespace {

using absl::StrCat;
using absl::Substitute;

using Rows = std::vector<std::vector<std::string>>;

// Of the spreadsheet's text boxes: the zoom, the cell's name, the cell's content.
constexpr int kNameBox = 1;

std::string Csv(const Rows& rows) {
  std::vector<std::string> lines;
  for (const std::vector<std::string>& row : rows) lines.push_back(absl::StrJoin(row, ","));
  return Lines(lines);
}

// A table of three columns below a heading, open in the spreadsheet.
struct Scene {
  explicit Scene(TaskBuilder& task) {
    const std::vector<std::string> goods = Words(task.random(), task.random().Int(6, 12));
    rows = {{"item", "stock", "price"}};
    for (const std::string& item : goods) rows.push_back({item, StrCat(task.random().Int(1, 499)), StrCat(task.random().Int(500, 9999))});
    file = FileNames(task.random(), 1, ".csv")[0];
    task.File(file, Csv(rows));
    task.Open("spreadsheet", {file});
  }

  int last() const { return static_cast<int>(rows.size()); }

  Rows rows;
  std::string file;
};

std::string CellName(int column, int row) { return StrCat(std::string(1, static_cast<char>('A' + column)), row); }

// Selects cells by their name. The box takes keys only a moment after it was clicked: in a step of its own.
void GoTo(TaskBuilder& task, const std::string& cells) {
  task.ClickTextbox(kNameBox);
  task.EnterNew(cells);
}

// Writes the sheet back into the file it was read from, which the spreadsheet asks about.
void ExportAgain(TaskBuilder& task) {
  task.Press("Control+E");
  task.Press("Enter");
}

void ReadCell(TaskBuilder& task) {
  const Scene s(task);
  const int column = task.random().Int(0, 2), row = task.random().Int(2, s.last());
  const std::string cell = CellName(column, row), name = Quoted(cell);
  task.Goal({Substitute("What is in the cell $0 of the open table?", name), Substitute("Go to the cell $0 and tell me what it holds.", name), Substitute("Read the cell $0.", name)});
  GoTo(task, cell);
  task.Answers(s.rows[row - 1][column]);
}

void SumOfCells(TaskBuilder& task) {
  const Scene s(task);
  const int column = task.random().Int(1, 2), first = task.random().Int(2, 4), last = task.random().Int(first + 2, s.last());
  int sum = 0;
  for (int row = first; row <= last; ++row) sum += std::stoi(s.rows[row - 1][column]);
  const std::string cells = StrCat(CellName(column, first), ":", CellName(column, last)), name = Quoted(cells);
  task.Goal({Substitute("What is the sum of the cells $0?", name), Substitute("Select the cells $0: which sum do they have?", name), Substitute("Add up the cells $0 of the open table.", name)});
  GoTo(task, cells);
  task.AnswersNumber(sum);
}

void SetCell(TaskBuilder& task) {
  const Scene s(task);
  const int column = task.random().Int(1, 2), row = task.random().Int(2, s.last());
  const std::string cell = CellName(column, row), value = StrCat(task.random().Int(10000, 99999));
  task.Goal({Substitute("Set the cell $0 to $1 and export the sheet to its CSV file again.", Quoted(cell), Quoted(value)),
             Substitute("Change the cell $0 of the open table to $1; export it into the same CSV file.", Quoted(cell), Quoted(value)),
             Substitute("The cell $0 must be $1. Correct it and repeat the export to the file.", Quoted(cell), Quoted(value))});
  GoTo(task, cell);
  task.Enter(value);
  ExportAgain(task);
  Rows rows = s.rows;
  rows[row - 1][column] = value;
  task.EndsWith(FileReads(s.file, v1::FileCheck::FORMAT_CSV, JsonRows(rows)));
}

// The first `count` rows below the heading in order, the rest as they are.
Rows Sorted(Rows rows, int count, bool descending) {
  std::sort(rows.begin() + 1, rows.begin() + 1 + count);
  if (descending) std::reverse(rows.begin() + 1, rows.begin() + 1 + count);
  return rows;
}

// Only some of the rows: without a selection the spreadsheet sorts all of them.
void SortRows(TaskBuilder& task) {
  const Scene s(task);
  const int all = s.last() - 1;
  bool descending = task.random().OneIn(2);
  int count = task.random().Int(3, all - 1);
  const auto tells = [&] {
    const Rows rows = Sorted(s.rows, count, descending);
    return rows != s.rows && rows != Sorted(s.rows, all, false) && rows != Sorted(s.rows, all, true);
  };
  if (!tells()) descending = !descending;
  while (!tells() && count > 2) --count;
  const Rows rows = Sorted(s.rows, count, descending);
  const std::string range = StrCat("A2:", CellName(2, count + 1)), cells = Quoted(range), order = descending ? "descending" : "ascending";
  task.Goal({Substitute("Sort only the rows $0 by their first column, $1, and export the sheet to its CSV file again.", cells, order),
             Substitute("Bring the rows $0, and no others, into $1 order of the items, then export the sheet into the same CSV file.", cells, order)});
  GoTo(task, range);
  task.Click(descending ? "Sort Descending" : "Sort Ascending");
  ExportAgain(task);
  task.EndsWith(FileReads(s.file, v1::FileCheck::FORMAT_CSV, JsonRows(rows)));
}

}  // namespace

void AddSpreadsheetTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "spreadsheet", kind, steps, false, write});
  };
  add("spreadsheet/read_cell", "find_fact", 3, ReadCell);
  add("spreadsheet/sum_of_cells", "find_fact", 3, SumOfCells);
  add("spreadsheet/set_cell", "content_change", 6, SetCell);
  add("spreadsheet/sort_rows", "content_change", 6, SortRows);
}

}  // namespace proctor::env::desktop_practice
