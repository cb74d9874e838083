#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cpp/address.h"
#include "clients/cpp/client.h"
#include "clients/cpp/rpc_stream.h"
#include "common/json.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/unknown_field_set.h"

namespace proctor::cli::doctor {
namespace {

// grpc.health.v1, read without its .proto, which Debian does not ship: field 1 of the answer is the
// status, and 1 is SERVING.
constexpr int kStatusField = 1;
constexpr uint64_t kServing = 1;

absl::StatusOr<bool> IsServing(client::Client& client) {
  const auto stream = client::RpcStream::Open(client.channel(), "/grpc.health.v1.Health/Check",
                                              absl::Now() + client.options().call_timeout);
  google::protobuf::Empty message;
  stream->Write(message);
  stream->HalfClose();
  const absl::StatusOr<bool> answered = stream->Read(message, client.options().call_timeout);
  if (!answered.ok()) return answered.status();
  const auto& fields = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; *answered && i < fields.field_count(); ++i) {
    if (fields.field(i).number() == kStatusField) return fields.field(i).varint() == kServing;
  }
  return false;
}

// ", version 1.2.3" of the server that was asked, if it is the one of the data directory.
std::string VersionText(const Patient& patient) {
  if (client::AddressOfDataDirectory(patient.data_dir).value_or("") != patient.address) return "";
  std::ifstream file(patient.data_dir + "/addresses.json");
  std::stringstream text;
  text << file.rdbuf();
  const absl::StatusOr<Json> told = ParseJson(text.str());
  const std::string version = told.ok() ? JsonStringOr(*told, "version") : "";
  return version.empty() ? "" : absl::StrCat(", version ", version);
}

std::vector<Finding> CheckEnvironments(client::Client& client) {
  const auto response = client.Call<v1::ListEnvironmentsResponse>(v1::ListEnvironmentsRequest());
  if (!response.ok()) {
    return {{Health::kMissing, "environments", std::string(response.status().message()),
             "read the server's log"}};
  }
  std::vector<Finding> findings;
  for (const v1::Environment& environment : response->environments()) {
    if (environment.available()) {
      findings.push_back({Health::kOk, environment.name(),
                          absl::StrCat(environment.open_sessions(), " of ",
                                       environment.max_sessions(), " sessions open")});
    } else {
      findings.push_back({Health::kMissing, environment.name(),
                          absl::StrCat("not available: ", environment.unavailable_reason()),
                          "see above, and the server's log"});
    }
  }
  return findings;
}

}  // namespace

std::vector<Finding> CheckServer(const Patient& patient) {
  auto client = client::Client::Connect({.address = patient.address,
                                         .connect_timeout = absl::Seconds(1),
                                         .call_timeout = absl::Seconds(10)});
  if (!client.ok()) {
    return {{patient.address_was_given ? Health::kMissing : Health::kNote, "server",
             absl::StrCat("none answers at ", patient.address), "start it: proctord"}};
  }
  const auto serving = IsServing(**client);
  if (!serving.ok() || !*serving) {
    return {{Health::kMissing, "server",
             absl::StrCat(patient.address,
                          serving.ok() ? " answers, but does not serve: it is starting or draining"
                                       : absl::StrCat(" is no healthy proctord: ",
                                                      serving.status().message())),
             "wait, or start it again and read its log"}};
  }
  std::vector<Finding> findings = {
      {Health::kOk, "server", absl::StrCat("serves at ", patient.address, VersionText(patient))}};
  for (Finding& finding : CheckEnvironments(**client)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace proctor::cli::doctor
