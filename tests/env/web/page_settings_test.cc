#include "env/web/page_settings.h"

#include <functional>
#include <string>
#include <utility>

#include "env/web/locale.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Refusal(const std::function<void(v1::WebSettings&)>& change) {
  v1::WebSettings settings;
  change(settings);
  const auto resolved = ResolveWebSettings(settings);
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(resolved.status().message());
}

TEST(ResolveWebSettingsTest, FillsInDefaults) {
  const auto defaults = ResolveWebSettings({});
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ(defaults->viewport().width(), 1280);
  EXPECT_EQ(defaults->locale(), "en-US");
  EXPECT_EQ(defaults->time_zone(), "UTC");
}

TEST(ResolveWebSettingsTest, RefusesWhatItCannotDoNamingTheField) {
  const std::pair<std::function<void(v1::WebSettings&)>, const char*> table[] = {
      {[](auto& s) { s.mutable_viewport()->set_width(10); }, "web.viewport"},
      {[](auto& s) { s.set_device_scale(9); }, "web.device_scale"},
      {[](auto& s) { s.set_color_scheme("pink"); }, "web.color_scheme"},
      {[](auto& s) { s.set_user_agent("a\nb"); }, "web.user_agent"},
      {[](auto& s) { s.add_permissions("everything"); }, "web.permissions"},
      {[](auto& s) { s.mutable_geolocation()->set_latitude(91); }, "web.geolocation.latitude"},
      {[](auto& s) { s.mutable_settle_cap()->set_seconds(61); }, "web.settle_cap"},
      {[](auto& s) { s.mutable_preload_max_age()->set_seconds(601); }, "web.preload_max_age"},
      {[](auto& s) { s.mutable_preload_max_age()->set_seconds(-1); }, "web.preload_max_age"},
      {[](auto& s) { s.set_max_download_bytes(int64_t{1} << 40); }, "web.max_download_bytes"},
  };
  for (const auto& [change, field] : table) EXPECT_THAT(Refusal(change), HasSubstr(field));
}

TEST(ResolveWebSettingsTest, RefusesLocalesThatTheBrowserDoesNotHonour) {
  for (const char* bad : {"no such locale!", "a1b2", "en--US", "en-", "-en", "e", "english", "en_US", "en-USA", "en-U", "en-12", "en-US-DE",
                          "en-Latin-US", "en-US-Latn",
                          "de-1996", "de-DE-u-ca-buddhist", "i-klingon", "x-foo", "qq", "xx-YY", "123", "d\xC3\xA9",
                          "de-DE@calendar=buddhist"}) {
    EXPECT_THAT(Refusal([&](v1::WebSettings& s) { s.set_locale(bad); }), HasSubstr("web.locale: ")) << bad;
  }
}

TEST(ResolveWebSettingsTest, WritesLocalesInTheirUsualCase) {
  const std::pair<const char*, const char*> table[] = {{"de", "de"},         {"de-DE", "de-DE"},           {"DE-de", "de-DE"},
                                                       {"es-419", "es-419"}, {"ZH-hant-tw", "zh-Hant-TW"}, {"sr-Latn", "sr-Latn"},
                                                       {"fil-PH", "fil-PH"}};
  for (const auto& [given, normal] : table) {
    v1::WebSettings settings;
    settings.set_locale(given);
    const auto resolved = ResolveWebSettings(settings);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_EQ(resolved->locale(), normal);
  }
}

TEST(ResolveWebSettingsTest, TakesTimeZonesOfTheIanaDatabaseOnly) {
  for (const char* good : {"UTC", "Etc/UTC", "Etc/GMT+5", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince",
                           "EST5EDT", "Asia/Kolkata"}) {
    v1::WebSettings settings;
    settings.set_time_zone(good);
    EXPECT_TRUE(ResolveWebSettings(settings).ok()) << good;
  }
  for (const char* bad :
       {"Mars/Olympus", "localtime", "posix/Europe/Berlin", "right/Europe/Berlin", "posixrules", "Factory", "Fixed/UTC+01:00:00",
        "+01:00", "UTC+1", ":UTC", "libc:UTC", "file:Europe/Berlin", "/etc/localtime", "/usr/share/zoneinfo/UTC", "../zoneinfo/UTC",
        "Europe/../UTC", "Europe", "europe/berlin", "utc", "zone.tab", "tzdata.zi", "Europe/Berlin "}) {
    EXPECT_THAT(Refusal([&](v1::WebSettings& s) { s.set_time_zone(bad); }), HasSubstr("web.time_zone: ")) << bad;
  }
}

TEST(PermissionTypesTest, APlaceMayBeAskedFor) {
  v1::WebSettings settings;
  settings.add_permissions("notifications");
  EXPECT_THAT(*PermissionTypes(settings), ElementsAre("notifications"));
  settings.mutable_geolocation();
  EXPECT_THAT(*PermissionTypes(settings), testing::UnorderedElementsAre("geolocation", "notifications"));
}

}  // namespace
}  // namespace proctor::env::web
