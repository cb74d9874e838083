#include "env/web/browser_flags.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

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
    // Datagrams of WebRTC know no proxy. The headless shell's name for it; the full browser has another one, and ignores this.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
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
    // A page's WebRTC joins the network's mDNS group to hide local addresses, and answers there. By our policy it has none to hide.
    "WebRtcHideLocalIpsWithMdns",
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

// What keeps the browser in: its profile, who drives it, and that everything goes through the proxy.
std::vector<std::string> WallFlags(const std::string& profile, const std::string& proxy) {
  std::vector<std::string> flags = {"--remote-debugging-pipe", absl::StrCat("--user-data-dir=", profile)};
  flags.insert(flags.end(), std::begin(kQuietFlags), std::end(kQuietFlags));
  flags.push_back(absl::StrCat("--disable-features=", absl::StrJoin(kFeaturesOff, ",")));
  // Port 9 on loopback answers nobody: what no context's proxy handles goes nowhere.
  flags.push_back(absl::StrCat("--proxy-server=", proxy.empty() ? "127.0.0.1:9" : proxy));
  flags.push_back("--proxy-bypass-list=<-loopback>");
  // Names are the proxy's to resolve.
  flags.push_back("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1");
  return flags;
}

// "--name" of "--name=value"; Chromium ignores space around a flag.
std::string NameOf(const std::string& flag) {
  std::string name = flag.substr(0, flag.find('='));
  absl::StripAsciiWhitespace(&name);
  return name;
}

// "--enable-x" where `wall` is "--disable-x"; features are looked at one by one.
bool IsOppositeOf(const std::string& name, const std::string& wall) {
  return absl::StartsWith(wall, "--disable-") && name != "--enable-features" && name == absl::StrCat("--enable-", wall.substr(10));
}

// The first feature of "--enable-features=A,B<Trial:parameter/value" that has to stay off; empty: none.
std::string FindFeatureOff(const std::string& flag) {
  const size_t values = flag.find('=');
  if (values == std::string::npos) return "";
  const std::vector<std::string> features = absl::StrSplit(flag.substr(values + 1), ',');
  for (const std::string& feature : features) {
    std::string name = feature.substr(0, feature.find_first_of("<:"));
    name.erase(0, name.find_first_not_of(" *"));
    absl::StripAsciiWhitespace(&name);
    if (std::find(std::begin(kFeaturesOff), std::end(kFeaturesOff), name) != std::end(kFeaturesOff)) return name;
  }
  return "";
}

// What to do in place of it.
std::string Instead(const std::string& name) {
  if (absl::StrContains(name, "proxy") || name == "--host-resolver-rules") {
    return "; what pages may reach is set by `egress`";
  }
  if (absl::StrContains(name, "features")) return "; a feature that has a flag of its own can be switched off by that";
  return "";
}

absl::Status Refuse(const std::string& flag, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("'", flag, "' ", why));
}

}  // namespace

absl::Status CheckExtraFlag(const std::string& flag) {
  if (!absl::StartsWith(flag, "--")) return Refuse(flag, "does not begin with --");
  const std::string name = NameOf(flag);
  if (absl::StrContains(name, "sandbox") || name == "--single-process") {
    return Refuse(flag, "takes away the sandbox: leave it out; where the kernel allows none there is browser.allow_unsandboxed");
  }
  for (const std::string& wall_flag : WallFlags("", "")) {
    const std::string wall = NameOf(wall_flag);
    if (name == wall) {
      return Refuse(flag, absl::StrCat("is set by the server itself, and would take its place: leave it out", Instead(name)));
    }
    if (IsOppositeOf(name, wall)) return Refuse(flag, absl::StrCat("is the opposite of ", wall, ", which is set by the server itself: leave it out"));
  }
  // Other ways around the same.
  for (const char* prefix : {"--remote-debugging", "--proxy", "--no-proxy"}) {
    if (absl::StartsWith(name, prefix)) {
      return Refuse(flag, absl::StrCat("gets around what is set by the server itself: leave it out", Instead(name)));
    }
  }
  if (name != "--enable-features") return absl::OkStatus();
  const std::string feature = FindFeatureOff(flag);
  return feature.empty() ? absl::OkStatus() : Refuse(flag, absl::StrCat("names ", feature, ", which is switched off by the server itself: leave it out"));
}

std::vector<std::string> BrowserCommandLine(const std::string& executable, const std::string& profile,
                                            bool sandboxed, const BrowserProcessOptions& options) {
  std::vector<std::string> line = {executable};
  const std::vector<std::string> walls = WallFlags(profile, options.proxy);
  line.insert(line.end(), walls.begin(), walls.end());
  if (!absl::EndsWith(executable, "headless-shell")) line.push_back("--headless=new");
  line.insert(line.end(), std::begin(kSteadyFlags), std::end(kSteadyFlags));
  if (SharedMemoryIsSmall()) line.push_back("--disable-dev-shm-usage");
  if (!sandboxed) line.push_back("--no-sandbox");
  line.insert(line.end(), options.extra_arguments.begin(), options.extra_arguments.end());
  line.push_back("about:blank");
  return line;
}

}  // namespace proctor::env::web
