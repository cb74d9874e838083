#include "env/web/frame_tracker.h"

#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

class FrameTrackerTest : public testing::Test {
 protected:
  void Event(const std::string& session, const std::string& method, const std::string& params) {
    tracker_.OnEvent({.session_id = session, .method = method, .params_text = params});
  }
  void Context(const std::string& session, const std::string& frame, const std::string& unique_id,
               const std::string& name = "proctor") {
    Event(session, "Runtime.executionContextCreated",
          R"({"context":{"id":3,"uniqueId":")" + unique_id + R"(","name":")" + name +
              R"(","auxData":{"frameId":")" + frame + R"("}}})");
  }
  void LoadTop() {
    tracker_.SetFrameTree("page", ParseJson(R"({"frameTree":{"frame":{"id":"T"},"childFrames":[
        {"frame":{"id":"C1","parentId":"T"}},{"frame":{"id":"C2","parentId":"T"}}]}})")
                                      .value());
    Context("page", "T", "t1");
  }

  FrameTracker tracker_{"page"};
};

TEST_F(FrameTrackerTest, OrdersParentsBeforeChildrenAndSiblingsAsTheyCame) {
  LoadTop();
  Event("page", "Page.frameAttached", R"({"frameId":"A0","parentFrameId":"C2"})");
  std::vector<std::string> ids;
  for (const FrameInfo& frame : tracker_.Frames()) ids.push_back(frame.frame_id);
  EXPECT_EQ(ids, (std::vector<std::string>{"T", "C1", "C2", "A0"}));
}

TEST_F(FrameTrackerTest, FollowsAFrameIntoItsOwnProcessAndBack) {
  LoadTop();
  Event("page", "Target.attachedToTarget",
        R"({"sessionId":"S","targetInfo":{"type":"iframe","targetId":"C1"}})");
  Event("page", "Page.frameDetached", R"({"frameId":"C1","reason":"swap"})");
  Context("S", "C1", "c1");
  EXPECT_EQ(tracker_.Find("C1")->session_id, "S");
  EXPECT_EQ(tracker_.FindByContext("c1")->parent_frame_id, "T");
  Event("page", "Page.frameNavigated", R"({"frame":{"id":"C1","parentId":"T"}})");
  Event("page", "Target.detachedFromTarget", R"({"sessionId":"S"})");
  EXPECT_EQ(tracker_.Find("C1")->session_id, "page");
}

TEST_F(FrameTrackerTest, KnowsThePagesOwnWorldsToo) {
  LoadTop();
  Event("page", "Runtime.executionContextCreated",
        R"({"context":{"uniqueId":"m1","name":"","auxData":{"frameId":"C1","isDefault":true}}})");
  Context("page", "C1", "c1");
  EXPECT_EQ(tracker_.Find("C1")->main_context_id, "m1");
  EXPECT_EQ(tracker_.Find("C1")->context_id, "c1");
  Event("page", "Runtime.executionContextDestroyed", R"({"executionContextUniqueId":"m1"})");
  EXPECT_EQ(tracker_.Find("C1")->main_context_id, "");
  EXPECT_EQ(tracker_.Find("C1")->context_id, "c1");
}

TEST_F(FrameTrackerTest, ForgetsContextsAndFramesThatAreGone) {
  LoadTop();
  Context("page", "C1", "c1");
  Context("page", "C2", "other", "someone else's world");
  EXPECT_TRUE(tracker_.Find("C2")->context_id.empty());
  Event("page", "Runtime.executionContextDestroyed", R"({"executionContextUniqueId":"c1"})");
  EXPECT_FALSE(tracker_.FindByContext("c1").has_value());
  Event("page", "Page.frameAttached", R"({"frameId":"A0","parentFrameId":"C2"})");
  Event("page", "Page.frameDetached", R"({"frameId":"C2","reason":"remove"})");
  EXPECT_FALSE(tracker_.Find("A0").has_value());
  Event("page", "Runtime.executionContextsCleared", "{}");
  EXPECT_TRUE(tracker_.Find("T")->context_id.empty());
}

TEST_F(FrameTrackerTest, SurvivesHostileEvents) {
  LoadTop();
  for (const std::string method :
       {"Page.frameAttached", "Page.frameNavigated", "Page.frameDetached",
        "Target.attachedToTarget", "Target.detachedFromTarget", "Runtime.executionContextCreated",
        "Runtime.executionContextDestroyed"}) {
    for (const std::string params : {"", "[]", "{}", "7", R"({"frameId":7})", R"({"context":[]})",
                                     R"({"frame":{"id":{}}})", R"({"targetInfo":7})"}) {
      Event("page", method, params);
    }
  }
  // Frames that are each other's parents.
  Event("page", "Page.frameAttached", R"({"frameId":"X","parentFrameId":"Y"})");
  Event("page", "Page.frameAttached", R"({"frameId":"Y","parentFrameId":"X"})");
  Event("page", "Page.frameDetached", R"({"frameId":"X"})");
  EXPECT_FALSE(tracker_.Find("Y").has_value());
  EXPECT_EQ(tracker_.Frames().front().frame_id, "T");
}

}  // namespace
}  // namespace proctor::env::web
