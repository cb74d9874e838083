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

}  // namespace proctor::storage
