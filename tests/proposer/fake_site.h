// A site without a browser: pages as data, and an explorer over them.
#ifndef PROCTOR_TESTS_PROPOSER_FAKE_SITE_H_
#define PROCTOR_TESTS_PROPOSER_FAKE_SITE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proposer/site_explorer.h"

namespace proctor::proposer {

struct FakePage {
  std::string title;
  std::string heading;
  // Text and target.
  std::vector<std::pair<std::string, std::string>> links;
  // Rows of a table without headers.
  std::vector<std::pair<std::string, std::string>> pairs;
  // The first row is the headers.
  std::vector<std::vector<std::string>> table;
  std::string extra_text;
  std::vector<std::string> json_ld;
  int status = 200;
  // Instead of everything above: what the script gives.
  std::string raw_extract;
};

struct FakeSite {
  std::string base = "http://127.0.0.1:8080";
  // By path with query.
  std::map<std::string, FakePage> pages;
  std::string robots;
  // Every page has a search field; results link to pages whose heading contains the words.
  bool has_search = false;
};

// A wiki of `count` articles: start -> 4 sections -> articles, each with a table of facts, and a table per section.
FakeSite MakeWiki(int count);

// `site` outlives the explorer and may change meanwhile.
class FakeExplorer : public SiteExplorer {
 public:
  explicit FakeExplorer(const FakeSite& site) : site_(site) {}
  absl::StatusOr<Start> Reset(const CallContext& context, const v1::Task& task,
                              const v1::ObservationRequest& request) override;
  absl::StatusOr<v1::Observation> Act(const CallContext& context, const v1::Action& action,
                                      const v1::ObservationRequest& request) override;
  absl::StatusOr<std::string> Evaluate(const CallContext& context, const std::string& expression) override;
  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override;

  // URLs opened, in order.
  const std::vector<std::string>& visited() const { return visited_; }
  // From now on every action fails.
  void Break() { broken_ = true; }
  // Base URLs that Reset reports.
  std::map<std::string, std::string> base_urls;

 private:
  FakePage Current() const;
  v1::Observation Observe() const;
  void Go(const std::string& url);

  const FakeSite& site_;
  std::vector<std::string> visited_;
  std::vector<std::string> history_;
  bool broken_ = false;
};

// One that has a browser so many times, and then none.
class SharedExplorer final : public FakeExplorer {
 public:
  SharedExplorer(const FakeSite& site, int turns) : FakeExplorer(site), turns_(turns) {}
  absl::Status Acquire(const CallContext&) override {
    return TryAcquire() ? absl::OkStatus() : absl::ResourceExhaustedError("no browser for you");
  }
  bool TryAcquire() override {
    if (turns_ == 0) return false;
    --turns_;
    return true;
  }

 private:
  int turns_;
};

// The evaluator's own oracles.
OracleCheck RealOracle();

}  // namespace proctor::proposer

#endif  // PROCTOR_TESTS_PROPOSER_FAKE_SITE_H_
