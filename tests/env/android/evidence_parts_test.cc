// Parsers of what the device's programs print for evidence.
#include "env/android/android_evidence.h"
#include "env/android/apps.h"
#include "env/android/log_watch.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ContentRowsAsJsonTest, ReadsRows) {
  EXPECT_EQ(*ContentRowsAsJson("Row: 0 _id=1, name=Ada, number=NULL\nRow: 1 _id=2, name=, number=5\n", {}),
            R"([{"_id":"1","name":"Ada","number":null},{"_id":"2","name":"","number":"5"}])");
  EXPECT_EQ(*ContentRowsAsJson("No result found.\n", {}), "[]");
  EXPECT_EQ(*ContentRowsAsJson("", {}), "[]");
}

TEST(ContentRowsAsJsonTest, TellsColumnsApartByTheProjection) {
  EXPECT_EQ(*ContentRowsAsJson("Row: 0 name=a, b=c, x=1", {"name", "x"}), R"([{"name":"a, b=c","x":"1"}])");
  EXPECT_EQ(*ContentRowsAsJson("Row: 0 name=Lovelace, Ada, number=1", {}), R"([{"name":"Lovelace, Ada","number":"1"}])");
}

TEST(ContentRowsAsJsonTest, KeepsLineEndsInValues) {
  EXPECT_EQ(*ContentRowsAsJson("Row: 0 text=one\nRow: 7 no row\ntwo\nRow: 1 text=x", {}), R"([{"text":"one\nRow: 7 no row\ntwo"},{"text":"x"}])");
}

TEST(ContentRowsAsJsonTest, RefusesWhatIsNone) {
  for (const char* text : {"Error while accessing provider", "Row: 1 a=b", "Row: 0 nothing", "java.lang.SecurityException"}) {
    EXPECT_FALSE(ContentRowsAsJson(text, {}).ok()) << text;
  }
}

TEST(LinesAfterTest, BeginsAtTheMarker) {
  bool found = false;
  EXPECT_THAT(LinesAfter("--------- beginning of main\nI/A: old\nI/ProctorEpisode: start-7\nI/B: new\r\n", "start-7", found), ElementsAre("I/B: new"));
  EXPECT_TRUE(found);
  EXPECT_THAT(LinesAfter("I/A: start-7\n", "start-7", found), ElementsAre("I/A: start-7"));
  EXPECT_FALSE(found);
  EXPECT_THAT(LinesAfter("", "x", found), IsEmpty());
}

TEST(ComponentsInTest, ReadsWhatCmdPackagePrints) {
  EXPECT_THAT(ComponentsIn("priority=0 preferredOrder=0 match=0x108000\n  com.a/.B\nNo activity found\ncom.a/.B\ncom.c/com.c.D\n"),
              ElementsAre("com.a/.B", "com.c/com.c.D"));
  EXPECT_THAT(ComponentsIn("a;b/c\n$(id)/x\n"), IsEmpty());
}

}  // namespace
}  // namespace proctor::env::android
