#include "absl/strings/str_cat.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/own_server.h"
#include "clients/cpp/address.h"
#include "clients/cpp/client.h"
#include "clients/cpp/rpc_stream.h"
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
  const std::string version = ToldOf(patient.data_dir, "version");
  return version.empty() ? "" : absl::StrCat(", version ", version);
}

// What is given of TLS and token. Nothing where it cannot be read: then there is no client.
client::Credentials Given(const Patient& patient) {
  return client::LoadCredentials(patient.security, patient.address).value_or(client::Credentials());
}

// No server listens.
Finding Absence(const Patient& patient) {
  const std::string at = patient.address.empty() ? "" : absl::StrCat(" at ", patient.address);
  const pid_t holder = patient.address_was_given ? 0 : RunningOn(patient.data_dir);
  if (holder != 0) {
    return {Health::kMissing, "server",
            absl::StrCat("process ", holder, " runs on ", patient.data_dir, ", but does not answer", at, ": it is starting, stopping or hung"),
            "wait, or read its log"};
  }
  return {patient.address_was_given ? Health::kMissing : Health::kNote, "server",
          at.empty() ? absl::StrCat("none is known to run on ", patient.data_dir) : absl::StrCat("none answers", at), "start it: proctord"};
}

// No connection came about.
Finding Unreached(const Patient& patient, const absl::Status& why) {
  if (!absl::IsUnavailable(why)) {
    return {Health::kMissing, "server", std::string(why.message()),
            "mend what --address, --token-file, --tls-ca and the like say, or their variables (PROCTOR_TOKEN_FILE, PROCTOR_TLS_CA)"};
  }
  if (!client::SomethingListens(patient.address)) return Absence(patient);
  if (!Given(patient).tls && client::SpeaksTls(patient.address)) {
    return {Health::kNote, "server", absl::StrCat("a server that wants TLS answers at ", patient.address, "; it was not asked"),
            "give --tls-ca (PROCTOR_TLS_CA), and --tls-server-name if its certificate is of another name"};
  }
  const pid_t holder = patient.address_was_given ? 0 : RunningOn(patient.data_dir);
  return {patient.address_was_given || holder != 0 ? Health::kMissing : Health::kNote, "server",
          absl::StrCat(holder == 0 ? "" : absl::StrCat("process ", holder, " runs on ", patient.data_dir, ": "), why.message()),
          "wait, or read its log"};
}

std::vector<Finding> CheckEnvironments(const Patient& patient, client::Client& client) {
  const auto response = client.Call<v1::ListEnvironmentsResponse>(v1::ListEnvironmentsRequest());
  if (absl::IsUnauthenticated(response.status()) || absl::IsPermissionDenied(response.status())) {
    return {{Given(patient).token.empty() ? Health::kNote : Health::kMissing, "environments", std::string(response.status().message()),
             "give a token that may list them: --token-file (PROCTOR_TOKEN_FILE)"}};
  }
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
  if (patient.address.empty()) return {Absence(patient)};
  auto client = client::Client::Connect({.address = patient.address,
                                         .connect_timeout = absl::Seconds(1),
                                         .call_timeout = absl::Seconds(10),
                                         .security = patient.security});
  if (!client.ok()) return {Unreached(patient, client.status())};
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
  for (Finding& finding : CheckEnvironments(patient, **client)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace proctor::cli::doctor
