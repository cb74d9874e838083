#include "clients/cli/call.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/text.h"
#include "clients/cpp/address.h"
#include "common/retry_hint.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(3);

}  // namespace

absl::StatusOr<client::Client*> Call::Connect() {
  if (client_ == nullptr) {
    client::ConnectOptions options;
    options.address = arguments_.Text("address");
    if (options.address.empty() && arguments_.Has("data-dir")) {
      PROCTOR_ASSIGN_OR_RETURN(options.address, client::AddressOfDataDirectory(arguments_.Text("data-dir")));
    }
    options.security = SecurityOf(arguments_);
    options.call_timeout = timeout();
    options.connect_timeout = std::min(kConnectTimeout, timeout());
    auto client = client::Client::Connect(std::move(options));
    if (!client.ok() && !absl::IsUnavailable(client.status())) return client.status();
    if (!client.ok()) {
      return absl::UnavailableError(
          absl::StrCat(client.status().message(),
                       ", or name another server with --address or --data-dir; `proctor doctor` "
                       "tells what keeps it from starting"));
    }
    client_ = *std::move(client);
  }
  return client_.get();
}

client::Security SecurityOf(const Arguments& arguments) {
  return {.token = arguments.Text("token"),
          .token_file = arguments.Text("token-file"),
          .tls_ca = arguments.Text("tls-ca"),
          .tls_certificate = arguments.Text("tls-certificate"),
          .tls_key = arguments.Text("tls-key"),
          .tls_server_name = arguments.Text("tls-server-name"),
          .token_in_plain_text = arguments.Has("token-in-plain-text")};
}

Flag LimitFlag() {
  return {.name = "limit",
          .kind = ValueKind::kInteger,
          .value = "N",
          .help = absl::StrCat("at most so many, default ", Call::kDefaultLimit, "; 0: all")};
}

std::string Explain(const absl::Status& status) {
  if (IsUsageError(status)) return OneLine(std::string(status.message()));
  const std::string message(status.message());
  std::string advice;
  if (const auto delay = RetryHint(status)) {
    advice = absl::StrCat("; try again in ", DurationText(*delay));
  } else if (absl::IsUnavailable(status) && !client::IsAnswer(status) && !absl::StrContains(message, "proctor doctor")) {
    advice = "; is proctord still running? See: proctor doctor";
  } else if (absl::IsDeadlineExceeded(status)) {
    advice = "; a longer time is given with --timeout";
  } else if (absl::IsUnauthenticated(status)) {
    advice = "; a token is given with --token-file or PROCTOR_TOKEN";
  } else if (absl::IsUnimplemented(status)) {
    advice = "; the server is of another version";
  }
  const std::string code = absl::AsciiStrToLower(
      absl::StrReplaceAll(absl::StatusCodeToString(status.code()), {{"_", " "}}));
  return OneLine(absl::StrCat(code, ": ", message, advice));
}

std::string AwayNote(const absl::Status& failure, absl::Duration patience) {
  return absl::StrCat("proctor: ", Explain(failure), "; trying again for ", DurationText(patience));
}

}  // namespace proctor::cli
