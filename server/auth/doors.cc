#include "server/auth/doors.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr std::string_view kScheme = "Bearer ";

absl::Status Refuse(std::string_view why) { return absl::UnauthenticatedError(ToAbsl(why)); }

// The token of "Bearer <token>"; the scheme in any case (RFC 7235).
absl::StatusOr<std::string_view> TokenOf(std::string_view authorization) {
  if (authorization.size() > kScheme.size() &&
      absl::EqualsIgnoreCase(ToAbsl(authorization.substr(0, kScheme.size())), ToAbsl(kScheme))) {
    return authorization.substr(kScheme.size());
  }
  return Refuse("the metadata `authorization` is not of the form: Bearer <token>");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Doors>> Doors::Create(const std::string& tokens_file, Clock& clock) {
  std::unique_ptr<Doors> doors(new Doors(tokens_file, clock));
  PROCTOR_RETURN_IF_ERROR(doors->Reload());
  return doors;
}

std::shared_ptr<const TokenTable> Doors::table() const {
  MutexLock lock(mutex_);
  return table_;
}

absl::StatusOr<Caller> Doors::Identify(Door door, const Credentials& credentials) const {
  const std::shared_ptr<const TokenTable> known = table();
  if (!credentials.authorization.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string_view token, TokenOf(credentials.authorization));
    bool expired = false;
    if (const Caller* caller = known->FindToken(token, clock_.Now(), expired); caller != nullptr) return *caller;
    if (expired) return Refuse("the token has expired; ask the server's operator for a new one");
    return Refuse("the token is not known here; ask the server's operator for one (proctord --new-token)");
  }
  if (const Caller* caller = known->FindCertificate(credentials.identities); caller != nullptr) return *caller;
  switch (door) {
    case Door::kLocal: return Caller();
    case Door::kOpen: return Caller{.name = kAnonymousCaller};
    case Door::kGuarded: break;
  }
  if (!credentials.identities.empty()) {
    return Refuse("the client certificate is valid, but none of its names is known here; ask the server's operator to add it to the "
                  "tokens file, or send a token");
  }
  return Refuse("a token is needed: the metadata `authorization: Bearer <token>`; clients take it from PROCTOR_TOKEN or "
                "PROCTOR_TOKEN_FILE");
}

absl::Status Doors::ReloadIfChanged() {
  if (tokens_file_.empty()) return absl::OkStatus();
  const FileVersion now = FileVersion::Of(tokens_file_);
  {
    MutexLock lock(mutex_);
    const bool settled = now == seen_;
    seen_ = now;
    if (!settled || now == read_) return absl::OkStatus();
  }
  return Reload();
}

absl::Status Doors::Reload() {
  // Looked at before it is read: a change in between is seen the next time.
  const FileVersion now = tokens_file_.empty() ? FileVersion() : FileVersion::Of(tokens_file_);
  absl::StatusOr<TokenTable> table = tokens_file_.empty() ? TokenTable() : TokenTable::Load(tokens_file_);
  const size_t entries = table.ok() ? table->size() : 0;
  bool again = false;
  {
    MutexLock lock(mutex_);
    seen_ = now;
    // One that cannot be opened just now, as where too many files are open, is read at the next look: until then withdrawn tokens are let in.
    if (!absl::IsUnavailable(table.status())) read_ = now;
    if (!table.ok()) return table.status();
    again = table_ != nullptr;
    if (again && table_->size() > 0 && entries == 0) {
      return absl::FailedPreconditionError(absl::StrCat(tokens_file_, ": nobody is in it any more. If all are to be shut out, let their tokens expire "
                                                                      "(expire_time) or start the server again"));
    }
    table_ = std::make_shared<const TokenTable>(*std::move(table));
    generation_.fetch_add(1, std::memory_order_release);
  }
  // Without the lock, for which every call waits.
  if (again && !tokens_file_.empty()) LogInfo("the tokens file was read again", {{"entries", absl::StrCat(entries)}});
  return absl::OkStatus();
}

}  // namespace proctor::server
