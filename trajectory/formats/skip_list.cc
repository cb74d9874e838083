#include "trajectory/formats/skip_list.h"

#include "common/strings.h"

namespace proctor::trajectory::formats {
namespace {

constexpr size_t kMaxItems = 1'000;
constexpr size_t kMaxTextBytes = 300;

std::string Short(std::string_view text) { return SanitizeUtf8(TruncateUtf8(text, kMaxTextBytes)); }

}  // namespace

void SkipList::Add(std::string_view file, std::string_view item, std::string_view reason) {
  Count(file, item, reason, 1);
}

void SkipList::AddAll(const SkipList& other, std::string_view file) {
  int64_t kept = 0;
  for (const v1::SkippedItem& item : other.items_) {
    Count(file, item.item(), item.reason(), item.count());
    kept += item.count();
  }
  total_ += other.total_ - kept;
}

void SkipList::Count(std::string_view file, std::string_view item, std::string_view reason,
                     int64_t count) {
  total_ += count;
  auto key = std::make_tuple(Short(file), Short(item), Short(reason));
  const auto known = places_.find(key);
  if (known != places_.end()) {
    v1::SkippedItem& same = items_[known->second];
    same.set_count(same.count() + count);
    return;
  }
  if (items_.size() >= kMaxItems) return;
  v1::SkippedItem added;
  added.set_file(std::get<0>(key));
  added.set_item(std::get<1>(key));
  added.set_reason(std::get<2>(key));
  added.set_count(count);
  places_.emplace(std::move(key), items_.size());
  items_.push_back(std::move(added));
}

void SkipList::CopyTo(google::protobuf::RepeatedPtrField<v1::SkippedItem>& items) const {
  for (const v1::SkippedItem& item : items_) *items.Add() = item;
}

}  // namespace proctor::trajectory::formats
