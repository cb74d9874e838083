// What every page of every site must be like.
#include <deque>

#include "absl/strings/match.h"
#include "env/practice/templates.h"
#include "gtest/gtest.h"
#include "tests/env/practice/served_bytes.h"
#include "tests/env/practice/visitor.h"

namespace proctor::env::practice {
namespace {

constexpr size_t kMaxPages = 1500;

// Every page that links lead to, with everything that was served for it.
std::map<std::string, net::HttpResponse> CrawlReplies(Visitor& visitor, size_t max_pages) {
  std::map<std::string, net::HttpResponse> pages;
  std::deque<std::string> queue{"/"};
  std::set<std::string> seen{"/"};
  while (!queue.empty() && pages.size() < max_pages) {
    const std::string target = queue.front();
    queue.pop_front();
    net::HttpResponse response = visitor.Get(target);
    EXPECT_EQ(response.status, 200) << target;
    for (const std::string& link : Visitor::Links(response.body)) {
      if (seen.insert(link).second) queue.push_back(link);
    }
    pages[target] = std::move(response);
  }
  return pages;
}

// The same as bytes.
std::map<std::string, std::string> Crawl(Visitor& visitor) {
  std::map<std::string, std::string> pages;
  for (const auto& [target, response] : CrawlReplies(visitor, kMaxPages)) {
    std::string bytes = response.body;
    for (const auto& [name, value] : response.headers)
      absl::StrAppend(&bytes, "\n", name, ": ", value);
    pages[target] = std::move(bytes);
  }
  return pages;
}

// Forms of all sites; most of them are wrong for the site that is asked.
constexpr const char* kForms[] = {"/cart/add",
                                  "/cart/quantity",
                                  "/compose",
                                  "/settings",
                                  "/book-a-room",
                                  "/my-bookings/x",
                                  "/board/flowers",
                                  "/thread/x/vote",
                                  "/article/x/edit",
                                  "/reading-list",
                                  "/projects",
                                  "/bulk",
                                  "/",
                                  "/checkout",
                                  "/report-a-fault"};

class PagesTest : public ::testing::TestWithParam<std::string> {
 protected:
  PracticeHub hub_;
  Visitor visitor_{hub_, hub_.CreateInstance({.seed = 11}).value(), GetParam()};
};

TEST_P(PagesTest, NoServedByteTellsTemplatesOrOracles) {
  const auto pages = CrawlReplies(visitor_, kMaxPages);
  EXPECT_GT(pages.size(), 25u);
  EXPECT_TRUE(pages.count("/style.css") == 1 && pages.count("/site.js") == 1);
  for (const auto& [target, response] : pages) EXPECT_EQ(Telling(response), "") << target;
}

TEST_P(PagesTest, NeitherDoOtherSeedsErrorsAndAnswersToForms) {
  for (const int64_t seed : {1, 1001, 2024}) {
    Visitor visitor(hub_, hub_.CreateInstance({.seed = seed}).value(), GetParam());
    for (const auto& [target, response] : CrawlReplies(visitor, 150))
      EXPECT_EQ(Telling(response), "") << seed << " " << target;
    for (const char* target : {"/favicon.ico", "/no-such-page", "/product/none", "/article/none",
                               "/thread/none", "/message/none"}) {
      EXPECT_EQ(Telling(visitor.Get(target)), "") << seed << " " << target;
    }
    for (const char* target : kForms) {
      EXPECT_EQ(Telling(visitor.Post(target, {})), "") << seed << " POST " << target;
      EXPECT_EQ(
          Telling(visitor.Post(target, {{"text", "hello"}, {"message", "1"}, {"quantity", "1"}})),
          "")
          << seed << " POST " << target;
    }
  }
  const net::HttpRequest elsewhere{
      .method = "GET", .target = "/", .host = "nobody.localhost", .headers = {}, .body = ""};
  EXPECT_EQ(Telling(hub_.Handle(elsewhere)), "");
  EXPECT_EQ(Telling(hub_.Handle({.method = "BREW",
                                 .target = "/",
                                 .host = "nobody.localhost",
                                 .headers = {},
                                 .body = ""})),
            "");
}

TEST_P(PagesTest, NothingComesFromElsewhere) {
  const auto pages = Crawl(visitor_);
  EXPECT_GT(pages.size(), 25u);
  for (const auto& [target, bytes] : pages) {
    EXPECT_FALSE(absl::StrContains(bytes, "http://") || absl::StrContains(bytes, "https://") || absl::StrContains(bytes, "=\"//")) << target;
  }
}

TEST_P(PagesTest, LabelsBelongToOneControlEach) {
  int labels = 0;
  for (const auto& [target, bytes] : Crawl(visitor_)) {
    std::set<std::string> ids;
    for (size_t at = bytes.find(" id=\""); at != std::string::npos; at = bytes.find(" id=\"", at + 1)) {
      const std::string id = bytes.substr(at + 5, bytes.find('"', at + 5) - at - 5);
      EXPECT_TRUE(ids.insert(id).second) << id << " twice in " << target;
    }
    for (size_t at = bytes.find(" for=\""); at != std::string::npos; at = bytes.find(" for=\"", at + 1)) {
      const std::string id = bytes.substr(at + 6, bytes.find('"', at + 6) - at - 6);
      EXPECT_EQ(ids.count(id), 1u) << "label for " << id << " in " << target;
      ++labels;
    }
  }
  EXPECT_GT(labels, 0);
}

TEST_P(PagesTest, ReadingChangesNothing) {
  const std::string before = visitor_.State();
  Crawl(visitor_);
  EXPECT_EQ(visitor_.State(), before);
}

TEST_P(PagesTest, HostileRequestsGetAPage) {
  const std::string script = "<script>alert(1)</script>";
  const std::string long_text(100000, 'x');
  for (const std::string& target : {std::string("/search?q=") + EncodeUrl(script), std::string("/..%2f..%2fetc/passwd"), std::string("/%ff%fe?%00=%zz&&=="),
                                    "/search?q=" + long_text, std::string("/product/%00"), std::string("/article//edit"), std::string("?"), std::string("/your-orders/<b>")}) {
    const net::HttpResponse response = visitor_.Get(target);
    EXPECT_FALSE(absl::StrContains(response.body, script));
    EXPECT_LT(response.body.size(), 200000u);
    EXPECT_LT(response.status, 500);
  }
  for (const char* target : kForms) {
    const net::HttpResponse response = visitor_.Post(target, {{"product", script}, {"text", long_text}, {"date", "9999-99-99"}, {"hour", "-1"}, {"message", "zz"}, {"quantity", "1e9"}});
    EXPECT_FALSE(absl::StrContains(response.body, script)) << target;
    EXPECT_LT(response.status, 500);
  }
}

INSTANTIATE_TEST_SUITE_P(Sites, PagesTest, ::testing::ValuesIn(SiteNames()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace proctor::env::practice
