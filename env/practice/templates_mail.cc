// Tasks in the mailbox.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/practice/mail.h"
#include "env/practice/task_builder.h"

namespace proctor::env::practice {
namespace {

using absl::StrCat;
using absl::Substitute;

struct Scene {
  explicit Scene(TaskBuilder& task, const std::string& folder = "Inbox") : mail(MailContent::Generate(task.seed())) {
    const std::vector<const MailMessage*> messages = mail->InFolder(folder);
    message = messages[task.random().Int(0, std::min<int>(MailContent::kMessagesOnPage, messages.size()) - 1)];
    fact = task.random().Pick(message->facts);
    label = absl::AsciiStrToLower(fact.first);
    name = Quoted(message->subject);
    path = "/message/" + message->id;
  }
  std::shared_ptr<const MailContent> mail;
  const MailMessage* message;
  std::pair<std::string, std::string> fact;
  std::string label, name, path;
};

void ReadFact(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("What is the $0 in this message?", s.label), Substitute("Tell me the $0 that the message $1 gives.", s.label, s.name),
             Substitute("Find the $0 in the message $1.", s.label, s.name)});
  task.Answers(s.fact.second);
}

void FactInMessage(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("What is the $0 in the message $1?", s.label, s.name), Substitute("Open $1 and tell me the $0.", s.label, s.name), Substitute("Find the $0 in the mail $1.", s.label, s.name)});
  task.ClickLink(s.message->subject);
  task.Answers(s.fact.second);
}

void FactBySearch(TaskBuilder& task) {
  const Scene s(task, "Archive");
  task.Start("/settings");
  task.Goal({Substitute("Search for $1 and tell me the $0 in it.", s.label, s.name), Substitute("What is the $0 in the message $1? Use the search.", s.label, s.name),
             Substitute("Find the message $1 by search. What is the $0 in it?", s.label, s.name)});
  task.TypeAndSend("Search mail", s.message->subject);
  task.ClickLink(s.message->subject);
  task.Answers(s.fact.second);
}

void FactInFolder(TaskBuilder& task) {
  const std::string folder = task.random().Pick(std::vector<std::string>{"Archive", "Spam", "Sent"});
  const Scene s(task, folder);
  task.Goal({Substitute("In the folder $2, what is the $0 in the message $1?", s.label, s.name, Quoted(folder)), Substitute("Open $2, then the message $1. What is the $0?", s.label, s.name, Quoted(folder)),
             Substitute("Find the $0 in the message $1, which is in the folder $2.", s.label, s.name, Quoted(folder))});
  task.ClickLink(folder);
  task.ClickLink(s.message->subject);
  task.Answers(s.fact.second);
}

void ContactPhone(TaskBuilder& task) {
  const Scene s(task);
  const MailContact& contact = task.random().Pick(s.mail->contacts);
  task.Goal({Substitute("What is the phone number of $0? See the contacts.", Quoted(contact.name)), Substitute("Look up the phone of $0 in Contacts.", Quoted(contact.name)),
             Substitute("Which phone number do my contacts give for $0?", Quoted(contact.name))});
  task.ClickLink("Contacts");
  task.Answers(contact.phone);
}

void OpenMessage(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open the message $0.", s.name), Substitute("Show me the mail $0.", s.name), Substitute("Go to $0.", s.name)});
  task.ClickLink(s.message->subject);
  task.EndsAt(s.path);
}

void OpenFolder(TaskBuilder& task) {
  const std::string folder = task.random().Pick(std::vector<std::string>{"Archive", "Spam", "Sent", "Trash"});
  task.Goal({Substitute("Open the folder $0.", Quoted(folder)), Substitute("Go to $0.", Quoted(folder)), Substitute("Show the messages in $0.", Quoted(folder))});
  task.ClickLink(folder);
  task.EndsAt("/folder/" + Slug(folder));
}

void SearchMessage(TaskBuilder& task) {
  const Scene s(task, "Archive");
  task.Goal({Substitute("Search for $0 and open the message.", s.name), Substitute("Find the message $0 by search and open it.", s.name),
             Substitute("Use the search to open the message $0.", s.name)});
  task.TypeAndSend("Search mail", s.message->subject);
  task.ClickLink(s.message->subject);
  task.EndsAt(s.path);
}

void StarInList(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Star the message $0.", s.name), Substitute("Give $0 a star.", s.name), Substitute("Mark $0 with a star.", s.name)});
  task.ClickButton("Star " + s.message->subject);
  task.EndsWith({{s.path + "/star"}});
}

void StarFound(TaskBuilder& task) {
  const Scene s(task, "Archive");
  task.Start("/contacts");
  task.Goal({Substitute("Search for $0 and star it.", s.name), Substitute("Find $0 by search and give it a star.", s.name),
             Substitute("Use the search to find the message $0, then star it.", s.name)});
  task.TypeAndSend("Search mail", s.message->subject);
  task.ClickButton("Star " + s.message->subject);
  task.EndsWith({{s.path + "/star"}});
}

void ArchiveMessage(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Archive the message $0.", s.name), Substitute("Open $0 and archive it.", s.name),
             Substitute("I am done with $0: archive the message.", s.name)});
  task.ClickLink(s.message->subject);
  task.ClickButton("Archive message");
  task.EndsWith({{s.path + "/move", {{"folder", "Archive"}}}});
}

void DeleteMessage(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Delete the message $0.", s.name), Substitute("Open $0 and delete it.", s.name),
             Substitute("I do not need the message $0 any more: delete it.", s.name)});
  task.ClickLink(s.message->subject);
  task.ClickButton("Delete message");
  task.EndsWith({{s.path + "/move", {{"folder", "Trash"}}}});
}

void MarkUnread(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Mark the message $0 as unread.", s.name), Substitute("Open $0 and mark it as unread.", s.name),
             Substitute("I want to read $0 again later: mark it as unread.", s.name)});
  task.ClickLink(s.message->subject);
  task.ClickButton("Mark as unread");
  task.EndsWith({{s.path + "/unread"}});
}

void MoveMessage(TaskBuilder& task) {
  const Scene s(task);
  const std::string folder = task.random().Pick(std::vector<std::string>{"Archive", "Spam", "Trash"});
  task.Goal({Substitute("Move the message $0 to $1.", s.name, Quoted(folder)), Substitute("Put $0 into the folder $1.", s.name, Quoted(folder)),
             Substitute("The message $0 belongs into $1: move it.", s.name, Quoted(folder))});
  task.ClickLink(s.message->subject);
  task.Select("Move to", folder);
  task.EndsWith({{s.path + "/move", {{"folder", folder}}}});
}

void ReplyTo(TaskBuilder& task) {
  const Scene s(task);
  const std::string text = StrCat("Thank you, ", SeriesWords(task.random(), 1)[0], " suits me");
  task.Goal({Substitute("Reply to $0 with the text $1.", s.name, Quoted(text)), Substitute("Send the reply $1 to the message $0.", s.name, Quoted(text)),
             Substitute("Answer the message $0: reply with $1.", s.name, Quoted(text))});
  task.ClickLink(s.message->subject);
  task.Type("Your reply", text);
  task.ClickButton("Send reply");
  task.EndsWith({{s.path + "/reply", {{"text", text}}}});
}

void Signature(TaskBuilder& task) {
  const std::string text = StrCat("Greetings from ", TownNames(task.random(), 1)[0]);
  task.Goal({Substitute("In the settings, change the signature to $0 and save the settings.", Quoted(text)), Substitute("Set my signature to $0: see Settings, then save settings.", Quoted(text)),
             Substitute("My new signature is $0: enter it in Settings and save the settings.", Quoted(text))});
  task.ClickLink("Settings");
  task.Type("Signature", text);
  task.ClickButton("Save settings");
  task.EndsWith({{"/settings", {{"signature", text}}}});
}

void Density(TaskBuilder& task) {
  const std::string density = task.random().Pick(std::vector<std::string>{"Dense", "Roomy"});
  task.Goal({Substitute("In the settings, set the density to $0 and save settings.", Quoted(density)), Substitute("Choose the density $0 in Settings and save the settings.", Quoted(density)),
             Substitute("Show my mail with the density $0: see Settings, then save settings.", Quoted(density))});
  task.ClickLink("Settings");
  task.Check(density);
  task.ClickButton("Save settings");
  task.EndsWith({{"/settings", {{"density", absl::AsciiStrToLower(density)}}}});
}

void ArchiveSelected(TaskBuilder& task) {
  const Scene s(task);
  const MailMessage* other = s.message;
  while (other == s.message) other = s.mail->InFolder("Inbox")[task.random().Int(0, 11)];
  task.Goal({Substitute("Select $0 and $1 in the inbox and archive the selected messages.", s.name, Quoted(other->subject)),
             Substitute("Archive $0 and $1 together: select both in the inbox, then archive selected.", s.name, Quoted(other->subject)),
             Substitute("In the inbox, select the messages $0 and $1 and archive them.", s.name, Quoted(other->subject))});
  task.Check("Select " + s.message->subject);
  task.Check("Select " + other->subject);
  task.ClickButton("Archive selected");
  task.EndsWith({{s.path + "/move", {{"folder", "Archive"}}}, {"/message/" + other->id + "/move", {{"folder", "Archive"}}}});
}

void LabelMessage(TaskBuilder& task) {
  const Scene s(task);
  const std::string label = task.random().Pick(std::vector<std::string>{"Family", "Money", "Travel", "Urgent"});
  task.Goal({Substitute("Give the message $0 the label $1: edit labels, then save labels.", s.name, Quoted(label)), Substitute("Label $0 as $1.", s.name, Quoted(label)),
             Substitute("Put the label $1 on the message $0 and save labels.", s.name, Quoted(label))});
  task.ClickLink(s.message->subject);
  task.ClickButton("Edit labels");
  task.Check(label);
  task.ClickButton("Save labels");
  task.EndsWith({{s.path + "/labels", {{"label", label}}}});
}

void ComposeMessage(TaskBuilder& task) {
  const Scene s(task);
  const std::string to = task.random().Pick(s.mail->contacts).address, subject = SeriesWords(task.random(), 1)[0] + " plans", text = Filler(task.random(), "our plan");
  task.Goal({Substitute("Compose a message to $0 with the subject $1 and the text $2, and send it.", Quoted(to), Quoted(subject), Quoted(text)),
             Substitute("Send a new message to $0: subject $1, text $2.", Quoted(to), Quoted(subject), Quoted(text)),
             Substitute("Compose $2 as a message with the subject $1 and send it to $0.", Quoted(to), Quoted(subject), Quoted(text))});
  task.ClickLink("Compose");
  task.Type("To", to);
  task.Type("Subject", subject);
  task.Type("Message text", text);
  task.ClickButton("Send message");
  task.EndsWith({{"/compose", {{"to", to}, {"subject", subject}, {"text", text}}}});
}

void ForwardMessage(TaskBuilder& task) {
  const Scene s(task);
  const std::string to = task.random().Pick(s.mail->contacts).address;
  task.Goal({Substitute("Forward the message $0 to $1 and send a copy to me.", s.name, Quoted(to)),
             Substitute("Send $0 on to $1: forward it, with a copy to me.", s.name, Quoted(to)),
             Substitute("Open $0, forward it to $1 and have a copy sent to me.", s.name, Quoted(to))});
  task.ClickLink(s.message->subject);
  task.ClickLink("Forward");
  task.Type("To", to);
  task.Check("Send a copy to me");
  task.ClickButton("Send message");
  task.EndsWith({{"/compose", {{"to", to}, {"subject", "Fwd: " + s.message->subject}, {"text", s.message->text}, {"copy", "yes"}}}});
}

void Away(TaskBuilder& task) {
  const int first = task.random().Int(125, 200), last = first + task.random().Int(3, 20);
  const std::string language = task.random().Pick(std::vector<std::string>{"German", "French", "Spanish"});
  task.Goal({Substitute("In the settings, answer while I am away from $0 to $1, set the language to $2 and save settings.", IsoDate(first), IsoDate(last), Quoted(language)),
             Substitute("I am away from $0 to $1: in the settings, answer while away, choose the language $2 and save settings.", IsoDate(first), IsoDate(last), Quoted(language)),
             Substitute("Settings: answer while I am away, first day $0, last day $1, language $2; then save settings.", IsoDate(first), IsoDate(last), Quoted(language))});
  task.ClickLink("Settings");
  task.Select("Language", language);
  task.Check("Answer while I am away");
  task.Type("First day away", IsoDate(first));
  task.Type("Last day away", IsoDate(last));
  task.ClickButton("Save settings");
  const std::string code = language == "German" ? "de" : language == "French" ? "fr" : "es";
  task.EndsWith({{"/settings", {{"language", code}, {"away", "yes"}, {"first", IsoDate(first)}, {"last", IsoDate(last)}}}});
}

void MissingMessage(TaskBuilder& task) {
  const std::string subject = StrCat("Lighthouse petition ", task.random().Int(100, 999));
  task.Goal({Substitute("Search for $0 and star it.", Quoted(subject)), Substitute("Search for the message $0 and archive it.", Quoted(subject)),
             Substitute("Delete the message $0, found by search.", Quoted(subject))});
  task.TypeAndSend("Search mail", subject);
  task.GivesUp();
}

void MissingContact(TaskBuilder& task) {
  const std::string last = SeriesWords(task.random(), 1)[0];
  const std::string name = task.random().Pick(std::vector<std::string>{"Ottilie", "Barnaby", "Clementine"}) + " " + last;
  task.Goal({Substitute("What is the phone number of $0? See the contacts.", Quoted(name)), Substitute("Look up the phone of $0 in Contacts.", Quoted(name)),
             Substitute("Which phone number do my contacts give for $0?", Quoted(name))});
  task.ClickLink("Contacts");
  task.GivesUp();
}

}  // namespace

void AddMailTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "mail", kind, steps, std::string(kind) == "impossible", write});
  };
  add("mail/read_fact", "find_fact", 1, ReadFact);
  add("mail/fact_in_message", "find_fact", 2, FactInMessage);
  add("mail/contact_phone", "find_fact", 2, ContactPhone);
  add("mail/fact_by_search", "find_fact", 3, FactBySearch);
  add("mail/fact_in_folder", "find_fact", 3, FactInFolder);
  add("mail/open_message", "reach_page", 2, OpenMessage);
  add("mail/open_folder", "reach_page", 2, OpenFolder);
  add("mail/search_message", "reach_page", 3, SearchMessage);
  add("mail/star_in_list", "content_change", 2, StarInList);
  add("mail/star_found", "content_change", 3, StarFound);
  add("mail/archive_message", "content_change", 3, ArchiveMessage);
  add("mail/delete_message", "content_change", 3, DeleteMessage);
  add("mail/mark_unread", "content_change", 3, MarkUnread);
  add("mail/move_message", "content_change", 3, MoveMessage);
  add("mail/reply_to", "content_change", 4, ReplyTo);
  add("mail/set_signature", "content_change", 4, Signature);
  add("mail/set_density", "content_change", 4, Density);
  add("mail/archive_selected", "content_change", 4, ArchiveSelected);
  add("mail/label_message", "content_change", 5, LabelMessage);
  add("mail/compose_message", "content_change", 6, ComposeMessage);
  add("mail/forward_message", "content_change", 6, ForwardMessage);
  add("mail/set_away", "content_change", 7, Away);
  add("mail/missing_message", "impossible", 2, MissingMessage);
  add("mail/missing_contact", "impossible", 2, MissingContact);
}

}  // namespace proctor::env::practice
