// The forum's pages.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "env/practice/forum.h"
#include "env/practice/names.h"

namespace proctor::env::practice {
namespace {

Shell ShellOf(const ForumContent& content) {
  Shell shell{.site = "forum", .brand = "The Potting Shed", .search_label = "Search threads", .footer = "The Potting Shed. Be kind, wash your tools."};
  for (const std::string& board : content.boards) shell.links.emplace_back("/board/" + Slug(board), board);
  for (const char* name : {"Members", "Projects", "Followed", "Your profile"}) shell.links.emplace_back("/" + Slug(name), name);
  return shell;
}

const Options& Lanes() {
  static const auto& lanes = *new Options{{"idea", "Ideas"}, {"plan", "Planned"}, {"done", "Done"}};
  return lanes;
}

const Options& Reasons() {
  static const auto& reasons = *new Options{{"spam", "Advertising"}, {"rude", "Rude words"}, {"wrong", "Wrong board"}, {"copy", "Copied text"}};
  return reasons;
}

class Forum final : public Site {
 public:
  explicit Forum(std::shared_ptr<const ForumContent> content) : content_(std::move(content)), shell_(ShellOf(*content_)) {
    for (const std::string& slug : content_->start_follows) state_.Set("followed", slug, {});
    for (const std::string& project : content_->projects) state_.Set("projects", Slug(project), {{"lane", "idea"}});
  }

  net::HttpResponse Handle(const Request& request) override { return request.post ? Post(request) : Get(request); }

 private:
  net::HttpResponse Show(std::string_view title, const std::string& html, std::string_view query = "") {
    return HtmlResponse(Page(shell_, title, html, query));
  }

  net::HttpResponse Get(const Request& request) {
    const std::string& room = request.Segment(0);
    if (room.empty()) return Home();
    if (room == "board") return Board(request, {});
    if (room == "thread") {
      if (const ForumThread* thread = content_->FindThread(request.Segment(1))) return Thread(*thread, "");
    }
    if (room == "member") {
      if (const ForumMember* member = content_->FindMember(request.Segment(1))) return Member(*member, "");
    }
    if (room == "members") return Members(request);
    if (room == "projects") return Projects();
    if (room == "followed") return Followed();
    if (room == "your-profile") return Profile(request.query.Has("saved") ? Notice("Your profile is saved.") : "");
    if (room == "search") return Search(request.query.Get("q"));
    return NotFound(shell_, "There is no such page in the forum.");
  }

  net::HttpResponse Post(const Request& request) {
    const std::string &room = request.Segment(0), &action = request.Segment(2);
    if (room == "your-profile") return SaveProfile(request.form);
    if (room == "projects") return MoveProject(request.form);
    if (room == "board") return action == "poll" ? Vote(request) : NewThread(request);
    if (room == "member") {
      const ForumMember* member = content_->FindMember(request.Segment(1));
      if (member == nullptr) return NotFound(shell_, "There is no such member.");
      return action == "mute" ? Mute(*member) : WriteTo(*member, request.form);
    }
    const ForumThread* thread = room == "thread" ? content_->FindThread(request.Segment(1)) : nullptr;
    if (thread == nullptr) return NotFound(shell_, "There is no such thread.");
    const std::string back = "/thread/" + thread->slug;
    if (action == "vote") Toggle("votes", thread->slug);
    if (action == "follow") Toggle("followed", thread->slug);
    if (action == "bookmark") Toggle("bookmarks", thread->slug);
    if (action == "reply") {
      if (request.form.Get("text").empty()) return Thread(*thread, Errors({"Write something first."}));
      state_.Set("replies", state_.NextId("replies"), {{"thread", thread->slug}, {"text", request.form.Get("text")}});
    }
    if (action == "report") {
      const int post = request.form.Int("post", 1, static_cast<int>(thread->posts.size()), 1);
      const std::string reason = request.form.Get(absl::StrCat("reason-", post));
      const bool known = std::any_of(Reasons().begin(), Reasons().end(), [&](const auto& option) { return option.first == reason; });
      if (!known) return Thread(*thread, Errors({"Choose a reason for the report."}));
      state_.Set("reports", absl::StrCat(thread->slug, ".", post), {{"reason", reason}});
    }
    return Redirect(request.form.Get("from") == "list" ? "/followed" : back);
  }

  void Toggle(const std::string& section, const std::string& id) {
    if (state_.Has(section, id)) {
      state_.Erase(section, id);
    } else {
      state_.Set(section, id, {});
    }
  }

  net::HttpResponse Home() {
    std::vector<std::vector<std::string>> rows;
    for (const std::string& board : content_->boards) {
      const auto threads = content_->OnBoard(board);
      rows.push_back({Escape(board), absl::StrCat(threads.size()), Link("/thread/" + threads[0]->slug, threads[0]->title)});
    }
    return Show("Home", Heading(1, "Welcome to the shed") + DataTable("Boards", {"Board", "Threads", "Latest thread"}, rows));
  }

  net::HttpResponse Board(const Request& request, const std::vector<std::string>& errors) {
    size_t index = 0;
    while (index < content_->boards.size() && Slug(content_->boards[index]) != request.Segment(1)) ++index;
    if (index == content_->boards.size()) return NotFound(shell_, "There is no such board.");
    const std::string& board = content_->boards[index];
    std::vector<const ForumThread*> threads = content_->OnBoard(board);
    const std::string sort = request.query.Get("sort", "new");
    const auto by = [&](auto key) { std::stable_sort(threads.begin(), threads.end(), [&](auto* a, auto* b) { return key(*a) > key(*b); }); };
    if (sort == "votes") by([](const ForumThread& thread) { return thread.votes; });
    if (sort == "views") by([](const ForumThread& thread) { return thread.views; });
    const int pages = (static_cast<int>(threads.size()) + ForumContent::kThreadsOnPage - 1) / ForumContent::kThreadsOnPage;
    const int page = request.query.Int("page", 1, pages, 1);
    std::vector<std::vector<std::string>> rows;
    for (size_t i = static_cast<size_t>(page - 1) * ForumContent::kThreadsOnPage; i < threads.size() && static_cast<int>(i) < page * ForumContent::kThreadsOnPage; ++i) {
      rows.push_back({Link("/thread/" + threads[i]->slug, threads[i]->title), Escape(threads[i]->posts[0].author), absl::StrCat(threads[i]->posts.size() - 1)});
    }
    const std::string path = "/board/" + Slug(board);
    Options places;
    for (const std::string& place : content_->polls[index]) places.emplace_back(place, place);
    const std::string voted = state_.Value("polls", Slug(board), "choice");
    const std::string poll = Heading(2, "Poll") + Form(path + "/poll", Radios({.label = "Where shall we meet next?", .name = "choice", .options = places, .selected = voted}) + Submit("Vote")) +
                             (voted.empty() ? "" : Notice("You voted for " + voted + "."));
    const std::string start = Heading(2, "Start a thread") + Errors(errors) +
                              Form(path, Field({.label = "Thread title", .name = "title", .value = request.form.Get("title")}) +
                                             Select({.label = "Kind", .name = "kind", .options = {{"question", "Question"}, {"report", "Report"}, {"offer", "Offer"}}, .selected = request.form.Get("kind", "question")}) +
                                             TextArea({.label = "First post", .name = "text", .value = request.form.Get("text")}) + Submit("Start thread"));
    std::string mine;
    for (const auto& [id, record] : state_.Get("threads")) {
      if (record.at("board") == Slug(board)) mine += Notice("Your thread \"" + record.at("title") + "\" waits for a moderator.");
    }
    const std::string list = Form(path, Select({.label = "Sort by", .name = "sort", .options = {{"new", "Newest"}, {"votes", "Most votes"}, {"views", "Most views"}}, .selected = sort, .submits = true}), "get") +
                             DataTable("Threads", {"Thread", "Started by", "Replies"}, rows) + Pager(path + "?sort=" + EncodeUrl(sort), page, pages);
    return Show(board, Heading(1, board) + mine + Wrap("div", Wrap("div", list + start, "class=\"wide\"") + Wrap("div", poll, "class=\"side\""), "class=\"columns\""));
  }

  net::HttpResponse Vote(const Request& request) {
    for (size_t i = 0; i < content_->boards.size(); ++i) {
      const std::string board = Slug(content_->boards[i]), choice = request.form.Get("choice");
      const auto& options = content_->polls[i];
      if (board != request.Segment(1) || std::find(options.begin(), options.end(), choice) == options.end()) continue;
      state_.Set("polls", board, {{"choice", choice}});
    }
    return Redirect("/board/" + EncodeUrl(request.Segment(1)));
  }

  net::HttpResponse NewThread(const Request& request) {
    std::vector<std::string> errors;
    if (request.form.Get("title").size() < 5) errors.push_back("The title needs at least five letters.");
    if (request.form.Get("text").empty()) errors.push_back("Write the first post.");
    if (!errors.empty()) return Board(request, errors);
    state_.Set("threads", state_.NextId("threads"), {{"board", request.Segment(1)}, {"title", request.form.Get("title")}, {"kind", request.form.Get("kind", "question")}, {"text", request.form.Get("text")}});
    return Redirect("/board/" + EncodeUrl(request.Segment(1)));
  }

  net::HttpResponse Thread(const ForumThread& thread, const std::string& message) {
    const std::string base = "/thread/" + thread.slug;
    const bool voted = state_.Has("votes", thread.slug), followed = state_.Has("followed", thread.slug), marked = state_.Has("bookmarks", thread.slug);
    std::string html = Heading(1, thread.title) + message +
                       FactTable("Thread", {{"Votes", absl::StrCat(thread.votes + (voted ? 1 : 0))}, {"Views", Thousands(thread.views)}, {"Started by", thread.posts[0].author}}) +
                       PostButton({.action = base + "/vote", .fields = {}, .label = voted ? "Take vote back" : "Vote up"}) +
                       PostButton({.action = base + "/follow", .fields = {}, .label = followed ? "Unfollow thread" : "Follow thread"}) +
                       PostButton({.action = base + "/bookmark", .fields = {}, .label = marked ? "Remove bookmark" : "Bookmark"});
    int number = 0;
    for (const ForumPost& post : thread.posts) {
      ++number;
      html += Wrap("article",
                   Wrap("p", Link("/member/" + Slug(post.author), post.author) + " " + Tag("span", post.date, "class=\"muted\"")) + Paragraph(post.text) +
                       Modal(absl::StrCat("report-", number), absl::StrCat("Report post ", number), "Report a post",
                             Form(base + "/report", Hidden("post", absl::StrCat(number)) +
                                                        Select({.label = absl::StrCat("Reason for post ", number), .name = absl::StrCat("reason-", number), .options = Reasons()}) + Submit(absl::StrCat("Send report ", number)))),
                   "class=\"post\"");
    }
    for (const auto& [id, reply] : state_.Get("replies")) {
      if (reply.at("thread") == thread.slug) html += Wrap("article", Paragraph("You, today") + Paragraph(reply.at("text")), "class=\"post\"");
    }
    html += Heading(2, "Reply") + Form(base + "/reply", TextArea({.label = "Your reply", .name = "text"}) + Submit("Post reply"));
    return Show(thread.title, html);
  }

  net::HttpResponse Members(const Request& request) {
    constexpr int kOnPage = 20;
    const int page = request.query.Int("page", 1, 2, 1);
    std::vector<std::vector<std::string>> rows;
    for (size_t i = static_cast<size_t>(page - 1) * kOnPage; i < content_->members.size() && static_cast<int>(i) < page * kOnPage; ++i) {
      const ForumMember& member = content_->members[i];
      rows.push_back({Link("/member/" + member.slug, member.name), member.joined});
    }
    return Show("Members", Heading(1, "Members") + DataTable("All members", {"Name", "Joined"}, rows) + Pager("/members", page, 2));
  }

  net::HttpResponse Member(const ForumMember& member, const std::string& message) {
    const std::string base = "/member/" + member.slug;
    return Show(member.name, Heading(1, member.name) + message +
                                 FactTable("Profile", {{"Member number", member.number}, {"Home town", member.town}, {"Joined", member.joined}, {"Favourite tool", member.tool}}) +
                                 PostButton({.action = base + "/mute", .fields = {}, .label = state_.Has("muted", member.slug) ? "Unmute member" : "Mute member"}) +
                                 Heading(2, "Private message") +
                                 Form(base, Field({.label = "Message subject", .name = "subject"}) + TextArea({.label = "Message", .name = "text"}) + Submit("Send private message")));
  }

  net::HttpResponse Mute(const ForumMember& member) {
    Toggle("muted", member.slug);
    return Redirect("/member/" + member.slug);
  }

  net::HttpResponse WriteTo(const ForumMember& member, const Parameters& form) {
    if (form.Get("subject").empty() || form.Get("text").empty()) return Member(member, Errors({"Enter a subject and a message."}));
    state_.Set("messages", state_.NextId("messages"), {{"to", member.slug}, {"subject", form.Get("subject")}, {"text", form.Get("text")}});
    return Member(member, Notice("Your message was sent."));
  }

  net::HttpResponse Followed() {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [slug, record] : state_.Get("followed")) {
      const ForumThread& thread = *content_->FindThread(slug);
      rows.push_back({Link("/thread/" + slug, thread.title), Escape(thread.board),
                      PostButton({.action = "/thread/" + slug + "/follow", .fields = {{"from", "list"}}, .label = "Unfollow", .name = "Unfollow " + thread.title})});
    }
    return Show("Followed", Heading(1, "Followed threads") + DataTable("Threads that you follow", {"Thread", "Board", ""}, rows));
  }

  net::HttpResponse Projects() {
    std::vector<Lane> lanes;
    for (const auto& [id, title] : Lanes()) {
      Lane lane{.id = id, .title = title};
      for (const std::string& project : content_->projects) {
        if (state_.Value("projects", Slug(project), "lane") == id) lane.tiles.emplace_back(Slug(project), project);
      }
      lanes.push_back(std::move(lane));
    }
    return Show("Projects", Heading(1, "Projects of the club") + Paragraph("Drag a project to its column.") + practice::Board("/projects", lanes));
  }

  net::HttpResponse MoveProject(const Parameters& form) {
    const std::string project = form.Get("tile"), lane = form.Get("lane");
    const bool known = std::any_of(Lanes().begin(), Lanes().end(), [&](const auto& option) { return option.first == lane; });
    if (!known || !state_.Has("projects", project)) return NotFound(shell_, "There is no such project.");
    state_.Set("projects", project, {{"lane", lane}});
    return Redirect("/projects");
  }

  net::HttpResponse Profile(const std::string& message) {
    const auto get = [&](const char* name, const char* otherwise) { return state_.Value("profile", "mine", name, otherwise); };
    return Show("Your profile", Heading(1, "Your profile") + message +
                                    Form("/your-profile", Field({.label = "Home town", .name = "town", .value = get("town", "")}) +
                                                              TextArea({.label = "About me", .name = "about", .value = get("about", "")}) +
                                                              Select({.label = "Messages from", .name = "messages", .options = {{"all", "Everybody"}, {"members", "Members"}, {"none", "Nobody"}}, .selected = get("messages", "all")}) +
                                                              CheckBox("Show my town to others", "public", "yes", get("public", "no") == "yes") + Submit("Save profile")));
  }

  net::HttpResponse SaveProfile(const Parameters& form) {
    const State::Record start{{"town", ""}, {"about", ""}, {"messages", "all"}, {"public", "no"}};
    const State::Record chosen{{"town", form.Get("town")}, {"about", form.Get("about")}, {"messages", form.Get("messages", "all")}, {"public", form.Has("public") ? "yes" : "no"}};
    state_.Erase("profile", "mine");
    if (chosen != start) state_.Set("profile", "mine", chosen);
    return Redirect("/your-profile?saved=1");
  }

  net::HttpResponse Search(const std::string& query) {
    std::vector<std::vector<std::string>> rows;
    for (const ForumThread& thread : content_->threads) {
      if (rows.size() < 20 && MatchesQuery(thread.title, query)) rows.push_back({Link("/thread/" + thread.slug, thread.title), Escape(thread.board)});
    }
    return Show("Search", Heading(1, "Search results") + (rows.empty() ? Paragraph("No thread was found.") : DataTable("Threads found", {"Thread", "Board"}, rows)), query);
  }

  const std::shared_ptr<const ForumContent> content_;
  const Shell shell_;
};

}  // namespace

std::unique_ptr<Site> NewForum(std::shared_ptr<const ForumContent> content) { return std::make_unique<Forum>(std::move(content)); }

}  // namespace proctor::env::practice
