// "Mill Lane Rooms", a booking calendar for meeting rooms.
#ifndef PROCTOR_ENV_PRACTICE_BOOKING_H_
#define PROCTOR_ENV_PRACTICE_BOOKING_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/practice/site.h"

namespace proctor::env::practice {

struct BookingRoom {
  std::string name, slug, keeper, extension;
  int floor = 1;
  int seats = 8;
  std::vector<std::string> equipment;
  // Who has it, by day and hour ("125 09"); days as in names.h.
  std::map<std::pair<int, int>, std::string> taken;
};

struct BookingEntry {
  std::string reference, title, room, door_code;  // room: slug
  int day = 0;
  int hour = 9;
};

// Immutable.
struct BookingContent {
  static constexpr int kRoomsOnPage = 8;
  static constexpr int kFirstHour = 9;
  static constexpr int kLastHour = 16;
  static constexpr int kWeeks = 4;
  // Monday of the first week shown.
  static constexpr int kMonday = 124;

  std::vector<BookingRoom> rooms;  // by name
  std::vector<BookingEntry> mine;

  static std::shared_ptr<const BookingContent> Generate(uint64_t seed);
  // Null if there is none.
  const BookingRoom* Find(const std::string& slug) const;
  static const std::vector<std::string>& Equipment();
};

// "09:00".
std::string HourText(int hour);

std::unique_ptr<Site> NewBooking(std::shared_ptr<const BookingContent> content);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_BOOKING_H_
