#include "model/tables.h"

#include <string>
#include <vector>

namespace proctor::model {

absl::Status MigrateTables(storage::Database& database) {
  return database.Migrate("model", {
                                       R"(CREATE TABLE model_replies (
           cache_key TEXT PRIMARY KEY,
           created BIGINT NOT NULL,
           size BIGINT NOT NULL,
           body BYTEA NOT NULL);
         CREATE INDEX model_replies_by_created ON model_replies (created, size);
         CREATE TABLE model_spending (
           scope TEXT NOT NULL,
           period TEXT NOT NULL,
           usd DOUBLE PRECISION NOT NULL,
           PRIMARY KEY (scope, period));)"});
}

}  // namespace proctor::model
