// Going to URLs: which may be gone to, placeholders, and what became of it.
#ifndef PROCTOR_ENV_WEB_PAGE_LOAD_H_
#define PROCTOR_ENV_WEB_PAGE_LOAD_H_

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/web/settle.h"
#include "env/web/tab.h"

namespace proctor::env::web {

using BaseUrls = std::map<std::string, std::string>;

// What a task is about. It is the task's own site that failed if it cannot be had; any other place the agent chose itself.
struct TaskSites {
  BaseUrls base_urls;
  // Normal origins (origin.h) of the start pages, and of the base URLs that have answered in the episode.
  std::set<std::string> origins;

  // Of a URL; of one without an origin nothing.
  void Add(std::string_view url);
  bool Own(std::string_view url) const;
};

// `url` with its placeholders (`__SHOP__`) replaced. INVALID_ARGUMENT for a placeholder that is not known and for any
// scheme but http, https and about:blank.
absl::StatusOr<std::string> ResolveUrl(std::string_view url, const BaseUrls& base_urls);

struct LoadOutcome {
  SettleOutcome settle;
  // Empty, or why there is no document: "net::ERR_..." or as LoadFailure::text; of where the page led meanwhile, if it did.
  std::string error;
  // The document, or the page of its error, is there.
  bool arrived = false;
};

// Navigates and waits until the page rests or `cap` passed.
absl::StatusOr<LoadOutcome> LoadPage(const CallContext& context, Tab& tab, const std::string& url, absl::Duration cap);

// A LoadOutcome's error, told to who can do something about it.
std::string WhatFailed(const std::string& error);

// Why the tab shows no document, in a sentence; empty: it shows one.
std::string LoadProblem(const Tab& tab);
// That the tab shows only the beginning of a document, since its server or the connection broke; empty: it does not.
std::string CutOff(const Tab& tab);
// All of that, or what a refusing status means, for an observation's notices; empty if nothing is worth a word.
std::string LoadNotice(const Tab& tab);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_PAGE_LOAD_H_
