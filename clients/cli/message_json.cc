#include "clients/cli/message_json.h"

#include <algorithm>
#include <vector>

#include "clients/cli/fields.h"
#include "common/json.h"
#include "common/proto_json.h"
#include "google/protobuf/descriptor.h"

namespace proctor::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
// Keeps the order in which protobuf writes; what is added comes last in its object.
using Tree = nlohmann::ordered_json;

// Its own message, or those of its list. (No map has any that hide zeros.)
std::vector<const Message*> Children(const Message& message, const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field.is_map()) return {};
  const auto* reflection = message.GetReflection();
  if (!field.is_repeated()) return {&reflection->GetMessage(message, &field)};
  std::vector<const Message*> children;
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) children.push_back(&reflection->GetRepeatedMessage(message, &field, i));
  return children;
}

// Shown, but left out by protobuf.
bool IsHidden(const Message& message, const FieldDescriptor& field) {
  return !field.is_repeated() && !message.GetReflection()->HasField(message, &field);
}

bool HidesZeros(const Message& message) {
  const auto fields = ShownFields(message);
  return std::any_of(fields.begin(), fields.end(), [&](const FieldDescriptor* field) {
    const auto children = Children(message, *field);
    return IsHidden(message, *field) || std::any_of(children.begin(), children.end(), [](const Message* child) { return HidesZeros(*child); });
  });
}

// `tree`: the message as JSON.
void AddZeros(const Message& message, Tree& tree) {
  if (!tree.is_object()) return;  // A time, a list of JSON values.
  for (const FieldDescriptor* field : ShownFields(message)) {
    if (IsHidden(message, *field)) {
      tree[field->name()] = 0;
      continue;
    }
    const auto value = tree.find(field->name());
    if (value == tree.end()) continue;  // What an Any holds has other names there.
    const auto children = Children(message, *field);
    for (size_t i = 0; i < children.size(); ++i) AddZeros(*children[i], field->is_repeated() ? (*value)[i] : *value);
  }
}

}  // namespace

std::string MessageJson(const Message& message) {
  std::string json = ProtoToJson(message);
  if (!HidesZeros(message)) return json;  // Taking it apart costs more than making it.
  Tree tree = Tree::parse(json, nullptr, /*allow_exceptions=*/false);
  if (tree.is_discarded()) return json;
  AddZeros(message, tree);
  return tree.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

}  // namespace proctor::cli
