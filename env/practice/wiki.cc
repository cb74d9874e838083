#include "env/practice/wiki.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "env/practice/names.h"
#include "env/practice/random.h"

namespace proctor::env::practice {
namespace {

constexpr int kPerCategory = 24;

// Generates one country; the order of calls is the order of random draws.
class Writer {
 public:
  explicit Writer(uint64_t seed)
      : random_(seed, "wiki"), people_(PersonNames(random_, 300)), towns_(TownNames(random_, kPerCategory)) {}

  std::shared_ptr<const WikiContent> Write() {
    Towns();
    Natural("Lakes", "Lake ", "", 12, 640, "Depth");
    Natural("Mountains", "Mount ", "", 700, 4900, "Height");
    Natural("Bridges", "", " Bridge", 60, 2900, "Length");
    Composers();
    std::vector<std::string> slugs;
    for (WikiArticle& article : content_->articles) {
      Finish(article);
      slugs.push_back(article.slug);
    }
    slugs = random_.Sample(slugs, 8);
    content_->start_watched = {slugs.begin(), slugs.begin() + 4};
    content_->start_reading = {slugs.begin() + 4, slugs.end()};
    return content_;
  }

 private:
  std::string Person() { return people_[next_person_++]; }
  std::string Word() {
    if (words_.empty()) words_ = SeriesWords(random_, 100);
    std::string word = words_.back();
    words_.pop_back();
    return word;
  }
  int Measure(int low, int high) {
    int value = 0;
    do value = random_.Int(low, high); while (!measures_.insert(value).second);
    return value;
  }

  void Add(const std::string& category, std::vector<WikiArticle> articles) {
    content_->categories.push_back(category);
    std::sort(articles.begin(), articles.end(), [](auto& a, auto& b) { return a.title < b.title; });
    for (WikiArticle& article : articles) {
      article.slug = Slug(article.title);
      article.category = category;
      content_->articles.push_back(std::move(article));
    }
    measures_.clear();
  }

  std::string Area() {
    const int tenths = random_.Int(1, 9);
    return absl::StrFormat("%d.%d km²", random_.Int(4, 190), tenths);
  }

  std::string Work() {
    static const auto& kinds = *new std::vector<std::string>{"Sonata", "Quartet", "Overture", "Suite"};
    const std::string& kind = random_.Pick(kinds);
    return absl::StrCat("The ", Word(), " ", kind);
  }

  void Towns() {
    std::vector<WikiArticle> made;
    for (int i = 0; i < kPerCategory; ++i) {
      WikiArticle article{.title = towns_[i], .measure = Measure(1200, 480000), .town = Slug(towns_[(i + 7) % kPerCategory])};
      article.facts = {{"Population", Thousands(article.measure)},
                       {"Mayor", Person()},
                       {"Founded", absl::StrCat(random_.Int(902, 1788))},
                       {"Area", Area()},
                       {"Twin town", towns_[(i + 7) % kPerCategory]}};
      article.lead = absl::StrCat(article.title, " is a town in the valley of the ", Word(), " River.");
      made.push_back(std::move(article));
    }
    Add("Towns", std::move(made));
  }

  // Lakes, mountains and bridges: a size, a person, a year and a nearest town.
  void Natural(const std::string& category, const std::string& before, const std::string& after, int low, int high,
               const std::string& measure) {
    const bool lake = category == "Lakes", bridge = category == "Bridges";
    std::vector<WikiArticle> made;
    words_.clear();
    for (int i = 0; i < kPerCategory; ++i) {
      const std::string& town = random_.Pick(towns_);
      WikiArticle article{.title = absl::StrCat(before, Word(), after), .measure = Measure(low, high), .town = Slug(town)};
      article.facts = {{measure, Thousands(article.measure) + " m"}};
      if (lake) {
        article.facts.push_back({"Outflow", absl::StrCat(random_.Pick(towns_), " River")});
        article.facts.push_back({"Surveyed by", Person()});
      } else {
        article.facts.push_back({bridge ? "Architect" : "First climbed by", Person()});
      }
      article.facts.push_back({bridge ? "Opened" : lake ? "Surveyed in" : "First climbed in", absl::StrCat(random_.Int(1790, 1990))});
      article.facts.push_back({"Nearest town", town});
      article.lead = absl::StrCat(article.title, bridge ? " is a bridge" : lake ? " is a lake" : " is a mountain", " near ", town, ".");
      made.push_back(std::move(article));
    }
    Add(category, std::move(made));
  }

  void Composers() {
    std::vector<WikiArticle> made;
    words_.clear();
    for (int i = 0; i < kPerCategory; ++i) {
      const std::string& town = random_.Pick(towns_);
      WikiArticle article{.title = Person(), .measure = Measure(14, 600), .town = Slug(town)};
      article.facts = {{"Works", absl::StrCat(article.measure)},
                       {"Born in", town},
                       {"Year of birth", absl::StrCat(random_.Int(1680, 1930))},
                       {"Teacher", Person()},
                       {"Best-known work", Work()}};
      article.lead = absl::StrCat(article.title, " was a composer from ", town, ".");
      made.push_back(std::move(article));
    }
    Add("Composers", std::move(made));
  }

  void Finish(WikiArticle& article) {
    static const auto& titles = *new std::vector<std::string>{"Early years", "Legends", "Visitors", "Weather", "Trivia", "In the arts"};
    static const auto& summaries = *new std::vector<std::string>{"Fixed a typo", "Added a source", "Shortened the text", "New section", "Updated the numbers"};
    for (const std::string& title : random_.Sample(titles, 3)) {
      const std::string closing = Filler(random_, "the " + title);
      article.sections.emplace_back(title, Filler(random_, article.title) + " " + closing);
    }
    int day = random_.Int(80, 120);
    for (int i = 0; i < 4; ++i) {
      article.revisions.push_back({LongDate(day), random_.Pick(people_), random_.Pick(summaries)});
      day -= random_.Int(2, 18);
    }
  }

  Random random_;
  const std::vector<std::string> people_, towns_;
  size_t next_person_ = 0;
  std::vector<std::string> words_;
  std::set<int> measures_;
  std::shared_ptr<WikiContent> content_ = std::make_shared<WikiContent>();
};

}  // namespace

std::shared_ptr<const WikiContent> WikiContent::Generate(uint64_t seed) { return Writer(seed).Write(); }

const WikiArticle* WikiContent::Find(std::string_view slug) const {
  for (const WikiArticle& article : articles) {
    if (article.slug == slug) return &article;
  }
  return nullptr;
}

std::vector<const WikiArticle*> WikiContent::InCategory(const std::string& category) const {
  std::vector<const WikiArticle*> found;
  for (const WikiArticle& article : articles) {
    if (article.category == category) found.push_back(&article);
  }
  return found;
}

std::string WikiContent::MeasureName(const std::string& category) {
  if (category == "Towns") return "Population";
  if (category == "Lakes") return "Depth";
  if (category == "Mountains") return "Height";
  return category == "Bridges" ? "Length" : "Works";
}

std::string WikiContent::Fact(const WikiArticle& article, const std::string& name) {
  for (const auto& [key, value] : article.facts) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace proctor::env::practice
