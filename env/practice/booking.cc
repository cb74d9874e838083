#include "env/practice/booking.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "env/practice/names.h"
#include "env/practice/random.h"

namespace proctor::env::practice {

const std::vector<std::string>& BookingContent::Equipment() {
  static const auto& equipment = *new std::vector<std::string>{"Projector", "Whiteboard", "Video camera", "Piano", "Kitchenette", "Stage"};
  return equipment;
}

std::string HourText(int hour) { return absl::StrFormat("%02d:00", hour); }

std::shared_ptr<const BookingContent> BookingContent::Generate(uint64_t seed) {
  Random random(seed, "booking");
  auto content = std::make_shared<BookingContent>();
  const std::vector<std::string> people = PersonNames(random, 80);
  std::set<int> extensions;
  size_t person = 0;
  for (const std::string& word : SeriesWords(random, 20)) {
    BookingRoom room;
    room.name = word + random.Pick(std::vector<std::string>{" Room", " Hall", " Studio", " Lounge"});
    room.slug = Slug(room.name);
    room.keeper = people[person++];
    int extension = 0;
    do extension = random.Int(2000, 8999); while (!extensions.insert(extension).second);
    room.extension = absl::StrCat(extension);
    room.floor = random.Int(1, 5);
    room.seats = 2 * random.Int(2, 30);
    room.equipment = random.Sample(Equipment(), random.Int(1, 4));
    std::sort(room.equipment.begin(), room.equipment.end());
    for (int day = kMonday; day < kMonday + 7 * kWeeks; ++day) {
      for (int hour = kFirstHour; hour <= kLastHour; ++hour) {
        if ((day - kMonday) % 7 < 5 && random.OneIn(4)) room.taken[{day, hour}] = people[20 + random.Int(0, 59)];
      }
    }
    content->rooms.push_back(std::move(room));
  }
  std::sort(content->rooms.begin(), content->rooms.end(), [](auto& a, auto& b) { return a.name < b.name; });
  static const auto& purposes = *new std::vector<std::string>{" choir", " budget talk", " book club", " staff meeting", " yoga class"};
  for (const std::string& word : SeriesWords(random, 4)) {
    BookingEntry entry;
    entry.reference = Code(random, 2, 5);
    entry.title = word + random.Pick(purposes);
    entry.room = random.Pick(content->rooms).slug;
    entry.door_code = Code(random, 0, 4);
    entry.day = kMonday + 7 * kWeeks + random.Int(0, 60);
    entry.hour = random.Int(kFirstHour, kLastHour);
    content->mine.push_back(std::move(entry));
  }
  return content;
}

const BookingRoom* BookingContent::Find(const std::string& slug) const {
  for (const BookingRoom& room : rooms) {
    if (room.slug == slug) return &room;
  }
  return nullptr;
}

}  // namespace proctor::env::practice
