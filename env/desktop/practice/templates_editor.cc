#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "common/json.h"
#include "env/desktop/practice/oracles.h"
#include "env/desktop/practice/task_builder.h"

namespace proctor::env::desktop_practice {
namespace {

using absl::StrCat;
using absl::Substitute;

// Opens a file of this content in the editor; its name.
std::string OpenFile(TaskBuilder& task, const std::string& content, std::string_view ending = ".txt") {
  std::string name = FileNames(task.random(), 1, ending)[0];
  task.File(name, content);
  task.Open("editor", {name});
  return name;
}

// The rest of a solution that leaves the open file with this text.
void WriteAndSave(TaskBuilder& task, const std::string& text) {
  task.Write(text);
  task.Press("Control+S");
}

std::vector<std::string> Sentences(Random& random, int count) {
  std::vector<std::string> sentences;
  for (int i = 0; i < count; ++i) sentences.push_back(Sentence(random));
  return sentences;
}

void ReadEntry(TaskBuilder& task) {
  static const auto& labels = *new std::vector<std::string>{"Colour", "Weight", "Owner", "Room", "Season", "Material", "Supplier", "Route", "Partner", "Origin"};
  const std::vector<std::string> chosen = task.random().Sample(labels, 6);
  const std::vector<std::string> values = Words(task.random(), 6);
  std::vector<std::string> lines;
  for (size_t i = 0; i < chosen.size(); ++i) lines.push_back(StrCat(chosen[i], ": ", values[i]));
  OpenFile(task, Lines(lines));
  const int asked = task.random().Int(0, 5);
  const std::string label = Quoted(chosen[asked]);
  task.Goal({Substitute("What does the text in the editor say about $0?", label), Substitute("Find $0 in the text of the editor.", label),
             Substitute("Which entry does the editor's text have for $0?", label)});
  task.Answers(values[asked]);
}

void WriteText(TaskBuilder& task) {
  const std::string file = OpenFile(task, "");
  const std::string sentence = Sentence(task.random()), text = Quoted(sentence);
  task.Goal({Substitute("Write $0 into the editor and save the file.", text), Substitute("Save the text $0 with the editor, in its file.", text),
             Substitute("The file in the editor is empty: write $0 and save.", text)});
  WriteAndSave(task, sentence);
  task.EndsWith(FileHolds(file, sentence));
}

void AppendLine(TaskBuilder& task) {
  std::vector<std::string> lines = Sentences(task.random(), task.random().Int(3, 6));
  const std::string file = OpenFile(task, Lines(lines)), line = Sentence(task.random());
  task.Goal({Substitute("Add the line $0 at the end of the file in the editor and save it.", Quoted(line)), Substitute("Append $0 as the last line of the text in the editor; save it.", Quoted(line)),
             Substitute("Put $0 on a line of its own below all others in the editor and save.", Quoted(line))});
  lines.push_back(line);
  WriteAndSave(task, Lines(lines));
  task.EndsWith(FileHolds(file, Lines(lines)));
}

void ReplaceWord(TaskBuilder& task) {
  Random& random = task.random();
  const std::vector<std::string> words = Words(random, 8);
  std::vector<std::string> lines;
  for (int i = 0; i < 5; ++i) lines.push_back(absl::StrJoin(random.Sample(words, 5), " "));
  lines.push_back(StrCat(words[2], " and ", words[0], " and ", words[0]));
  const std::string text = Lines(lines), replaced = absl::StrReplaceAll(text, {{words[0], words[7] + "s"}});
  const std::string file = OpenFile(task, text), from = Quoted(words[0]), to = Quoted(words[7] + "s");
  task.Goal({Substitute("Replace every $0 by $1 in the editor's text and save it.", from, to), Substitute("In the file in the editor, change $0 to $1 everywhere; save it.", from, to),
             Substitute("Each $0 in the editor must become $1. Save the file.", from, to)});
  WriteAndSave(task, replaced);
  task.EndsWith(FileHolds(file, replaced));
}

void SetOption(TaskBuilder& task) {
  static const auto& keys = *new std::vector<std::string>{"port", "timeout", "retries", "width", "height", "volume", "delay", "limit"};
  Random& random = task.random();
  const std::vector<std::string> sections = Words(random, 3);
  const std::string section = random.Pick(sections), key = random.Pick(keys);
  const std::string value = StrCat(random.Int(5000, 9999));
  Json before = Json::object(), after;
  std::vector<std::string> text, changed;
  for (const std::string& name : sections) {
    for (std::vector<std::string>* lines : {&text, &changed}) lines->push_back(StrCat("[", name, "]"));
    std::vector<std::string> others = random.Sample(keys, 3);
    if (std::find(others.begin(), others.end(), key) == others.end()) others.push_back(key);
    for (const std::string& other : others) {
      before[name][other] = StrCat(random.Int(10, 4999));
      text.push_back(StrCat(other, "=", before[name][other].get<std::string>()));
      changed.push_back(name == section && other == key ? StrCat(key, "=", value) : text.back());
    }
  }
  after = before;
  after[section][key] = value;
  const std::string file = OpenFile(task, Lines(text), ".ini");
  task.Goal({Substitute("In the settings in the editor, set $0 in the section $1 to $2 and save them.", Quoted(key), Quoted(section), Quoted(value)),
             Substitute("Change $0 of $1 to $2 in the editor; leave everything else and save.", Quoted(key), Quoted(section), Quoted(value)),
             Substitute("The section $1 of the file in the editor has a wrong $0. Make it $2 and save the file.", Quoted(key), Quoted(section), Quoted(value))});
  WriteAndSave(task, Lines(changed));
  task.EndsWith(FileReads(file, v1::FileCheck::FORMAT_INI, DumpJson(after)));
}

void AddToList(TaskBuilder& task) {
  Random& random = task.random();
  const std::vector<std::string> words = Words(random, 9);
  Json content = {{"title", words[0]}, {"count", random.Int(2, 90)}, {words[1], {words[2], words[3], words[4]}}, {words[5], {words[6], words[7]}}};
  const std::string file = OpenFile(task, content.dump(2) + "\n", ".json");
  const std::string list = random.OneIn(2) ? words[1] : words[5];
  task.Goal({Substitute("Add $0 to the end of the list $1 in the JSON file in the editor and save it.", Quoted(words[8]), Quoted(list)),
             Substitute("The list $1 of the JSON file in the editor lacks $0: add it as the last element and save.", Quoted(words[8]), Quoted(list)),
             Substitute("Append $0 to $1 in the editor's JSON file; save it.", Quoted(words[8]), Quoted(list))});
  content[list].push_back(words[8]);
  WriteAndSave(task, content.dump(2) + "\n");
  task.EndsWith(FileReads(file, v1::FileCheck::FORMAT_JSON, DumpJson(content)));
}

void SaveCopy(TaskBuilder& task) {
  const std::vector<std::string> names = FileNames(task.random(), 2, ".txt");
  const std::string text = Lines(Sentences(task.random(), task.random().Int(2, 5)));
  task.File(names[0], text);
  task.Open("editor", {names[0]});
  task.Goal({Substitute("Save the editor's file under the name $0 too, in the same folder.", Quoted(names[1])), Substitute("With the editor, save a second file called $0 beside the first one, with the same text.", Quoted(names[1])),
             Substitute("Use \"Save As\" to store the editor's text as $0 in the same folder.", Quoted(names[1]))});
  task.Press("Control+Shift+S");
  task.EnterNew(names[1]);
  task.EndsWith(All({FileHolds(names[1], text), FileHolds(names[0], text)}));
}

void CopyText(TaskBuilder& task) {
  const std::string text = Lines(Sentences(task.random(), task.random().Int(2, 4)));
  const std::string file = OpenFile(task, text);
  task.Goal({"Copy the whole text of the editor to the clipboard.", "Select all of the text in the editor and copy it.",
             Substitute("Copy everything in $0 to the clipboard.", Quoted(file))});
  task.Press("Control+A");
  task.Press("Control+C");
  task.EndsWith(All({ClipboardHolds(text), FileHolds(file, text)}));
}

}  // namespace

void AddEditorTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "editor", kind, steps, false, write});
  };
  add("editor/read_entry", "find_fact", 1, ReadEntry);
  add("editor/write_text", "content_change", 3, WriteText);
  add("editor/append_line", "content_change", 3, AppendLine);
  add("editor/replace_word", "content_change", 3, ReplaceWord);
  add("editor/set_option", "content_change", 3, SetOption);
  add("editor/add_to_list", "content_change", 3, AddToList);
  add("editor/save_copy", "content_change", 3, SaveCopy);
  add("editor/copy_text", "content_change", 2, CopyText);
}

}  // namespace proctor::env::desktop_practice
