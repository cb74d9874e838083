#include "env/android/device_state.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

TEST(ParseForegroundTest, UnderstandsWhatDifferentVersionsPrint) {
  struct Case {
    const char* text;
    const char* activity;
    int rotation;
  };
  const Case cases[] = {
      // 7 to 9.
      {"    mResumedActivity: ActivityRecord{e8cdac3 u0 com.android.settings/.Settings t42}\n"
       "  mCurrentFocus=Window{6b7e8a0 u0 com.android.settings/com.android.settings.Settings}\n    mCurrentOrientation=3\n",
       "com.android.settings/.Settings", 3},
      // 10 to 12.
      {"    mResumedActivity: ActivityRecord{1 u0 com.android.launcher3/.uioverrides.QuickstepLauncher t2}\n"
       "  topResumedActivity=ActivityRecord{2 u10 com.a.b/com.c.Other t7}\n    mCurrentRotation=ROTATION_270\n",
       "com.a.b/com.c.Other", 3},
      // 13 and 14.
      {"  topResumedActivity=ActivityRecord{2 u0 com.a.b/com.a.b.Main$Inner t7 f}}\n  ResumedActivity: ActivityRecord{3 u0 com.x/.Y t1}\n"
       "    mCurrentRotation=0\n",
       "com.a.b/.Main$Inner", 0},
      // Only the window manager knows.
      {"  mCurrentFocus=Window{9 u0 com.a/com.a.Popup}\n", "com.a/.Popup", 0},
      {"  mCurrentFocus=Window{9 u0 com.a/.Popup}\n  mFocusedApp=ActivityRecord{1 u0 com.b/.Main t1}\n", "com.b/.Main", 0},
      // The notification shade has no component.
      {"  mCurrentFocus=Window{9 u0 NotificationShade}\n", "", 0},
      {"  mResumedActivity: null\n  mCurrentFocus=null\n", "", 0},
      {"", "", 0},
  };
  for (const Case& c : cases) {
    const Foreground front = ParseForeground(c.text);
    EXPECT_EQ(front.activity, c.activity) << c.text;
    EXPECT_EQ(front.rotation, c.rotation) << c.text;
    EXPECT_EQ(front.package, front.activity.substr(0, front.activity.find('/')));
  }
}

TEST(ParseForegroundTest, IsNotTakenInByNoise) {
  EXPECT_EQ(ParseForeground("topResumedActivity=ActivityRecord{1 u0 com.a.b t7}\nmCurrentOrientation=9\nmCurrentRotation=ROTATION_45\n").activity, "");
  EXPECT_EQ(ParseForeground(absl::StrCat("mResumedActivity u0 ", std::string(1000, 'a'), "/.B")).activity, "");
  EXPECT_EQ(ParseForeground("mCurrentOrientation=9").rotation, 0);
}

TEST(ParseDeviceStateTest, ReadsBatteryClockZoneAndKeyboard) {
  Foreground front;
  front.package = "com.a";
  front.activity = "com.a/.B";
  front.rotation = 1;
  const v1::DeviceState state = ParseDeviceState(
      front, "  present: true\n  level: 87\n    mInputShown=true\n@time\n1700000000\n@zone\nEurope/Berlin\n");
  EXPECT_EQ(state.package(), "com.a");
  EXPECT_EQ(state.orientation(), v1::ORIENTATION_LEFT);
  EXPECT_EQ(state.battery_percent(), 87);
  EXPECT_EQ(state.device_time().seconds(), 1'700'000'000);
  EXPECT_EQ(state.time_zone(), "Europe/Berlin");
  EXPECT_TRUE(state.keyboard_shown());
}

TEST(ParseDeviceStateTest, LeavesOutWhatIsNotSaid) {
  const v1::DeviceState state = ParseDeviceState({}, "level: 300\npresent: false\n@time\nyesterday\n@zone\n$(id)\n");
  EXPECT_EQ(state.battery_percent(), -1);
  EXPECT_FALSE(state.has_device_time());
  EXPECT_EQ(state.time_zone(), "");
  EXPECT_EQ(ParseDeviceState({}, "").battery_percent(), -1);
  EXPECT_EQ(ParseDeviceState({}, "@time").battery_percent(), -1);
}

TEST(ParseScreenSizeTest, PrefersTheOverride) {
  const auto size = ParseScreenSize("Physical size: 1080x2400\nOverride size: 720x1600\n");
  EXPECT_EQ(size->width(), 720);
  EXPECT_EQ(ParseScreenSize("Physical size: 1080x2400")->height(), 2400);
  for (const char* text : {"", "Physical size: 0x0", "size: 1x2", "Physical size: axb"}) EXPECT_FALSE(ParseScreenSize(text).ok()) << text;
  EXPECT_EQ(Turned(*size, 1).width(), 1600);
  EXPECT_EQ(Turned(*size, 2).width(), 720);
}

}  // namespace
}  // namespace proctor::env::android
