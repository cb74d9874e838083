#include "clients/cli/fields.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/command.h"
#include "clients/cli/text.h"
#include "common/proto_json.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "proctor/v1/reward.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::unique_ptr<Message> Unpack(const google::protobuf::Any& any) {
  const std::string type = any.type_url().substr(any.type_url().rfind('/') + 1);
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) return nullptr;
  std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  return any.UnpackTo(message.get()) ? std::move(message) : nullptr;
}

// A list of values that makes a longer line is one value a line.
constexpr size_t kLongestLine = 120;

// Writes a message's fields; `indent_` blanks before each line.
class FieldsWriter {
 public:
  explicit FieldsWriter(std::string& text) : text_(text) {}

  void Write(const Message& message, int indent, const std::set<std::string>& leave_out) {
    for (const FieldDescriptor* field : ShownFields(message)) {
      if (leave_out.contains(field->name())) continue;
      if (field->is_map()) {
        WriteMap(message, *field, indent);
      } else if (field->is_repeated()) {
        WriteList(message, *field, indent);
      } else {
        WriteValue(message, *field, -1, absl::StrCat(std::string(indent, ' '), field->name(), ":"),
                   indent);
      }
    }
  }

 private:
  void WriteMap(const Message& message, const FieldDescriptor& field, int indent) {
    absl::StrAppend(&text_, std::string(indent, ' '), field.name(), ":\n");
    const FieldDescriptor& value = *field.message_type()->map_value();
    const auto* reflection = message.GetReflection();
    for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
      const Message& entry = reflection->GetRepeatedMessage(message, &field, i);
      const std::string key = Scalar(entry, *field.message_type()->map_key(), -1);
      WriteValue(entry, value, -1, absl::StrCat(std::string(indent + 2, ' '), key, ":"),
                 indent + 2);
    }
  }

  void WriteList(const Message& message, const FieldDescriptor& field, int indent) {
    const int size = message.GetReflection()->FieldSize(message, &field);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      std::string line = absl::StrCat(std::string(indent, ' '), field.name(), ":");
      for (int i = 0; i < size; ++i) absl::StrAppend(&line, i == 0 ? " " : ", ", Scalar(message, field, i));
      if (line.size() <= kLongestLine && line.find('\n') == std::string::npos) {
        absl::StrAppend(&text_, line, "\n");
        return;
      }
    }
    absl::StrAppend(&text_, std::string(indent, ' '), field.name(), ":\n");
    for (int i = 0; i < size; ++i) {
      WriteValue(message, field, i, absl::StrCat(std::string(indent, ' '), "-"), indent);
    }
  }

  // `index` -1: not repeated.
  void WriteValue(const Message& message, const FieldDescriptor& field, int index,
                  const std::string& head, int indent) {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      std::string value = Scalar(message, field, index);
      if (value.find('\n') != std::string::npos) {
        const std::string line = absl::StrCat("\n", std::string(indent + 2, ' '));
        value = line + absl::StrReplaceAll(value, {{"\n", line}});
      } else {
        value.insert(0, " ");
      }
      absl::StrAppend(&text_, head, value, "\n");
      return;
    }
    const auto* reflection = message.GetReflection();
    const Message& child = index < 0 ? reflection->GetMessage(message, &field)
                                     : reflection->GetRepeatedMessage(message, &field, index);
    WriteMessage(child, head, indent);
  }

  void WriteMessage(const Message& child, const std::string& head, int indent) {
    if (const std::string line = Simple(child); !line.empty()) {
      absl::StrAppend(&text_, head, " ", line, "\n");
      return;
    }
    absl::StrAppend(&text_, head, "\n");
    if (const auto* any = dynamic_cast<const google::protobuf::Any*>(&child)) {
      if (const auto held = Unpack(*any)) Write(*held, indent + 2, {});
      return;
    }
    Write(child, indent + 2, {});
  }

  // Messages that read best as one value; "" for others.
  static std::string Simple(const Message& message) {
    if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message))
      return TimeText(*time);
    if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
      return DurationText(*duration);
    }
    if (dynamic_cast<const google::protobuf::Struct*>(&message) != nullptr)
      return OneLine(ProtoToJson(message));
    return "";
  }

  static std::string Scalar(const Message& message, const FieldDescriptor& field, int index) {
    const auto* reflection = message.GetReflection();
    const bool one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return absl::StrCat(one ? reflection->GetInt32(message, &field)
                                : reflection->GetRepeatedInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return absl::StrCat(one ? reflection->GetInt64(message, &field)
                                : reflection->GetRepeatedInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT32:
        return absl::StrCat(one ? reflection->GetUInt32(message, &field)
                                : reflection->GetRepeatedUInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return absl::StrCat(one ? reflection->GetUInt64(message, &field)
                                : reflection->GetRepeatedUInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return absl::StrCat(one ? reflection->GetDouble(message, &field)
                                : reflection->GetRepeatedDouble(message, &field, index));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return absl::StrCat(one ? reflection->GetFloat(message, &field)
                                : reflection->GetRepeatedFloat(message, &field, index));
      case FieldDescriptor::CPPTYPE_BOOL:
        return (one ? reflection->GetBool(message, &field)
                    : reflection->GetRepeatedBool(message, &field, index))
                   ? "yes"
                   : "no";
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumLabel(field.enum_type(),
                         one ? reflection->GetEnumValue(message, &field)
                             : reflection->GetRepeatedEnumValue(message, &field, index));
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string value = one ? reflection->GetString(message, &field)
                                      : reflection->GetRepeatedString(message, &field, index);
        if (field.type() == FieldDescriptor::TYPE_BYTES)
          return BytesText(static_cast<double>(value.size()));
        return ManyLines(value);
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return "";
  }

  std::string& text_;
};

}  // namespace

std::vector<const FieldDescriptor*> ShownFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  const auto add = [&](int number) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByNumber(number);
    const auto place = std::lower_bound(fields.begin(), fields.end(), number,
                                        [](const FieldDescriptor* one, int wanted) { return one->number() < wanted; });
    if (place == fields.end() || *place != field) fields.insert(place, field);
  };
  if (const auto* reward = dynamic_cast<const v1::Reward*>(&message); reward != nullptr && reward->status() == v1::REWARD_STATUS_VALID) {
    add(v1::Reward::kValueFieldNumber);
    add(v1::Reward::kSuccessScoreFieldNumber);
  }
  if (const auto* verdict = dynamic_cast<const v1::Verdict*>(&message);
      verdict != nullptr && (verdict->outcome() == v1::OUTCOME_SUCCESS || verdict->outcome() == v1::OUTCOME_FAILURE)) {
    add(v1::Verdict::kScoreFieldNumber);
  }
  return fields;
}

std::string FieldsText(const Message& message, const std::set<std::string>& leave_out) {
  std::string text;
  FieldsWriter(text).Write(message, 0, leave_out);
  return text;
}

}  // namespace proctor::cli
