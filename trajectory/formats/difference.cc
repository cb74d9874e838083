#include "trajectory/formats/difference.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/proto_json.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace proctor::trajectory::formats {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr char kNoPlace[] = "the format has no place for it";
constexpr char kOtherwise[] = "comes back in another form";
constexpr char kAdded[] = "comes back with a value that the record does not have";

class Comparison {
 public:
  Comparison(const std::string& file, SkipList& skips) : file_(file), skips_(skips) {}

  void Compare(const Message& original, const Message& back, const std::string& path) {
    if (ProtoCanonicalBytes(original) == ProtoCanonicalBytes(back)) return;
    const auto* const type = original.GetDescriptor();
    // Times, durations and structs are values.
    if (absl::StartsWith(type->full_name(), "google.protobuf.")) {
      skips_.Add(file_, path, kOtherwise);
      return;
    }
    for (int i = 0; i < type->field_count(); ++i) {
      CompareField(original, back, *type->field(i), path);
    }
  }

 private:
  void CompareField(const Message& original, const Message& back, const FieldDescriptor& field,
                    const std::string& path) {
    const std::string name = absl::StrCat(path, path.empty() ? "" : ".", field.name());
    const Reflection& reflect = *original.GetReflection();
    const auto has = [&](const Message& message) {
      return field.is_repeated() ? reflect.FieldSize(message, &field) > 0
                                 : reflect.HasField(message, &field);
    };
    if (!has(original) && !has(back)) return;
    if (!has(original) || !has(back)) {
      skips_.Add(file_, name, has(original) ? kNoPlace : kAdded);
    } else if (!field.is_repeated() && field.message_type() != nullptr) {
      Compare(reflect.GetMessage(original, &field), reflect.GetMessage(back, &field), name);
    } else if (field.is_repeated() && !field.is_map() && field.message_type() != nullptr) {
      CompareEach(original, back, field, name);
    } else if (!SameValue(original, back, field)) {
      skips_.Add(file_, name, kOtherwise);
    }
  }

  void CompareEach(const Message& original, const Message& back, const FieldDescriptor& field,
                   const std::string& name) {
    const Reflection& reflect = *original.GetReflection();
    const int before = reflect.FieldSize(original, &field);
    const int after = reflect.FieldSize(back, &field);
    if (before != after) {
      skips_.Add(file_, name, absl::StrCat(after, " of ", before, " come back"));
    }
    for (int i = 0; i < std::min(before, after); ++i) {
      Compare(reflect.GetRepeatedMessage(original, &field, i),
              reflect.GetRepeatedMessage(back, &field, i), name + "[]");
    }
  }

  // Compares scalars, lists of them and maps by their texts.
  static bool SameValue(const Message& a, const Message& b, const FieldDescriptor& field) {
    const auto texts = [&](const Message& message) {
      const bool repeated = field.is_repeated();
      const int count = repeated ? message.GetReflection()->FieldSize(message, &field) : 1;
      std::vector<std::string> values(static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) {
        google::protobuf::TextFormat::PrintFieldValueToString(
            message, &field, repeated ? i : -1, &values[static_cast<size_t>(i)]);
      }
      // Entries of maps have no order.
      if (field.is_map()) std::sort(values.begin(), values.end());
      return values;
    };
    return texts(a) == texts(b);
  }

  const std::string& file_;
  SkipList& skips_;
};

}  // namespace

void AddDifferences(const v1::Trajectory& original, const v1::Trajectory& back,
                    const std::string& file, SkipList& skips) {
  v1::Trajectory before = original;
  v1::Trajectory after = back;
  for (v1::Trajectory* record : {&before, &after}) {
    record->clear_name();
    record->clear_format_version();
    record->clear_digest();
    record->clear_step_count();
  }
  Comparison(file, skips).Compare(before, after, "");
}

}  // namespace proctor::trajectory::formats
