#include "env/desktop/desktop_config.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "gtest/gtest.h"

namespace proctor::env::desktop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Refusal(const std::function<void(v1::DesktopConfig&)>& change) {
  v1::DesktopConfig config;
  change(config);
  const absl::Status status = ValidateDesktopConfig(config);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(DesktopConfigTest, TheDefaultsAreValid) {
  const v1::DesktopConfig config = WithDefaults({}, false);
  EXPECT_TRUE(ValidateDesktopConfig(config).ok()) << ValidateDesktopConfig(config);
  EXPECT_EQ(config.user(), "");
  EXPECT_EQ(WithDefaults({}, true).user(), "nobody");
  EXPECT_THAT(StartableApplications(config, {}), ElementsAre("calculator", "editor", "files", "spreadsheet"));
  v1::DesktopSettings settings;
  settings.add_applications("editor");
  EXPECT_THAT(StartableApplications(config, settings), ElementsAre("editor"));
}

TEST(DesktopConfigTest, NamesTheFieldThatIsWrong) {
  if (geteuid() == 0) {
    EXPECT_THAT(Refusal([](auto& c) { c.set_user("root"); }), HasSubstr("desktop.user"));
    EXPECT_THAT(Refusal([](auto& c) { c.set_user("no such user"); }), HasSubstr("desktop.user"));
  }
  EXPECT_THAT(Refusal([](auto& c) { c.add_startup(); }), HasSubstr("desktop.startup[0].command"));
  EXPECT_THAT(Refusal([](auto& c) { (*c.mutable_applications())["editor"]; }), HasSubstr("desktop.applications.editor.command"));
  EXPECT_THAT(Refusal([](auto& c) { (*c.mutable_applications())["a b"].add_command("x"); }), HasSubstr("desktop.applications"));
  EXPECT_THAT(Refusal([](auto& c) { (*c.mutable_evidence_commands())["x"].add_command(""); }), HasSubstr("desktop.evidence_commands.x.command"));
  for (const char* address : {"", "host", "host:", "host:0", "host:99999", ":5901", "relative/path"}) {
    EXPECT_THAT(Refusal([&](auto& c) { (*c.mutable_displays())["d"].set_address(address); }), HasSubstr("desktop.displays.d.address")) << address;
  }
  EXPECT_THAT(Refusal([](auto& c) {
                auto& display = (*c.mutable_displays())["d"];
                display.set_address("host:5901");
                display.set_password("longer than 8");
              }),
              HasSubstr("desktop.displays.d.password"));
  EXPECT_THAT(Refusal([](auto& c) {
                auto& display = (*c.mutable_displays())["d"];
                display.set_address("/run/vnc");
                display.set_password("x");
                display.set_password_file("/y");
              }),
              HasSubstr("desktop.displays.d: set password or password_file"));
}

std::string SettingsRefusal(const std::function<void(v1::DesktopSettings&)>& change) {
  v1::DesktopConfig config = WithDefaults({}, false);
  (*config.mutable_displays())["vm"].set_address("10.0.0.7:5901");
  v1::DesktopSettings settings;
  change(settings);
  const auto resolved = ResolveDesktopSettings(config, settings);
  EXPECT_TRUE(absl::IsInvalidArgument(resolved.status())) << resolved.status();
  return std::string(resolved.status().message());
}

TEST(DesktopSettingsTest, FillsInDefaults) {
  const auto resolved = ResolveDesktopSettings(WithDefaults({}, false), {});
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->screen().width(), 1280);
  EXPECT_EQ(resolved->screen().height(), 800);
  EXPECT_EQ(resolved->time_zone(), "UTC");
  EXPECT_EQ(resolved->locale(), "C.UTF-8");
  EXPECT_EQ(resolved->settle_still().nanos(), 150'000'000);
  EXPECT_EQ(resolved->settle_cap().seconds(), 3);
}

TEST(DesktopSettingsTest, RefusesWhatCannotBeHonoured) {
  EXPECT_THAT(SettingsRefusal([](auto& s) { s.mutable_screen()->set_width(5000); }), HasSubstr("settings.desktop.screen"));
  EXPECT_THAT(SettingsRefusal([](auto& s) {
                s.mutable_screen()->set_width(319);
                s.mutable_screen()->set_height(800);
              }),
              HasSubstr("settings.desktop.screen"));
  EXPECT_THAT(SettingsRefusal([](auto& s) { s.set_display("nothing"); }), HasSubstr("settings.desktop.display"));
  EXPECT_THAT(SettingsRefusal([](auto& s) { s.add_applications("terminal"); }), HasSubstr("settings.desktop.applications"));
  EXPECT_THAT(SettingsRefusal([](auto& s) { s.mutable_settle_still()->set_nanos(1000); }), HasSubstr("settings.desktop.settle_still"));
  EXPECT_THAT(SettingsRefusal([](auto& s) { s.mutable_settle_cap()->set_seconds(61); }), HasSubstr("settings.desktop.settle_cap"));
  EXPECT_THAT(SettingsRefusal([](auto& s) { s.set_time_zone("Mars/Olympus"); }), HasSubstr("settings.desktop.time_zone"));
  for (const char* locale : {"xx_XX.UTF-8", "../../etc", "C UTF-8"}) {
    EXPECT_THAT(SettingsRefusal([&](auto& s) { s.set_locale(locale); }), HasSubstr("settings.desktop.locale")) << locale;
  }
  EXPECT_THAT(SettingsRefusal([](auto& s) {
                s.set_display("vm");
                s.mutable_screen()->set_width(800);
                s.mutable_screen()->set_height(600);
              }),
              HasSubstr("settings.desktop.screen: that display has its own size"));
  EXPECT_THAT(SettingsRefusal([](auto& s) {
                s.set_display("vm");
                s.add_applications("editor");
              }),
              HasSubstr("settings.desktop.applications"));
}

}  // namespace
}  // namespace proctor::env::desktop
