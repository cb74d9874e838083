// The practice sites of all running episodes, behind one HTTP handler.
#ifndef PROCTOR_ENV_PRACTICE_HUB_H_
#define PROCTOR_ENV_PRACTICE_HUB_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "env/practice/site.h"
#include "net/http_server.h"

namespace proctor::env::practice {

// A kind of site; makes sites that share the content of their seed. Thread-safe.
class SiteFactory {
 public:
  virtual ~SiteFactory() = default;
  // A site in its initial state. The first one of a seed generates the content (about a millisecond).
  virtual std::unique_ptr<Site> NewSite(uint64_t seed) = 0;
};

// "shop", "wiki", "mail", "forum", "booking": the order of everything that lists sites.
const std::vector<std::string>& SiteNames();

// A site without a hub, its content not shared: for templates and tests. Null for an unknown name.
std::unique_ptr<Site> NewStandaloneSite(std::string_view site, uint64_t seed);

// Creates, serves and forgets instances: one a running episode, each with its own hosts and state. Thread-safe.
// Creating an instance costs microseconds: content comes lazily, at the first request, once a seed.
class PracticeHub {
 public:
  struct Instance {
    std::string id;
    // "__SHOP__" to "http://shop-<random>.localhost:<port>", for each site.
    std::map<std::string, std::string> base_urls;
  };
  struct InstanceOptions {
    int64_t seed = 0;
    // Added to every response; 0 to 10 s.
    absl::Duration response_delay = absl::ZeroDuration();
    // Whose pages reach its hosts: the session's listener of the egress proxy (World::proxy_port). 0: nobody's.
    uint16_t proxy_port = 0;
    // Start state by site name: a JSON array of form posts, played in order before the first page is served:
    // [{"path": "/cart/add", "form": {"product": "blue-lamp", "quantity": "2"}}]. Each must change the site's state; at most 1,000 of a site.
    std::map<std::string, std::string> site_state_json = {};
  };

  PracticeHub();
  ~PracticeHub();

  // The port that the handler is served on; before the first instance.
  void SetPort(uint16_t port);

  // INVALID_ARGUMENT: a start state of an unknown site, malformed, or refused by the site.
  absl::StatusOr<Instance> CreateInstance(const InstanceOptions& options);
  // Its hosts stop answering. An unknown id is ignored.
  void Destroy(const std::string& id);

  // For net::HttpServer: routes by host. 404 for hosts of no instance.
  net::HttpResponse Handle(const net::HttpRequest& request);

  // The site's state ("shop" or "SHOP") as JSON. NOT_FOUND for an unknown id or site.
  absl::StatusOr<std::string> StateJson(const std::string& id, const std::string& site);

  // The port if `host` (with or without port) belongs to a running instance that was made for the listener `proxy_port` of the egress proxy,
  // else 0. A host is no secret, records tell it: whose it is counts.
  uint16_t PortOf(uint16_t proxy_port, const std::string& host) const;

  int instance_count() const;

 private:
  struct Episode;
  struct Slot;

  std::shared_ptr<Slot> FindSlot(std::string_view host) const;
  absl::Status Play(Slot& slot, const std::string& site, const std::string& posts_json);

  std::map<std::string, std::unique_ptr<SiteFactory>> factories_;  // constant after construction
  mutable Mutex mutex_;
  uint16_t port_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::unique_ptr<Episode>> episodes_ ABSL_GUARDED_BY(mutex_);
  // By the host's first label.
  std::map<std::string, std::shared_ptr<Slot>, std::less<>> slots_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_HUB_H_
