#include "clients/cli/table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/text.h"

namespace proctor::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 8;

void AppendCell(std::string& line, const std::string& cell, size_t width, Align align) {
  const std::string cut = CutToWidth(cell, width);
  const std::string blanks(width - std::min(width, DisplayWidth(cut)), ' ');
  absl::StrAppend(&line, align == Align::kRight ? blanks : "", cut,
                  align == Align::kLeft ? blanks : "");
}

}  // namespace

void Table::AddColumn(std::string title, Align align) {
  heads_.push_back({std::move(title), align});
}

void Table::AddRow(std::vector<std::string> cells) {
  cells.resize(heads_.size());
  for (std::string& cell : cells) cell = OneLine(cell);
  rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::Widths(size_t width) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < heads_.size(); ++i) {
    size_t widest = DisplayWidth(heads_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, DisplayWidth(row[i]));
    widths.push_back(widest);
  }
  if (width == 0 || widths.empty()) return widths;
  size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  while (total > width) {
    size_t victim = heads_.size();
    for (size_t i = 0; i < heads_.size(); ++i) {
      if (heads_[i].align == Align::kLeft &&
          (victim == heads_.size() || widths[i] >= widths[victim]))
        victim = i;
    }
    if (victim == heads_.size() || widths[victim] <= kNarrowest) break;
    --widths[victim];
    --total;
  }
  return widths;
}

std::string Table::Text(size_t width) const {
  const std::vector<size_t> widths = Widths(width);
  std::string text;
  const auto append = [&](const std::function<const std::string&(size_t)>& cell) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      AppendCell(line, cell(i), widths[i], heads_[i].align);
      if (i + 1 < widths.size()) line.append(kGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  };
  append([&](size_t i) -> const std::string& { return heads_[i].title; });
  for (const auto& row : rows_) {
    append([&](size_t i) -> const std::string& { return row[i]; });
  }
  return text;
}

}  // namespace proctor::cli
