// Tables for people.
#ifndef PROCTOR_CLIENTS_CLI_TABLE_H_
#define PROCTOR_CLIENTS_CLI_TABLE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace proctor::cli {

enum class Align { kLeft, kRight };

// A column of a table of messages `M`.
template <typename M>
struct Column {
  std::string title;
  std::function<std::string(const M&)> cell;
  Align align = Align::kLeft;
};

// Cells are made safe for a terminal (text.h). Columns are as wide as their widest cell.
class Table {
 public:
  void AddColumn(std::string title, Align align);
  // As many cells as columns; missing ones are empty.
  void AddRow(std::vector<std::string> cells);

  // `width` 0: no bound, as for a pipe. Otherwise the widest left-aligned columns are cut until a
  // line fits, though none below 8. Ends with a line break; no blanks at the end of lines.
  std::string Text(size_t width) const;

  size_t row_count() const { return rows_.size(); }

 private:
  struct Head {
    std::string title;
    Align align;
  };
  std::vector<size_t> Widths(size_t width) const;

  std::vector<Head> heads_;
  std::vector<std::vector<std::string>> rows_;
};

template <typename M, typename Messages>
Table MakeTable(const std::vector<Column<M>>& columns, const Messages& messages) {
  Table table;
  for (const Column<M>& column : columns) table.AddColumn(column.title, column.align);
  for (const M& message : messages) {
    std::vector<std::string> cells;
    for (const Column<M>& column : columns) cells.push_back(column.cell(message));
    table.AddRow(std::move(cells));
  }
  return table;
}

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_TABLE_H_
