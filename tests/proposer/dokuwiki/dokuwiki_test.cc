// Tasks about a site that nobody prepared: a DokuWiki of installed packages, in real Chromium, against its own truth.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/json.h"
#include "common/process.h"
#include "gtest/gtest.h"
#include "proposer/crawl_proposer.h"
#include "server/site_explorer.h"
#include "tests/env/fakes.h"
#include "tests/env/web/web_fixture.h"
#include "tests/proposer/fake_site.h"

namespace proctor::proposer {
namespace {

namespace fs = std::filesystem;

// A port of 127.0.0.1 that is free now; 0 if there is none.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

bool Answers(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

class DokuwikiTest : public env::web::WebWorldTestBase {
 protected:
  void SetUp() override {
    if (!fs::exists("/usr/share/dokuwiki") || !fs::exists("/usr/bin/php")) {
      GTEST_SKIP() << "the Debian packages dokuwiki and php-cli are not installed";
    }
    std::string name = (fs::temp_directory_path() / "proctor-dokuwiki-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    auto maker = Start({"/usr/bin/python3", fs::absolute("tests/proposer/dokuwiki/make_wiki.py").string(), folder_ + "/wiki"});
    ASSERT_TRUE(maker.ok()) << maker.status();
    ASSERT_TRUE((*maker)->WaitFor(absl::Seconds(120)));
    std::ifstream truth(folder_ + "/wiki/truth.json");
    std::stringstream text;
    text << truth.rdbuf();
    auto parsed = ParseJson(text.str());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    truth_ = *std::move(parsed);
    bool serves = false;
    for (int attempt = 0; attempt < 5 && !serves; ++attempt) serves = Serve();
    ASSERT_TRUE(serves);
  }

  // False: it does not answer, or the port that was free was somebody else's by the time PHP took it.
  bool Serve() {
    port_ = FreePort();
    auto php = Start({"/usr/bin/php", "-S", absl::StrCat("127.0.0.1:", port_), "-t", folder_ + "/wiki/root"});
    EXPECT_TRUE(php.ok()) << php.status();
    if (!php.ok()) return false;
    php_ = *std::move(php);
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    bool ended = false;
    while (!ended && !Answers(port_) && absl::Now() < deadline) ended = php_->WaitFor(absl::Milliseconds(20));
    // Who finds its port taken ends at once.
    return !ended && !php_->WaitFor(absl::Milliseconds(200)) && Answers(port_);
  }

  absl::StatusOr<std::unique_ptr<Process>> Start(std::vector<std::string> arguments) {
    ProcessOptions options;
    options.arguments = std::move(arguments);
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"PHP_CLI_SERVER_WORKERS", "4"}};
    options.working_directory = folder_;
    return spawner_.Spawn(options);
  }

  void TearDown() override {
    php_.reset();
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // Title to attribute to value.
  std::map<std::string, std::map<std::string, std::string>> Facts() const {
    std::map<std::string, std::map<std::string, std::string>> facts;
    for (const auto& [id, page] : truth_["pages"].items()) {
      for (const auto& [attribute, value] : page["facts"].items()) facts[page["title"]][attribute] = value;
    }
    return facts;
  }

  bool IsRight(const v1::Task& task) const {
    const std::string answer = task.solution(task.solution_size() - 1).answer();
    const Json parameters = *ParseJson(task.lineage().parameters_json());
    const std::string gist_text = parameters["gist"];
    const std::vector<std::string> gist = absl::StrSplit(gist_text, " | ");
    auto facts = Facts();
    if (task.kind() == "reach_page") return facts.contains(gist[0].substr(6)) || gist[0].substr(0, 14) == "reach Section ";
    if (task.kind() == "compare") {
      const std::string one = facts[gist[0].substr(8)][gist[2]], other = facts[gist[1]][gist[2]];
      return answer == (std::stod(one) > std::stod(other) ? one : other);
    }
    if (task.kind() != "filtered_list") return facts[gist[0]][gist[1]] == answer;
    const std::vector<std::string> answers = absl::StrSplit(answer, ", ");
    std::set<std::string> listed(answers.begin(), answers.end()), expected;
    for (const auto& [id, table] : truth_["tables"].items()) {
      if (absl::StrCat("list ", std::string(truth_["pages"][id]["title"])) != gist[0]) continue;
      for (const auto& row : table["rows"]) {
        for (size_t c = 0; c < table["columns"].size(); ++c) {
          if (table["columns"][c] == gist[1] && row[c] == gist[2]) expected.insert(row[0]);
        }
      }
    }
    return listed == expected;
  }

  ProcessSpawner spawner_;
  std::unique_ptr<Process> php_;
  std::string folder_;
  Json truth_;
  int port_ = 0;
};

TEST_F(DokuwikiTest, ProposesRightTasksOfEveryKind) {
  env::SessionFixture sessions(SystemClock());
  sessions.manager().Register("web", environment(), 1);
  server::WorldExplorer explorer(
      {.sessions = sessions.manager(), .environment = environment(), .environment_id = "web", .tenant = ""});
  v1::ProposeTasksRequest request;
  request.set_count(60);
  request.mutable_crawl()->set_start_url(absl::StrCat("http://127.0.0.1:", port_, "/doku.php?id=start"));
  request.mutable_crawl()->mutable_delay()->set_seconds(0);
  const auto proposal = ProposeFromCrawl(CallContext::WithTimeout(absl::Minutes(8)), request, "", {.explorers = {&explorer}}, RealOracle());
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  std::cout << proposal->result.DebugString();
  EXPECT_GE(proposal->tasks.size(), 50u);
  EXPECT_GE(proposal->result.accepted_by_kind().size(), 4u);
  int right = 0;
  for (const v1::Task& task : proposal->tasks) {
    const bool is_right = IsRight(task);
    right += is_right;
    if (!is_right) std::cout << "wrong: " << task.ShortDebugString() << "\n";
  }
  EXPECT_GE(right, 0.95 * static_cast<double>(proposal->tasks.size()));
}

}  // namespace
}  // namespace proctor::proposer
