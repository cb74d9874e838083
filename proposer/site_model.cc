#include "proposer/site_model.h"

#include <deque>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxLinks = 1'500;
constexpr size_t kMaxNameBytes = 200;

void Append(std::string& bytes, const std::string& text) { absl::StrAppend(&bytes, text.size(), ":", text); }

}  // namespace

std::string SiteModel::Digest() const {
  std::string bytes;
  for (const Page& page : pages) {
    Append(bytes, page.url);
    Append(bytes, page.title);
    Append(bytes, page.subject);
    for (const Link& link : page.links) {
      Append(bytes, link.target);
      Append(bytes, link.element.name());
    }
    for (const Fact& fact : page.facts) {
      Append(bytes, fact.subject);
      Append(bytes, fact.attribute);
      Append(bytes, fact.value);
    }
    bytes += '\n';
  }
  return Sha256Hex(bytes);
}

int SiteModel::Find(std::string_view canonical) const {
  for (size_t i = 0; i < pages.size(); ++i) {
    if (pages[i].url == canonical) return static_cast<int>(i);
    for (const std::string& alias : pages[i].aliases) {
      if (alias == canonical) return static_cast<int>(i);
    }
  }
  return -1;
}

std::vector<Link> LinksOf(const v1::Observation& observation, const SiteUrls& urls) {
  std::vector<Link> links;
  // Elements seen so far, by role and name.
  std::map<std::pair<std::string, std::string>, int> seen;
  for (const v1::Element& element : observation.elements()) {
    const int nth = seen[{element.role(), Folded(element.name())}]++;
    if (element.role() != "link" || element.name().empty() || element.name().size() > kMaxNameBytes) continue;
    std::string target = urls.Canonical(element.href());
    if (!urls.IsOnSite(target)) continue;
    if (links.size() == kMaxLinks) break;
    Link& link = links.emplace_back();
    link.target = std::move(target);
    link.element.set_role(element.role());
    link.element.set_name(element.name());
    link.element.set_nth(nth);
  }
  return links;
}

PageIndex::PageIndex(const SiteModel& model) {
  for (size_t i = 0; i < model.pages.size(); ++i) {
    pages_.emplace(model.pages[i].url, static_cast<int>(i));
    for (const std::string& alias : model.pages[i].aliases) pages_.emplace(alias, static_cast<int>(i));
  }
}

int PageIndex::Find(std::string_view canonical) const {
  const auto page = pages_.find(canonical);
  return page == pages_.end() ? -1 : page->second;
}

Paths::Paths(const SiteModel& model, const PageIndex& index, int from)
    : lengths_(model.pages.size(), -1), before_(model.pages.size(), -1), by_(model.pages.size(), nullptr) {
  std::deque<int> queue = {from};
  lengths_[from] = 0;
  while (!queue.empty()) {
    const int at = queue.front();
    queue.pop_front();
    for (const Link& link : model.pages[at].links) {
      const int to = index.Find(link.target);
      if (to < 0 || lengths_[to] >= 0) continue;
      lengths_[to] = lengths_[at] + 1;
      before_[to] = at;
      by_[to] = &link;
      queue.push_back(to);
    }
  }
}

void Paths::AppendTo(int to, std::vector<const Link*>& way) const {
  std::vector<const Link*> clicks;
  for (; by_[to] != nullptr; to = before_[to]) clicks.push_back(by_[to]);
  way.insert(way.end(), clicks.rbegin(), clicks.rend());
}

}  // namespace proctor::proposer
