// Building blocks of the sites' pages. Text arguments are escaped; arguments called `html` or `*_html` are not.
#ifndef PROCTOR_ENV_PRACTICE_HTML_H_
#define PROCTOR_ENV_PRACTICE_HTML_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proctor::env::practice {

std::string Escape(std::string_view text);
std::string EncodeUrl(std::string_view text);
// Malformed escapes stay as they are; `+` is a space.
std::string DecodeUrl(std::string_view text);

// `attributes` go into the start tag as they are.
std::string Tag(std::string_view tag, std::string_view text, std::string_view attributes = "");
std::string Wrap(std::string_view tag, std::string_view html, std::string_view attributes = "");
std::string Link(std::string_view href, std::string_view text, std::string_view attributes = "");
std::string Heading(int level, std::string_view text);
std::string Paragraph(std::string_view text);

// A form. POST unless `method` is "get".
std::string Form(std::string_view action, std::string_view inner_html, std::string_view method = "post",
                 std::string_view attributes = "");
std::string Hidden(std::string_view name, std::string_view value);
std::string Submit(std::string_view label, std::string_view attributes = "");

// A form of one button. `confirm`: a question asked before it is sent.
struct ButtonForm {
  std::string action;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string label;
  // Accessible name where it differs from the label.
  std::string name = "";
  std::string confirm = "";
};
std::string PostButton(const ButtonForm& button);

// A labelled input. `attributes`: "required", "min=1", ...
struct Input {
  std::string label;
  std::string name;
  std::string value = "";
  std::string type = "text";
  std::string attributes = "";
};
std::string Field(const Input& input);
std::string TextArea(const Input& input);

using Options = std::vector<std::pair<std::string, std::string>>;  // value, label

struct Choice {
  std::string label;
  std::string name;
  Options options = {};
  std::string selected = "";
  // Sends its form when changed.
  bool submits = false;
};
std::string Select(const Choice& choice);
// A fieldset of radio buttons; `label` is its legend.
std::string Radios(const Choice& choice);
std::string CheckBox(std::string_view label, std::string_view name, std::string_view value, bool checked);

// A two-column table of names and values.
std::string FactTable(std::string_view caption, const std::vector<std::pair<std::string, std::string>>& rows);

// A table; cells are HTML.
std::string DataTable(std::string_view caption, const std::vector<std::string>& headers,
                      const std::vector<std::vector<std::string>>& rows_html);

std::string List(const std::vector<std::string>& items_html, std::string_view attributes = "");

// Links "Page 1", "Page 2", ... `base` gets "page=N" appended after '?' or '&'. Empty for one page.
std::string Pager(std::string_view base, int page, int pages);

// Tabs shown one at a time; the first is open.
std::string Tabs(std::string_view id, const std::vector<std::pair<std::string, std::string>>& titles_and_html);

// A button that opens a modal dialog with the content.
std::string Modal(std::string_view id, std::string_view button, std::string_view title, std::string_view html);

// A date field with a pop-up calendar of our own, starting at the month of `start_iso`.
std::string DatePicker(std::string_view label, std::string_view name, std::string_view start_iso,
                       std::string_view value_iso = "");

// Lanes with tiles that can be dragged from lane to lane; every move is posted to `action` as `tile` and `lane`.
struct Lane {
  std::string id;
  std::string title;
  Options tiles = {};  // id, text
};
std::string Board(std::string_view action, const std::vector<Lane>& lanes);

// Style sheet and script shared by all sites.
std::string_view StyleSheet();
std::string_view Script();

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_HTML_H_
