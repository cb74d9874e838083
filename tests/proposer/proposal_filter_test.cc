#include "proposer/proposal_filter.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::proposer {
namespace {

constexpr char kTag[] = "VERDICT-0123456789abcdef";

struct VerdictCase {
  const char* name;
  // `{{tag}}` is the request's.
  const char* reply;
  bool accepted = false;
  const char* reason = "";
  const char* detail = "";
};

class ProposalFilterTest : public testing::TestWithParam<VerdictCase> {};

TEST_P(ProposalFilterTest, AcceptsOnlyWhatIsClearlyAccepted) {
  const std::string reply = absl::StrReplaceAll(GetParam().reply, {{"{{tag}}", kTag}});
  const FilterVerdict verdict = ReadFilterVerdict(reply, kTag);
  EXPECT_EQ(verdict.accepted, GetParam().accepted);
  EXPECT_EQ(verdict.reason, GetParam().reason);
  EXPECT_EQ(verdict.detail, GetParam().detail);
}

INSTANTIATE_TEST_SUITE_P(
    Replies, ProposalFilterTest,
    testing::Values(
        VerdictCase{"Accept", "All is well.\n{{tag}}: ACCEPT\n", true, "", "All is well."},
        VerdictCase{"AcceptInMarks", "**{{tag}}: ACCEPT**", true},
        VerdictCase{"AcceptInLowerCase", "{{tag}} accept.", true},
        VerdictCase{"AcceptTwice", "{{tag}}: ACCEPT\n{{tag}}: ACCEPT", true},
        VerdictCase{"Login", "1. yes\n{{tag}}: REJECT NEEDS_LOGIN", false, "needs a login", "1. yes"},
        VerdictCase{"Payment", "{{tag}}: REJECT NEEDS_PAYMENT", false, "needs a payment"},
        VerdictCase{"Harmful", "{{tag}}: REJECT: HARMFUL", false, "harmful"},
        VerdictCase{"NotFeasible", "{{tag}}: reject (not_feasible)", false, "not feasible"},
        VerdictCase{"Unclear", "`{{tag}}: REJECT UNCLEAR`", false, "unclear"},
        VerdictCase{"NotCheckable", "{{tag}}: REJECT NOT_CHECKABLE", false, "not checkable"},
        VerdictCase{"NoReason", "{{tag}}: REJECT", false, "rejected without a reason"},
        VerdictCase{"NoTag", "ACCEPT", false, "undetermined", "no verdict"},
        VerdictCase{"Empty", "", false, "undetermined", "no verdict"},
        VerdictCase{"AnotherTag", "VERDICT-0000000000000000: ACCEPT", false, "undetermined", "no verdict"},
        VerdictCase{"Both", "{{tag}}: ACCEPT or REJECT", false, "undetermined", "its verdict cannot be read"},
        VerdictCase{"AcceptWithMore", "{{tag}}: ACCEPT if it has a page", false, "undetermined",
                    "its verdict cannot be read"},
        VerdictCase{"UnknownReason", "{{tag}}: REJECT TOO_DULL", false, "undetermined", "its verdict cannot be read"},
        VerdictCase{"NothingAfterTheTag", "{{tag}}:\nACCEPT", false, "undetermined", "its verdict cannot be read"},
        VerdictCase{"Contradiction", "{{tag}}: ACCEPT\n{{tag}}: REJECT UNCLEAR", false, "undetermined",
                    "two different verdicts"},
        VerdictCase{"TwoReasons", "{{tag}}: REJECT HARMFUL\n{{tag}}: REJECT UNCLEAR", false, "undetermined",
                    "two different verdicts"}),
    [](const auto& info) { return info.param.name; });

TEST(ProposalFilterDetailTest, IsTheEndOfWhatTheReplySays) {
  const std::string reply = std::string(2'000, 'x') + " It needs an account.\n" + kTag + ": REJECT NEEDS_LOGIN";
  const FilterVerdict verdict = ReadFilterVerdict(reply, kTag);
  EXPECT_LE(verdict.detail.size(), 500u);
  EXPECT_THAT(verdict.detail, testing::HasSubstr("It needs an account."));
}

}  // namespace
}  // namespace proctor::proposer
