// URLs of one site: their canonical form, and which of them a polite visitor opens.
#ifndef PROCTOR_PROPOSER_SITE_URL_H_
#define PROCTOR_PROPOSER_SITE_URL_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace re2 {
class RE2;
}

namespace proctor::proposer {

// An absolute http(s) URL in parts.
struct UrlParts {
  std::string scheme;
  // Host in lower case, with the port unless it is the scheme's default.
  std::string host;
  // Begins with '/'.
  std::string path;
  // Without '?'.
  std::string query;
};

// INVALID_ARGUMENT for anything else than http and https.
absl::StatusOr<UrlParts> ParseUrl(std::string_view url);
// On this machine: localhost, *.localhost, 127.0.0.0/8, [::1].
bool IsLoopbackHost(std::string_view host);

// Names pages by canonical URLs: no fragment, no default port, no tracking or session parameters; base URLs replaced
// by their placeholders, so that names outlive an episode's own hosts.
class SiteUrls {
 public:
  // `start_url` may begin with a placeholder. INVALID_ARGUMENT: a malformed URL or pattern.
  static absl::StatusOr<SiteUrls> Create(const std::string& start_url,
                                         const std::vector<std::string>& exclude_patterns);
  SiteUrls(const SiteUrls&);
  SiteUrls(SiteUrls&&) noexcept;
  SiteUrls& operator=(SiteUrls&&) noexcept;
  ~SiteUrls();

  // The base URLs in force from now on.
  void SetBaseUrls(std::map<std::string, std::string> base_urls) { base_urls_ = std::move(base_urls); }

  // Empty for what is no http(s) URL.
  std::string Canonical(std::string_view url) const;
  // Path and query of a canonical URL of the site.
  std::string PathOf(const std::string& canonical) const;
  std::string RobotsUrl() const { return site_ + "/robots.txt"; }

  // Of the start's site: the same scheme, host and port, or the same placeholder.
  bool IsOnSite(const std::string& canonical) const;
  // On the site, and opening it changes nothing as far as its name tells: no logout, delete, edit, `do=`, ...; no
  // downloads; not excluded by a pattern.
  bool MayVisit(const std::string& canonical) const;

  const std::string& start() const { return start_; }
  // Host of the start, or the placeholder in lower case without underscores.
  std::string SiteName() const;

 private:
  SiteUrls();
  std::string start_;
  std::string site_;
  std::map<std::string, std::string> base_urls_;
  std::vector<std::shared_ptr<const re2::RE2>> exclude_;
};

// What a robots.txt allows any robot ("*") or one called `proctor` (RFC 9309: the longest match wins, Allow on a tie).
class RobotsRules {
 public:
  // Malformed lines are skipped. Reads at most 500 KiB.
  static RobotsRules Parse(std::string_view text);
  // `path_and_query` begins with '/'.
  bool Allows(std::string_view path_and_query) const;

 private:
  struct Rule {
    bool allow = false;
    std::string pattern;
  };
  std::vector<Rule> rules_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SITE_URL_H_
