#include "tests/env/android/fake/notes_database.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"

namespace proctor::env::android::fake {

NotesDatabase::NotesDatabase(const std::string& folder) : path_(folder + "/notes.db") {
  sqlite3_open(path_.c_str(), &database_);
  Run("PRAGMA journal_mode=WAL");
  Run("PRAGMA wal_autocheckpoint=0");
  Run("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0)");
}

NotesDatabase::~NotesDatabase() { sqlite3_close(database_); }

void NotesDatabase::Run(const std::string& sql, const std::string& text) const {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr);
  if (sqlite3_bind_parameter_count(statement) > 0) sqlite3_bind_text(statement, 1, text.c_str(), -1, SQLITE_TRANSIENT);
  while (sqlite3_step(statement) == SQLITE_ROW) {
  }
  sqlite3_finalize(statement);
}

std::vector<NotesDatabase::Note> NotesDatabase::All() const {
  std::vector<Note> out;
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database_, "SELECT id, text, pinned FROM notes ORDER BY pinned DESC, id", -1, &statement, nullptr);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    out.push_back({sqlite3_column_int64(statement, 0), reinterpret_cast<const char*>(sqlite3_column_text(statement, 1)),
                   sqlite3_column_int(statement, 2) != 0});
  }
  sqlite3_finalize(statement);
  return out;
}

int64_t NotesDatabase::Save(int64_t id, const std::string& text) {
  if (id == 0) {
    Run("INSERT INTO notes (text) VALUES (?1)", text);
    return sqlite3_last_insert_rowid(database_);
  }
  Run(absl::StrCat("UPDATE notes SET text = ?1 WHERE id = ", id), text);
  return id;
}

void NotesDatabase::Remove(int64_t id) { Run(absl::StrCat("DELETE FROM notes WHERE id = ", id)); }
void NotesDatabase::TogglePin(int64_t id) { Run(absl::StrCat("UPDATE notes SET pinned = 1 - pinned WHERE id = ", id)); }
void NotesDatabase::Clear() { Run("DELETE FROM notes"); }
void NotesDatabase::Checkpoint() { Run("PRAGMA wal_checkpoint(TRUNCATE)"); }

}  // namespace proctor::env::android::fake
