#include "server/auth/token_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr char kTokenPrefix[] = "proctor_";
constexpr int kTokenBytes = 32;
// A longer one is not ours; it is not even hashed.
constexpr size_t kMaxTokenBytes = 256;
constexpr size_t kBucketDigits = 4;
constexpr size_t kMaxIdentityBytes = 512;

bool IsLowerOrDigit(char c) { return absl::ascii_isdigit(c) || absl::ascii_islower(c); }

// [a-z0-9][a-z0-9<more>]{0,max-1}
bool IsName(std::string_view text, std::string_view more, size_t max) {
  return !text.empty() && text.size() <= max && IsLowerOrDigit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return IsLowerOrDigit(c) || more.find(c) != std::string_view::npos; });
}

bool IsCallerName(std::string_view text) {
  return IsName(text, "._-", 64) && text != kLocalCaller && text != kAnonymousCaller;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

std::string Choices() {
  std::vector<std::string> names;
  for (const v1::Scope scope : AllScopes()) names.push_back(ScopeName(scope));
  return absl::StrJoin(names, ", ");
}

// Reads one entry; `field` says where it stands.
class EntryReader {
 public:
  explicit EntryReader(const YamlLocations& locations) : locations_(locations) {}

  template <typename Entry>
  absl::StatusOr<Caller> Read(const std::string& field, const Entry& entry) {
    if (!IsCallerName(entry.name())) {
      return locations_.Error(field + ".name", absl::StrCat("'", entry.name(), "' is not of the form [a-z0-9][a-z0-9._-]{0,63}, or is "
                                                            "`local` or `anonymous`, which are taken"));
    }
    if (!names_.insert(entry.name()).second) {
      return locations_.Error(field + ".name", absl::StrCat("'", entry.name(), "' is there twice"));
    }
    Caller caller{.name = entry.name(), .tenant = entry.tenant().empty() ? kDefaultTenant : entry.tenant(), .scopes = {}};
    if (!IsTenantName(caller.tenant)) {
      return locations_.Error(field + ".tenant", absl::StrCat("'", entry.tenant(), "' is not of the form [a-z0-9][a-z0-9-]{0,31}"));
    }
    for (int i = 0; i < entry.scopes_size(); ++i) {
      if (entry.scopes(i) == v1::SCOPE_UNSPECIFIED) {
        return locations_.Error(absl::StrCat(field, ".scopes[", i, "]"), absl::StrCat("not a scope; there are ", Choices()));
      }
      caller.scopes.Add(entry.scopes(i));
    }
    if (caller.scopes.empty()) return locations_.Error(field, absl::StrCat("no scopes; there are ", Choices()));
    return caller;
  }

 private:
  const YamlLocations& locations_;
  std::set<std::string> names_;
};

}  // namespace

bool IsTenantName(std::string_view text) { return IsName(text, "-", 32); }

absl::StatusOr<TokenTable> TokenTable::Create(const v1::TokensFile& file, const YamlLocations& locations) {
  TokenTable table;
  EntryReader reader(locations);
  std::set<std::string> digests;
  for (int i = 0; i < file.tokens_size(); ++i) {
    const v1::Token& token = file.tokens(i);
    const std::string field = absl::StrCat("tokens[", i, "]");
    PROCTOR_ASSIGN_OR_RETURN(Caller caller, reader.Read(field, token));
    if (!IsDigest(token.sha256())) {
      // What stands there may be the token itself: it is not repeated.
      return locations.Error(field + ".sha256", "not 64 lower-case hex digits: the sha256 of the token goes here, never the token");
    }
    if (!digests.insert(token.sha256()).second) return locations.Error(field + ".sha256", "another entry has the same token");
    if (token.has_expire_time()) caller.expire_time = FromProto(token.expire_time());
    table.by_digest_.emplace(token.sha256().substr(0, kBucketDigits), std::make_pair(token.sha256(), std::move(caller)));
  }
  for (int i = 0; i < file.certificates_size(); ++i) {
    const v1::CertificateIdentity& certificate = file.certificates(i);
    const std::string field = absl::StrCat("certificates[", i, "]");
    PROCTOR_ASSIGN_OR_RETURN(Caller caller, reader.Read(field, certificate));
    if (certificate.identity().empty() || certificate.identity().size() > kMaxIdentityBytes) {
      return locations.Error(field + ".identity", "missing, or longer than 512 bytes");
    }
    if (!table.by_identity_.emplace(certificate.identity(), std::move(caller)).second) {
      return locations.Error(field + ".identity", absl::StrCat("'", certificate.identity(), "' is there twice"));
    }
  }
  return table;
}

absl::StatusOr<TokenTable> TokenTable::Load(const std::string& path) {
  v1::TokensFile file;
  PROCTOR_ASSIGN_OR_RETURN(const YamlLocations locations, LoadYamlProto(path, file));
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": others than its owner may write to it, and so give themselves tokens; "
                                                          "chmod go-w ", path));
  }
  return Create(file, locations);
}

const Caller* TokenTable::FindToken(std::string_view token, absl::Time now, bool& expired) const {
  expired = false;
  if (token.empty() || token.size() > kMaxTokenBytes) return nullptr;
  const std::string digest = Sha256Hex(token);
  const auto [begin, end] = by_digest_.equal_range(digest.substr(0, kBucketDigits));
  for (auto it = begin; it != end; ++it) {
    if (!EqualInConstantTime(it->second.first, digest)) continue;
    expired = now >= it->second.second.expire_time;
    return expired ? nullptr : &it->second.second;
  }
  return nullptr;
}

const Caller* TokenTable::FindCertificate(const std::vector<std::string>& identities) const {
  for (const std::string& identity : identities) {
    if (const auto it = by_identity_.find(identity); it != by_identity_.end()) return &it->second;
  }
  return nullptr;
}

absl::StatusOr<NewToken> MakeToken(const v1::Token& wanted) {
  NewToken made;
  made.token = absl::StrCat(kTokenPrefix, RandomHex(kTokenBytes));
  v1::TokensFile file;
  *file.add_tokens() = wanted;
  v1::Token& token = *file.mutable_tokens(0);
  token.set_sha256(Sha256Hex(made.token));
  if (token.tenant().empty()) token.set_tenant(kDefaultTenant);
  const absl::Status checked = TokenTable::Create(file, YamlLocations("--new-token")).status();
  if (!checked.ok()) return checked;
  std::vector<std::string> scopes;
  for (const int scope : token.scopes()) scopes.push_back(ScopeName(static_cast<v1::Scope>(scope)));
  made.entry = absl::StrCat("- name: ", token.name(), "\n  sha256: ", token.sha256(), "\n  tenant: ", token.tenant(),
                            "\n  scopes: [", absl::StrJoin(scopes, ", "), "]\n");
  if (token.has_expire_time()) {
    absl::StrAppend(&made.entry, "  expire_time: \"", absl::FormatTime(absl::RFC3339_sec, FromProto(token.expire_time()), absl::UTCTimeZone()),
                    "\"\n");
  }
  return made;
}

absl::StatusOr<v1::Scope> ParseScope(std::string_view text) {
  for (const v1::Scope scope : AllScopes()) {
    const std::string upper = absl::AsciiStrToUpper(ToAbsl(text));
    if (upper == v1::Scope_Name(scope) || "SCOPE_" + upper == v1::Scope_Name(scope)) return scope;
  }
  return absl::InvalidArgumentError(absl::StrCat("no scope '", ToAbsl(text), "'; there are ", Choices()));
}

}  // namespace proctor::server
