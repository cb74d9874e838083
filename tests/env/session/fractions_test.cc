#include "env/fractions.h"

#include "gtest/gtest.h"

namespace proctor::env {
namespace {

v1::Size Screen(int width, int height) {
  v1::Size size;
  size.set_width(width);
  size.set_height(height);
  return size;
}

v1::Target At(double x, double y) {
  v1::Target target;
  target.mutable_fraction()->set_x(x);
  target.mutable_fraction()->set_y(y);
  return target;
}

TEST(FractionsToPointsTest, TheEndsAreTheFirstAndTheLastPixel) {
  v1::Action action;
  *action.mutable_swipe()->mutable_from() = At(0, 1);
  *action.mutable_swipe()->mutable_to() = At(1, 0.5);
  FractionsToPoints(Screen(1081, 2401), action);
  EXPECT_EQ(action.swipe().from().point().x(), 0);
  EXPECT_EQ(action.swipe().from().point().y(), 2400);
  EXPECT_EQ(action.swipe().to().point().x(), 1080);
  EXPECT_EQ(action.swipe().to().point().y(), 1200);
}

TEST(FractionsToPointsTest, EveryKindWithATargetIsConverted) {
  // Each kind's every field of type Target, found by reflection, as the code does it: a kind that is forgotten in either would show in the
  // sum below.
  int targets = 0;
  const auto* kinds = v1::Action::descriptor();
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Action action;
    auto* kind = action.GetReflection()->MutableMessage(&action, kinds->field(i));
    for (int j = 0; j < kind->GetDescriptor()->field_count(); ++j) {
      const auto* field = kind->GetDescriptor()->field(j);
      if (field->message_type() != v1::Target::descriptor()) continue;
      auto* target = static_cast<v1::Target*>(kind->GetReflection()->MutableMessage(kind, field));
      *target = At(0.5, 0.5);
      ++targets;
      FractionsToPoints(Screen(101, 51), action);
      EXPECT_EQ(target->point().x(), 50) << field->full_name();
      EXPECT_EQ(target->point().y(), 25) << field->full_name();
    }
  }
  EXPECT_GE(targets, 15);
}

TEST(FractionsToPointsTest, InsideSequences) {
  v1::Action action;
  *action.mutable_sequence()->add_actions()->mutable_click()->mutable_target() = At(1, 1);
  action.mutable_sequence()->add_actions()->mutable_hover()->mutable_target()->set_mark(3);
  FractionsToPoints(Screen(10, 20), action);
  EXPECT_EQ(action.sequence().actions(0).click().target().point().y(), 19);
  EXPECT_EQ(action.sequence().actions(1).hover().target().mark(), 3);
}

TEST(FractionsToPointsTest, PointsAndMarksStay) {
  v1::Action action;
  action.mutable_click()->mutable_target()->mutable_point()->set_x(0.25);
  FractionsToPoints(Screen(100, 100), action);
  EXPECT_EQ(action.click().target().point().x(), 0.25);
}

TEST(FractionsToPointsTest, AnUnknownViewportGivesItsFirstPixel) {
  v1::Action action;
  *action.mutable_click()->mutable_target() = At(1, 1);
  FractionsToPoints({}, action);
  EXPECT_EQ(action.click().target().point().x(), 0);
}

}  // namespace
}  // namespace proctor::env
