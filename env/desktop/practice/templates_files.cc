#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/desktop/practice/oracles.h"
#include "env/desktop/practice/task_builder.h"

namespace proctor::env::desktop_practice {
namespace {

using absl::Substitute;

// Files in the home directory, which the file manager shows.
struct Scene {
  explicit Scene(TaskBuilder& task) {
    names = FileNames(task.random(), task.random().Int(4, 6), ".txt");
    for (const std::string& name : names) {
      texts.push_back(Filler(task.random(), task.random().Int(120, 960)));
      task.File(name, texts.back());
    }
    task.OpenFiles();
    chosen = task.random().Int(0, static_cast<int>(names.size()) - 1);
  }

  const std::string& name() const { return names[chosen]; }
  const std::string& text() const { return texts[chosen]; }

  // The chosen file is at this path and nowhere else (one that was copied is not moved, one that was renamed is not deleted), `others` hold
  // their texts, and the other files are as they were.
  v1::Oracle ChosenIsAt(const std::string& path, const std::map<std::string, std::string>& others = {}) const {
    std::map<std::string, std::string> files = others;
    files[path] = text();
    return FilesAreAndHold(std::move(files));
  }
  v1::Oracle ChosenIsGone() const { return FilesAreAndHold({}); }

  std::vector<std::string> names, texts;
  int chosen = 0;

 private:
  // These files beside those that were not chosen.
  v1::Oracle FilesAreAndHold(std::map<std::string, std::string> files) const {
    for (size_t i = 0; i < names.size(); ++i) {
      if (static_cast<int>(i) != chosen) files[names[i]] = texts[i];
    }
    std::vector<std::string> paths;
    std::vector<v1::Oracle> all;
    for (const auto& [path, text] : files) {
      paths.push_back(path);
      all.push_back(FileHolds(path, text));
    }
    all.push_back(FilesAre(std::move(paths)));
    return All(std::move(all));
  }
};

// A folder's name that no file has.
std::string FolderName(TaskBuilder& task) {
  std::string name = FileNames(task.random(), 1, "")[0];
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

void FileSize(TaskBuilder& task) {
  const Scene s(task);
  const std::string name = Quoted(s.name());
  task.Goal({Substitute("What size does the file $0 have?", name), Substitute("What is the size of $0?", name), Substitute("Tell me the size of the file $0 in bytes.", name)});
  task.AnswersNumber(static_cast<double>(s.text().size()));
}

void LargestFile(TaskBuilder& task) {
  const std::vector<std::string> names = FileNames(task.random(), 4, ".txt");
  // Shown as bytes, as KiB with another unit, and with another number of digits.
  std::vector<int> sizes{task.random().Int(700, 999), task.random().Int(2048, 7000), task.random().Int(11000, 20000), task.random().Int(23000, 40000)};
  task.random().Shuffle(sizes);
  size_t largest = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    task.File(names[i], Filler(task.random(), sizes[i]));
    if (sizes[i] > sizes[largest]) largest = i;
  }
  task.OpenFiles();
  const std::string first = Quoted(names[0]), second = Quoted(names[1]), third = Quoted(names[2]), fourth = Quoted(names[3]);
  task.Goal({Substitute("Which file is the largest: $0, $1, $2 or $3?", first, second, third, fourth),
             Substitute("Name the largest of the files $0, $1, $2 and $3.", first, second, third, fourth)});
  task.Answers(names[largest]);
}

void OpenFile(TaskBuilder& task) {
  const Scene s(task);
  const std::string name = Quoted(s.name());
  task.Goal({Substitute("Open the file $0.", name), Substitute("Open $0 in the text editor.", name), Substitute("Show me what is in the file $0: open it.", name)});
  task.Click(s.name());
  task.Press("Enter");
  task.EndsWith(All({WindowInFront("Mousepad", s.name()), s.ChosenIsAt(s.name())}));
}

void Rename(TaskBuilder& task) {
  const Scene s(task);
  const std::string to = FileNames(task.random(), 1, ".md")[0];
  task.Goal({Substitute("Rename the file $0 to $1.", Quoted(s.name()), Quoted(to)), Substitute("Give $0 the name $1: rename it.", Quoted(s.name()), Quoted(to)),
             Substitute("The file $0 shall be called $1. Rename it.", Quoted(s.name()), Quoted(to))});
  task.Click(s.name());
  task.Press("F2");
  task.EnterNew(to);
  task.EndsWith(s.ChosenIsAt(to));
}

void Delete(TaskBuilder& task) {
  const Scene s(task);
  const std::string name = Quoted(s.name());
  task.Goal({Substitute("Delete the file $0.", name), Substitute("I no longer need $0: delete it.", name), Substitute("Delete $0 and no other file.", name)});
  task.Click(s.name());
  task.Press("Delete");
  task.Press("Enter");
  task.EndsWith(s.ChosenIsGone());
}

// The rest of a solution that moves the chosen file into a folder.
void MoveInto(TaskBuilder& task, const Scene& s, const std::string& folder) {
  task.Click(s.name());
  task.Press("Control+X");
  task.Click(folder);
  task.Press("Enter");
  task.Press("Control+V");
}

void NewFolder(TaskBuilder& task) {
  const Scene s(task);
  const std::string folder = FolderName(task), name = Quoted(folder), file = Quoted(s.name());
  task.Goal({Substitute("Create a new folder $0 and move the file $1 into it.", name, file), Substitute("Make a new folder with the name $0; then move $1 there.", name, file),
             Substitute("I need a new folder called $0 beside the files, with $1 in it instead of here.", name, file)});
  task.Press("Control+Shift+N");
  task.EnterNew(folder);
  MoveInto(task, s, folder);
  task.EndsWith(s.ChosenIsAt(absl::StrCat(folder, "/", s.name())));
}

void Move(TaskBuilder& task) {
  const Scene s(task);
  const std::string folder = FolderName(task), inside = folder + "/readme.txt", text_inside = "What belongs here is moved here.\n";
  task.File(inside, text_inside);
  task.Goal({Substitute("Move the file $0 into the folder $1.", Quoted(s.name()), Quoted(folder)), Substitute("Put $0 into the folder $1; do not leave a copy behind.", Quoted(s.name()), Quoted(folder)),
             Substitute("The file $0 belongs into $1. Move it there.", Quoted(s.name()), Quoted(folder))});
  MoveInto(task, s, folder);
  task.EndsWith(s.ChosenIsAt(absl::StrCat(folder, "/", s.name()), {{inside, text_inside}}));
}

void MissingFile(TaskBuilder& task) {
  const Scene s(task);
  std::string missing = s.name();
  while (std::find(s.names.begin(), s.names.end(), missing) != s.names.end()) missing = FileNames(task.random(), 1, ".txt")[0];
  const std::string name = Quoted(missing);
  task.Goal({Substitute("Open the file $0.", name), Substitute("Delete the file $0.", name), Substitute("What is the size of $0?", name)});
  task.GivesUp();
}

}  // namespace

void AddFilesTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "files", kind, steps, std::string(kind) == "impossible", write});
  };
  add("files/file_size", "find_fact", 1, FileSize);
  add("files/largest_file", "find_fact", 1, LargestFile);
  add("files/open_file", "reach_state", 2, OpenFile);
  add("files/rename", "content_change", 4, Rename);
  add("files/delete", "content_change", 4, Delete);
  add("files/move", "content_change", 5, Move);
  add("files/new_folder", "content_change", 7, NewFolder);
  add("files/missing_file", "impossible", 1, MissingFile);
}

}  // namespace proctor::env::desktop_practice
