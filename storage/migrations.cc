#include "storage/migrations.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::storage {

absl::Status RunMigrations(SqliteConnection& connection, std::string_view room,
                           const std::vector<std::string>& migrations) {
  PROCTOR_RETURN_IF_ERROR(connection.ExecuteScript(
      "CREATE TABLE IF NOT EXISTS storage_migrations (room TEXT PRIMARY KEY, version BIGINT NOT NULL)"));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           connection.Query("SELECT version FROM storage_migrations WHERE room = $1",
                                            {std::string(room)}));
  const int64_t known = static_cast<int64_t>(migrations.size());
  const int64_t version = rows.empty() ? 0 : rows[0].Int(0);
  if (version > known) {
    return absl::FailedPreconditionError(
        absl::StrCat("the tables of '", ToAbsl(room), "' have version ", version,
                     ", this program knows ", known, ": use the newer program"));
  }
  for (int64_t i = version; i < known; ++i) {
    const absl::Status status = connection.ExecuteScript(migrations[static_cast<size_t>(i)]);
    if (!status.ok()) {
      return Annotate(status, absl::StrCat("migration ", i + 1, " of '", ToAbsl(room), "'"));
    }
  }
  return connection
      .Execute("INSERT INTO storage_migrations (room, version) VALUES ($1, $2) "
               "ON CONFLICT (room) DO UPDATE SET version = excluded.version",
               {std::string(room), known})
      .status();
}

}  // namespace proctor::storage
