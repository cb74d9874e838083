// Tasks in the encyclopedia.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/practice/task_builder.h"
#include "env/practice/wiki.h"

namespace proctor::env::practice {
namespace {

using absl::StrCat;
using absl::Substitute;

struct Scene {
  explicit Scene(TaskBuilder& task, const std::string& wanted = "") : wiki(WikiContent::Generate(task.seed())) {
    category = wanted.empty() ? task.random().Pick(wiki->categories) : wanted;
    listed = wiki->InCategory(category);
    do article = listed[task.random().Int(0, WikiContent::kArticlesOnPage - 1)]; while (Marked(article->slug));
    name = Quoted(article->title);
    path = "/article/" + article->slug;
    list_path = "/category/" + Slug(category);
  }

  bool Marked(const std::string& slug) const {
    for (const std::string& other : wiki->start_watched) if (other == slug) return true;
    for (const std::string& other : wiki->start_reading) if (other == slug) return true;
    return false;
  }

  std::shared_ptr<const WikiContent> wiki;
  std::string category, name, path, list_path;
  std::vector<const WikiArticle*> listed;
  const WikiArticle* article;
};

// A fact that the category's list does not show and that has no link.
std::pair<std::string, std::string> SomeFact(TaskBuilder& task, const WikiArticle& article) {
  for (;;) {
    const auto& fact = article.facts[task.random().Int(1, static_cast<int>(article.facts.size()) - 1)];
    if (Slug(fact.second) != article.town && article.lead.find(fact.second) == std::string::npos) return fact;
  }
}

std::vector<std::string> FactWordings(const std::string& label, const std::string& name) {
  return {Substitute("What does the article $1 give as $0?", Quoted(label), name),
          Substitute("Find $0 in the article $1.", Quoted(label), name),
          Substitute("According to the article $1, what is its entry for $0?", Quoted(label), name)};
}

void ReadFact(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = SomeFact(task, *s.article);
  task.Start(s.path);
  task.Goal(FactWordings(label, s.name));
  task.Answers(value);
}

void FactInList(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = SomeFact(task, *s.article);
  task.Start(s.list_path);
  task.Goal(FactWordings(label, s.name));
  task.ClickLink(s.article->title);
  task.Answers(value);
}

void FactBySearch(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = SomeFact(task, *s.article);
  task.Start("/preferences");
  task.Goal({Substitute("Search for $1. What is its entry for $0?", Quoted(label), s.name), Substitute("Use the search to find $0 of $1.", Quoted(label), s.name),
             Substitute("Find the article $1 by search. What does it give as $0?", Quoted(label), s.name)});
  task.TypeAndSend("Search articles", s.article->title);
  task.Answers(value);
}

void FactByCategory(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = SomeFact(task, *s.article);
  task.Start("/preferences");
  task.Goal({Substitute("In the category $2, open $1 and find $0.", Quoted(label), s.name, Quoted(s.category)), Substitute("Among $2 there is $1. What is given there as $0?", Quoted(label), s.name, Quoted(s.category)),
             Substitute("Go to the category $2 and find $0 of $1.", Quoted(label), s.name, Quoted(s.category))});
  task.ClickLink(s.category);
  task.ClickLink(s.article->title);
  task.Answers(value);
}

void MeasureInList(TaskBuilder& task) {
  const Scene s(task);
  const std::string measure = WikiContent::MeasureName(s.category);
  task.Start("/preferences");
  task.Goal({Substitute("In the list $0, what is the $1 of $2?", Quoted(s.category), absl::AsciiStrToLower(measure), s.name), Substitute("Look at $0: which $1 has $2?", Quoted(s.category), absl::AsciiStrToLower(measure), s.name),
             Substitute("Find the $1 of $2 in the list $0.", Quoted(s.category), absl::AsciiStrToLower(measure), s.name)});
  task.ClickLink(s.category);
  task.Answers(s.article->facts[0].second);
}

void Extreme(TaskBuilder& task) {
  const Scene s(task);
  const bool most = task.random().OneIn(2);
  const WikiArticle* best = s.listed[0];
  for (const WikiArticle* article : s.listed) if (most ? article->measure > best->measure : article->measure < best->measure) best = article;
  const std::string measure = WikiContent::MeasureName(s.category), order = measure + (most ? ": highest first" : ": lowest first");
  task.Start("/preferences");
  task.Goal({Substitute("Which article of the category $0 comes first in the order $1?", Quoted(s.category), Quoted(order)), Substitute("Order $0 by $1. What is the title at the top?", Quoted(s.category), Quoted(order)),
             Substitute("Name the first article of $0 when it is in the order $1.", Quoted(s.category), Quoted(order))});
  task.ClickLink(s.category);
  task.Select("Order", order);
  task.Answers(best->title);
}

void MayorOfBirthplace(TaskBuilder& task) {
  const Scene s(task, "Composers");
  task.Goal({Substitute("Who is mayor of the town in which the composer $0 was born?", s.name), Substitute("Search for $0, go to the town where this composer was born and tell me its mayor.", s.name),
             Substitute("Find the composer $0 by search. Who is mayor of the composer's place of birth?", s.name)});
  task.TypeAndSend("Search articles", s.article->title);
  const WikiArticle& town = *s.wiki->Find(s.article->town);
  task.ClickLink(town.title);
  task.Answers(WikiContent::Fact(town, "Mayor"));
}

void TwinOfNearest(TaskBuilder& task) {
  const Scene s(task, "Lakes");
  const WikiArticle& town = *s.wiki->Find(s.article->town);
  const WikiArticle& twin = *s.wiki->Find(town.town);
  task.Goal({Substitute("Take the town nearest to $0. When was its twin town founded?", s.name), Substitute("In which year was the twin town of the town nearest to $0 founded?", s.name),
             Substitute("Which year was the twin town of the town nearest to $0 founded in?", s.name)});
  task.TypeAndSend("Search articles", s.article->title);
  task.ClickLink(town.title);
  task.ClickLink(twin.title);
  task.Answers(WikiContent::Fact(twin, "Founded"));
}

void LastEditor(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("Who was the last editor of $0? See its History.", s.name), Substitute("Open the History of $0: which editor made the newest revision?", s.name),
             Substitute("Which editor changed the article $0 last? Open its History.", s.name)});
  task.ClickLink("History");
  task.Answers(s.article->revisions[0].editor);
}

void OpenCategory(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open the category $0.", Quoted(s.category)), Substitute("Show the list of $0.", Quoted(s.category)), Substitute("Go to $0.", Quoted(s.category))});
  task.ClickLink(s.category);
  task.EndsAt(s.list_path);
}

void OpenArticle(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.list_path);
  task.Goal({Substitute("Open the article $0.", s.name), Substitute("Go to $0.", s.name), Substitute("Show me the article about $0.", s.name)});
  task.ClickLink(s.article->title);
  task.EndsAt(s.path);
}

void OpenView(TaskBuilder& task) {
  const Scene s(task);
  const std::string view = task.random().Pick(std::vector<std::string>{"History", "Talk", "Edit"});
  task.Start("/preferences");
  task.Goal({Substitute("Search for $0 and open its $1 page.", s.name, Quoted(view)), Substitute("Go to $1 of the article $0, found by search.", s.name, Quoted(view)),
             Substitute("Find the article $0 by search and open $1.", s.name, Quoted(view))});
  task.TypeAndSend("Search articles", s.article->title);
  task.ClickLink(view);
  task.EndsAt(s.path + "/" + absl::AsciiStrToLower(view));
}

void OpenSection(TaskBuilder& task) {
  const Scene s(task);
  const std::string section = task.random().Pick(s.article->sections).first;
  task.Start(s.list_path);
  task.Goal({Substitute("In the article $0, jump to the section $1.", s.name, Quoted(section)), Substitute("Open $0 and go to its section $1.", s.name, Quoted(section)),
             Substitute("Show me the section $1 of the article $0.", s.name, Quoted(section))});
  task.ClickLink(s.article->title);
  task.ClickLink(section);
  task.EndsAt(s.path + "#" + Slug(section));
}

void Watch(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.list_path);
  task.Goal({Substitute("Watch the article $0.", s.name), Substitute("Open $0 and watch it.", s.name),
             Substitute("Put the article $0 on my watchlist: watch it.", s.name)});
  task.ClickLink(s.article->title);
  task.ClickButton("Watch");
  task.EndsWith({{s.path + "/watch"}});
}

void ReadLater(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/preferences");
  task.Goal({Substitute("Search for $0 and mark it with \"Read later\".", s.name), Substitute("Find $0 by search; I want to read it later.", s.name),
             Substitute("Use the search to find $0 and choose \"Read later\".", s.name)});
  task.TypeAndSend("Search articles", s.article->title);
  task.ClickButton("Read later");
  task.EndsWith({{s.path + "/later"}});
}

void Unwatch(TaskBuilder& task) {
  const Scene s(task);
  const WikiArticle& watched = *s.wiki->Find(task.random().Pick(s.wiki->start_watched));
  task.Goal({Substitute("Unwatch $0 in the watchlist.", Quoted(watched.title)), Substitute("Take $0 off my watchlist: unwatch it.", Quoted(watched.title)),
             Substitute("I no longer want to watch $0: unwatch it in the watchlist.", Quoted(watched.title))});
  task.ClickLink("Watchlist");
  task.ClickButton("Unwatch " + watched.title);
  task.EndsWith({{"/article/" + watched.slug + "/unwatch"}});
}

void Thank(TaskBuilder& task) {
  const Scene s(task);
  const std::string& editor = task.random().Pick(s.article->revisions).editor;
  task.Start(s.path);
  task.Goal({Substitute("In the History of $0, thank the editor $1.", s.name, Quoted(editor)), Substitute("Open History and thank $1 for the revision of $0.", s.name, Quoted(editor)),
             Substitute("The editor $1 changed $0: thank them in its History.", s.name, Quoted(editor))});
  task.ClickLink("History");
  task.ClickButton("Thank " + editor);
  task.EndsWith({{s.path + "/thank", {{"editor", editor}}}});
}

void Appearance(TaskBuilder& task) {
  const auto skin = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"compact", "Compact"}, {"large", "Large print"}, {"night", "Night"}});
  task.Goal({Substitute("In the preferences, set the appearance to $0 and save preferences.", Quoted(skin.second)), Substitute("Choose $0 as appearance in the preferences, then save.", Quoted(skin.second)),
             Substitute("I like the appearance $0: choose it in the preferences and save preferences.", Quoted(skin.second))});
  task.ClickLink("Preferences");
  task.Check(skin.second);
  task.ClickButton("Save preferences");
  task.EndsWith({{"/preferences", {{"skin", skin.first}}}});
}

void MoveReading(TaskBuilder& task) {
  const Scene s(task);
  const WikiArticle& article = *s.wiki->Find(task.random().Pick(s.wiki->start_reading));
  const auto lane = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"now", "Reading"}, {"done", "Finished"}});
  task.Start("/reading-list");
  task.Goal({Substitute("Drag $0 to $1 in the reading list.", Quoted(article.title), Quoted(lane.second)), Substitute("In my reading list, move $0 to $1.", Quoted(article.title), Quoted(lane.second)),
             Substitute("Reading list: drag $0 to $1.", Quoted(article.title), Quoted(lane.second))});
  task.Drag(article.title, lane.second);
  task.EndsWith({{"/reading-list", {{"tile", article.slug}, {"lane", lane.first}}}});
}

void Comment(TaskBuilder& task) {
  const Scene s(task);
  const std::string subject = SeriesWords(task.random(), 1)[0] + " question", comment = Filler(task.random(), s.article->title);
  task.Start(s.path);
  task.Goal({Substitute("Add a comment on the Talk page of $0 with the subject $1 and the comment $2.", s.name, Quoted(subject), Quoted(comment)),
             Substitute("On the Talk page of $0, add the comment $2 with the subject $1.", s.name, Quoted(subject), Quoted(comment)),
             Substitute("Talk about $0: add a comment with the subject $1 and the text $2.", s.name, Quoted(subject), Quoted(comment))});
  task.ClickLink("Talk");
  task.Type("Subject", subject);
  task.Type("Comment", comment);
  task.ClickButton("Add comment");
  task.EndsWith({{s.path + "/talk", {{"subject", subject}, {"comment", comment}}}});
}

void EditArticle(TaskBuilder& task) {
  const Scene s(task);
  const std::string text = Filler(task.random(), s.article->title), summary = SeriesWords(task.random(), 1)[0] + " update";
  task.Goal({Substitute("Edit $0: replace the introduction by $1, give the summary $2, mark it as a minor edit and save the page.", s.name, Quoted(text), Quoted(summary)),
             Substitute("In the article $0, change the introduction to $1; the summary is $2. Mark it as a minor edit and save the page.", s.name, Quoted(text), Quoted(summary)),
             Substitute("Edit the article $0: introduction $1, summary $2, minor edit. Save the page.", s.name, Quoted(text), Quoted(summary))});
  task.TypeAndSend("Search articles", s.article->title);
  task.ClickLink("Edit");
  task.Type("Introduction", text);
  task.Type("Summary of your change", summary);
  task.Check("This is a minor edit");
  task.ClickButton("Save page");
  task.EndsWith({{s.path + "/edit", {{"text", text}, {"summary", summary}, {"minor", "yes"}}}});
}

void MissingArticle(TaskBuilder& task) {
  const std::string town = TownNames(task.random(), 1)[0];
  const std::string name = task.random().Pick(std::vector<std::string>{"Cape ", "Fort ", "Isle of ", "Abbey of "}) + town;
  task.Goal({Substitute("Search for the article $0 and watch it.", Quoted(name)), Substitute("What is the area of $0? Use the search.", Quoted(name)),
             Substitute("Open the History of the article $0, found by search.", Quoted(name))});
  task.TypeAndSend("Search articles", name);
  task.GivesUp();
}

void MissingFact(TaskBuilder& task) {
  const Scene s(task, "Towns");
  const std::string fact = task.random().Pick(std::vector<std::string>{"Railway station", "Patron saint", "Telephone prefix"});
  task.Start(s.list_path);
  task.Goal({Substitute("What does the article $0 give as $1?", s.name, Quoted(fact)), Substitute("Find $1 in the article $0.", s.name, Quoted(fact)),
             Substitute("According to the article $0, what is its $1?", s.name, Quoted(fact))});
  task.ClickLink(s.article->title);
  task.GivesUp();
}

}  // namespace

void AddWikiTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "wiki", kind, steps, std::string(kind) == "impossible", write});
  };
  add("wiki/read_fact", "find_fact", 1, ReadFact);
  add("wiki/fact_in_list", "find_fact", 2, FactInList);
  add("wiki/fact_by_search", "find_fact", 2, FactBySearch);
  add("wiki/measure_in_list", "find_fact", 2, MeasureInList);
  add("wiki/last_editor", "find_fact", 2, LastEditor);
  add("wiki/fact_by_category", "find_fact", 3, FactByCategory);
  add("wiki/measure_extreme", "find_fact", 3, Extreme);
  add("wiki/mayor_of_birthplace", "find_fact", 3, MayorOfBirthplace);
  add("wiki/twin_of_nearest", "find_fact", 4, TwinOfNearest);
  add("wiki/open_category", "reach_page", 2, OpenCategory);
  add("wiki/open_article", "reach_page", 2, OpenArticle);
  add("wiki/open_view", "reach_page", 3, OpenView);
  add("wiki/open_section", "reach_page", 3, OpenSection);
  add("wiki/move_reading", "content_change", 2, MoveReading);
  add("wiki/watch_article", "content_change", 3, Watch);
  add("wiki/read_later", "content_change", 3, ReadLater);
  add("wiki/unwatch_article", "content_change", 3, Unwatch);
  add("wiki/thank_editor", "content_change", 3, Thank);
  add("wiki/set_appearance", "content_change", 4, Appearance);
  add("wiki/add_comment", "content_change", 5, Comment);
  add("wiki/edit_article", "content_change", 7, EditArticle);
  add("wiki/missing_article", "impossible", 2, MissingArticle);
  add("wiki/missing_fact", "impossible", 2, MissingFact);
}

}  // namespace proctor::env::practice
