#include "env/practice/hub.h"

#include <list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/practice/booking.h"
#include "env/practice/forum.h"
#include "env/practice/mail.h"
#include "env/practice/shop.h"
#include "env/practice/wiki.h"

namespace proctor::env::practice {
namespace {

// Seeds whose content is kept for the next episode: about 100 KB each.
constexpr size_t kCachedSeeds = 64;
constexpr absl::Duration kMaxDelay = absl::Seconds(10);
// Of a start state, for each site: more than any task asks for, and played at once.
constexpr size_t kMaxPosts = 1'000;

// Keeps the content of the most recently used seeds.
template <typename Content>
class CachingFactory final : public SiteFactory {
 public:
  using Maker = std::unique_ptr<Site> (*)(std::shared_ptr<const Content>);
  explicit CachingFactory(Maker maker) : maker_(maker) {}

  std::unique_ptr<Site> NewSite(uint64_t seed) override { return maker_(Get(seed)); }

 private:
  std::shared_ptr<const Content> Get(uint64_t seed) {
    {
      MutexLock lock(mutex_);
      if (auto content = Find(seed)) return content;
    }
    // Two threads may generate the same seed; the first one kept wins.
    auto content = Content::Generate(seed);
    MutexLock lock(mutex_);
    if (auto other = Find(seed)) return other;
    recent_.emplace_front(seed, content);
    if (recent_.size() > kCachedSeeds) recent_.pop_back();
    return content;
  }

  std::shared_ptr<const Content> Find(uint64_t seed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto it = recent_.begin(); it != recent_.end(); ++it) {
      if (it->first != seed) continue;
      recent_.splice(recent_.begin(), recent_, it);
      return it->second;
    }
    return nullptr;
  }

  const Maker maker_;
  Mutex mutex_;
  std::list<std::pair<uint64_t, std::shared_ptr<const Content>>> recent_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<SiteFactory> NewFactory(std::string_view site) {
  if (site == "shop") return std::make_unique<CachingFactory<ShopContent>>(&NewShop);
  if (site == "wiki") return std::make_unique<CachingFactory<WikiContent>>(&NewWiki);
  if (site == "mail") return std::make_unique<CachingFactory<MailContent>>(&NewMail);
  if (site == "forum") return std::make_unique<CachingFactory<ForumContent>>(&NewForum);
  if (site == "booking") return std::make_unique<CachingFactory<BookingContent>>(&NewBooking);
  return nullptr;
}

// "shop-1a2b" from "shop-1a2b.localhost:8080", or "".
std::string_view FirstLabel(std::string_view host) {
  host = host.substr(0, host.find(':'));
  const size_t dot = host.find('.');
  return dot != std::string_view::npos && host.substr(dot) == ".localhost" ? host.substr(0, dot) : "";
}

net::HttpResponse Asset(std::string_view body, const char* type) {
  net::HttpResponse response;
  response.headers = {{"content-type", type}, {"cache-control", "max-age=3600"}};
  response.body = std::string(body);
  return response;
}

net::HttpResponse PlainText(int status, std::string text) {
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", "text/plain; charset=utf-8"}};
  response.body = std::move(text);
  return response;
}

}  // namespace

const std::vector<std::string>& SiteNames() {
  static const auto& names = *new std::vector<std::string>{"shop", "wiki", "mail", "forum", "booking"};
  return names;
}

std::unique_ptr<Site> NewStandaloneSite(std::string_view site, uint64_t seed) {
  const std::unique_ptr<SiteFactory> factory = NewFactory(site);
  return factory == nullptr ? nullptr : factory->NewSite(seed);
}

// One site of one episode.
struct PracticeHub::Slot {
  SiteFactory* factory;
  uint64_t seed;
  absl::Duration delay;
  uint16_t proxy_port;
  Mutex mutex;
  // Made at the first use.
  std::unique_ptr<Site> site ABSL_GUARDED_BY(mutex);

  Site& Get() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (site == nullptr) site = factory->NewSite(seed);
    return *site;
  }
};

struct PracticeHub::Episode {
  std::map<std::string, std::string> label_by_site;
};

PracticeHub::PracticeHub() {
  for (const std::string& name : SiteNames()) factories_[name] = NewFactory(name);
}

PracticeHub::~PracticeHub() = default;

void PracticeHub::SetPort(uint16_t port) {
  MutexLock lock(mutex_);
  port_ = port;
}

absl::StatusOr<PracticeHub::Instance> PracticeHub::CreateInstance(const InstanceOptions& options) {
  if (options.response_delay < absl::ZeroDuration() || options.response_delay > kMaxDelay) {
    return absl::InvalidArgumentError("response_delay must be 0 to 10 s");
  }
  Instance instance{.id = RandomHex(12), .base_urls = {}};
  auto episode = std::make_unique<Episode>();
  std::map<std::string, std::shared_ptr<Slot>> slots;
  for (const auto& [name, factory] : factories_) {
    auto slot = std::make_shared<Slot>();
    slot->factory = factory.get();
    slot->seed = static_cast<uint64_t>(options.seed);
    slot->delay = options.response_delay;
    slot->proxy_port = options.proxy_port;
    // Each site has a host of its own choice: one site's address does not tell the others'.
    const std::string label = absl::StrCat(name, "-", RandomHex(12));
    episode->label_by_site[name] = label;
    slots[label] = std::move(slot);
  }
  for (const auto& [site, posts] : options.site_state_json) {
    const auto label = episode->label_by_site.find(absl::AsciiStrToLower(site));
    if (label == episode->label_by_site.end()) {
      return absl::InvalidArgumentError(absl::StrCat("site_state_json names an unknown practice site: ", site));
    }
    PROCTOR_RETURN_IF_ERROR(Play(*slots[label->second], site, posts));
  }
  MutexLock lock(mutex_);
  for (const auto& [site, label] : episode->label_by_site) {
    instance.base_urls[absl::StrCat("__", absl::AsciiStrToUpper(site), "__")] =
        absl::StrCat("http://", label, ".localhost:", port_);
  }
  slots_.insert(slots.begin(), slots.end());
  episodes_[instance.id] = std::move(episode);
  return instance;
}

absl::Status PracticeHub::Play(Slot& slot, const std::string& site, const std::string& posts_json) {
  const auto invalid = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("site_state_json of ", site, ": ", why));
  };
  const absl::StatusOr<Json> posts = ParseJson(posts_json);
  if (!posts.ok()) return Annotate(posts.status(), absl::StrCat("site_state_json of ", site));
  if (!posts->is_array()) return invalid("must be an array of {path, form}");
  if (posts->size() > kMaxPosts) return invalid(absl::StrCat("has more than ", kMaxPosts, " posts"));
  MutexLock lock(slot.mutex);
  std::string state = slot.Get().state().ToJson();
  for (const Json& post : *posts) {
    const std::string path = JsonStringOr(post, "path");
    if (path.empty() || path[0] != '/') return invalid("each entry needs a path that starts with '/'");
    std::vector<std::pair<std::string, std::string>> form;
    if (post.contains("form")) {
      if (!post["form"].is_object()) return invalid("form must be an object of texts");
      for (const auto& [name, value] : post["form"].items()) {
        if (!value.is_string()) return invalid("form must be an object of texts");
        form.emplace_back(name, value.get<std::string>());
      }
      if (!Parameters::MayBeSent(form)) return invalid("a form has more fields or longer texts than a site reads");
    }
    Request request;
    if (!Request::Parse({.method = "POST", .target = path, .host = "", .headers = {}, .body = ""}, request)) return invalid("path is too long");
    request.form = Parameters::Of(std::move(form));
    if (slot.Get().state().full()) return invalid("it is more than a site takes");
    // Most forms that are filled in wrongly are answered by a page that says so.
    const bool refused = slot.Get().Handle(request).status >= 400;
    const std::string before = std::exchange(state, slot.Get().state().ToJson());
    if (refused || state == before) {
      return invalid(absl::StrCat("the site refused ", path, ", or nothing of its state is changed by it"));
    }
  }
  return absl::OkStatus();
}

void PracticeHub::Destroy(const std::string& id) {
  std::vector<std::shared_ptr<Slot>> freed;  // outside the lock
  MutexLock lock(mutex_);
  const auto episode = episodes_.find(id);
  if (episode == episodes_.end()) return;
  for (const auto& [site, label] : episode->second->label_by_site) {
    const auto slot = slots_.find(label);
    freed.push_back(std::move(slot->second));
    slots_.erase(slot);
  }
  episodes_.erase(episode);
}

std::shared_ptr<PracticeHub::Slot> PracticeHub::FindSlot(std::string_view host) const {
  MutexLock lock(mutex_);
  const auto found = slots_.find(FirstLabel(host));
  return found == slots_.end() ? nullptr : found->second;
}

net::HttpResponse PracticeHub::Handle(const net::HttpRequest& request) {
  const std::shared_ptr<Slot> slot = FindSlot(request.host);
  if (slot == nullptr) return PlainText(404, "No such site.\n");
  Request parsed;
  if (!Request::Parse(request, parsed)) return PlainText(405, "Method not allowed.\n");
  net::HttpResponse response;
  if (parsed.path == "/style.css") {
    response = Asset(StyleSheet(), "text/css; charset=utf-8");
  } else if (parsed.path == "/site.js") {
    response = Asset(Script(), "text/javascript; charset=utf-8");
  } else {
    MutexLock lock(slot->mutex);
    Site& site = slot->Get();
    response = parsed.post && site.state().full() ? PlainText(413, "This site is full: it takes nothing more.\n") : site.Handle(parsed);
  }
  response.delay += slot->delay;
  return response;
}

absl::StatusOr<std::string> PracticeHub::StateJson(const std::string& id, const std::string& site) {
  std::shared_ptr<Slot> slot;
  {
    MutexLock lock(mutex_);
    const auto episode = episodes_.find(id);
    if (episode == episodes_.end()) return absl::NotFoundError("no such practice instance");
    const auto label = episode->second->label_by_site.find(absl::AsciiStrToLower(site));
    if (label == episode->second->label_by_site.end()) {
      return absl::NotFoundError(absl::StrCat("no such practice site: ", site));
    }
    slot = slots_.find(label->second)->second;
  }
  MutexLock lock(slot->mutex);
  return slot->Get().state().ToJson();
}

uint16_t PracticeHub::PortOf(uint16_t proxy_port, const std::string& host) const {
  MutexLock lock(mutex_);
  const auto found = slots_.find(FirstLabel(host));
  const bool theirs = found != slots_.end() && proxy_port != 0 && found->second->proxy_port == proxy_port;
  return theirs ? port_ : 0;
}

int PracticeHub::instance_count() const {
  MutexLock lock(mutex_);
  return static_cast<int>(episodes_.size());
}

}  // namespace proctor::env::practice
