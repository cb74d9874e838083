#include "env/android/android_settings.h"

#include <functional>

#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

TEST(ValidateAndroidConfigTest, NamesTheFieldThatIsWrong) {
  EXPECT_TRUE(ValidateAndroidConfig({}).ok());
  struct Case {
    std::function<void(v1::AndroidConfig&)> spoil;
    const char* field;
  };
  const Case cases[] = {{[](auto& c) { c.set_adb_server("here"); }, "android.adb_server"},
                        {[](auto& c) { c.set_adb_server("host:0"); }, "android.adb_server"},
                        {[](auto& c) { c.set_adb_server(":5037"); }, "android.adb_server"},
                        {[](auto& c) { c.set_adb_path("adb"); }, "android.adb_path"},
                        {[](auto& c) { c.add_connect("host"); }, "android.connect[0]"},
                        {[](auto& c) { c.add_connect(""); }, "android.connect[0]"},
                        {[](auto& c) { c.add_serials("a b"); }, "android.serials[0]"},
                        {[](auto& c) { c.mutable_device_wait()->set_seconds(601); }, "android.device_wait"}};
  for (const Case& c : cases) {
    v1::AndroidConfig config;
    c.spoil(config);
    const absl::Status status = ValidateAndroidConfig(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.field));
  }
  v1::AndroidConfig fine;
  fine.set_adb_server("phones.example:5037");
  fine.add_connect("10.0.0.7:5555");
  fine.add_serials("emulator-5554");
  EXPECT_TRUE(ValidateAndroidConfig(fine).ok());
}

TEST(ResolveAndroidSettingsTest, FillsInWhatIsLeftOpen) {
  v1::AndroidSettings defaults;
  defaults.mutable_settle_cap()->set_seconds(7);
  const auto resolved = ResolveAndroidSettings({}, defaults, v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD);
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(FromProto(resolved->settle_still()), absl::Milliseconds(200));
  EXPECT_EQ(resolved->settle_cap().seconds(), 7);
  EXPECT_EQ(resolved->text_method(), v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD);
  EXPECT_EQ(ResolveAndroidSettings({}, {}, v1::ANDROID_TEXT_METHOD_UNSPECIFIED)->text_method(), v1::ANDROID_TEXT_METHOD_INPUT_TEXT);
}

TEST(ResolveAndroidSettingsTest, RefusesWhatCannotBeHonoured) {
  const std::function<void(v1::AndroidSettings&)> spoilers[] = {
      [](auto& s) { s.set_serial("a b"); }, [](auto& s) { s.mutable_settle_still()->set_seconds(6); },
      [](auto& s) { s.mutable_settle_still()->set_nanos(1000); }, [](auto& s) { s.mutable_settle_cap()->set_seconds(61); },
      [](auto& s) { s.set_text_method(static_cast<v1::AndroidTextMethod>(9)); }};
  for (const auto& spoil : spoilers) {
    v1::AndroidSettings settings;
    spoil(settings);
    EXPECT_EQ(ResolveAndroidSettings(settings, {}, v1::ANDROID_TEXT_METHOD_UNSPECIFIED).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ValidateAndroidStartTest, NamesTheFieldThatIsWrong) {
  struct Case {
    std::function<void(v1::AndroidStart&)> spoil;
    const char* field;
  };
  const Case cases[] = {
      {[](auto& s) { s.add_setup(); }, "setup[0]: set what to do"},
      {[](auto& s) { s.add_setup()->set_shell(""); }, "setup[0].shell"},
      {[](auto& s) { s.add_setup()->set_start_activity("a; id"); }, "setup[0].start_activity"},
      {[](auto& s) { s.add_setup()->set_force_stop("$(id)"); }, "setup[0].force_stop"},
      {[](auto& s) { s.add_setup()->set_clear_data("../x"); }, "setup[0].clear_data"},
      {[](auto& s) { s.add_setup()->mutable_set_setting()->set_namespace_("root"); }, "setup[0].set_setting"},
      {[](auto& s) {
         s.add_setup()->mutable_set_setting()->set_namespace_("system");
         s.mutable_setup(0)->mutable_set_setting()->set_key("a b");
       },
       "setup[0].set_setting"},
      {[](auto& s) { s.add_setup()->mutable_push_file()->set_path("relative"); }, "setup[0].push_file.path"},
      {[](auto& s) { s.add_setup()->set_rotate(4); }, "setup[0].rotate"},
      {[](auto& s) { s.add_setup()->mutable_sleep()->set_seconds(61); }, "setup[0].sleep"},
      {[](auto& s) { s.add_setup()->set_press_home(false); }, "setup[0].press_home"},
      {[](auto& s) {
         s.add_setup()->set_press_home(true);
         s.mutable_setup(0)->add_until()->set_activity_regex("(");
       },
       "setup[0].until[0].activity_regex"},
      {[](auto& s) {
         s.add_setup()->set_press_home(true);
         s.mutable_setup(0)->set_retries(11);
       },
       "setup[0].retries"},
      {[](auto& s) {
         s.add_setup()->set_press_home(true);
         s.mutable_setup(0)->mutable_timeout()->set_seconds(121);
       },
       "setup[0].timeout"},
      {[](auto& s) { s.add_snapshots()->set_package("a/b"); }, "snapshots[0].package"},
      {[](auto& s) { s.add_snapshots()->set_package("a.b"); }, "snapshots[0].archive"},
      {[](auto& s) { s.set_expected_activity("["); }, "expected_activity"},
      {[](auto& s) { s.set_end_log_regex("["); }, "end_log_regex"},
      {[](auto& s) { s.add_log_filters("-f /sdcard/x"); }, "log_filters[0]"},
      {[](auto& s) { s.mutable_clock()->set_seconds(-1); }, "clock"}};
  for (const Case& c : cases) {
    v1::AndroidStart start;
    c.spoil(start);
    const absl::Status status = ValidateAndroidStart(start);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.field));
  }
}

TEST(NamesTest, ComponentsAndPackages) {
  EXPECT_TRUE(IsPackageName("com.android.settings"));
  EXPECT_TRUE(IsComponentName("com.a/.B$C"));
  for (const char* bad : {"", "1a", "a b", "a;b", "a/b", "a..b", "a."}) EXPECT_FALSE(IsPackageName(bad)) << bad;
  for (const char* bad : {"", "a", "a/", "/b", "a/b c", "a/b;c", "a/$(id)"}) EXPECT_FALSE(IsComponentName(bad)) << bad;
}

}  // namespace
}  // namespace proctor::env::android
