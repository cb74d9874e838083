// What a server needs of its machine, looked at from outside: nothing is changed, and what is tried
// (a browser's start, a port) is put away again.
#ifndef PROCTOR_CLIENTS_CLI_DOCTOR_CHECKS_H_
#define PROCTOR_CLIENTS_CLI_DOCTOR_CHECKS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "clients/cpp/security.h"
#include "proctor/v1/config.pb.h"

namespace proctor::cli::doctor {

enum class Health {
  kOk,
  // Works, but worth knowing.
  kNote,
  // Something needed is missing: the doctor exits with 1.
  kMissing,
};

struct Finding {
  Health health = Health::kOk;
  // "browser", "sandbox", "port", ...
  std::string subject;
  // What was found.
  std::string found;
  // How to mend it, or "".
  std::string mend = {};
};

// What to look at; fields as in the server's configuration file, empty ones mean its defaults.
struct Patient {
  v1::BrowserConfig browser;
  v1::DesktopConfig desktop;
  bool desktop_enabled = false;
  v1::AndroidConfig android;
  bool android_enabled = false;
  std::string data_dir;
  std::string unix_socket;
  std::string listen_address;
  std::string exchange_dir;
  // The server to ask; empty: the one that runs on `data_dir`, of which no address is known.
  std::string address;
  // It was named on the command line or by $PROCTOR_ADDRESS: then it must be there. Else it is that of `data_dir`, as far as is known.
  bool address_was_given = false;
  // TLS and token for `address`, and for a server that answers at `listen_address`.
  client::Security security;
  absl::Duration timeout = absl::Seconds(20);
};

// The executable that the server would start; "" if there is none.
std::string FindBrowser(const v1::BrowserConfig& browser);

// The binary is there, runs, and says its version.
std::vector<Finding> CheckBrowser(const Patient& patient);
// Whom it would run as, whether the kernel lets that user make namespaces, whether the browser
// starts with its sandbox on.
std::vector<Finding> CheckSandbox(const Patient& patient);
// The programs of desktops and phones; only a note where these environments are off.
std::vector<Finding> CheckDevices(const Patient& patient);
// The listening address is free, or the server's that runs on the data directory, or a server answers there, if only that it wants another
// token.
std::vector<Finding> CheckPorts(const Patient& patient);
// Room for records and for browser profiles.
std::vector<Finding> CheckDisk(const Patient& patient);
// The data directory belongs to this user and to nobody else; its socket's path is short enough.
std::vector<Finding> CheckDataDirectory(const Patient& patient);
// A server answers, says that it serves, and its environments are available. Where none answers that was not named: whether one runs on
// the data directory all the same, as it does while it starts and stops. Where it cannot be asked, as without the file of its token: why.
// One that is there and only wants TLS or a token, of which nothing was given, is a note that says what to give.
std::vector<Finding> CheckServer(const Patient& patient);

}  // namespace proctor::cli::doctor

#endif  // PROCTOR_CLIENTS_CLI_DOCTOR_CHECKS_H_
