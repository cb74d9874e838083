// The notes application's database: a real SQLite file, with a write-ahead log as Android's have.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FAKE_NOTES_DATABASE_H_
#define PROCTOR_TESTS_ENV_ANDROID_FAKE_NOTES_DATABASE_H_

#include <cstdint>
#include <string>
#include <vector>

struct sqlite3;

namespace proctor::env::android::fake {

class NotesDatabase {
 public:
  // `folder` exists and is this object's own.
  explicit NotesDatabase(const std::string& folder);
  ~NotesDatabase();

  struct Note {
    int64_t id = 0;
    std::string text;
    bool pinned = false;
  };
  std::vector<Note> All() const;
  // Id 0: a new one. Returns its id.
  int64_t Save(int64_t id, const std::string& text);
  void Remove(int64_t id);
  void TogglePin(int64_t id);
  void Clear();
  // Empties the write-ahead log into the database.
  void Checkpoint();

  const std::string& path() const { return path_; }

 private:
  void Run(const std::string& sql, const std::string& text = "") const;

  const std::string path_;
  sqlite3* database_ = nullptr;
};

}  // namespace proctor::env::android::fake

#endif  // PROCTOR_TESTS_ENV_ANDROID_FAKE_NOTES_DATABASE_H_
