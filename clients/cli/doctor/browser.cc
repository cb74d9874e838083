#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/trial_run.h"

namespace proctor::cli::doctor {
namespace {

constexpr char kInstall[] = "apt-get install chromium-headless-shell chromium-sandbox";

}  // namespace

std::string FindBrowser(const v1::BrowserConfig& browser) {
  if (!browser.executable().empty()) {
    return access(browser.executable().c_str(), X_OK) == 0 ? browser.executable() : "";
  }
  // The server looks at the same places, in the same order.
  for (const char* path :
       {"/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium-headless-shell",
        "/usr/lib/chromium/chromium", "/usr/bin/chromium", "/usr/bin/google-chrome"}) {
    const bool wanted =
        browser.kind() != v1::BROWSER_KIND_CHROMIUM || !absl::EndsWith(path, "headless-shell");
    if (wanted && access(path, X_OK) == 0) return path;
  }
  return "";
}

std::vector<Finding> CheckBrowser(const Patient& patient) {
  if (!patient.browser.remote_url().empty()) {
    return {{Health::kNote, "browser",
             absl::StrCat("a remote one: ", patient.browser.remote_url(),
                          "; its traffic does not go through the server's proxy")}};
  }
  const std::string path = FindBrowser(patient.browser);
  if (path.empty() && !patient.browser.executable().empty()) {
    return {{Health::kMissing, "browser",
             absl::StrCat(patient.browser.executable(), " is no program that can be run"),
             absl::StrCat("name another one (browser.executable, --browser), or install Debian's: ",
                          kInstall)}};
  }
  if (path.empty()) {
    const bool full = patient.browser.kind() == v1::BROWSER_KIND_CHROMIUM;
    return {{Health::kMissing, "browser", "no Chromium found",
             full ? "apt-get install chromium chromium-sandbox" : kInstall}};
  }
  const auto trial = TryRun({path, "--version"}, std::nullopt, patient.timeout);
  if (!trial.ok()) {
    return {{Health::kMissing, "browser",
             absl::StrCat(path, " cannot be started: ", trial.status().message()), kInstall}};
  }
  const std::string version(absl::StripAsciiWhitespace(trial->output));
  if (!trial->ended || !absl::StrContains(version, ".")) {
    return {{Health::kMissing, "browser",
             absl::StrCat(path, " does not tell its version: ", version),
             absl::StrCat("is it a Chromium, and whole? ", kInstall)}};
  }
  return {{Health::kOk, "browser", absl::StrCat(path, " (", version, ")")}};
}

}  // namespace proctor::cli::doctor
