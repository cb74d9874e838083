// What a desktop shows and what actions do, seen by their effect in real applications.
#include <gmock/gmock.h>

#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;

TEST_F(DesktopWorldTest, TypesIntoAnEditorAndSavesTheFile) {
  if (!Start()) GTEST_SKIP() << "no desktops on this machine";
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "one\n"));
  EXPECT_THAT(start.title(), HasSubstr("note.txt"));
  ASSERT_EQ(start.windows_size(), 1);
  EXPECT_EQ(start.windows(0).application(), "Mousepad");
  EXPECT_TRUE(start.windows(0).focused());
  const v1::Element text = Find(start, "textbox");
  EXPECT_EQ(text.value(), "one\n");
  EXPECT_TRUE(text.editable());
  Click(text.mark());
  Press("Control+End");
  const v1::Observation typed = Type("Hello, World! 1 + 1 = 2\tTab_~");
  EXPECT_EQ(Find(typed, "textbox").value(), "one\nHello, World! 1 + 1 = 2\tTab_~");
  EXPECT_EQ(Find(typed, "textbox").mark(), text.mark());
  Press("Control+S");
  EXPECT_EQ(FileText("note.txt"), "one\nHello, World! 1 + 1 = 2\tTab_~");
}

}  // namespace
}  // namespace proctor::env::desktop
