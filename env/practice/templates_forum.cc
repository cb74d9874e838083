// Tasks in the forum.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/practice/forum.h"
#include "env/practice/task_builder.h"

namespace proctor::env::practice {
namespace {

using absl::StrCat;
using absl::Substitute;

struct Scene {
  explicit Scene(TaskBuilder& task) : forum(ForumContent::Generate(task.seed())) {
    board_index = task.random().Int(0, static_cast<int>(forum->boards.size()) - 1);
    board = forum->boards[board_index];
    board_path = "/board/" + Slug(board);
    listed = forum->OnBoard(board);
    // On the board's first page, but not on the home page, and not followed.
    do thread = listed[task.random().Int(1, ForumContent::kThreadsOnPage - 1)];
    while (std::count(forum->start_follows.begin(), forum->start_follows.end(), thread->slug) > 0);
    title = Quoted(thread->title);
    path = "/thread/" + thread->slug;
    member = &forum->members[task.random().Int(0, 19)];
    name = Quoted(member->name);
  }
  std::shared_ptr<const ForumContent> forum;
  int board_index;
  std::string board, board_path, title, path, name;
  std::vector<const ForumThread*> listed;
  const ForumThread* thread;
  const ForumMember* member;
};

std::pair<std::string, std::string> MemberFact(TaskBuilder& task, const ForumMember& member) {
  return task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"member number", member.number}, {"home town", member.town}});
}

void ReadFact(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = MemberFact(task, *s.member);
  task.Start("/member/" + s.member->slug);
  task.Goal({Substitute("What is the $0 of $1?", label, s.name), Substitute("Tell me the $0 of the member $1.", label, s.name),
             Substitute("Which $0 does the member $1 have?", label, s.name)});
  task.Answers(value);
}

void MemberInList(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = MemberFact(task, *s.member);
  task.Start("/members");
  task.Goal({Substitute("What is the $0 of $1?", label, s.name), Substitute("Open the profile of $1 and tell me the $0.", label, s.name),
             Substitute("Find the $0 in the profile of $1.", label, s.name)});
  task.ClickLink(s.member->name);
  task.Answers(value);
}

void MemberFromHome(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = MemberFact(task, *s.member);
  task.Goal({Substitute("Look up $1 among the members: what is the $0?", label, s.name), Substitute("Go to Members, open $1 and tell me the $0.", label, s.name),
             Substitute("See Members: which $0 does $1 have?", label, s.name)});
  task.ClickLink("Members");
  task.ClickLink(s.member->name);
  task.Answers(value);
}

void ThreadFact(TaskBuilder& task) {
  const Scene s(task);
  const bool votes = task.random().OneIn(2);
  task.Start(s.board_path);
  const char* label = votes ? "votes" : "views";
  task.Goal({Substitute("How many $0 does the thread $1 have?", label, s.title), Substitute("Open $1 and tell me the number of $0.", label, s.title),
             Substitute("Find the number of $0 of the thread $1.", label, s.title)});
  task.ClickLink(s.thread->title);
  task.Answers(votes ? StrCat(s.thread->votes) : Thousands(s.thread->views));
}

void ThreadFactBySearch(TaskBuilder& task) {
  const Scene s(task);
  const bool votes = task.random().OneIn(2);
  const char* label = votes ? "votes" : "views";
  task.Start("/projects");
  task.Goal({Substitute("Search for the thread $1: how many $0 does it have?", label, s.title), Substitute("Find $1 by search and tell me its number of $0.", label, s.title),
             Substitute("Use the search to open $1. How many $0 are there?", label, s.title)});
  task.TypeAndSend("Search threads", s.thread->title);
  task.ClickLink(s.thread->title);
  task.Answers(votes ? StrCat(s.thread->votes) : Thousands(s.thread->views));
}

void TopThread(TaskBuilder& task) {
  const Scene s(task);
  const bool votes = task.random().OneIn(2);
  const ForumThread* top = *std::max_element(s.listed.begin(), s.listed.end(), [&](auto* a, auto* b) { return votes ? a->votes < b->votes : a->views < b->views; });
  const char* order = votes ? "Most votes" : "Most views";
  task.Goal({Substitute("On the board $0, which thread comes first when sorted by $1?", Quoted(s.board), Quoted(order)), Substitute("Sort $0 by $1 and name the thread at the top.", Quoted(s.board), Quoted(order)),
             Substitute("Which thread is at the top of the board $0 in the order $1?", Quoted(s.board), Quoted(order))});
  task.ClickLink(s.board);
  task.Select("Sort by", order);
  task.Answers(top->title);
}

void TownOfStarter(TaskBuilder& task) {
  const Scene s(task);
  const ForumMember& starter = *s.forum->FindMember(Slug(s.thread->posts[0].author));
  task.Goal({Substitute("Search for $0. What is the home town of the member who started it?", s.title), Substitute("In which home town lives the member who started the thread $0? Use the search.", s.title),
             Substitute("Find the thread $0 by search and tell me the home town of its author.", s.title)});
  task.TypeAndSend("Search threads", s.thread->title);
  task.ClickLink(s.thread->title);
  task.ClickLink(starter.name);
  task.Answers(starter.town);
}

void OpenBoard(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open the board $0.", Quoted(s.board)), Substitute("Go to $0.", Quoted(s.board)), Substitute("Show the threads on $0.", Quoted(s.board))});
  task.ClickLink(s.board);
  task.EndsAt(s.board_path);
}

void OpenThread(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.board_path);
  task.Goal({Substitute("Open the thread $0.", s.title), Substitute("Go to $0.", s.title), Substitute("Show me the thread $0.", s.title)});
  task.ClickLink(s.thread->title);
  task.EndsAt(s.path);
}

void OpenMember(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open the profile of $0 in Members.", s.name), Substitute("Among the members, show me $0.", s.name),
             Substitute("Go to Members and open the profile of $0.", s.name)});
  task.ClickLink("Members");
  task.ClickLink(s.member->name);
  task.EndsAt("/member/" + s.member->slug);
}

void OpenPage(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.board_path);
  task.Goal({"Go to \"Page 2\" of this board.", "Open \"Page 2\" of the threads.", "Show \"Page 2\" of this list."});
  task.ClickLink("Page 2");
  task.EndsAt(s.board_path, {{"page", "2"}});
}

void ThreadButton(TaskBuilder& task, const std::vector<std::string>& wordings, const char* button, const char* action) {
  const Scene s(task);
  task.Start(s.board_path);
  std::vector<std::string> goals;
  for (const std::string& wording : wordings) goals.push_back(Substitute(wording, s.title));
  task.Goal(goals);
  task.ClickLink(s.thread->title);
  task.ClickButton(button);
  task.EndsWith({{s.path + action}});
}

void VoteUp(TaskBuilder& task) { ThreadButton(task, {"Vote up the thread $0.", "Open $0 and vote it up.", "Give the thread $0 a vote up."}, "Vote up", "/vote"); }
void Follow(TaskBuilder& task) { ThreadButton(task, {"Follow the thread $0.", "Open $0 and follow this thread."}, "Follow thread", "/follow"); }
void Bookmark(TaskBuilder& task) { ThreadButton(task, {"Bookmark the thread $0.", "Open $0 and set a bookmark."}, "Bookmark", "/bookmark"); }

void Unfollow(TaskBuilder& task) {
  const Scene s(task);
  const ForumThread& thread = *s.forum->FindThread(task.random().Pick(s.forum->start_follows));
  task.Goal({Substitute("Unfollow $0 in the list of followed threads.", Quoted(thread.title)), Substitute("Under \"Followed\", unfollow $0.", Quoted(thread.title)),
             Substitute("I no longer want to follow $0: unfollow it under \"Followed\".", Quoted(thread.title))});
  task.ClickLink("Followed");
  task.ClickButton("Unfollow " + thread.title);
  task.EndsWith({{"/thread/" + thread.slug + "/follow"}});
}

void MuteMember(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/members");
  task.Goal({Substitute("Mute the member $0.", s.name), Substitute("Open the profile of $0 and mute this member.", s.name),
             Substitute("I do not want to read $0 any more: mute this member.", s.name)});
  task.ClickLink(s.member->name);
  task.ClickButton("Mute member");
  task.EndsWith({{"/member/" + s.member->slug + "/mute"}});
}

void VoteInPoll(TaskBuilder& task) {
  const Scene s(task);
  const std::string& choice = task.random().Pick(s.forum->polls[s.board_index]);
  task.Goal({Substitute("On the board $0, vote for $1 in the poll.", Quoted(s.board), Quoted(choice)), Substitute("Open $0 and vote for $1 in its poll.", Quoted(s.board), Quoted(choice)),
             Substitute("Give $1 my vote in the poll of the board $0.", Quoted(s.board), Quoted(choice))});
  task.ClickLink(s.board);
  task.Check(choice);
  task.ClickButton("Vote");
  task.EndsWith({{s.board_path + "/poll", {{"choice", choice}}}});
}

void MoveProject(TaskBuilder& task) {
  const Scene s(task);
  const std::string& project = task.random().Pick(s.forum->projects);
  const auto lane = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"plan", "Planned"}, {"done", "Done"}});
  task.Goal({Substitute("Among the projects, drag $0 to $1.", Quoted(project), Quoted(lane.second)), Substitute("Open Projects and move $0 to $1.", Quoted(project), Quoted(lane.second)),
             Substitute("Drag the project $0 to $1.", Quoted(project), Quoted(lane.second))});
  task.ClickLink("Projects");
  task.Drag(project, lane.second);
  task.EndsWith({{"/projects", {{"tile", Slug(project)}, {"lane", lane.first}}}});
}

void ReplyTo(TaskBuilder& task) {
  const Scene s(task);
  const std::string text = StrCat("Have a look at ", SeriesWords(task.random(), 1)[0], " first");
  task.Start(s.board_path);
  task.Goal({Substitute("Post the reply $1 in the thread $0.", s.title, Quoted(text)), Substitute("Reply to $0 with $1.", s.title, Quoted(text)),
             Substitute("Answer the thread $0 with the reply $1.", s.title, Quoted(text))});
  task.ClickLink(s.thread->title);
  task.Type("Your reply", text);
  task.ClickButton("Post reply");
  task.EndsWith({{s.path + "/reply", {{"text", text}}}});
}

void HomeTown(TaskBuilder& task) {
  const std::string town = TownNames(task.random(), 1)[0];
  task.Goal({Substitute("In your profile, set the home town to $0 and save the profile.", Quoted(town)), Substitute("Change my home town to $0: see \"Your profile\", then save profile.", Quoted(town)),
             Substitute("I live in $0 now: set it as home town in your profile and save the profile.", Quoted(town))});
  task.ClickLink("Your profile");
  task.Type("Home town", town);
  task.ClickButton("Save profile");
  task.EndsWith({{"/your-profile", {{"town", town}}}});
}

void ReportPost(TaskBuilder& task) {
  const Scene s(task);
  const int post = task.random().Int(2, 3);
  const auto reason = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"rude", "Rude words"}, {"wrong", "Wrong board"}, {"copy", "Copied text"}});
  task.Start(s.board_path);
  task.Goal({Substitute("Report post $1 of the thread $0 with the reason $2.", s.title, post, Quoted(reason.second)),
             Substitute("In the thread $0, report post $1; the reason is $2.", s.title, post, Quoted(reason.second)),
             Substitute("Open $0 and report post $1 because of $2.", s.title, post, Quoted(reason.second))});
  task.ClickLink(s.thread->title);
  task.ClickButton(StrCat("Report post ", post));
  task.Select(StrCat("Reason for post ", post), reason.second);
  task.ClickButton(StrCat("Send report ", post));
  task.EndsWith({{s.path + "/report", {{"post", StrCat(post)}, {StrCat("reason-", post), reason.first}}}});
}

void StartThread(TaskBuilder& task) {
  const Scene s(task);
  const std::string title = SeriesWords(task.random(), 1)[0] + " cuttings to give away", text = Filler(task.random(), "my garden");
  task.Goal({Substitute("On the board $0, start a thread of the kind $1 with the title $2 and the first post $3.", Quoted(s.board), Quoted("Offer"), Quoted(title), Quoted(text)),
             Substitute("Start a thread on the board $0: title $2, kind $1, first post $3.", Quoted(s.board), Quoted("Offer"), Quoted(title), Quoted(text)),
             Substitute("Write a new thread of the kind $1 on $0, called $2, with $3 as first post.", Quoted(s.board), Quoted("Offer"), Quoted(title), Quoted(text))});
  task.ClickLink(s.board);
  task.Type("Thread title", title);
  task.Select("Kind", "Offer");
  task.Type("First post", text);
  task.ClickButton("Start thread");
  task.EndsWith({{s.board_path, {{"title", title}, {"kind", "offer"}, {"text", text}}}});
}

void WriteMember(TaskBuilder& task) {
  const Scene s(task);
  const std::string subject = SeriesWords(task.random(), 1)[0] + " meeting", text = Filler(task.random(), "our meeting");
  task.Goal({Substitute("Send the member $0 a private message with the subject $1 and the message $2.", s.name, Quoted(subject), Quoted(text)),
             Substitute("Write a private message to $0: subject $1, message $2.", s.name, Quoted(subject), Quoted(text)),
             Substitute("Send $0 the message $2 in private, with $1 as the subject.", s.name, Quoted(subject), Quoted(text))});
  task.ClickLink("Members");
  task.ClickLink(s.member->name);
  task.Type("Message subject", subject);
  task.Type("Message", text);
  task.ClickButton("Send private message");
  task.EndsWith({{"/member/" + s.member->slug, {{"subject", subject}, {"text", text}}}});
}

void MissingThread(TaskBuilder& task) {
  const std::string title = StrCat("Moving a windmill by ", TownNames(task.random(), 1)[0]);
  task.Goal({Substitute("Search for the thread $0 and vote it up.", Quoted(title)), Substitute("Search for $0 and follow the thread.", Quoted(title)),
             Substitute("Post a reply in the thread $0, found by search.", Quoted(title))});
  task.TypeAndSend("Search threads", title);
  task.GivesUp();
}

}  // namespace

void AddForumTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "forum", kind, steps, std::string(kind) == "impossible", write});
  };
  add("forum/read_fact", "find_fact", 1, ReadFact);
  add("forum/member_in_list", "find_fact", 2, MemberInList);
  add("forum/thread_fact", "find_fact", 2, ThreadFact);
  add("forum/member_from_home", "find_fact", 3, MemberFromHome);
  add("forum/thread_fact_by_search", "find_fact", 3, ThreadFactBySearch);
  add("forum/top_thread", "find_fact", 3, TopThread);
  add("forum/town_of_starter", "find_fact", 4, TownOfStarter);
  add("forum/open_board", "reach_page", 2, OpenBoard);
  add("forum/open_thread", "reach_page", 2, OpenThread);
  add("forum/open_page", "reach_page", 2, OpenPage);
  add("forum/open_member", "reach_page", 3, OpenMember);
  add("forum/vote_up", "content_change", 3, VoteUp);
  add("forum/follow_thread", "content_change", 3, Follow);
  add("forum/set_bookmark", "content_change", 3, Bookmark);
  add("forum/unfollow_thread", "content_change", 3, Unfollow);
  add("forum/mute_member", "content_change", 3, MuteMember);
  add("forum/move_project", "content_change", 3, MoveProject);
  add("forum/vote_in_poll", "content_change", 4, VoteInPoll);
  add("forum/post_reply", "content_change", 4, ReplyTo);
  add("forum/set_home_town", "content_change", 4, HomeTown);
  add("forum/report_post", "content_change", 5, ReportPost);
  add("forum/start_thread", "content_change", 6, StartThread);
  add("forum/write_member", "content_change", 6, WriteMember);
  add("forum/missing_thread", "impossible", 2, MissingThread);
}

}  // namespace proctor::env::practice
