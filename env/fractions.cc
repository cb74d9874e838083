#include "env/fractions.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace proctor::env {
namespace {

double Pixel(double share, int32_t size) { return std::round(share * std::max(0, size - 1)); }

void Convert(const v1::Size& viewport, v1::Target& target) {
  if (!target.has_fraction()) return;
  const v1::Point share = target.fraction();
  target.mutable_point()->set_x(Pixel(share.x(), viewport.width()));
  target.mutable_point()->set_y(Pixel(share.y(), viewport.height()));
}

// By reflection: a new kind of action with a target cannot be forgotten.
void ConvertAll(const v1::Size& viewport, google::protobuf::Message& message) {
  if (message.GetDescriptor() == v1::Target::descriptor()) {
    Convert(viewport, static_cast<v1::Target&>(message));
    return;
  }
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      ConvertAll(viewport, *reflection->MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      ConvertAll(viewport, *reflection->MutableRepeatedMessage(&message, field, i));
    }
  }
}

}  // namespace

void FractionsToPoints(const v1::Size& viewport, v1::Action& action) { ConvertAll(viewport, action); }

}  // namespace proctor::env
