#include <utility>

#include "common/status.h"
#include "storage/database.h"

namespace proctor::storage {
namespace {

const std::string& Empty() {
  static const std::string empty;
  return empty;
}

}  // namespace

bool Row::IsNull(size_t column) const {
  return column >= values_.size() || std::holds_alternative<std::monostate>(values_[column]);
}

int64_t Row::Int(size_t column) const {
  const auto* value = column < values_.size() ? std::get_if<int64_t>(&values_[column]) : nullptr;
  return value == nullptr ? 0 : *value;
}

double Row::Double(size_t column) const {
  const auto* value = column < values_.size() ? std::get_if<double>(&values_[column]) : nullptr;
  return value == nullptr ? 0 : *value;
}

const std::string& Row::Text(size_t column) const {
  if (column >= values_.size()) return Empty();
  if (const auto* text = std::get_if<std::string>(&values_[column])) return *text;
  if (const auto* bytes = std::get_if<Bytes>(&values_[column])) return bytes->value;
  return Empty();
}

size_t Row::Size() const {
  size_t size = 0;
  for (size_t i = 0; i < values_.size(); ++i) size += Text(i).size();
  return size;
}

absl::StatusOr<std::vector<Row>> Transaction::Query(std::string_view sql, const std::vector<Value>& parameters) {
  std::vector<Row> rows;
  PROCTOR_RETURN_IF_ERROR(ForEach(sql, parameters, [&](Row row) {
    rows.push_back(std::move(row));
    return true;
  }));
  return rows;
}

}  // namespace proctor::storage
