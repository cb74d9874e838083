#include "trajectory/digest_chain.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "gtest/gtest.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

v1::Trajectory Opened(int format_version) {
  v1::Trajectory header;
  header.set_name("trajectories/t");
  header.set_format_version(format_version);
  header.set_seed(7);
  header.mutable_task()->set_goal("Buy the green tea.");
  return header;
}

// All that an end sets, and what comes later.
v1::Trajectory Ended(int format_version) {
  v1::Trajectory header = Opened(format_version);
  header.set_closed(true);
  header.set_step_count(2);
  *header.mutable_end_time() = ToProto(absl::FromUnixSeconds(60));
  header.set_end_kind(v1::END_KIND_TERMINATED);
  header.set_end_reason(v1::END_REASON_ANSWERED);
  header.set_end_message("done");
  header.set_server_seconds(1.5);
  header.set_agent_seconds(2.5);
  header.add_evidence()->set_request_id("url");
  return header;
}

TEST(DigestChainTest, IsMadeAsTheFormatSays) {
  const std::string begin =
      Sha256Hex(absl::StrCat("proctor-trajectory-2\n", Sha256Hex(ProtoCanonicalBytes(Opened(2))), "\n"));
  const std::string first = Sha256Hex(absl::StrCat(begin, "\nstep ", Sha256Hex("a"), "\n"));
  const std::string second = Sha256Hex(absl::StrCat(first, "\nstep ", Sha256Hex("b"), "\n"));
  DigestChain chain(Opened(2));
  EXPECT_EQ(chain.last(), begin);
  EXPECT_EQ(chain.Add(Sha256Hex("a")), first);
  EXPECT_EQ(chain.Add(Sha256Hex("b")), second);
  EXPECT_EQ(chain.last(), second);
  EXPECT_EQ(chain.End(Ended(2)), Sha256Hex(absl::StrCat(second, "\nend ", Sha256Hex(ProtoCanonicalBytes(Ended(2))), "\n")));
}

TEST(DigestChainTest, OfVersion1IsAListOfWhatEachStepHas) {
  DigestChain chain(Opened(1));
  EXPECT_EQ(chain.last(), "");
  EXPECT_EQ(chain.Add(Sha256Hex("a")), Sha256Hex("a"));
  EXPECT_EQ(chain.Add(Sha256Hex("b")), Sha256Hex("b"));
  EXPECT_EQ(chain.End(Ended(1)),
            Sha256Hex(absl::StrCat("proctor-trajectory-1\n", Sha256Hex(ProtoCanonicalBytes(Ended(1))), "\n", Sha256Hex("a"), "\n",
                                   Sha256Hex("b"), "\n")));
}

TEST(DigestChainTest, BeginsAlikeWhetherTheRecordIsOpenOrClosed) {
  EXPECT_EQ(DigestChain(Opened(2)).last(), DigestChain(Ended(2)).last());
  v1::Trajectory later = Ended(2);
  later.set_digest(std::string(64, 'a'));
  *later.mutable_thin_time() = ToProto(absl::FromUnixSeconds(90));
  later.add_steps()->set_index(0);
  EXPECT_EQ(DigestChain(later).last(), DigestChain(Opened(2)).last());
  EXPECT_EQ(DigestChain(later).End(later), DigestChain(Ended(2)).End(Ended(2)));
}

TEST(DigestChainTest, DiffersByAllThatIsBefore) {
  const auto end = [](const v1::Trajectory& header, const std::vector<std::string>& steps) { return TrajectoryDigest(header, steps); };
  const std::string digest = end(Ended(2), {"a", "b"});
  EXPECT_NE(end(Ended(2), {"b", "a"}), digest);
  EXPECT_NE(end(Ended(2), {"a", "c"}), digest);
  EXPECT_NE(end(Ended(2), {"a"}), digest);
  EXPECT_NE(end(Ended(2), {"a", "b", "b"}), digest);
  v1::Trajectory other = Ended(2);
  other.set_seed(8);
  EXPECT_NE(end(other, {"a", "b"}), digest);
  EXPECT_NE(DigestChain(other).last(), DigestChain(Ended(2)).last());
  other = Ended(2);
  other.set_end_message("undone");
  EXPECT_NE(end(other, {"a", "b"}), digest);
}

TEST(DigestChainTest, GoesOnFromWhatItIsTold) {
  DigestChain whole(Opened(2));
  whole.Add("a");
  const std::string middle = whole.last();
  whole.Add("b");
  DigestChain rest(Opened(2));
  rest.GoOnFrom(middle);
  rest.Add("b");
  EXPECT_EQ(rest.last(), whole.last());
  EXPECT_EQ(rest.End(Ended(2)), whole.End(Ended(2)));
}

}  // namespace
}  // namespace proctor::trajectory
