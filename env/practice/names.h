// Invented names of people, places and things, for the practice sites' content.
#ifndef PROCTOR_ENV_PRACTICE_NAMES_H_
#define PROCTOR_ENV_PRACTICE_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "env/practice/random.h"

namespace proctor::env::practice {

// `count` different names in random order (at most about 1,500 people, 600 towns, 90 words).
std::vector<std::string> PersonNames(Random& random, int count);
std::vector<std::string> TownNames(Random& random, int count);
// Capitalised words that name series of goods, rooms, boats: "Alder", "Bracken".
std::vector<std::string> SeriesWords(Random& random, int count);

// "HX-4821": `letters` capitals and `digits` digits.
std::string Code(Random& random, int letters, int digits);

// A plain sentence about nothing in particular that mentions `subject`.
std::string Filler(Random& random, std::string_view subject);

// "Blue Lamp 2" to "blue-lamp-2".
std::string Slug(std::string_view name);

// "3 May 2031" and "2031-05-03", counted in days from 1 January 2031 (0 to 1,000).
std::string LongDate(int day);
std::string IsoDate(int day);
// The day of an ISO date, or -1.
int DayOfIsoDate(std::string_view iso);
// "Monday".
std::string WeekdayName(int day);

// "1,234,567".
std::string Thousands(int value);
// "$12.34".
std::string Money(int cents);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_NAMES_H_
