// Messages in this room's tables. Private to evaluator/.
#ifndef PROCTOR_EVALUATOR_STORED_MESSAGE_H_
#define PROCTOR_EVALUATOR_STORED_MESSAGE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "storage/database.h"

namespace proctor::evaluator {

// DATA_LOSS: the column holds no such message; `name` is for the error.
template <typename Message>
absl::StatusOr<Message> Decode(const storage::Row& row, size_t column, const std::string& name) {
  Message message;
  if (!message.ParseFromString(row.Text(column))) {
    return absl::DataLossError(absl::StrCat(name, " is stored in a form that cannot be read"));
  }
  return message;
}

// The message of the table with this id, or nothing.
template <typename Message>
absl::StatusOr<std::optional<Message>> Find(storage::Transaction& transaction, const char* table,
                                            const std::string& id) {
  PROCTOR_ASSIGN_OR_RETURN(
      const auto rows, transaction.Query(absl::StrCat("SELECT body FROM ", table, " WHERE id = $1"), {id}));
  if (rows.empty()) return std::optional<Message>();
  PROCTOR_ASSIGN_OR_RETURN(Message message, Decode<Message>(rows[0], 0, id));
  return std::optional<Message>(std::move(message));
}

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_STORED_MESSAGE_H_
