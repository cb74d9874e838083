#include "common/yaml_proto.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/time_util.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/yaml.h"

namespace proctor {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 64;

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : absl::StrCat(path, ".", key);
}

// "DURABILITY_" for the enum Durability, "LOG_LEVEL_" for LogLevel.
std::string EnumPrefix(const std::string& type_name) {
  std::string prefix;
  for (char c : type_name) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  return prefix + "_";
}

// Whole numbers, with a unit where `units` allows one.
bool ParseInteger(const std::string& text, bool units, int64_t& value) {
  if (absl::SimpleAtoi(text, &value)) return true;
  if (!units) return false;
  static constexpr std::pair<const char*, int> kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  for (const auto& [unit, shift] : kUnits) {
    if (!absl::EndsWith(text, unit)) continue;
    const std::string number(absl::StripAsciiWhitespace(text.substr(0, text.size() - 3)));
    if (!absl::SimpleAtoi(number, &value)) return false;
    return value >= 0 && value <= (std::numeric_limits<int64_t>::max() >> shift) &&
           ((value <<= shift), true);
  }
  return false;
}

// Walks a document and a message side by side.
class Reader {
 public:
  explicit Reader(const std::string& file) : locations_(file) {}

  absl::Status ReadMessage(const YAML::Node& node, const std::string& path, int depth,
                           Message& message) {
    if (depth > kMaxDepth) return Fail(node, path, "nested too deeply");
    if (node.IsNull()) return absl::OkStatus();
    const Descriptor& type = *message.GetDescriptor();
    if (type.full_name() == "google.protobuf.Duration") return ReadDuration(node, path, message);
    if (type.full_name() == "google.protobuf.Timestamp") return ReadTimestamp(node, path, message);
    if (!node.IsMap()) return Fail(node, path, "expected keys and values");
    for (const auto& entry : node) {
      PROCTOR_RETURN_IF_ERROR(ReadEntry(entry.first, entry.second, path, depth, message));
    }
    return absl::OkStatus();
  }

  absl::Status Fail(const YAML::Node& node, const std::string& path, const std::string& reason) {
    locations_.Add(path, node.Mark().line + 1);
    return locations_.Error(path, reason);
  }

  YamlLocations TakeLocations() { return std::move(locations_); }

 private:
  absl::Status ReadEntry(const YAML::Node& key, const YAML::Node& value, const std::string& path,
                         int depth, Message& message) {
    if (!key.IsScalar()) return Fail(key, path, "a key must be a name");
    const std::string& name = key.Scalar();
    const std::string child = Join(path, name);
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) return Fail(key, child, "unknown key");
    if (locations_.Has(child)) return Fail(key, child, "given twice");
    if (const auto* oneof = field->real_containing_oneof()) {
      if (const auto* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof)) {
        return Fail(key, child, absl::StrCat("cannot be combined with ", other->name()));
      }
    }
    locations_.Add(child, key.Mark().line + 1);
    if (field->is_map()) return ReadMap(value, child, depth, *field, message);
    if (field->is_repeated()) return ReadList(value, child, depth, *field, message);
    return ReadSingle(value, child, depth, *field, message);
  }

  absl::Status ReadList(const YAML::Node& node, const std::string& path, int depth,
                        const FieldDescriptor& field, Message& message) {
    if (node.IsNull()) return absl::OkStatus();
    if (!node.IsSequence()) return Fail(node, path, "expected a list");
    for (size_t i = 0; i < node.size(); ++i) {
      const YAML::Node item = node[i];
      const std::string child = absl::StrCat(path, "[", i, "]");
      locations_.Add(child, item.Mark().line + 1);
      if (item.IsNull()) return Fail(item, child, "has no value");
      PROCTOR_RETURN_IF_ERROR(ReadSingle(item, child, depth, field, message));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMap(const YAML::Node& node, const std::string& path, int depth,
                       const FieldDescriptor& field, Message& message) {
    if (node.IsNull()) return absl::OkStatus();
    if (!node.IsMap()) return Fail(node, path, "expected keys and values");
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return Fail(entry.first, path, "a key must be a name");
      const std::string child = Join(path, entry.first.Scalar());
      if (locations_.Has(child)) return Fail(entry.first, child, "given twice");
      locations_.Add(child, entry.first.Mark().line + 1);
      Message& item = *message.GetReflection()->AddMessage(&message, &field);
      PROCTOR_RETURN_IF_ERROR(ReadSingle(entry.first, child, depth, key_field, item));
      PROCTOR_RETURN_IF_ERROR(ReadSingle(entry.second, child, depth, value_field, item));
    }
    return absl::OkStatus();
  }

  absl::Status ReadSingle(const YAML::Node& node, const std::string& path, int depth,
                          const FieldDescriptor& field, Message& message) {
    const auto& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message& child = field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                           : *reflection.MutableMessage(&message, &field);
      return ReadMessage(node, path, depth + 1, child);
    }
    // The key's line: an empty value's own mark may be on the next one.
    if (node.IsNull()) return locations_.Error(path, "has no value");
    if (!node.IsScalar()) return Fail(node, path, "expected a single value");
    const std::string error = SetScalar(node, field, message);
    return error.empty() ? absl::OkStatus() : Fail(node, path, error);
  }

  // Sets or adds a scalar; returns what is wrong with it, or "".
  static std::string SetScalar(const YAML::Node& node, const FieldDescriptor& field,
                               Message& message) {
    const std::string& text = node.Scalar();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return SetString(text, field, message);
      case FieldDescriptor::CPPTYPE_ENUM:
        return SetEnum(text, field, message);
      case FieldDescriptor::CPPTYPE_BOOL:
        return SetBool(text, field, message);
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return SetReal(text, field, message);
      default:
        return SetInteger(text, field, message);
    }
  }

  static std::string SetString(const std::string& text, const FieldDescriptor& field,
                               Message& message) {
    if (field.type() == FieldDescriptor::TYPE_STRING && SanitizeUtf8(text) != text) {
      return "not valid UTF-8";
    }
    const auto& reflection = *message.GetReflection();
    if (field.is_repeated()) {
      reflection.AddString(&message, &field, text);
    } else {
      reflection.SetString(&message, &field, text);
    }
    return "";
  }

  static std::string SetEnum(const std::string& text, const FieldDescriptor& field,
                             Message& message) {
    const std::string prefix = EnumPrefix(field.enum_type()->name());
    std::string allowed;
    for (int i = 0; i < field.enum_type()->value_count(); ++i) {
      const EnumValueDescriptor* value = field.enum_type()->value(i);
      const std::string& full = value->name();
      const std::string shortened =
          absl::AsciiStrToLower(absl::StartsWith(full, prefix) ? full.substr(prefix.size()) : full);
      if (value->number() == 0 && shortened == "unspecified") continue;
      if (absl::EqualsIgnoreCase(text, full) || absl::EqualsIgnoreCase(text, shortened)) {
        const auto& reflection = *message.GetReflection();
        if (field.is_repeated()) {
          reflection.AddEnum(&message, &field, value);
        } else {
          reflection.SetEnum(&message, &field, value);
        }
        return "";
      }
      absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", shortened);
    }
    return absl::StrCat("'", text, "' is none of: ", allowed);
  }

  static std::string SetBool(const std::string& text, const FieldDescriptor& field,
                             Message& message) {
    if (text != "true" && text != "false") {
      return absl::StrCat("expected true or false, not '", text, "'");
    }
    const auto& reflection = *message.GetReflection();
    if (field.is_repeated()) {
      reflection.AddBool(&message, &field, text == "true");
    } else {
      reflection.SetBool(&message, &field, text == "true");
    }
    return "";
  }

  static std::string SetReal(const std::string& text, const FieldDescriptor& field,
                             Message& message) {
    double value = 0;
    if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
      return absl::StrCat("expected a number, not '", text, "'");
    }
    const auto& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      field.is_repeated() ? reflection.AddDouble(&message, &field, value)
                          : reflection.SetDouble(&message, &field, value);
    } else {
      const float narrow = static_cast<float>(value);
      field.is_repeated() ? reflection.AddFloat(&message, &field, narrow)
                          : reflection.SetFloat(&message, &field, narrow);
    }
    return "";
  }

  static std::string SetInteger(const std::string& text, const FieldDescriptor& field,
                                Message& message) {
    int64_t value = 0;
    if (!ParseInteger(text, absl::EndsWith(field.name(), "_bytes"), value)) {
      return absl::StrCat("expected a whole number, not '", text, "'");
    }
    const auto& reflection = *message.GetReflection();
    const bool many = field.is_repeated();
    std::string out_of_range = absl::StrCat(text, " is out of range");
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (value != static_cast<int32_t>(value)) return out_of_range;
        many ? reflection.AddInt32(&message, &field, static_cast<int32_t>(value))
             : reflection.SetInt32(&message, &field, static_cast<int32_t>(value));
        return "";
      case FieldDescriptor::CPPTYPE_UINT32:
        if (value != static_cast<uint32_t>(value)) return out_of_range;
        many ? reflection.AddUInt32(&message, &field, static_cast<uint32_t>(value))
             : reflection.SetUInt32(&message, &field, static_cast<uint32_t>(value));
        return "";
      case FieldDescriptor::CPPTYPE_UINT64:
        if (value < 0) return out_of_range;
        many ? reflection.AddUInt64(&message, &field, static_cast<uint64_t>(value))
             : reflection.SetUInt64(&message, &field, static_cast<uint64_t>(value));
        return "";
      default:
        many ? reflection.AddInt64(&message, &field, value)
             : reflection.SetInt64(&message, &field, value);
        return "";
    }
  }

  absl::Status ReadDuration(const YAML::Node& node, const std::string& path, Message& message) {
    absl::Duration value;
    if (!node.IsScalar() || !absl::ParseDuration(node.Scalar(), &value) ||
        absl::AbsDuration(value) > absl::Hours(24 * 365 * 1000)) {
      return Fail(node, path, "expected a duration such as 30s, 1m30s or 500ms");
    }
    const int64_t seconds = absl::ToInt64Seconds(value);
    const int64_t nanos = absl::ToInt64Nanoseconds(value - absl::Seconds(seconds));
    const auto& type = *message.GetDescriptor();
    message.GetReflection()->SetInt64(&message, type.FindFieldByName("seconds"), seconds);
    message.GetReflection()->SetInt32(&message, type.FindFieldByName("nanos"),
                                      static_cast<int32_t>(nanos));
    return absl::OkStatus();
  }

  absl::Status ReadTimestamp(const YAML::Node& node, const std::string& path, Message& message) {
    google::protobuf::Timestamp value;
    if (!node.IsScalar() || !google::protobuf::util::TimeUtil::FromString(node.Scalar(), &value)) {
      return Fail(node, path, "expected a time such as 2030-01-31T12:00:00Z");
    }
    const auto& type = *message.GetDescriptor();
    message.GetReflection()->SetInt64(&message, type.FindFieldByName("seconds"), value.seconds());
    message.GetReflection()->SetInt32(&message, type.FindFieldByName("nanos"), value.nanos());
    return absl::OkStatus();
  }

  YamlLocations locations_;
};

// Counts documents, but no more than matter: there are texts ("," is one) that yaml-cpp reads as documents without end.
class DocumentCounter final : public YAML::EventHandler {
 public:
  void CountUpToTwo(const std::string& text) {
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (count_ < 2 && parser.HandleNextDocument(*this)) ++count_;
  }
  int count() const { return count_; }
  int last_line() const { return last_line_; }

  void OnDocumentStart(const YAML::Mark& mark) override { last_line_ = mark.line + 1; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int count_ = 0;
  int last_line_ = 1;
};

absl::Status TooLarge(const std::string& file) {
  return absl::InvalidArgumentError(absl::StrCat(file, ":1: larger than ", kMaxBytes, " bytes"));
}

}  // namespace

absl::Status YamlLocations::Error(std::string_view path, std::string_view reason) const {
  std::string at(path);
  auto it = lines_.find(at);
  while (it == lines_.end() && !at.empty()) {
    const size_t cut = at.find_last_of(".[");
    at.resize(cut == std::string::npos ? 0 : cut);
    it = lines_.find(at);
  }
  const int line = it == lines_.end() ? 1 : it->second;
  return absl::InvalidArgumentError(
      absl::StrCat(file_, ":", line, ": ", ToAbsl(path), path.empty() ? "" : ": ", ToAbsl(reason)));
}

absl::StatusOr<YamlLocations> ParseYamlProto(std::string_view text, const std::string& file,
                                             Message& message) {
  message.Clear();
  if (text.size() > kMaxBytes) return TooLarge(file);
  // yaml-cpp throws: nothing of it leaves this function.
  try {
    const std::string copy(text);
    DocumentCounter documents;
    documents.CountUpToTwo(copy);
    Reader reader(file);
    if (documents.count() == 0) return reader.TakeLocations();
    if (documents.count() > 1) {
      return absl::InvalidArgumentError(absl::StrCat(file, ":", documents.last_line(), ": expected one document, found more"));
    }
    PROCTOR_RETURN_IF_ERROR(reader.ReadMessage(YAML::Load(copy), "", 0, message));
    return reader.TakeLocations();
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", error.mark.line + 1, ": ", error.msg));
  }
}

absl::StatusOr<YamlLocations> LoadYamlProto(const std::string& path, Message& message) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const std::string text = absl::StrCat(path, ": ", strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(text);
    if (errno == EACCES) return absl::PermissionDeniedError(text);
    return absl::UnavailableError(text);
  }
  std::string text;
  char buffer[16384];
  ssize_t count = 0;
  while ((count = read(fd, buffer, sizeof(buffer))) > 0 && text.size() <= kMaxBytes) {
    text.append(buffer, static_cast<size_t>(count));
  }
  const int error = errno;
  close(fd);
  if (count < 0) return absl::UnavailableError(absl::StrCat(path, ": ", strerror(error)));
  return ParseYamlProto(text, path, message);
}

}  // namespace proctor
