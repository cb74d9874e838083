#include "env/practice/mail.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "env/practice/names.h"
#include "env/practice/random.h"

namespace proctor::env::practice {
namespace {

struct Kind {
  const char* subject;  // $ is an invented word
  std::vector<const char*> labels;
};

const std::vector<Kind>& Kinds() {
  static const auto& kinds = *new std::vector<Kind>{
      {"Your trip to $", {"Booking number", "Platform town"}},  {"Invoice from $ Services", {"Invoice number", "Account manager"}},
      {"$ workshop next month", {"Room code", "Speaker"}},      {"Parcel from $ Store", {"Tracking code", "Pick-up town"}},
      {"Minutes of the $ meeting", {"Document number", "Chair"}}, {"Your $ membership", {"Member number", "Contact person"}},
      {"Repair of your $ bicycle", {"Repair number", "Mechanic"}}, {"$ concert tickets", {"Ticket number", "Venue town"}}};
  return kinds;
}

std::string Address(const std::string& name) {
  return absl::StrCat(absl::StrReplaceAll(absl::AsciiStrToLower(name), {{" ", "."}}), "@pelican.example");
}

}  // namespace

std::shared_ptr<const MailContent> MailContent::Generate(uint64_t seed) {
  Random random(seed, "mail");
  auto content = std::make_shared<MailContent>();
  const std::vector<std::string> people = PersonNames(random, 140);
  const std::vector<std::string> towns = TownNames(random, 60);
  const std::vector<std::string> words = SeriesWords(random, 60);
  content->owner = people[139];
  for (int i = 0; i < 20; ++i) {
    const int number = random.Int(100000, 999999);
    const int area = random.Int(20, 99);
    content->contacts.push_back({people[i], Address(people[i]), absl::StrCat("0", area, " ", number), random.Pick(words) + " Ltd"});
  }
  std::sort(content->contacts.begin(), content->contacts.end(), [](auto& a, auto& b) { return a.name < b.name; });
  int day = 119;
  for (int i = 0; i < 46; ++i) {
    const Kind& kind = random.Pick(Kinds());
    const MailContact& sender = random.Pick(content->contacts);
    MailMessage message;
    message.id = absl::StrCat("m", random.Int(100, 999), i);
    message.folder = i < 22 ? "Inbox" : i < 34 ? "Archive" : i < 40 ? "Sent" : "Spam";
    message.from = message.folder == "Sent" ? content->owner : sender.name;
    message.from_address = Address(message.from);
    message.subject = absl::StrReplaceAll(kind.subject, {{"$", words[i]}});
    message.date = LongDate(day);
    if (i % 2 == 1) day -= random.Int(1, 3);
    const std::string closing = Filler(random, "our " + words[i] + " team");
    message.text = absl::StrCat(Filler(random, "this"), " ", closing);
    const std::string second = kind.labels[1];
    message.facts = {{kind.labels[0], Code(random, 2, 6)},
                     {second, second.ends_with("town") ? towns[i] : people[40 + 2 * i]}};
    content->messages.push_back(std::move(message));
  }
  return content;
}

const MailMessage* MailContent::Find(const std::string& id) const {
  for (const MailMessage& message : messages) {
    if (message.id == id) return &message;
  }
  return nullptr;
}

std::vector<const MailMessage*> MailContent::InFolder(const std::string& folder) const {
  std::vector<const MailMessage*> found;
  for (const MailMessage& message : messages) {
    if (message.folder == folder) found.push_back(&message);
  }
  return found;
}

}  // namespace proctor::env::practice
