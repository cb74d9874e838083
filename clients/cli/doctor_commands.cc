// proctor doctor
#include <cstdlib>
#include <functional>

#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/finding_json.h"
#include "clients/cli/text.h"
#include "clients/cpp/address.h"
#include "common/status.h"
#include "common/yaml_proto.h"

namespace proctor::cli {
namespace {

using doctor::Finding;
using doctor::Health;
using doctor::Patient;

// Which server to ask: as other commands do, and the file's data_dir comes before the default one.
void ChooseServer(const Arguments& arguments, const v1::ServerConfig& config, Patient& patient) {
  const char* environment = std::getenv("PROCTOR_ADDRESS");
  patient.address = arguments.Text("address", environment == nullptr || arguments.Has("data-dir") ? "" : environment);
  patient.address_was_given = !patient.address.empty();
  if (patient.address_was_given) return;
  const bool named = arguments.Has("data-dir") || !config.data_dir().empty();
  patient.address = (named ? client::AddressOfDataDirectory(patient.data_dir) : client::DefaultAddress()).value_or("");
}

// The configuration file (if there is one), flags over it, the server's defaults under it.
absl::StatusOr<Patient> MakePatient(const Arguments& arguments) {
  v1::ServerConfig config;
  if (arguments.Has("config")) {
    PROCTOR_RETURN_IF_ERROR(LoadYamlProto(arguments.Text("config"), config).status());
  }
  Patient patient;
  patient.browser = config.browser();
  patient.desktop = config.desktop();
  patient.android = config.android();
  const auto enabled = [&config](const char* id) {
    const auto it = config.environments().find(id);
    return it != config.environments().end() && it->second.enabled();
  };
  patient.desktop_enabled = enabled("desktop");
  patient.android_enabled = enabled("android");
  if (arguments.Has("browser")) patient.browser.set_executable(arguments.Text("browser"));
  if (arguments.Has("browser-user")) patient.browser.set_user(arguments.Text("browser-user"));
  patient.data_dir = arguments.Text("data-dir", config.data_dir());
  if (patient.data_dir.empty()) patient.data_dir = client::DefaultDataDirectory();
  patient.unix_socket =
      config.has_unix_socket() ? config.unix_socket() : patient.data_dir + "/proctord.sock";
  patient.listen_address = arguments.Text(
      "listen", config.has_listen_address() ? config.listen_address() : "127.0.0.1:50551");
  ChooseServer(arguments, config, patient);
  patient.security = SecurityOf(arguments);
  patient.timeout = arguments.Duration("timeout", patient.timeout);
  return patient;
}

std::string Mark(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kNote:
      return "note";
    case Health::kMissing:
      return "MISSING";
  }
  return "";
}

void Show(Output& output, const Finding& finding) {
  if (output.json()) {
    output.Raw(doctor::FindingJson(finding, Mark(finding.health)) + "\n");
    return;
  }
  const std::string mark = Mark(finding.health);
  output.Raw(absl::StrCat(mark, std::string(9 - mark.size(), ' '), OneLine(finding.subject), ": ",
                          OneLine(finding.found), "\n"));
  if (!finding.mend.empty())
    output.Raw(absl::StrCat("         mend: ", OneLine(finding.mend), "\n"));
}

absl::Status Examine(Call& call) {
  PROCTOR_ASSIGN_OR_RETURN(const Patient patient, MakePatient(call.arguments()));
  int missing = 0;
  for (const auto& check : {doctor::CheckBrowser, doctor::CheckSandbox, doctor::CheckDevices, doctor::CheckDataDirectory,
                            doctor::CheckDisk, doctor::CheckPorts, doctor::CheckServer}) {
    call.output().Progress("looking ...");
    for (const Finding& finding : check(patient)) {
      Show(call.output(), finding);
      missing += finding.health == Health::kMissing ? 1 : 0;
    }
  }
  if (missing == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(missing, missing == 1 ? " thing is" : " things are", " missing"));
}

}  // namespace

std::vector<Command> DoctorCommands() {
  return {
      {.name = "doctor",
       .summary = "tells what a server needs and does not have on this machine, and how to mend it",
       .flags = {{.name = "config",
                  .kind = ValueKind::kFile,
                  .value = "FILE",
                  .help = "the server's configuration file"},
                 {.name = "browser",
                  .kind = ValueKind::kFile,
                  .value = "PATH",
                  .help = "the browser's binary; default: Debian's"},
                 {.name = "browser-user",
                  .kind = ValueKind::kText,
                  .value = "USER",
                  .help = "whom it would run as if the server is root; default nobody"},
                 {.name = "listen",
                  .kind = ValueKind::kText,
                  .value = "ADDRESS",
                  .help = "where the server would listen; default 127.0.0.1:50551"}},
       .notes = "Looks at the browser, its sandbox, the data directory, disks, ports, and at the "
                "server if one runs.\n"
                "Exit code 1 if something needed is missing; a server that does not run counts "
                "only if --address or\n"
                "$PROCTOR_ADDRESS (without --data-dir) names it.",
       .run = Examine}};
}

}  // namespace proctor::cli
