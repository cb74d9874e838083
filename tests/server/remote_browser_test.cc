#include "server/remote_browser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "net/http_server.h"

namespace proctor::server {
namespace {

CallContext Context() { return CallContext::WithTimeout(absl::Seconds(10)); }

// A browser's DevTools that answers everything with `body`.
class FakeDevTools {
 public:
  explicit FakeDevTools(std::string body, int status = 200) {
    auto server = net::HttpServer::Create({}, [body, status](const net::HttpRequest& request) {
      net::HttpResponse response;
      response.status = request.target == "/json/version" ? status : 404;
      response.body = body;
      return response;
    });
    server_ = *std::move(server);
  }
  std::string url() const { return absl::StrCat("http://127.0.0.1:", server_->port()); }

 private:
  std::unique_ptr<net::HttpServer> server_;
};

TEST(FindRemoteBrowserTest, TakesAWebSocketAsItIs) {
  EXPECT_EQ(*FindRemoteBrowser(Context(), "ws://h:1/devtools/browser/x"),
            "ws://h:1/devtools/browser/x");
}

TEST(FindRemoteBrowserTest, AsksTheBrowserForItsWebSocket) {
  const FakeDevTools browser(
      R"({"Browser":"Chrome/1","webSocketDebuggerUrl":"ws://127.0.0.1:9/devtools/browser/x"})");
  EXPECT_EQ(*FindRemoteBrowser(Context(), browser.url()), "ws://127.0.0.1:9/devtools/browser/x");
  EXPECT_EQ(*FindRemoteBrowser(Context(), browser.url() + "/"),
            "ws://127.0.0.1:9/devtools/browser/x");
}

TEST(FindRemoteBrowserTest, RefusesWhatIsNoBrowser) {
  for (const char* body : {"", "hello", "[]", "{}", R"({"webSocketDebuggerUrl":7})",
                           R"({"webSocketDebuggerUrl":"http://x"})"}) {
    EXPECT_EQ(FindRemoteBrowser(Context(), FakeDevTools(body).url()).status().code(),
              absl::StatusCode::kUnavailable)
        << body;
  }
  EXPECT_FALSE(FindRemoteBrowser(Context(), FakeDevTools(std::string(1 << 20, ' ')).url()).ok());
  const FakeDevTools failing(R"({"webSocketDebuggerUrl":"ws://x"})", 500);
  EXPECT_FALSE(FindRemoteBrowser(Context(), failing.url()).ok());
  EXPECT_FALSE(FindRemoteBrowser(Context(), "http://127.0.0.1:1").ok());
}

}  // namespace
}  // namespace proctor::server
