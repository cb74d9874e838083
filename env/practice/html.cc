#include "env/practice/html.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/practice/names.h"

namespace proctor::env::practice {
namespace {

std::string Attribute(std::string_view name, std::string_view value) {
  return absl::StrCat(" ", ToAbsl(name), "=\"", Escape(value), "\"");
}

std::string IdOf(std::string_view name, std::string_view value = "") {
  return absl::StrCat("f-", Slug(name), value.empty() ? "" : "-", Slug(value));
}

std::string Labelled(const Input& input, std::string_view control_html) {
  return absl::StrCat("<div class=\"field\"><label", Attribute("for", IdOf(input.name)), ">",
                      Escape(input.label), "</label>", ToAbsl(control_html), "</div>");
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string EncodeUrl(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += c;
    } else if (c == ' ') {
      encoded += '+';
    } else {
      absl::StrAppend(&encoded, "%", absl::BytesToHexString(absl::string_view(&c, 1)));
    }
  }
  return encoded;
}

std::string DecodeUrl(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && absl::ascii_isxdigit(text[i + 1]) &&
               absl::ascii_isxdigit(text[i + 2])) {
      decoded += absl::HexStringToBytes(ToAbsl(text.substr(i + 1, 2)));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string Tag(std::string_view tag, std::string_view text, std::string_view attributes) {
  return Wrap(tag, Escape(text), attributes);
}

std::string Wrap(std::string_view tag, std::string_view html, std::string_view attributes) {
  return absl::StrCat("<", ToAbsl(tag), attributes.empty() ? "" : " ", ToAbsl(attributes), ">", ToAbsl(html), "</",
                      ToAbsl(tag), ">");
}

std::string Link(std::string_view href, std::string_view text, std::string_view attributes) {
  return absl::StrCat("<a", Attribute("href", href), attributes.empty() ? "" : " ", ToAbsl(attributes), ">",
                      Escape(text), "</a>");
}

std::string Heading(int level, std::string_view text) { return Tag(absl::StrCat("h", level), text); }
std::string Paragraph(std::string_view text) { return Tag("p", text); }

std::string Form(std::string_view action, std::string_view inner_html, std::string_view method,
                 std::string_view attributes) {
  return absl::StrCat("<form", Attribute("action", action), Attribute("method", method),
                      attributes.empty() ? "" : " ", ToAbsl(attributes), ">", ToAbsl(inner_html), "</form>");
}

std::string Hidden(std::string_view name, std::string_view value) {
  return absl::StrCat("<input type=\"hidden\"", Attribute("name", name), Attribute("value", value), ">");
}

std::string Submit(std::string_view label, std::string_view attributes) {
  return Tag("button", label, absl::StrCat("type=\"submit\" class=\"primary\" ", ToAbsl(attributes)));
}

std::string PostButton(const ButtonForm& button) {
  std::string inner;
  for (const auto& [name, value] : button.fields) inner += Hidden(name, value);
  absl::StrAppend(&inner, "<button type=\"submit\"",
                  button.name.empty() ? "" : Attribute("aria-label", button.name), ">", Escape(button.label),
                  "</button>");
  return Form(button.action, inner, "post",
              absl::StrCat("class=\"inline\"",
                           button.confirm.empty() ? "" : Attribute("data-confirm", button.confirm)));
}

std::string Field(const Input& input) {
  return Labelled(input, absl::StrCat("<input", Attribute("id", IdOf(input.name)), Attribute("name", input.name),
                                      Attribute("type", input.type), Attribute("value", input.value), " ",
                                      input.attributes, ">"));
}

std::string TextArea(const Input& input) {
  return Labelled(input, absl::StrCat("<textarea rows=\"4\"", Attribute("id", IdOf(input.name)),
                                      Attribute("name", input.name), " ", input.attributes, ">",
                                      Escape(input.value), "</textarea>"));
}

std::string Select(const Choice& choice) {
  std::string html = absl::StrCat("<select", Attribute("id", IdOf(choice.name)), Attribute("name", choice.name),
                                  choice.submits ? " data-submits" : "", ">");
  for (const auto& [value, label] : choice.options) {
    absl::StrAppend(&html, "<option", Attribute("value", value), value == choice.selected ? " selected" : "", ">",
                    Escape(label), "</option>");
  }
  return Labelled({.label = choice.label, .name = choice.name}, html + "</select>");
}

std::string Radios(const Choice& choice) {
  std::string html = absl::StrCat("<fieldset><legend>", Escape(choice.label), "</legend>");
  for (const auto& [value, label] : choice.options) {
    const std::string id = IdOf(choice.name, value);
    absl::StrAppend(&html, "<div class=\"choice\"><input type=\"radio\"", Attribute("id", id),
                    Attribute("name", choice.name), Attribute("value", value),
                    value == choice.selected ? " checked" : "", "><label", Attribute("for", id), ">", Escape(label),
                    "</label></div>");
  }
  return html + "</fieldset>";
}

std::string CheckBox(std::string_view label, std::string_view name, std::string_view value, bool checked) {
  const std::string id = IdOf(name, value);
  return absl::StrCat("<div class=\"choice\"><input type=\"checkbox\"", Attribute("id", id), Attribute("name", name),
                      Attribute("value", value), checked ? " checked" : "", "><label", Attribute("for", id), ">",
                      Escape(label), "</label></div>");
}

std::string FactTable(std::string_view caption, const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html = absl::StrCat("<table class=\"facts\"><caption>", Escape(caption), "</caption><tbody>");
  for (const auto& [name, value] : rows) {
    absl::StrAppend(&html, "<tr><th scope=\"row\">", Escape(name), "</th><td>", Escape(value), "</td></tr>");
  }
  return html + "</tbody></table>";
}

std::string DataTable(std::string_view caption, const std::vector<std::string>& headers,
                      const std::vector<std::vector<std::string>>& rows_html) {
  std::string html = absl::StrCat("<table class=\"data\"><caption>", Escape(caption), "</caption><thead><tr>");
  for (const std::string& header : headers) absl::StrAppend(&html, "<th scope=\"col\">", header, "</th>");
  html += "</tr></thead><tbody>";
  for (const auto& row : rows_html) {
    html += "<tr>";
    for (const std::string& cell : row) absl::StrAppend(&html, "<td>", cell, "</td>");
    html += "</tr>";
  }
  return html + "</tbody></table>";
}

std::string List(const std::vector<std::string>& items_html, std::string_view attributes) {
  std::string items;
  for (const std::string& item : items_html) absl::StrAppend(&items, "<li>", item, "</li>");
  return Wrap("ul", items, attributes);
}

std::string Pager(std::string_view base, int page, int pages) {
  if (pages < 2) return "";
  const char* joint = base.find('?') == std::string_view::npos ? "?" : "&";
  std::string html = "<nav class=\"pager\" aria-label=\"Pagination\">";
  for (int number = 1; number <= pages; ++number) {
    const std::string label = absl::StrCat("Page ", number);
    html += number == page ? Tag("span", label, "class=\"current\" aria-current=\"page\"")
                           : Link(absl::StrCat(ToAbsl(base), joint, "page=", number), label);
  }
  return html + "</nav>";
}

std::string Tabs(std::string_view id, const std::vector<std::pair<std::string, std::string>>& titles_and_html) {
  std::string buttons, panels;
  int number = 0;
  for (const auto& [title, html] : titles_and_html) {
    const bool first = number == 0;
    const std::string base = absl::StrCat(ToAbsl(id), "-", number++);
    absl::StrAppend(&buttons, "<button type=\"button\" role=\"tab\"", Attribute("id", base + "-tab"),
                    Attribute("aria-controls", base), " aria-selected=\"", first ? "true" : "false", "\">",
                    Escape(title), "</button>");
    absl::StrAppend(&panels, "<div role=\"tabpanel\"", Attribute("id", base),
                    Attribute("aria-labelledby", base + "-tab"), first ? "" : " hidden", ">", html, "</div>");
  }
  return absl::StrCat("<div class=\"tabs\"><div role=\"tablist\">", buttons, "</div>", panels, "</div>");
}

std::string Modal(std::string_view id, std::string_view button, std::string_view title, std::string_view html) {
  return absl::StrCat(
      "<button type=\"button\"", Attribute("data-opens", id), ">", Escape(button),
      "</button><div class=\"backdrop\" hidden", Attribute("id", id), "><div class=\"modal\" role=\"dialog\"",
      " aria-modal=\"true\"", Attribute("aria-label", title), ">", Heading(2, title), ToAbsl(html),
      "<button type=\"button\" class=\"plain\" data-closes>Close</button></div></div>");
}

std::string DatePicker(std::string_view label, std::string_view name, std::string_view start_iso,
                       std::string_view value_iso) {
  return absl::StrCat("<div class=\"datepicker\"", Attribute("data-start", start_iso), ">",
                      Field({.label = std::string(label),
                             .name = std::string(name),
                             .value = std::string(value_iso),
                             .attributes = "placeholder=\"YYYY-MM-DD\" autocomplete=\"off\""}),
                      "<button type=\"button\" data-calendar>Choose date</button>",
                      "<div class=\"calendar\" role=\"dialog\" aria-label=\"Calendar\" hidden></div></div>");
}

std::string Board(std::string_view action, const std::vector<Lane>& lanes) {
  std::string html = absl::StrCat("<div class=\"board\"", Attribute("data-board", action), ">");
  for (const Lane& lane : lanes) {
    absl::StrAppend(&html, "<div class=\"lane\" role=\"listbox\" tabindex=\"0\"", Attribute("aria-label", lane.title),
                    Attribute("data-id", lane.id), ">", Heading(2, lane.title));
    for (const auto& [id, text] : lane.tiles) {
      absl::StrAppend(&html, "<div class=\"tile\" role=\"option\" tabindex=\"0\"", Attribute("data-id", id), ">",
                      Escape(text), "</div>");
    }
    html += "</div>";
  }
  return html + "</div>";
}

}  // namespace proctor::env::practice
