#include "trajectory/digest_chain.h"

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/strings.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

// The first format version with linked digests.
constexpr int kLinkedVersion = 2;

v1::Trajectory Bare(const v1::Trajectory& header) {
  v1::Trajectory bare = header;
  bare.clear_steps();
  bare.clear_digest();
  bare.clear_thin_time();
  return bare;
}

// Without what CloseRecord sets.
v1::Trajectory AtBegin(const v1::Trajectory& header) {
  v1::Trajectory bare = Bare(header);
  bare.clear_closed();
  bare.clear_step_count();
  bare.clear_end_time();
  bare.clear_end_kind();
  bare.clear_end_reason();
  bare.clear_end_message();
  bare.clear_server_seconds();
  bare.clear_agent_seconds();
  bare.clear_evidence();
  return bare;
}

std::string Sha256OfMessage(const v1::Trajectory& message) { return Sha256Hex(ProtoCanonicalBytes(message)); }

}  // namespace

bool IsLinked(const v1::Trajectory& header) { return header.format_version() >= kLinkedVersion; }

std::string LinkStep(std::string_view previous, std::string_view step_sha256) {
  return Sha256Hex(absl::StrCat(ToAbsl(previous), "\nstep ", ToAbsl(step_sha256), "\n"));
}

DigestChain::DigestChain(const v1::Trajectory& header) : linked_(IsLinked(header)) {
  if (linked_) last_ = Sha256Hex(absl::StrCat("proctor-trajectory-2\n", Sha256OfMessage(AtBegin(header)), "\n"));
}

std::string DigestChain::Add(const std::string& step_sha256) {
  last_ = linked_ ? LinkStep(last_, step_sha256) : step_sha256;
  if (!linked_) steps_.push_back(last_);
  return last_;
}

void DigestChain::GoOnFrom(const std::string& digest) {
  last_ = digest;
  if (!steps_.empty()) steps_.back() = digest;
}

std::string DigestChain::End(const v1::Trajectory& header) const {
  const std::string end = Sha256OfMessage(Bare(header));
  if (linked_) return Sha256Hex(absl::StrCat(last_, "\nend ", end, "\n"));
  std::string lines = absl::StrCat("proctor-trajectory-1\n", end, "\n");
  for (const std::string& digest : steps_) absl::StrAppend(&lines, digest, "\n");
  return Sha256Hex(lines);
}

}  // namespace proctor::trajectory
