#include "env/practice/names.h"

#include <array>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/strings.h"

namespace proctor::env::practice {
namespace {

const std::vector<std::string>& FirstNames() {
  static const auto& names = *new std::vector<std::string>{
      "Ada",    "Bruno",  "Carla",  "Dmitri", "Elena",  "Farid",  "Greta",  "Hugo",   "Ines",  "Jonas",
      "Katya",  "Liam",   "Mara",   "Nils",   "Olga",   "Pavel",  "Quinn",  "Rosa",   "Stefan", "Tilda",
      "Umar",   "Vera",   "Willem", "Xenia",  "Yusuf",  "Zora",   "Anton",  "Bianca", "Cyril", "Dora",
      "Emil",   "Flora",  "Gustav", "Helga",  "Ivan",   "Jana",   "Konrad", "Leila",  "Milan", "Nora"};
  return names;
}

const std::vector<std::string>& LastNames() {
  static const auto& names = *new std::vector<std::string>{
      "Abbot",   "Barlow",  "Castell", "Drummond", "Eklund",  "Farrow",  "Grieve",  "Hartung", "Ibsen",
      "Jansky",  "Kestrel", "Lindqvist", "Marlow", "Novak",   "Okafor",  "Petrov",  "Quist",   "Rahman",
      "Sorrel",  "Tanaka",  "Ulrich",  "Vance",    "Wexford", "Yilmaz",  "Zeller",  "Ashdown", "Brandt",
      "Corvin",  "Delacroix", "Emmert", "Fontaine", "Gallo",  "Holm",    "Iversen", "Joubert", "Kovacs",
      "Lorenz",  "Moreau"};
  return names;
}

const std::vector<std::string>& TownStarts() {
  static const auto& names = *new std::vector<std::string>{
      "Ash",   "Birch", "Cald",  "Dun",   "Elm",   "Fern",  "Glen",  "Harrow", "Iver", "Keld",
      "Lang",  "Marsh", "North", "Oak",   "Pen",   "Raven", "Stan",  "Thorn",  "Under", "Wold",
      "Alder", "Brack", "Crom",  "Dray",  "Esk",   "Fal"};
  return names;
}

const std::vector<std::string>& TownEnds() {
  static const auto& names = *new std::vector<std::string>{
      "bridge", "bury", "combe", "dale",  "field", "ford",  "gate",  "ham",   "haven", "hurst", "ley",  "mere",
      "moor",   "mouth", "port", "shaw",  "stead", "stow",  "ton",   "vale",  "wick",  "worth", "holt", "beck"};
  return names;
}

const std::vector<std::string>& Words() {
  static const auto& words = *new std::vector<std::string>{
      "Amber",   "Anchor",  "Arbor",   "Aspen",   "Atlas",   "Aurora",  "Basalt",  "Beacon",  "Bramble", "Breeze",
      "Canyon",  "Cedar",   "Cinder",  "Clover",  "Cobalt",  "Comet",   "Copper",  "Coral",   "Crescent", "Delta",
      "Drift",   "Ember",   "Falcon",  "Fjord",   "Flint",   "Garnet",  "Ginger",  "Granite", "Harbor",  "Hazel",
      "Heron",   "Indigo",  "Ivory",   "Jasper",  "Juniper", "Lagoon",  "Larch",   "Lark",    "Linden",  "Lotus",
      "Lumen",   "Magnet",  "Maple",   "Meadow",  "Meteor",  "Mistral", "Monarch", "Nimbus",  "Nova",    "Onyx",
      "Opal",    "Orbit",   "Osprey",  "Pebble",  "Pepper",  "Pioneer", "Plover",  "Prairie", "Prism",   "Quartz",
      "Raptor",  "Ripple",  "Rowan",   "Saffron", "Sequoia", "Sierra",  "Slate",   "Solstice", "Sparrow", "Sterling",
      "Summit",  "Swift",   "Tandem",  "Tempest", "Timber",  "Topaz",   "Tundra",  "Umber",   "Velvet",  "Vertex",
      "Violet",  "Walnut",  "Willow",  "Zenith",  "Zephyr",  "Marigold", "Nectar", "Bison",   "Caravel", "Dynamo"};
  return words;
}

constexpr std::array<int, 12> kMonthDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr std::array<const char*, 12> kMonths = {"January", "February", "March",     "April",   "May",      "June",
                                                 "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<const char*, 7> kWeekdays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                  "Friday", "Saturday", "Sunday"};

struct Date {
  int year, month, day;  // from 1
};

bool IsLeap(int year) { return year % 4 == 0; }  // 2031 to 2033

int DaysOfMonth(int year, int month) {
  return kMonthDays[month - 1] + (month == 2 && IsLeap(year) ? 1 : 0);
}

Date DateOf(int day) {
  Date date{2031, 1, 1};
  while (day >= DaysOfMonth(date.year, date.month)) {
    day -= DaysOfMonth(date.year, date.month);
    if (++date.month == 13) {
      date.month = 1;
      ++date.year;
    }
  }
  date.day = day + 1;
  return date;
}

std::vector<std::string> Pairs(Random& random, const std::vector<std::string>& firsts,
                               const std::vector<std::string>& seconds, std::string_view between, int count) {
  std::vector<std::string> names;
  names.reserve(firsts.size() * seconds.size());
  for (const std::string& first : firsts) {
    for (const std::string& second : seconds) names.push_back(absl::StrCat(first, ToAbsl(between), second));
  }
  // Only the first `count` places need shuffling.
  for (int i = 0; i < count && i < static_cast<int>(names.size()); ++i) {
    std::swap(names[i], names[random.Int(i, static_cast<int>(names.size()) - 1)]);
  }
  if (static_cast<int>(names.size()) > count) names.resize(count);
  return names;
}

}  // namespace

std::vector<std::string> PersonNames(Random& random, int count) {
  return Pairs(random, FirstNames(), LastNames(), " ", count);
}

std::vector<std::string> TownNames(Random& random, int count) {
  return Pairs(random, TownStarts(), TownEnds(), "", count);
}

std::vector<std::string> SeriesWords(Random& random, int count) {
  return random.Sample(Words(), count);
}

std::string Code(Random& random, int letters, int digits) {
  std::string code;
  for (int i = 0; i < letters; ++i) code += "ABCDEFGHKLMNPRSTUVWXZ"[random.Int(0, 20)];
  if (letters > 0) code += '-';
  code += static_cast<char>('1' + random.Int(0, 8));
  for (int i = 1; i < digits; ++i) code += static_cast<char>('0' + random.Int(0, 9));
  return code;
}

std::string Filler(Random& random, std::string_view subject) {
  static const auto& openings = *new std::vector<std::string>{
      "Most people who know $ say that", "In everyday use, $ shows that", "What is told about $ suggests that",
      "Those who spend time with $ find that", "A closer look at $ makes it clear that"};
  static const auto& endings = *new std::vector<std::string>{
      "small things matter more than they seem.", "patience pays off in the long run.",
      "good work rarely draws attention to itself.", "habits change slowly, but they do change.",
      "the weather has the last word.", "there is usually a simpler way.",
      "careful preparation saves a lot of trouble.", "first impressions can mislead."};
  std::string opening = random.Pick(openings);
  opening.replace(opening.find('$'), 1, subject);
  return absl::StrCat(opening, " ", random.Pick(endings));
}

std::string Slug(std::string_view name) {
  std::string slug;
  for (const char c : name) {
    if (absl::ascii_isalnum(c)) {
      slug += absl::ascii_tolower(c);
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

std::string LongDate(int day) {
  const Date date = DateOf(day);
  return absl::StrFormat("%d %s %d", date.day, kMonths[date.month - 1], date.year);
}

std::string IsoDate(int day) {
  const Date date = DateOf(day);
  return absl::StrFormat("%04d-%02d-%02d", date.year, date.month, date.day);
}

int DayOfIsoDate(std::string_view iso) {
  int year = 0, month = 0, day = 0, end = 0;
  const std::string text(iso);
  if (text.size() != 10 || std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || end != 10) {
    return -1;
  }
  if (year < 2031 || year > 2033 || month < 1 || month > 12 || day < 1 || day > DaysOfMonth(year, month)) return -1;
  int days = day - 1;
  for (int y = 2031; y < year; ++y) days += IsLeap(y) ? 366 : 365;
  for (int m = 1; m < month; ++m) days += DaysOfMonth(year, m);
  return days;
}

std::string WeekdayName(int day) { return kWeekdays[(day + 2) % 7]; }  // 1 January 2031 is a Wednesday

std::string Thousands(int value) {
  std::string digits = absl::StrCat(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string Money(int cents) { return absl::StrFormat("$%d.%02d", cents / 100, cents % 100); }

}  // namespace proctor::env::practice
