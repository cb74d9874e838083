// The encyclopedia's pages.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "env/practice/names.h"
#include "env/practice/wiki.h"

namespace proctor::env::practice {
namespace {

Shell ShellOf(const WikiContent& content) {
  Shell shell{.site = "wiki", .brand = "Almanac of Wold", .search_label = "Search articles",
              .footer = "Almanac of Wold, written by its readers. Text may be used freely."};
  for (const std::string& category : content.categories) shell.links.emplace_back("/category/" + Slug(category), category);
  for (const char* name : {"Watchlist", "Reading list", "Preferences"}) shell.links.emplace_back("/" + Slug(name), name);
  return shell;
}

const Options& Lanes() {
  static const auto& lanes = *new Options{{"later", "To read"}, {"now", "Reading"}, {"done", "Finished"}};
  return lanes;
}

class Wiki final : public Site {
 public:
  explicit Wiki(std::shared_ptr<const WikiContent> content)
      : content_(std::move(content)), shell_(ShellOf(*content_)) {
    for (const std::string& slug : content_->start_watched) state_.Set("watched", slug, {});
    for (const std::string& slug : content_->start_reading) state_.Set("reading", slug, {{"lane", "later"}});
  }

  net::HttpResponse Handle(const Request& request) override { return request.post ? Post(request) : Get(request); }

 private:
  net::HttpResponse Show(std::string_view title, const std::string& html, std::string_view query = "") {
    return HtmlResponse(Page(shell_, title, html, query));
  }

  net::HttpResponse Get(const Request& request) {
    const std::string& room = request.Segment(0);
    if (room.empty()) return Home();
    if (room == "category") return Category(request);
    if (room == "search") return Search(request.query.Get("q"));
    if (room == "watchlist") return Watchlist();
    if (room == "reading-list") return ReadingList();
    if (room == "preferences") return Preferences(request.query.Has("saved") ? Notice("Your preferences are saved.") : "");
    const WikiArticle* article = room == "article" ? content_->Find(request.Segment(1)) : nullptr;
    if (article == nullptr) return NotFound(shell_, "There is no article of this name.");
    const std::string& view = request.Segment(2);
    if (view.empty()) return Article(*article);
    if (view == "talk") return Talk(*article, request, {});
    if (view == "edit") return Edit(*article, request, {});
    if (view == "history") return History(*article);
    return NotFound(shell_, "There is no such page.");
  }

  net::HttpResponse Post(const Request& request) {
    if (request.path == "/preferences") return SavePreferences(request.form);
    if (request.path == "/reading-list") return MoveReading(request.form);
    const WikiArticle* article = request.Segment(0) == "article" ? content_->Find(request.Segment(1)) : nullptr;
    if (article == nullptr) return NotFound(shell_, "There is no article of this name.");
    const std::string& action = request.Segment(2);
    const std::string back = "/article/" + article->slug;
    if (action == "watch") state_.Set("watched", article->slug, {});
    if (action == "unwatch") state_.Erase("watched", article->slug);
    if (action == "watch") return Redirect(back);
    if (action == "unwatch") return Redirect(request.form.Get("from") == "list" ? "/watchlist" : back);
    if (action == "later") {
      state_.Set("reading", article->slug, {{"lane", "later"}});
      return Redirect("/reading-list");
    }
    if (action == "thank") {
      if (request.form.Get("editor").empty()) return Redirect(back + "/history");
      state_.Set("thanks", article->slug, {{"editor", request.form.Get("editor")}});
      return Redirect(back + "/history");
    }
    if (action == "talk") return AddComment(*article, request);
    if (action == "edit") return SaveEdit(*article, request);
    return NotFound(shell_, "There is no such page.");
  }

  net::HttpResponse Home() {
    std::vector<std::string> items;
    for (size_t i = 3; i < content_->articles.size(); i += 17) {
      const WikiArticle& article = content_->articles[i];
      items.push_back(Link("/article/" + article.slug, article.title) + " " + Escape(article.sections[0].first));
    }
    return Show("Main page", Heading(1, "Main page") +
                                 Paragraph(absl::StrCat("Welcome to the encyclopedia of a small country, with ",
                                                        content_->articles.size(), " articles.")) +
                                 Heading(2, "Articles of the week") + List(items));
  }

  net::HttpResponse Category(const Request& request) {
    std::string category;
    for (const std::string& name : content_->categories) {
      if (Slug(name) == request.Segment(1)) category = name;
    }
    if (category.empty()) return NotFound(shell_, "There is no such category.");
    std::vector<const WikiArticle*> articles = content_->InCategory(category);
    const std::string measure = WikiContent::MeasureName(category), sort = request.query.Get("sort", "title");
    const auto by = [&](auto less) { std::sort(articles.begin(), articles.end(), less); };
    if (sort == "most") by([](auto* a, auto* b) { return a->measure > b->measure; });
    if (sort == "least") by([](auto* a, auto* b) { return a->measure < b->measure; });
    const int pages = (static_cast<int>(articles.size()) + WikiContent::kArticlesOnPage - 1) / WikiContent::kArticlesOnPage;
    const int page = request.query.Int("page", 1, pages, 1);
    std::vector<std::vector<std::string>> rows;
    for (size_t i = static_cast<size_t>(page - 1) * WikiContent::kArticlesOnPage; i < articles.size() && static_cast<int>(i) < page * WikiContent::kArticlesOnPage; ++i) {
      rows.push_back({Link("/article/" + articles[i]->slug, articles[i]->title), Escape(articles[i]->facts[0].second)});
    }
    const std::string path = "/category/" + Slug(category);
    return Show(category,
                Heading(1, category) +
                    Form(path, Select({.label = "Order", .name = "sort",
                                       .options = {{"title", "By title"}, {"most", measure + ": highest first"}, {"least", measure + ": lowest first"}},
                                       .selected = sort, .submits = true}),
                         "get") +
                    DataTable(absl::StrCat("Articles about ", category), {"Article", measure}, rows) +
                    Pager(path + "?sort=" + EncodeUrl(sort), page, pages));
  }

  net::HttpResponse Search(const std::string& query) {
    std::vector<std::string> items;
    for (const WikiArticle& article : content_->articles) {
      if (absl::EqualsIgnoreCase(article.title, query)) return Redirect("/article/" + article.slug);
      if (MatchesQuery(article.title, query)) items.push_back(Link("/article/" + article.slug, article.title));
    }
    return Show("Search", Heading(1, "Search results") + (items.empty() ? Paragraph("No article was found.") : List(items)), query);
  }

  std::string Views(const WikiArticle& article, std::string_view current) {
    std::string links;
    const std::string base = "/article/" + article.slug;
    for (const auto& [path, label] : Options{{"", "Article"}, {"/talk", "Talk"}, {"/edit", "Edit"}, {"/history", "History"}}) {
      links += Link(base + path, label, label == current ? "aria-current=\"page\"" : "") + " ";
    }
    const bool watched = state_.Has("watched", article.slug);
    links += PostButton({.action = base + (watched ? "/unwatch" : "/watch"), .fields = {}, .label = watched ? "Unwatch" : "Watch"});
    links += PostButton({.action = base + "/later", .fields = {}, .label = "Read later"});
    return Heading(1, article.title) + Wrap("nav", links, "class=\"pager\" aria-label=\"Views\"");
  }

  net::HttpResponse Article(const WikiArticle& article) {
    std::string rows;
    for (const auto& [name, value] : article.facts) {
      const bool town = !article.town.empty() && Slug(value) == article.town;
      rows += Wrap("tr", Tag("th", name, "scope=\"row\"") + Wrap("td", town ? Link("/article/" + article.town, value) : Escape(value)));
    }
    std::string html = Views(article, "Article") +
                       Wrap("table", Tag("caption", article.title) + Wrap("tbody", rows), "class=\"facts infobox\"") +
                       Paragraph(state_.Value("edits", article.slug, "text", article.lead));
    std::vector<std::string> contents;
    std::string sections;
    for (const auto& [title, text] : article.sections) {
      contents.push_back(Link("#" + Slug(title), title));
      sections += Tag("h2", title, "id=\"" + Slug(title) + "\"") + Paragraph(text);
    }
    html += Tag("h2", "Contents") + List(contents) + sections;
    html += Wrap("p", "Category: " + Link("/category/" + Slug(article.category) + "?sort=title", "All " + article.category));
    return Show(article.title, html);
  }

  net::HttpResponse History(const WikiArticle& article) {
    std::vector<std::vector<std::string>> rows;
    for (const WikiRevision& revision : article.revisions) {
      rows.push_back({revision.date, Escape(revision.editor), Escape(revision.summary),
                      PostButton({.action = "/article/" + article.slug + "/thank", .fields = {{"editor", revision.editor}}, .label = "Thank", .name = "Thank " + revision.editor})});
    }
    const std::string thanked = state_.Value("thanks", article.slug, "editor");
    return Show("History of " + article.title,
                Views(article, "History") + (thanked.empty() ? "" : Notice("You thanked " + thanked + ".")) +
                    DataTable("Revisions", {"Date", "Editor", "Summary", ""}, rows));
  }

  net::HttpResponse Talk(const WikiArticle& article, const Request& request, const std::vector<std::string>& errors) {
    std::string html = Views(article, "Talk") + Errors(errors);
    for (const auto& [id, comment] : state_.Get("talk")) {
      if (comment.at("article") != article.slug) continue;
      html += Wrap("article", Heading(3, comment.at("subject")) + Paragraph(comment.at("comment")), "class=\"post\"");
    }
    html += Heading(2, "Add a comment") +
            Form("/article/" + article.slug + "/talk",
                 Field({.label = "Subject", .name = "subject", .value = request.form.Get("subject")}) +
                     TextArea({.label = "Comment", .name = "comment", .value = request.form.Get("comment")}) + Submit("Add comment"));
    return Show("Talk about " + article.title, html);
  }

  net::HttpResponse AddComment(const WikiArticle& article, const Request& request) {
    const std::string subject = request.form.Get("subject"), comment = request.form.Get("comment");
    std::vector<std::string> errors;
    if (subject.empty()) errors.push_back("Enter a subject.");
    if (comment.empty()) errors.push_back("Enter a comment.");
    if (!errors.empty()) return Talk(article, request, errors);
    state_.Set("talk", state_.NextId("talk"), {{"article", article.slug}, {"subject", subject}, {"comment", comment}});
    return Redirect("/article/" + article.slug + "/talk");
  }

  net::HttpResponse Edit(const WikiArticle& article, const Request& request, const std::vector<std::string>& errors) {
    return Show("Edit " + article.title,
                Views(article, "Edit") + Errors(errors) +
                    Form("/article/" + article.slug + "/edit",
                         TextArea({.label = "Introduction", .name = "text",
                                   .value = request.form.Get("text", state_.Value("edits", article.slug, "text", article.lead))}) +
                             Field({.label = "Summary of your change", .name = "summary", .value = request.form.Get("summary")}) +
                             CheckBox("This is a minor edit", "minor", "yes", request.form.Has("minor")) + Submit("Save page")));
  }

  net::HttpResponse SaveEdit(const WikiArticle& article, const Request& request) {
    std::vector<std::string> errors;
    if (request.form.Get("text").empty()) errors.push_back("The introduction must not be empty.");
    if (request.form.Get("summary").empty()) errors.push_back("Sum up your change.");
    if (!errors.empty()) return Edit(article, request, errors);
    state_.Set("edits", article.slug, {{"text", request.form.Get("text")}, {"summary", request.form.Get("summary")},
                                       {"minor", request.form.Has("minor") ? "yes" : "no"}});
    return Redirect("/article/" + article.slug);
  }

  net::HttpResponse Watchlist() {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [slug, record] : state_.Get("watched")) {
      const WikiArticle& article = *content_->Find(slug);
      rows.push_back({Link("/article/" + slug, article.title), article.revisions[0].date, Escape(article.revisions[0].editor),
                      PostButton({.action = "/article/" + slug + "/unwatch", .fields = {{"from", "list"}}, .label = "Unwatch", .name = "Unwatch " + article.title})});
    }
    return Show("Watchlist", Heading(1, "Watchlist") + DataTable("Articles that you watch", {"Article", "Last change", "Changed by", ""}, rows));
  }

  net::HttpResponse ReadingList() {
    std::vector<Lane> lanes;
    for (const auto& [id, title] : Lanes()) {
      Lane lane{.id = id, .title = title, .tiles = {}};
      for (const auto& [slug, record] : state_.Get("reading")) {
        if (record.at("lane") == id) lane.tiles.emplace_back(slug, content_->Find(slug)->title);
      }
      lanes.push_back(std::move(lane));
    }
    return Show("Reading list", Heading(1, "Reading list") + Paragraph("Drag articles to where they belong.") + Board("/reading-list", lanes));
  }

  net::HttpResponse MoveReading(const Parameters& form) {
    const std::string slug = form.Get("tile"), lane = form.Get("lane");
    const bool known = std::any_of(Lanes().begin(), Lanes().end(), [&](const auto& option) { return option.first == lane; });
    if (!known || !state_.Has("reading", slug)) return NotFound(shell_, "There is no such place in the list.");
    state_.Set("reading", slug, {{"lane", lane}});
    return Redirect("/reading-list");
  }

  net::HttpResponse Preferences(const std::string& message) {
    const auto get = [&](const char* name, const char* otherwise) { return state_.Value("preferences", "mine", name, otherwise); };
    return Show("Preferences",
                Heading(1, "Preferences") + message +
                    Form("/preferences",
                         Radios({.label = "Appearance", .name = "skin",
                                 .options = {{"classic", "Classic"}, {"compact", "Compact"}, {"large", "Large print"}, {"night", "Night"}},
                                 .selected = get("skin", "classic")}) +
                             Select({.label = "Date format", .name = "dates",
                                     .options = {{"long", "Long dates"}, {"iso", "ISO dates"}, {"short", "Short dates"}},
                                     .selected = get("dates", "long")}) +
                             CheckBox("Tell me about changes by e-mail", "mail", "yes", get("mail", "no") == "yes") +
                             Submit("Save preferences")));
  }

  net::HttpResponse SavePreferences(const Parameters& form) {
    const State::Record chosen{{"skin", form.Get("skin", "classic")}, {"dates", form.Get("dates", "long")}, {"mail", form.Has("mail") ? "yes" : "no"}};
    if (chosen == State::Record{{"skin", "classic"}, {"dates", "long"}, {"mail", "no"}}) {
      state_.Erase("preferences", "mine");
    } else {
      state_.Set("preferences", "mine", chosen);
    }
    return Redirect("/preferences?saved=1");
  }

  const std::shared_ptr<const WikiContent> content_;
  const Shell shell_;
};

}  // namespace

std::unique_ptr<Site> NewWiki(std::shared_ptr<const WikiContent> content) { return std::make_unique<Wiki>(std::move(content)); }

}  // namespace proctor::env::practice
