// The mailbox's pages.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "env/practice/mail.h"
#include "env/practice/names.h"

namespace proctor::env::practice {
namespace {

const std::vector<std::string>& Folders() {
  static const auto& folders = *new std::vector<std::string>{"Inbox", "Archive", "Sent", "Spam", "Trash"};
  return folders;
}

const std::vector<std::string>& Labels() {
  static const auto& labels = *new std::vector<std::string>{"Family", "Money", "Travel", "Urgent"};
  return labels;
}

Shell ShellOf() {
  Shell shell{.site = "mail", .brand = "Pelican Mail", .search_label = "Search mail", .footer = "Pelican Mail. Letters without stamps."};
  shell.links.emplace_back("/compose", "Compose");
  for (const std::string& folder : Folders()) shell.links.emplace_back("/folder/" + Slug(folder), folder);
  shell.links.emplace_back("/contacts", "Contacts");
  shell.links.emplace_back("/settings", "Settings");
  return shell;
}

// State: "moved" (folder), "starred", "labels", "unread", "sent", "settings": only what differs from the start.
class Mail final : public Site {
 public:
  explicit Mail(std::shared_ptr<const MailContent> content) : content_(std::move(content)), shell_(ShellOf()) {}

  net::HttpResponse Handle(const Request& request) override { return request.post ? Post(request) : Get(request); }

 private:
  net::HttpResponse Show(std::string_view title, const std::string& html, std::string_view query = "") {
    return HtmlResponse(Page(shell_, title, html, query));
  }

  std::string FolderOf(const MailMessage& message) const { return state_.Value("moved", message.id, "folder", message.folder); }

  void Move(const MailMessage& message, const std::string& folder) {
    if (folder == message.folder) {
      state_.Erase("moved", message.id);
    } else {
      state_.Set("moved", message.id, {{"folder", folder}});
    }
  }

  net::HttpResponse Get(const Request& request) {
    const std::string& room = request.Segment(0);
    if (room.empty()) return Folder("Inbox", request);
    if (room == "folder") {
      for (const std::string& folder : Folders()) {
        if (Slug(folder) == request.Segment(1)) return Folder(folder, request);
      }
    }
    if (room == "message") {
      if (const MailMessage* message = content_->Find(request.Segment(1))) return Message(*message, request);
    }
    if (room == "search") return Search(request.query.Get("q"));
    if (room == "contacts") return Contacts();
    if (room == "compose") return Compose(request, {});
    if (room == "settings") return Settings(request.query.Has("saved") ? Notice("Your settings are saved.") : "");
    return NotFound(shell_, "There is no such page.");
  }

  net::HttpResponse Post(const Request& request) {
    if (request.path == "/compose") return Send(request);
    if (request.path == "/settings") return SaveSettings(request.form);
    if (request.path == "/bulk") return Bulk(request.form);
    const MailMessage* message = request.Segment(0) == "message" ? content_->Find(request.Segment(1)) : nullptr;
    if (message == nullptr) return NotFound(shell_, "There is no such message.");
    const std::string& action = request.Segment(2);
    const std::string here = "/message/" + message->id;
    const std::string list = "/folder/" + Slug(FolderOf(*message));
    if (action == "star" && state_.Has("starred", message->id)) {
      state_.Erase("starred", message->id);
      return Redirect(request.form.Has("list") ? list : here);
    }
    if (action == "star") {
      state_.Set("starred", message->id, {{"subject", message->subject}});
      return Redirect(request.form.Has("list") ? list : here);
    }
    if (action == "move") {
      const std::string folder = request.form.Get("folder");
      if (std::find(Folders().begin(), Folders().end(), folder) == Folders().end()) return NotFound(shell_, "There is no such folder.");
      Move(*message, folder);
      return Redirect(list);
    }
    if (action == "unread") {
      state_.Set("unread", message->id, {});
      return Redirect(list);
    }
    if (action == "labels") return SetLabels(*message, request.form);
    if (action == "reply") return Reply(*message, request);
    return NotFound(shell_, "There is no such page.");
  }

  std::string Row(const MailMessage& message) {
    const bool starred = state_.Has("starred", message.id);
    const std::string box = absl::StrCat("<input type=\"checkbox\" form=\"bulk\" name=\"message\" value=\"", message.id, "\" aria-label=\"Select ", Escape(message.subject), "\">");
    return Wrap("tr", Wrap("td", box) + Tag("td", message.from) +
                          Wrap("td", Link("/message/" + message.id, message.subject, state_.Has("unread", message.id) ? "class=\"unread\"" : "")) +
                          Tag("td", message.date) +
                          Wrap("td", PostButton({.action = "/message/" + message.id + "/star", .fields = {{"list", "yes"}}, .label = starred ? "★" : "☆",
                                                 .name = (starred ? "Unstar " : "Star ") + message.subject})));
  }

  std::string Table(const std::string& caption, const std::vector<const MailMessage*>& messages, int page) {
    std::string rows;
    for (size_t i = static_cast<size_t>(page - 1) * MailContent::kMessagesOnPage; i < messages.size() && static_cast<int>(i) < page * MailContent::kMessagesOnPage; ++i) rows += Row(*messages[i]);
    return Wrap("table", Tag("caption", caption) + "<thead><tr><th scope=\"col\"></th><th scope=\"col\">From</th><th scope=\"col\">Subject</th><th scope=\"col\">Date</th><th scope=\"col\"></th></tr></thead>" + Wrap("tbody", rows), "class=\"data\"");
  }

  net::HttpResponse Folder(const std::string& folder, const Request& request) {
    std::vector<const MailMessage*> messages;
    for (const MailMessage& message : content_->messages) {
      if (FolderOf(message) == folder) messages.push_back(&message);
    }
    const int pages = std::max(1, (static_cast<int>(messages.size()) + MailContent::kMessagesOnPage - 1) / MailContent::kMessagesOnPage);
    const int page = request.query.Int("page", 1, pages, 1);
    const std::string bulk = Form("/bulk", Hidden("folder", folder) + "<button type=\"submit\" name=\"do\" value=\"Archive\">Archive selected</button> <button type=\"submit\" name=\"do\" value=\"Trash\">Delete selected</button>", "post", "id=\"bulk\" class=\"inline\"");
    std::string sent;
    if (folder == "Sent") {
      std::vector<std::string> items;
      for (const auto& [id, record] : state_.Get("sent")) items.push_back(Escape(record.at("to") + ": " + record.at("subject")));
      if (!items.empty()) sent = Heading(2, "Sent today") + List(items);
    }
    return Show(folder, Heading(1, folder) + (request.query.Has("sent") ? Notice("Your message was sent.") : "") + bulk + sent +
                            Table(absl::StrCat(messages.size(), " messages"), messages, page) + Pager("/folder/" + Slug(folder), page, pages));
  }

  net::HttpResponse Search(const std::string& query) {
    std::vector<const MailMessage*> found;
    for (const MailMessage& message : content_->messages) {
      if (MatchesQuery(message.subject + " " + message.from, query)) found.push_back(&message);
    }
    if (found.size() > MailContent::kMessagesOnPage) found.resize(MailContent::kMessagesOnPage);
    return Show("Search", Heading(1, "Search results") + (found.empty() ? Paragraph("No message was found.") : Table("Messages found", found, 1)), query);
  }

  net::HttpResponse Bulk(const Parameters& form) {
    const std::string target = form.Get("do") == "Archive" ? "Archive" : "Trash";
    for (const std::string& id : form.All("message")) {
      if (const MailMessage* message = content_->Find(id)) Move(*message, target);
    }
    return Redirect("/folder/" + Slug(form.Get("folder", "Inbox")));
  }

  net::HttpResponse Message(const MailMessage& message, const Request& request) {
    state_.Erase("unread", message.id);
    const std::string base = "/message/" + message.id, folder = FolderOf(message);
    const bool starred = state_.Has("starred", message.id);
    Options folders;
    for (const std::string& name : Folders()) folders.emplace_back(name, name);
    std::string boxes;
    for (const std::string& label : Labels()) boxes += CheckBox(label, "label", label, state_.Has("labels", message.id) && state_.Get("labels").at(message.id).count(label) > 0);
    std::string html = Heading(1, message.subject) + (request.query.Has("sent") ? Notice("Your reply was sent.") : "");
    html += Wrap("div", PostButton({.action = base + "/move", .fields = {{"folder", "Archive"}}, .label = "Archive message"}) +
                            PostButton({.action = base + "/move", .fields = {{"folder", "Trash"}}, .label = "Delete message", .confirm = "Move this message to the trash?"}) +
                            PostButton({.action = base + "/unread", .fields = {}, .label = "Mark as unread"}) +
                            PostButton({.action = base + "/star", .fields = {}, .label = starred ? "Remove star" : "Star message"}) +
                            Link("/compose?forward=" + message.id, "Forward"));
    html += FactTable("Message", {{"From", message.from}, {"Address", message.from_address}, {"Date", message.date}, {"Folder", folder}}) +
            Paragraph("Hello,") + Paragraph(message.text) + FactTable("Details", message.facts) + Paragraph("Best wishes, " + message.from);
    html += Form(base + "/move", Select({.label = "Move to", .name = "folder", .options = folders, .selected = folder, .submits = true}), "post") +
            Modal("labels", "Edit labels", "Labels", Form(base + "/labels", boxes + Submit("Save labels"))) +
            Heading(2, "Reply") + Form(base + "/reply", TextArea({.label = "Your reply", .name = "text", .attributes = "required"}) + Submit("Send reply"));
    return Show(message.subject, html);
  }

  net::HttpResponse SetLabels(const MailMessage& message, const Parameters& form) {
    State::Record chosen;
    for (const std::string& label : form.All("label")) {
      if (std::find(Labels().begin(), Labels().end(), label) != Labels().end()) chosen[label] = "yes";
    }
    state_.Erase("labels", message.id);
    if (!chosen.empty()) state_.Set("labels", message.id, std::move(chosen));
    return Redirect("/message/" + message.id);
  }

  net::HttpResponse Reply(const MailMessage& message, const Request& request) {
    const std::string text = request.form.Get("text");
    if (text.empty()) return Message(message, request);
    state_.Set("sent", state_.NextId("sent"), {{"to", message.from_address}, {"subject", "Re: " + message.subject}, {"text", text}, {"copy", "no"}});
    return Redirect("/message/" + message.id + "?sent=1");
  }

  net::HttpResponse Contacts() {
    std::vector<std::vector<std::string>> rows;
    for (const MailContact& contact : content_->contacts) {
      rows.push_back({Escape(contact.name), contact.phone, Escape(contact.company), Link("/compose?to=" + EncodeUrl(contact.address), "Write to " + contact.name)});
    }
    std::string table = DataTable("Contacts", {"Name", "Phone", "Company", ""}, rows);
    table.replace(0, 6, "<table id=\"contacts\"");
    return Show("Contacts", Heading(1, "Contacts") + "<div class=\"field\"><label for=\"f-filter\">Filter contacts</label><input id=\"f-filter\" type=\"text\" data-filters=\"contacts\"></div>" + table);
  }

  net::HttpResponse Compose(const Request& request, const std::vector<std::string>& errors) {
    const Parameters& form = request.form;
    std::string subject = form.Get("subject"), text = form.Get("text");
    if (const MailMessage* forwarded = content_->Find(request.query.Get("forward")); forwarded != nullptr && !request.post) {
      subject = "Fwd: " + forwarded->subject;
      text = forwarded->text;
    }
    return Show("Compose", Heading(1, "New message") + Errors(errors) +
                               Form("/compose", Field({.label = "To", .name = "to", .value = form.Get("to", request.query.Get("to"))}) +
                                                    Field({.label = "Subject", .name = "subject", .value = subject}) +
                                                    TextArea({.label = "Message text", .name = "text", .value = text}) +
                                                    CheckBox("Send a copy to me", "copy", "yes", form.Has("copy")) + Submit("Send message")));
  }

  net::HttpResponse Send(const Request& request) {
    const std::string to = request.form.Get("to"), subject = request.form.Get("subject");
    std::vector<std::string> errors;
    const size_t at = to.find('@');
    if (at == std::string::npos || at == 0 || at + 1 == to.size()) errors.push_back("Enter an address with an @.");
    if (subject.empty()) errors.push_back("Enter a subject.");
    if (!errors.empty()) return Compose(request, errors);
    state_.Set("sent", state_.NextId("sent"), {{"to", to}, {"subject", subject}, {"text", request.form.Get("text")}, {"copy", request.form.Has("copy") ? "yes" : "no"}});
    return Redirect("/folder/sent?sent=1");
  }

  net::HttpResponse Settings(const std::string& message) {
    const auto get = [&](const char* name, const char* otherwise) { return state_.Value("settings", "mine", name, otherwise); };
    return Show("Settings", Heading(1, "Settings") + message +
                                Form("/settings", Field({.label = "Signature", .name = "signature", .value = get("signature", "")}) +
                                                      Radios({.label = "Density", .name = "density", .options = {{"cosy", "Cosy"}, {"dense", "Dense"}, {"roomy", "Roomy"}}, .selected = get("density", "cosy")}) +
                                                      Select({.label = "Language", .name = "language", .options = {{"en", "English"}, {"de", "German"}, {"fr", "French"}, {"es", "Spanish"}}, .selected = get("language", "en")}) +
                                                      CheckBox("Answer while I am away", "away", "yes", get("away", "no") == "yes") +
                                                      Field({.label = "First day away", .name = "first", .value = get("first", ""), .type = "date"}) +
                                                      Field({.label = "Last day away", .name = "last", .value = get("last", ""), .type = "date"}) + Submit("Save settings")));
  }

  net::HttpResponse SaveSettings(const Parameters& form) {
    const bool away = form.Has("away");
    const std::string first = form.Get("first"), last = form.Get("last");
    if (away && (first.empty() || last.empty() || last < first)) return Settings(Errors({"Give the first and the last day, in this order."}));
    const State::Record start{{"signature", ""}, {"density", "cosy"}, {"language", "en"}, {"away", "no"}, {"first", ""}, {"last", ""}};
    const State::Record chosen{{"signature", form.Get("signature")}, {"density", form.Get("density", "cosy")}, {"language", form.Get("language", "en")},
                               {"away", away ? "yes" : "no"}, {"first", first}, {"last", last}};
    state_.Erase("settings", "mine");
    if (chosen != start) state_.Set("settings", "mine", chosen);
    return Redirect("/settings?saved=1");
  }

  const std::shared_ptr<const MailContent> content_;
  const Shell shell_;
};

}  // namespace

std::unique_ptr<Site> NewMail(std::shared_ptr<const MailContent> content) { return std::make_unique<Mail>(std::move(content)); }

}  // namespace proctor::env::practice
