// "Almanac of Wold", an encyclopedia of an invented country.
#ifndef PROCTOR_ENV_PRACTICE_WIKI_H_
#define PROCTOR_ENV_PRACTICE_WIKI_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/practice/site.h"

namespace proctor::env::practice {

struct WikiRevision {
  std::string date, editor, summary;
};

struct WikiArticle {
  std::string title = "", slug = "", category = "", lead = "";
  // The infobox.
  std::vector<std::pair<std::string, std::string>> facts = {};
  // The number by which lists of the category are sorted.
  int measure = 0;
  // Slug of the related town, or "".
  std::string town = "";
  std::vector<std::pair<std::string, std::string>> sections = {};  // title, text
  std::vector<WikiRevision> revisions = {};  // newest first
};

// Immutable.
struct WikiContent {
  static constexpr int kArticlesOnPage = 10;

  std::vector<std::string> categories;
  std::vector<WikiArticle> articles;  // grouped by category, by title
  std::vector<std::string> start_watched;                     // slugs
  std::vector<std::string> start_reading;                     // slugs

  static std::shared_ptr<const WikiContent> Generate(uint64_t seed);
  // Null if there is none.
  const WikiArticle* Find(std::string_view slug) const;
  std::vector<const WikiArticle*> InCategory(const std::string& category) const;
  // The fact that `measure` is: "Population" for "Towns".
  static std::string MeasureName(const std::string& category);
  static std::string Fact(const WikiArticle& article, const std::string& name);
};

std::unique_ptr<Site> NewWiki(std::shared_ptr<const WikiContent> content);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_WIKI_H_
