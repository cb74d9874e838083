#include "env/web/browser_flags.h"

#include <sys/statvfs.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace proctor::env::web {
namespace {

// Nothing but what pages ask for may leave the browser.
constexpr const char* kQuietFlags[] = {
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-quic",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
};

// Pages in the background run like those in front, nothing asks a person, pictures look alike everywhere.
constexpr const char* kSteadyFlags[] = {
    "--allow-pre-commit-input",
    "--deny-permission-prompts",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-renderer-backgrounding",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--lang=en-US",
    "--mute-audio",
    // Frames as soon as they are drawn: 20 to 30 ms a step.
    "--disable-gpu-vsync",
    "--disable-frame-rate-limit",
};

constexpr const char* kFeaturesOff[] = {
    // Network of the browser's own.
    "AutofillServerCommunication", "CertificateTransparencyComponentUpdater", "DialMediaRouteProvider",
    "InterestFeedContentSuggestions", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "Translate",
    // http:// stays http://.
    "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades",
    // A page brought back must be a page loaded, or its scripts and listeners are of another time.
    "BackForwardCache",
    // A page of the same site is loaded into the frame that is there: a click that navigates is 5 ms faster.
    "RenderDocument",
    // Shows the old page for a while after a navigation committed.
    "PaintHolding",
};

bool SharedMemoryIsSmall() {
  struct statvfs info = {};
  return statvfs("/dev/shm", &info) != 0 ||
         uint64_t{info.f_blocks} * info.f_frsize < (uint64_t{512} << 20);
}

}  // namespace

std::vector<std::string> BrowserCommandLine(const std::string& executable, const std::string& profile,
                                            bool sandboxed, const BrowserProcessOptions& options) {
  std::vector<std::string> line = {executable, "--remote-debugging-pipe",
                                   absl::StrCat("--user-data-dir=", profile)};
  if (!absl::EndsWith(executable, "headless-shell")) line.push_back("--headless=new");
  line.insert(line.end(), std::begin(kQuietFlags), std::end(kQuietFlags));
  line.insert(line.end(), std::begin(kSteadyFlags), std::end(kSteadyFlags));
  line.push_back(absl::StrCat("--disable-features=", absl::StrJoin(kFeaturesOff, ",")));
  // Port 9 on loopback answers nobody: what no context's proxy handles goes nowhere.
  line.push_back(absl::StrCat("--proxy-server=", options.proxy.empty() ? "127.0.0.1:9" : options.proxy));
  line.push_back("--proxy-bypass-list=<-loopback>");
  // Names are the proxy's to resolve.
  line.push_back("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1");
  if (SharedMemoryIsSmall()) line.push_back("--disable-dev-shm-usage");
  if (!sandboxed) line.push_back("--no-sandbox");
  line.insert(line.end(), options.extra_arguments.begin(), options.extra_arguments.end());
  line.push_back("about:blank");
  return line;
}

}  // namespace proctor::env::web
