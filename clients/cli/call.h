// One run of a command: its arguments, where it prints, the server it talks to.
#ifndef PROCTOR_CLIENTS_CLI_CALL_H_
#define PROCTOR_CLIENTS_CLI_CALL_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/arguments.h"
#include "clients/cli/command.h"
#include "clients/cli/output.h"
#include "clients/cli/table.h"
#include "clients/cpp/client.h"

namespace proctor::cli {

class Call {
 public:
  // Both outlive the call.
  Call(const Arguments& arguments, Output& output) : arguments_(arguments), output_(output) {}

  const Arguments& arguments() const { return arguments_; }
  Output& output() { return output_; }

  // The client of --address or --data-dir, connected at the first use. UNAVAILABLE says how to
  // start a server.
  absl::StatusOr<client::Client*> Connect();

  // Deadline of one call: --timeout, 60 s by default.
  absl::Duration timeout() const { return arguments_.Duration("timeout", absl::Minutes(1)); }

  // `extra`: how long the server was asked to wait on top.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Send(const Request& request,
                                absl::Duration extra = absl::ZeroDuration()) {
    absl::StatusOr<client::Client*> client = Connect();
    if (!client.ok()) return client.status();
    return (*client)->template Call<Response>(request, timeout() + extra);
  }

  // Sends and prints the answer.
  template <typename Response, typename Request>
  absl::Status SendAndPrint(const Request& request, absl::Duration extra = absl::ZeroDuration()) {
    absl::StatusOr<Response> response = Send<Response>(request, extra);
    if (!response.ok()) return response.status();
    output_.Message(*response);
    return absl::OkStatus();
  }

  // Deletes what the first word names in `collection`.
  template <typename Request, typename Response>
  absl::Status Delete(const std::string& collection) {
    Request request;
    request.set_name(Name(collection));
    const absl::StatusOr<Response> response = Send<Response>(request);
    if (!response.ok()) return response.status();
    if (output_.json()) {
      output_.Message(*response);
    } else {
      output_.Note("deleted " + request.name());
    }
    return absl::OkStatus();
  }

  // The word at `index` as a full name: "tasks/abc" from "abc".
  std::string Name(const std::string& collection, size_t index = 0) const {
    return client::FullName(collection, arguments_.Word(index));
  }
  // The same of a flag; "" if it is not given.
  std::string FlagName(const std::string& collection, const std::string& flag) const {
    return arguments_.Has(flag) ? client::FullName(collection, arguments_.Text(flag)) : "";
  }

  // Prints messages as a table or as JSON lines.
  template <typename M, typename Messages>
  void PrintAll(const std::vector<Column<M>>& columns, const Messages& messages) {
    if (output_.json()) {
      for (const M& message : messages) output_.Message(message);
    } else {
      output_.Print(MakeTable(columns, messages));
    }
  }

  // Prints what a paged List method gives, up to --limit (LimitFlag).
  template <typename Response, typename Request, typename M>
  absl::Status List(Request request,
                    const google::protobuf::RepeatedPtrField<M>& (Response::*items)() const,
                    const std::vector<Column<M>>& columns) {
    absl::StatusOr<client::Client*> client = Connect();
    if (!client.ok()) return client.status();
    const int64_t limit = arguments_.Integer("limit", kDefaultLimit);
    request.set_page_size(
        static_cast<int32_t>(limit == 0 ? kLargestPage : std::min(limit, kLargestPage)));
    std::vector<M> shown;
    bool more = false;
    absl::Status status = absl::OkStatus();
    do {
      absl::StatusOr<Response> response = (*client)->template Call<Response>(request, timeout());
      status = response.status();
      if (!status.ok()) break;
      more = !response->next_page_token().empty();
      request.set_page_token(response->next_page_token());
      for (const M& message : ((*response).*items)()) {
        if (limit > 0 && static_cast<int64_t>(shown.size()) == limit) {
          more = true;
          break;
        }
        shown.push_back(message);
      }
    } while (more && (limit == 0 || static_cast<int64_t>(shown.size()) < limit));
    if (!status.ok()) return status;
    PrintAll(columns, shown);
    if (more) output_.Note("there are more: --limit N, or --limit 0 for all");
    return status;
  }

  static constexpr int64_t kDefaultLimit = 50;
  static constexpr int64_t kLargestPage = 1000;

 private:
  const Arguments& arguments_;
  Output& output_;
  std::unique_ptr<client::Client> client_;
};

// What --token, --token-file, --tls-... and --token-in-plain-text say.
client::Security SecurityOf(const Arguments& arguments);

// --limit for commands that use Call::List.
Flag LimitFlag();

// A failed command's message for people: what went wrong and what to do about it. One line.
std::string Explain(const absl::Status& status);

// Said once of a server that went away while a command goes on, which waits for it for so long.
std::string AwayNote(const absl::Status& failure, absl::Duration patience);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_CALL_H_
