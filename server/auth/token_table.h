// Tokens and certificates that are known: read from a file, never holding a token itself.
#ifndef PROCTOR_SERVER_AUTH_TOKEN_TABLE_H_
#define PROCTOR_SERVER_AUTH_TOKEN_TABLE_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/yaml_proto.h"
#include "proctor/v1/auth.pb.h"
#include "server/auth/caller.h"

namespace proctor::server {

// Immutable, so thread-safe.
class TokenTable {
 public:
  // INVALID_ARGUMENT "<file>:<line>: <field>: <reason>".
  static absl::StatusOr<TokenTable> Create(const v1::TokensFile& file, const YamlLocations& locations);
  // PERMISSION_DENIED: others than its owner may write to the file; NOT_FOUND; errors of Create and LoadYamlProto.
  static absl::StatusOr<TokenTable> Load(const std::string& path);

  // Whom the token belongs to; null: nobody, or it has expired (`expired` is set then). Costs one sha256 (under 1 us) and compares
  // digests in constant time.
  const Caller* FindToken(std::string_view token, absl::Time now, bool& expired) const;
  // Whom a client certificate with these names belongs to; null: nobody.
  const Caller* FindCertificate(const std::vector<std::string>& identities) const;

  size_t size() const { return by_digest_.size() + by_identity_.size(); }

 private:
  // Digests are public as far as timing goes (nobody can choose one), so the map may compare them as it likes; the last word
  // has a comparison in constant time.
  std::multimap<std::string, std::pair<std::string, Caller>> by_digest_;  // By the first 4 digits.
  std::map<std::string, Caller> by_identity_;
};

// A new token for `--new-token`, and the entry of the tokens file that makes it known.
struct NewToken {
  // "proctor_" and 64 hex digits: 256 random bits.
  std::string token;
  // YAML, to be put below `tokens:`.
  std::string entry;
};
// INVALID_ARGUMENT: a malformed name or tenant, or no scopes.
absl::StatusOr<NewToken> MakeToken(const v1::Token& wanted);

// "act" or "SCOPE_ACT", in any case. INVALID_ARGUMENT names those that there are.
absl::StatusOr<v1::Scope> ParseScope(std::string_view text);

// [a-z0-9][a-z0-9-]{0,31}
bool IsTenantName(std::string_view text);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_TOKEN_TABLE_H_
