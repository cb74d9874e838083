// The digests of a record. Pure. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_DIGEST_CHAIN_H_
#define PROCTOR_TRAJECTORY_DIGEST_CHAIN_H_

#include <string>
#include <string_view>
#include <vector>

#include "proctor/v1/trajectory.pb.h"

namespace proctor::trajectory {

// A record's header, its steps and its end, each digest over the one before it and what is new (docs/adr/0008-digest-chain.md):
//
//   begin  sha256("proctor-trajectory-2\n" + sha256(what is known when it begins) + "\n")
//   step   sha256(<the digest before> + "\nstep " + sha256(step) + "\n")
//   end    sha256(<the digest before> + "\nend " + sha256(the closed header) + "\n")      the trajectory's digest
//
// All in hex; messages as canonical bytes. What is known when it begins: the header but for what its end sets (`closed`, `step_count`,
// `evidence`, the `end_` fields, `server_seconds`, `agent_seconds`). `steps`, `digest` and `thin_time` are in neither.
//
// Records of format version 1 have no chain: a step's digest is its sha256, the trajectory's the sha256 of "proctor-trajectory-1\n", the
// sha256 of the closed header and those of the steps, a line each.
class DigestChain {
 public:
  // At the begin of the record that has this header, open or closed, in the form that its `format_version` says.
  explicit DigestChain(const v1::Trajectory& header);

  // Takes the next step, whose canonical bytes have this sha256; returns its digest.
  std::string Add(const std::string& step_sha256);
  // As if the last step taken had this digest; before the first one: the begin.
  void GoOnFrom(const std::string& digest);
  // Of the last step taken, or of the begin (format version 1: empty).
  const std::string& last() const { return last_; }
  // The trajectory's digest, from its closed header.
  std::string End(const v1::Trajectory& header) const;

 private:
  const bool linked_;
  std::string last_;
  // Format version 1: of all steps.
  std::vector<std::string> steps_;
};

// Whether the record's digests are linked: false for format version 1.
bool IsLinked(const v1::Trajectory& header);

// A linked step's digest.
std::string LinkStep(std::string_view previous, std::string_view step_sha256);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_DIGEST_CHAIN_H_
