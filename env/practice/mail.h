// "Pelican Mail", a mailbox.
#ifndef PROCTOR_ENV_PRACTICE_MAIL_H_
#define PROCTOR_ENV_PRACTICE_MAIL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/practice/site.h"

namespace proctor::env::practice {

struct MailMessage {
  std::string id, folder, from, from_address, subject, date, text;
  // A table in the message: "Booking number" and the like.
  std::vector<std::pair<std::string, std::string>> facts;
};

struct MailContact {
  std::string name, address, phone, company;
};

// Immutable.
struct MailContent {
  static constexpr int kMessagesOnPage = 12;

  std::string owner;
  std::vector<MailMessage> messages;  // newest first
  std::vector<MailContact> contacts;  // by name

  static std::shared_ptr<const MailContent> Generate(uint64_t seed);
  // Null if there is none.
  const MailMessage* Find(const std::string& id) const;
  std::vector<const MailMessage*> InFolder(const std::string& folder) const;
};

std::unique_ptr<Site> NewMail(std::shared_ptr<const MailContent> content);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_MAIL_H_
