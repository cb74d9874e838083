// Pages that try every way out of the browser that is known to us: none of them reaches a server that the session may not reach. Each has
// a control where there can be one (`Control`): most get there in a session that may, WebRTC's datagrams in a browser without our policy.
// Those without a control show less: only that this browser, as we start it, leaves that way shut.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// What must not be reached: a port on 127.0.0.1 and on [::1] that counts every connection, and every datagram.
class ForbiddenServer {
 public:
  ForbiddenServer() {
    tcp4_ = Listen(AF_INET, SOCK_STREAM);
    tcp6_ = Listen(AF_INET6, SOCK_STREAM);
    udp4_ = Listen(AF_INET, SOCK_DGRAM);
    thread_ = std::thread([this] { Run(); });
  }
  ~ForbiddenServer() {
    stop_ = true;
    thread_.join();
    for (const int socket : {tcp4_, tcp6_, udp4_}) {
      if (socket >= 0) close(socket);
    }
  }
  uint16_t port() const { return port_; }
  int touched() const { return touched_; }

 private:
  // All on the same port, the first one's.
  int Listen(int family, int type) {
    const int made = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (family == AF_INET6) setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    sockaddr_in6 six = {};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port_);
    six.sin6_addr = in6addr_loopback;
    sockaddr_in four = {};
    four.sin_family = AF_INET;
    four.sin_port = htons(port_);
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = family == AF_INET6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
    if (bind(made, address, family == AF_INET6 ? sizeof(six) : sizeof(four)) != 0 ||
        (type == SOCK_STREAM && listen(made, 64) != 0)) {
      // A machine without IPv6 cannot be left by it.
      EXPECT_EQ(family, AF_INET6) << strerror(errno);
      close(made);
      return -1;
    }
    if (port_ == 0) {
      socklen_t size = sizeof(four);
      getsockname(made, reinterpret_cast<sockaddr*>(&four), &size);
      port_ = ntohs(four.sin_port);
    }
    return made;
  }

  void Run() {
    while (!stop_) {
      pollfd waits[] = {{tcp4_, POLLIN, 0}, {tcp6_, POLLIN, 0}, {udp4_, POLLIN, 0}};
      if (poll(waits, 3, 50) <= 0) continue;
      for (const int listener : {tcp4_, tcp6_}) {
        const int client = listener < 0 ? -1 : accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        ++touched_;
        constexpr char kReply[] =
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\nsecret";
        send(client, kReply, sizeof(kReply) - 1, MSG_NOSIGNAL);
        shutdown(client, SHUT_WR);
        close(client);
      }
      char datagram[2048];
      if (recv(udp4_, datagram, sizeof(datagram), 0) > 0) ++touched_;
    }
  }

  uint16_t port_ = 0;
  int tcp4_ = -1;
  int tcp6_ = -1;
  int udp4_ = -1;
  std::atomic<bool> stop_ = false;
  std::atomic<int> touched_ = 0;
  std::thread thread_;
};

// How it is known that a way would be seen if it were open.
enum class Control {
  // Reaches the server in a session that may reach it.
  kWhereItMay,
  // The same, on a machine that has a route to somewhere: without one WebRTC gathers nothing.
  kWhereItMayWithARoute,
  // Past the proxy, but for our policy: reaches the server from a browser without it, whatever the session may. Needs a route, too.
  kWithoutWebRtcPolicy,
  // The browser refuses to go there, and says so on the page's console.
  kNavigationRefused,
  // None: nothing arrives even where it may.
  kNone,
};

// A way out. In `script`, which runs in a page of a site that may be reached, PORT is the forbidden port and SITE the page's own origin.
// It ends with `done()`, which it may call more than once; and has a while for what it began.
struct Way {
  const char* name;
  const char* script;
  Control control = Control::kWhereItMay;
};

constexpr Way kWays[] = {
    {"fetch", "fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"xhr", "const x = new XMLHttpRequest(); x.onloadend = done; x.open('GET', 'http://127.0.0.1:PORT/'); x.send()"},
    {"beacon", "navigator.sendBeacon('http://127.0.0.1:PORT/', 'x'); later()"},
    {"image", "const i = new Image(); i.onload = i.onerror = done; i.src = 'http://127.0.0.1:PORT/i.png'"},
    {"script", "add('script', {src: 'http://127.0.0.1:PORT/s.js'})"},
    {"style sheet", "add('link', {rel: 'stylesheet', href: 'http://127.0.0.1:PORT/s.css'})"},
    {"import in a style", "add('style', {textContent: '@import url(http://127.0.0.1:PORT/i.css);'}); later()"},
    {"font", "add('style', {textContent: '@font-face{font-family:f;src:url(http://127.0.0.1:PORT/f)} p{font-family:f}'});"
             "document.body.append(Object.assign(document.createElement('p'), {textContent: 'x'})); document.fonts.load('9px f').finally(done)"},
    {"background", "document.body.style.background = 'url(http://127.0.0.1:PORT/b.png)'; later()"},
    {"frame", "add('iframe', {src: 'http://127.0.0.1:PORT/'})"},
    {"object", "add('object', {data: 'http://127.0.0.1:PORT/', type: 'text/html'}); later()"},
    {"embed", "add('embed', {src: 'http://127.0.0.1:PORT/', type: 'text/html'}); later()"},
    {"video", "add('video', {src: 'http://127.0.0.1:PORT/v.mp4', autoplay: true}); later()"},
    {"event source", "new EventSource('http://127.0.0.1:PORT/').onerror = done"},
    {"prefetch", "add('link', {rel: 'prefetch', href: 'http://127.0.0.1:PORT/'}); later()"},
    {"preload", "add('link', {rel: 'preload', as: 'image', href: 'http://127.0.0.1:PORT/'}); later()"},
    {"module preload", "add('link', {rel: 'modulepreload', href: 'http://127.0.0.1:PORT/m.js'}); later()"},
    {"preconnect", "add('link', {rel: 'preconnect', href: 'http://127.0.0.1:PORT/'}); later()", Control::kNone},
    {"icon", "add('link', {rel: 'icon', href: 'http://127.0.0.1:PORT/favicon.ico'}); later()", Control::kNone},
    {"speculation", "add('script', {type: 'speculationrules', textContent: JSON.stringify({prefetch: [{source: 'list', "
                    "urls: ['http://127.0.0.1:PORT/'], eagerness: 'immediate'}]})}); later()", Control::kNone},
    {"form", "const f = document.createElement('form'); f.action = 'http://127.0.0.1:PORT/'; f.method = 'post'; f.target = 'w';"
             "add('iframe', {name: 'w'}); document.body.append(f); f.submit(); later()"},
    {"link ping", "const a = document.createElement('a'); a.href = '#x'; a.ping = 'http://127.0.0.1:PORT/'; document.body.append(a);"
                  "a.click(); later()", Control::kNone},
    {"redirected fetch", "fetch('SITE/to?http://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"redirected image", "const i = new Image(); i.onload = i.onerror = done; i.src = 'SITE/to?http://127.0.0.1:PORT/'"},
    {"redirected frame", "add('iframe', {src: 'SITE/to?http://127.0.0.1:PORT/'})"},
    {"twice redirected", "fetch('SITE/to?SITE/to?http://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"refresh header", "add('iframe', {src: 'SITE/refresh?http://127.0.0.1:PORT/'}); later()"},
    {"link header", "add('iframe', {src: 'SITE/preloads?http://127.0.0.1:PORT/'}); later()"},
    {"decimal address", "fetch('http://2130706433:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"hexadecimal address", "fetch('http://0x7f000001:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"octal address", "fetch('http://0177.0.0.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"short address", "fetch('http://127.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"another loopback address", "fetch('http://127.0.0.2:PORT/', {mode: 'no-cors'}).finally(done)", Control::kNone},
    {"any address", "fetch('http://0.0.0.0:PORT/', {mode: 'no-cors'}).finally(done)", Control::kNone},
    {"IPv6", "fetch('http://[::1]:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"IPv4 in IPv6", "fetch('http://[::ffff:127.0.0.1]:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"localhost", "fetch('http://localhost:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"localhost with a dot", "fetch('http://localhost.:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"name below localhost", "fetch('http://a.localhost:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"name that points inside", "fetch('http://inside.test:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"name that is rebound", "(async () => { for (let i = 0; i < 6; i++) try { await fetch('http://rebind.test:PORT/', {mode: 'no-cors'}) }"
                             " catch {} done() })()"},
    {"web socket", "new WebSocket('ws://127.0.0.1:PORT/').onclose = done"},
    {"secure web socket", "new WebSocket('wss://127.0.0.1:PORT/').onclose = done"},
    {"https", "fetch('https://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"web transport", "try { new WebTransport('https://127.0.0.1:PORT/').closed.finally(done) } catch { done() }", Control::kNone},
    {"WebRTC to a STUN server", "rtc([{urls: 'stun:127.0.0.1:PORT'}])", Control::kWithoutWebRtcPolicy},
    {"WebRTC to a TURN server", "rtc([{urls: 'turn:127.0.0.1:PORT?transport=tcp', username: 'u', credential: 'c'}])",
     Control::kWhereItMayWithARoute},
    {"WebRTC to a peer", "peer('127.0.0.1', PORT)", Control::kWithoutWebRtcPolicy},
    {"worker", "const w = new Worker(URL.createObjectURL(new Blob(["
               "\"fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(() => postMessage(0))\"]))); w.onmessage = done"},
    {"service worker", "navigator.serviceWorker.register('SITE/worker.js?PORT').then(() => navigator.serviceWorker.ready).then(later, done)"},
    {"page of a blob", "add('iframe', {src: URL.createObjectURL(new Blob([\"<script>fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'})\" +"
                       "'</' + 'script>'], {type: 'text/html'}))}); later()"},
    {"page of data", "add('iframe', {src: \"data:text/html,<script>fetch('http://127.0.0.1:PORT/',{mode:'no-cors'})</\" + 'script>'}); later()"},
    {"page of a script", "add('iframe', {src: \"javascript:fetch('http://127.0.0.1:PORT/',{mode:'no-cors'})\"}); later()"},
    {"new window", "window.open('http://127.0.0.1:PORT/'); later()"},
    {"new window without an opener", "window.open('http://127.0.0.1:PORT/', '_blank', 'noopener'); later()"},
    {"blank window that fetches", "window.open('about:blank').fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(done)"},
    {"download", "add('iframe', {srcdoc: \"<a href='SITE/to?http://127.0.0.1:PORT/x.bin' download='x.bin'>x</a><script>\" +"
                 "\"document.querySelector('a').click()</\" + 'script>'}); later()"},
    {"source view", "window.open('view-source:http://127.0.0.1:PORT/'); later()", Control::kNavigationRefused},
    {"source view in a frame", "add('iframe', {src: 'view-source:http://127.0.0.1:PORT/'}); later()", Control::kNavigationRefused},
    {"paint worklet", "CSS.paintWorklet.addModule('http://127.0.0.1:PORT/w.js').finally(done)"},
    {"shared worker", "const w = new SharedWorker(URL.createObjectURL(new Blob([\"onconnect = e =>"
                      " fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}).finally(() => e.ports[0].postMessage(0))\"])));"
                      " w.port.onmessage = done"},
    {"manifest", "add('link', {rel: 'manifest', href: 'http://127.0.0.1:PORT/m.json'}); later()", Control::kNone},
    {"violation report", "add('iframe', {src: 'SITE/reports?http://127.0.0.1:PORT/'}); later()"},
};

// What the ways share.
constexpr char kPage[] = R"html(<!doctype html><title>trying</title><body><script>
const done = () => { document.title = 'done' };
const later = () => setTimeout(done, 700);
const add = (tag, fields) => {
  const made = Object.assign(document.createElement(tag), fields);
  made.onload = made.onerror = done;
  document.body.append(made);
};
const connection = (servers) => {
  const made = new RTCPeerConnection({iceServers: servers});
  made.createDataChannel('x');
  return made;
};
const rtc = async (servers) => { const c = connection(servers); await c.setLocalDescription(); setTimeout(done, 1500); };
const peer = async (host, port) => {
  const from = connection([]), to = connection([]);
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription);
  for (const protocol of ['udp', 'tcp']) {
    const kind = protocol == 'tcp' ? ' tcptype passive' : '';
    await from.addIceCandidate({candidate: `candidate:1 1 ${protocol} 2122260223 ${host} ${port} typ host${kind}`, sdpMLineIndex: 0, sdpMid: '0'})
      .catch(() => 0);
  }
  setTimeout(done, 1500);
};
try { SCRIPT } catch (error) { console.error('way: ' + error); done() }
</script>)html";

// Whether packets could go anywhere but to this machine. Sends none.
bool HasRoute() {
  const int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
  const bool has = connect(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(made);
  return has;
}

class HostilePagesTest : public testing::TestWithParam<v1::BrowserKind> {
 protected:
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  struct Shared {
    Shared(v1::BrowserKind kind, const std::string& executable)
        : kind(kind),
          pool(PoolOptions(executable, {})),
          // Of a flag that is there twice the last one counts.
          pool_without_policy(PoolOptions(executable, {"--force-webrtc-ip-handling-policy=default", "--webrtc-ip-handling-policy=default"})),
          background("hostile-test", 2) {
      net::EgressProxy::Options proxy_options;
      proxy_options.resolver = [this](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
        if (host == "inside.test") return std::vector<std::string>{"127.0.0.1"};
        // A public address, which nobody has, first; then what is inside.
        if (host == "rebind.test") return std::vector<std::string>{++lookups % 2 == 1 ? "203.0.113.7" : "127.0.0.1"};
        return absl::NotFoundError("no such name");
      };
      proxy_options.connect_timeout = absl::Milliseconds(300);
      auto made = net::EgressProxy::Create(std::move(proxy_options));
      EXPECT_TRUE(made.ok()) << made.status();
      proxy = *std::move(made);
      WebEnvironment::Options open;
      open.default_policy.allow_private = true;
      may = std::make_unique<WebEnvironment>(open, pool, *proxy, background);
      WebEnvironment::Options closed;
      // The site, and the names of a domain: a wildcard grants nothing that lies inside.
      closed.default_policy.allowed_hosts = {absl::StrCat("127.0.0.1:", site.port()), "*.test"};
      may_not = std::make_unique<WebEnvironment>(closed, pool, *proxy, background);
      may_not_without_policy = std::make_unique<WebEnvironment>(closed, pool_without_policy, *proxy, background);
    }
    static BrowserPool::Options PoolOptions(const std::string& executable, std::vector<std::string> arguments) {
      BrowserPool::Options options;
      options.process.executable = executable;
      options.process.extra_arguments = std::move(arguments);
      options.max_browsers = 1;
      return options;
    }

    const v1::BrowserKind kind;
    TestSite site;
    std::atomic<int> lookups = 0;
    std::atomic<int> pages = 0;
    std::unique_ptr<net::EgressProxy> proxy;
    BrowserPool pool;
    BrowserPool pool_without_policy;
    ThreadPool background;
    std::unique_ptr<WebEnvironment> may;
    std::unique_ptr<WebEnvironment> may_not;
    std::unique_ptr<WebEnvironment> may_not_without_policy;
  };

  void SetUp() override {
    const absl::StatusOr<std::string> executable = FindBrowser(GetParam());
    if (!executable.ok() && GetParam() == v1::BROWSER_KIND_CHROMIUM) GTEST_SKIP() << executable.status();
    ASSERT_TRUE(executable.ok()) << executable.status();
    if (shared_ != nullptr && shared_->kind != GetParam()) TearDownTestSuite();
    if (shared_ == nullptr) shared_ = new Shared(GetParam(), *executable);
    AnswerRequests();
  }

  static void AnswerRequests() {
    const auto location = [](const net::HttpRequest& request) { return request.target.substr(request.target.find('?') + 1); };
    const auto with = [](std::vector<std::pair<std::string, std::string>> headers, std::string body = "", int status = 200) {
      net::HttpResponse response;
      response.status = status;
      response.headers = std::move(headers);
      response.body = std::move(body);
      return response;
    };
    TestSite& site = shared_->site;
    site.Answer("/to", [=](const net::HttpRequest& request) { return with({{"Location", location(request)}}, "", 302); });
    site.Answer("/refresh", [=](const net::HttpRequest& request) {
      return with({{"Content-Type", "text/html"}, {"Refresh", "0; url=" + location(request)}}, "x");
    });
    site.Answer("/preloads", [=](const net::HttpRequest& request) {
      return with({{"Content-Type", "text/html"}, {"Link", "<" + location(request) + ">; rel=preload; as=image"}}, "x");
    });
    site.Answer("/reports", [=](const net::HttpRequest& request) {
      return with({{"Content-Type", "text/html"}, {"Content-Security-Policy", "img-src 'none'; report-uri " + location(request)}},
                  "<img src=x.png>");
    });
    site.Answer("/worker.js", [=](const net::HttpRequest& request) {
      return with({{"Content-Type", "text/javascript"}},
                  absl::StrCat("oninstall = e => e.waitUntil(fetch('http://127.0.0.1:", location(request),
                               "/', {mode: 'no-cors'}).catch(() => 0))"));
    });
  }

  struct Outcome {
    // How often the forbidden server was touched; -1: the page could not be opened or looked at.
    int touched = -1;
    // What the page's console said.
    std::vector<std::string> console;
  };

  enum class Until { kItEnded, kItArrived };

  // Opens a page that tries `way`, in a session of `environment`, for 20 s at most. Of any thread.
  static Outcome Try(WebEnvironment& environment, const Way& way, Until until) {
    Outcome outcome;
    ForbiddenServer forbidden;
    TestSite& site = shared_->site;
    const std::string script = absl::StrReplaceAll(
        way.script, {{"PORT", absl::StrCat(forbidden.port())}, {"SITE", absl::StrCat("http://127.0.0.1:", site.port())}});
    const std::string path = absl::StrCat("/way", ++shared_->pages);
    site.Page(path, absl::StrReplaceAll(kPage, {{"SCRIPT", script}}));
    v1::EnvironmentSettings settings;
    settings.mutable_web()->mutable_settle_cap()->set_seconds(2);
    auto world = environment.Open(Within(absl::Seconds(30)), settings);
    EXPECT_TRUE(world.ok()) << world.status();
    if (!world.ok()) return outcome;
    ResetSpec spec;
    spec.task.mutable_start_state()->set_start_url(site.Url(path));
    v1::ObservationRequest request;
    request.add_parts(v1::OBSERVATION_PART_TABS);
    request.add_parts(v1::OBSERVATION_PART_CONSOLE);
    auto reset = (*world)->Reset(Within(absl::Seconds(60)), spec, request);
    EXPECT_TRUE(reset.ok()) << reset.status();
    if (!reset.ok()) return outcome;
    v1::Observation seen = reset->observation;
    const auto keep_console = [&] { outcome.console.insert(outcome.console.end(), seen.console_errors().begin(), seen.console_errors().end()); };
    keep_console();
    const absl::Time end = absl::Now() + absl::Seconds(20);
    const auto is_over = [&] { return IsDone(seen) && (until == Until::kItEnded || forbidden.touched() > 0); };
    while (!is_over() && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(50));
      auto look = (*world)->Observe(Within(absl::Seconds(10)), request);
      EXPECT_TRUE(look.ok()) << look.status();
      if (!look.ok()) return outcome;
      seen = *std::move(look);
      keep_console();
    }
    EXPECT_THAT(outcome.console, Not(Contains(HasSubstr("way: ")))) << way.name;
    EXPECT_TRUE(IsDone(seen)) << way.name << " never ended: " << seen.ShortDebugString();
    (*world)->EndEpisode();
    outcome.touched = forbidden.touched();
    return outcome;
  }

  // The page's own tab says so, whichever tab is active now.
  static bool IsDone(const v1::Observation& seen) {
    return std::any_of(seen.tabs().begin(), seen.tabs().end(), [](const v1::Tab& tab) { return tab.title() == "done"; });
  }

  static inline Shared* shared_ = nullptr;
};

// Several at once: most of a way's time is waiting.
TEST_P(HostilePagesTest, EveryWayReachesNothing) {
  const bool has_route = HasRoute();
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (size_t at = next++; at < std::size(kWays); at = next++) {
        const Way& way = kWays[at];
        if (way.control == Control::kWhereItMay || (way.control == Control::kWhereItMayWithARoute && has_route)) {
          EXPECT_GT(Try(*shared_->may, way, Until::kItArrived).touched, 0) << way.name << " leads nowhere even where it may";
        }
        const Outcome outcome = Try(*shared_->may_not, way, Until::kItEnded);
        EXPECT_EQ(outcome.touched, 0) << way.name;
        if (way.control != Control::kNavigationRefused) continue;
        EXPECT_THAT(outcome.console, Contains(HasSubstr("Not allowed to load local resource: view-source:"))) << way.name;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Datagrams do not go through the proxy: what keeps them in is the policy that we start browsers with, and it alone.
TEST_P(HostilePagesTest, WebRtcReachesTheServerIfThePolicyIsMissing) {
  if (!HasRoute()) GTEST_SKIP() << "without a route to anywhere WebRTC sends nothing, whatever its policy";
  int ways = 0;
  for (const Way& way : kWays) {
    if (way.control != Control::kWithoutWebRtcPolicy) continue;
    EXPECT_GT(Try(*shared_->may_not_without_policy, way, Until::kItArrived).touched, 0) << way.name << " leads nowhere without it either";
    ++ways;
  }
  EXPECT_EQ(ways, 2);
}

// What an agent may be talked into: the address bar.
TEST_P(HostilePagesTest, GoingThereIsRefused) {
  ForbiddenServer forbidden;
  shared_->site.Page("/page", "<title>start</title>");
  v1::EnvironmentSettings settings;
  settings.mutable_web()->mutable_settle_cap()->set_seconds(2);
  auto world = shared_->may_not->Open(Within(absl::Seconds(30)), settings);
  ASSERT_TRUE(world.ok()) << world.status();
  ResetSpec spec;
  spec.task.mutable_start_state()->set_start_url(shared_->site.Url("/page"));
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_TEXT);
  ASSERT_TRUE((*world)->Reset(Within(absl::Seconds(60)), spec, request).ok());
  const std::string port = absl::StrCat(forbidden.port());
  for (const std::string& url : std::vector<std::string>{
           "http://127.0.0.1:" + port, "http://2130706433:" + port, "http://[::1]:" + port, "https://localhost:" + port,
           "http://inside.test:" + port, "view-source:http://127.0.0.1:" + port, "file:///etc/passwd", "chrome://version",
           "chrome-untrusted://version", "devtools://devtools/bundled/inspector.html", "ftp://127.0.0.1:" + port,
           "filesystem:http://127.0.0.1:" + port + "/x", "javascript:fetch('http://127.0.0.1:" + port + "')",
           "data:text/html,<script>fetch('http://127.0.0.1:" + port + "')</script>", "blob:http://127.0.0.1:" + port + "/1"}) {
    v1::Action action;
    action.mutable_goto_()->set_url(url);
    const auto result = (*world)->Act(Within(absl::Seconds(40)), action, request);
    ASSERT_TRUE(result.ok()) << url << ": " << result.status();
    // The address bar refuses; or the proxy does, and the page is its refusal.
    EXPECT_TRUE(!result->observation.action_error().empty() || !result->observation.notices().empty()) << url;
    EXPECT_THAT(result->observation.text().text(), Not(HasSubstr("root:"))) << url;
    EXPECT_THAT(result->observation.text().text(), Not(HasSubstr("secret"))) << url;
  }
  EXPECT_EQ(forbidden.touched(), 0);
}

INSTANTIATE_TEST_SUITE_P(Browsers, HostilePagesTest, testing::Values(v1::BROWSER_KIND_HEADLESS_SHELL, v1::BROWSER_KIND_CHROMIUM),
                         [](const auto& info) { return info.param == v1::BROWSER_KIND_CHROMIUM ? "chromium" : "headless_shell"; });

}  // namespace
}  // namespace proctor::env::web
