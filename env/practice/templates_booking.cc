// Tasks in the booking calendar.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/practice/booking.h"
#include "env/practice/task_builder.h"

namespace proctor::env::practice {
namespace {

using absl::StrCat;
using absl::Substitute;

struct Scene {
  explicit Scene(TaskBuilder& task) : content(BookingContent::Generate(task.seed())) {
    room = &content->rooms[task.random().Int(0, BookingContent::kRoomsOnPage - 1)];  // on the first page
    name = Quoted(room->name);
    path = "/room/" + room->slug;
    mine = &task.random().Pick(content->mine);
    title = Quoted(mine->title);
    mine_path = "/my-bookings/" + mine->reference;
  }
  std::shared_ptr<const BookingContent> content;
  const BookingRoom* room;
  const BookingEntry* mine;
  std::string name, path, title, mine_path;
};

std::pair<std::string, std::string> RoomFact(TaskBuilder& task, const BookingRoom& room) {
  return task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"keeper", room.keeper}, {"extension", room.extension}});
}

void ReadFact(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = RoomFact(task, *s.room);
  task.Start(s.path);
  task.Goal({Substitute("What is the $0 of $1?", label, s.name), Substitute("Tell me the $0 of the room $1.", label, s.name),
             Substitute("Which $0 does $1 have?", label, s.name)});
  task.Answers(value);
}

void RoomFactInList(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = RoomFact(task, *s.room);
  task.Goal({Substitute("What is the $0 of $1?", label, s.name), Substitute("Open $1 and tell me the $0.", label, s.name), Substitute("Find the $0 of the room $1.", label, s.name)});
  task.ClickLink(s.room->name);
  task.Answers(value);
}

void RoomFactBySearch(TaskBuilder& task) {
  const Scene s(task);
  const auto [label, value] = RoomFact(task, *s.room);
  task.Start("/reminders");
  task.Goal({Substitute("Search for $1 and tell me its $0.", label, s.name), Substitute("What is the $0 of $1? Use the search.", label, s.name),
             Substitute("Find the room $1 with the search. Which $0 does it have?", label, s.name)});
  task.TypeAndSend("Search rooms", s.room->name);
  task.ClickLink(s.room->name);
  task.Answers(value);
}

void DoorCode(TaskBuilder& task) {
  const Scene s(task);
  const bool code = task.random().OneIn(2);
  const char* label = code ? "door code" : "reference";
  task.Goal({Substitute("What is the $0 of my booking $1?", label, s.title), Substitute("In \"My bookings\", open $1 and tell me the $0.", label, s.title),
             Substitute("I have a booking $1. What is its $0?", label, s.title)});
  task.ClickLink("My bookings");
  task.ClickLink(s.mine->title);
  task.Answers(code ? s.mine->door_code : s.mine->reference);
}

void BookingRoomName(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/reminders");
  task.Goal({Substitute("Which room is booked for $0? See \"My bookings\".", s.title), Substitute("In \"My bookings\", which room does $0 take place in?", s.title),
             Substitute("Where does my booking $0 take place? Name the room.", s.title)});
  task.ClickLink("My bookings");
  task.Answers(s.content->Find(s.mine->room)->name);
}

void WhoHasIt(TaskBuilder& task) {
  const Scene s(task);
  int week = task.random().Int(2, 4);
  const int monday = BookingContent::kMonday + 7 * (week - 1);
  std::pair<int, int> when;
  int draws = 0;
  do when = {monday + task.random().Int(0, 4), task.random().Int(9, 16)}; while (s.room->taken.count(when) == 0 && ++draws < 1000);
  if (s.room->taken.count(when) == 0) {
    // A room that nobody booked in that week: its last booking.
    when = s.room->taken.rbegin()->first;
    week = (when.first - BookingContent::kMonday) / 7 + 1;
  }
  task.Goal({Substitute("Who has booked $0 in $1 on $2 at $3?", s.name, Quoted(StrCat("Week ", week)), WeekdayName(when.first), HourText(when.second)),
             Substitute("In $1 of the calendar of $0, who has the booking on $2 at $3?", s.name, Quoted(StrCat("Week ", week)), WeekdayName(when.first), HourText(when.second)),
             Substitute("Look at $1 of $0: whose booking is on $2 at $3?", s.name, Quoted(StrCat("Week ", week)), WeekdayName(when.first), HourText(when.second))});
  task.ClickLink(s.room->name);
  task.ClickLink(StrCat("Week ", week));
  task.Answers(s.room->taken.at(when));
}

void OpenRoom(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open the room $0.", s.name), Substitute("Go to $0.", s.name), Substitute("Show me the calendar of $0.", s.name)});
  task.ClickLink(s.room->name);
  task.EndsAt(s.path);
}

void OpenWeek(TaskBuilder& task) {
  const Scene s(task);
  const int week = task.random().Int(2, 4);
  const std::string label = Quoted(StrCat("Week ", week));
  task.Goal({Substitute("Open $1 in the calendar of $0.", s.name, label), Substitute("Go to $0 and show $1.", s.name, label),
             Substitute("Show me $1 of the calendar of $0.", s.name, label)});
  task.ClickLink(s.room->name);
  task.ClickLink(StrCat("Week ", week));
  task.EndsAt(s.path, {{"week", StrCat(week)}});
}

void OpenBooking(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open my booking $0.", s.title), Substitute("In \"My bookings\", go to $0.", s.title),
             Substitute("Show me my booking $0.", s.title)});
  task.ClickLink("My bookings");
  task.ClickLink(s.mine->title);
  task.EndsAt(s.mine_path);
}

void FilterEquipment(TaskBuilder& task) {
  const std::string& item = task.random().Pick(BookingContent::Equipment());
  task.Goal({Substitute("Show only rooms with $0: check it and apply filters.", Quoted(item)), Substitute("Filter the rooms by the equipment $0 and apply the filters.", Quoted(item)),
             Substitute("I need $0: check it in the filters and apply filters.", Quoted(item))});
  task.Check(item);
  task.ClickButton("Apply filters");
  task.EndsAt("/", {{"with", item}});
}

void FilterFloor(TaskBuilder& task) {
  const int floor = task.random().Int(1, 5);
  const std::string label = Quoted(StrCat("Floor ", floor));
  task.Goal({Substitute("Show the rooms on $0: choose it and apply filters.", label), Substitute("Filter the rooms by $0 and apply the filters.", label),
             Substitute("Which rooms are on $0? Choose it and apply filters.", label)});
  task.Select("Floor", StrCat("Floor ", floor));
  task.ClickButton("Apply filters");
  task.EndsAt("/", {{"floor", StrCat(floor)}});
}

void Favourite(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Add $0 to the favourites.", s.name), Substitute("Make $0 one of my favourites: add it.", s.name),
             Substitute("Add the room $0 to favourites.", s.name)});
  task.ClickLink(s.room->name);
  task.ClickButton("Add to favourites");
  task.EndsWith({{s.path}});
}

void FavouriteBySearch(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/reminders");
  task.Goal({Substitute("Search for $0 and add it to the favourites.", s.name), Substitute("Find $0 by search, then add it to favourites.", s.name),
             Substitute("Search for the room $0 and make it a favourite: add it.", s.name)});
  task.TypeAndSend("Search rooms", s.room->name);
  task.ClickLink(s.room->name);
  task.ClickButton("Add to favourites");
  task.EndsWith({{s.path}});
}

void CancelBooking(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Cancel my booking $0.", s.title), Substitute("In \"My bookings\", cancel $0. Yes, I am sure.", s.title),
             Substitute("I no longer need my booking $0: cancel it.", s.title)});
  task.ClickLink("My bookings");
  task.ClickButton("Cancel " + s.mine->title);
  task.ClickButton("Yes, cancel " + s.mine->title);
  task.EndsWith({{s.mine_path, {{"do", "cancel"}}}});
}

void ReminderTime(TaskBuilder& task) {
  const auto when = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"hour", "One hour before"}, {"day", "One day before"}, {"week", "One week before"}});
  task.Goal({Substitute("In the reminders, choose $0 and save reminders.", Quoted(when.second)), Substitute("Set my reminders to $0 and save the reminders.", Quoted(when.second)),
             Substitute("I want to be reminded $0. See Reminders, then save reminders.", Quoted(when.second))});
  task.ClickLink("Reminders");
  task.Check(when.second);
  task.ClickButton("Save reminders");
  task.EndsWith({{"/reminders", {{"when", when.first}}}});
}

void ReminderWay(TaskBuilder& task) {
  const auto by = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"text", "Text message"}, {"call", "Phone call"}});
  task.Goal({Substitute("Have reminders sent by $0: see Reminders, then save reminders.", Quoted(by.second)), Substitute("In Reminders, send reminders by $0 and save reminders.", Quoted(by.second)),
             Substitute("I want my reminders by $0: choose it in Reminders and save reminders.", Quoted(by.second))});
  task.ClickLink("Reminders");
  task.Select("Send reminders by", by.second);
  task.ClickButton("Save reminders");
  task.EndsWith({{"/reminders", {{"by", by.first}}}});
}

void RenameBooking(TaskBuilder& task) {
  const Scene s(task);
  const std::string purpose = SeriesWords(task.random(), 1)[0] + " rehearsal";
  task.Start("/my-bookings");
  task.Goal({Substitute("Change the purpose of my booking $0 to $1: save the new purpose.", s.title, Quoted(purpose)), Substitute("Open $0, enter $1 as the new purpose and save the purpose.", s.title, Quoted(purpose)),
             Substitute("My booking $0 needs the new purpose $1: enter it and save it.", s.title, Quoted(purpose))});
  task.ClickLink(s.mine->title);
  task.Type("New purpose", purpose);
  task.ClickButton("Save purpose");
  task.EndsWith({{s.mine_path, {{"do", "rename"}, {"title", purpose}}}});
}

void ChangeHour(TaskBuilder& task) {
  const Scene s(task);
  int hour = s.mine->hour;
  while (hour == s.mine->hour) hour = task.random().Int(9, 16);
  task.Start("/my-bookings");
  task.Goal({Substitute("Move my booking $0 to the new hour $1 and save the hour.", s.title, Quoted(HourText(hour))), Substitute("Open $0, set the new hour to $1 and save hour.", s.title, Quoted(HourText(hour))),
             Substitute("Let my booking $0 begin at the new hour $1: choose it and save the hour.", s.title, Quoted(HourText(hour)))});
  task.ClickLink(s.mine->title);
  task.Select("New hour", HourText(hour));
  task.ClickButton("Save hour");
  task.EndsWith({{s.mine_path, {{"do", "hour"}, {"hour", StrCat(hour)}}}});
}

void ChangeDate(TaskBuilder& task) {
  const Scene s(task);
  const int day = s.mine->day + task.random().Int(1, 60);
  task.Goal({Substitute("Move my booking $0 to the new date $1 and save the date.", s.title, IsoDate(day)),
             Substitute("Open my booking $0, choose the new date $1 and save the date.", s.title, IsoDate(day)),
             Substitute("My booking $0 must take place on $1: set the new date and save it.", s.title, IsoDate(day))});
  task.ClickLink("My bookings");
  task.ClickLink(s.mine->title);
  task.Type("New date", IsoDate(day));
  task.ClickButton("Save date");
  task.EndsWith({{s.mine_path, {{"do", "date"}, {"date", IsoDate(day)}}}});
}

// A free hour of the room in the first week.
std::pair<int, int> FreeHour(TaskBuilder& task, const BookingRoom& room) {
  std::pair<int, int> when;
  do when = {BookingContent::kMonday + task.random().Int(0, 4), task.random().Int(9, 16)}; while (room.taken.count(when) > 0);
  return when;
}

void BookInCalendar(TaskBuilder& task) {
  const Scene s(task);
  const auto when = FreeHour(task, *s.room);
  const std::string purpose = SeriesWords(task.random(), 1)[0] + " briefing", slot = WeekdayName(when.first) + " " + HourText(when.second);
  task.Goal({Substitute("In the calendar of $0, book $1 in the first week for the purpose $2.", s.name, Quoted(slot), Quoted(purpose)),
             Substitute("Open the calendar of $0 and book $1 in the first week; the purpose is $2.", s.name, Quoted(slot), Quoted(purpose)),
             Substitute("Book $0 for the purpose $2: take $1 in the first week of its calendar.", s.name, Quoted(slot), Quoted(purpose))});
  task.ClickLink(s.room->name);
  task.ClickLink(slot);
  task.Type("Purpose", purpose);
  task.ClickButton("Confirm booking");
  task.EndsWith({{"/book-a-room", {{"room", s.room->slug}, {"date", IsoDate(when.first)}, {"hour", StrCat(when.second)}, {"title", purpose}, {"people", "2"}}}});
}

void BookByForm(TaskBuilder& task) {
  const Scene s(task);
  auto when = FreeHour(task, *s.room);
  while (when.second == 9 || when.first > 149) when = FreeHour(task, *s.room);
  const std::string purpose = SeriesWords(task.random(), 1)[0] + " seminar";
  const int people = task.random().Int(3, 4);
  task.Goal({Substitute("Book the room $0 for $1 at $2 by the form \"Book a room\": purpose $3, $4 people, rows of chairs, with coffee.", s.name, LongDate(when.first), HourText(when.second), Quoted(purpose), people),
             Substitute("Use the form \"Book a room\" to book $0 on $1 at $2. The purpose is $3, for $4 people, with rows of chairs and coffee.", s.name, LongDate(when.first), HourText(when.second), Quoted(purpose), people),
             Substitute("I need $0 on $1 at $2 for $3. Use \"Book a room\": $4 people, rows of chairs, order coffee.", s.name, LongDate(when.first), HourText(when.second), Quoted(purpose), people)});
  task.ClickLink("Book a room");
  task.Select("Room", s.room->name);
  task.ClickButton("Choose date");
  task.ClickButton(LongDate(when.first));
  task.Select("Hour", HourText(when.second));
  task.Type("Purpose", purpose);
  task.Type("People", StrCat(people));
  task.Check("Rows of chairs");
  task.Check("Order coffee");
  task.ClickButton("Confirm booking");
  task.EndsWith({{"/book-a-room", {{"room", s.room->slug}, {"date", IsoDate(when.first)}, {"hour", StrCat(when.second)}, {"title", purpose}, {"people", StrCat(people)}, {"seating", "rows"}, {"coffee", "yes"}}}});
}

void ReportFault(TaskBuilder& task) {
  const Scene s(task);
  const auto kind = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"light", "Light"}, {"heat", "Heating"}, {"noise", "Noise"}});
  const std::string text = Filler(task.random(), "this room");
  task.Goal({Substitute("Report a fault in the room $0: it is $1, the description is $2, and it is urgent.", s.name, Quoted(kind.second), Quoted(text)),
             Substitute("The room $0 has an urgent fault, $1. Report a fault with the description $2.", s.name, Quoted(kind.second), Quoted(text)),
             Substitute("Use \"Report a fault\" for the room $0: choose $1, describe it as $2 and mark it as urgent.", s.name, Quoted(kind.second), Quoted(text))});
  task.ClickLink("Report a fault");
  task.Select("Room with the fault", s.room->name);
  task.Check(kind.second);
  task.Type("Description", text);
  task.Check("It is urgent");
  task.ClickButton("Send report");
  task.EndsWith({{"/report-a-fault", {{"room", s.room->slug}, {"kind", kind.first}, {"text", text}, {"urgent", "yes"}}}});
}

void MissingRoom(TaskBuilder& task) {
  const std::string room = SeriesWords(task.random(), 1)[0] + " Swimming Pool";
  task.Goal({Substitute("Search for $0 and add it to the favourites.", Quoted(room)), Substitute("What is the extension of $0? Use the search.", Quoted(room)),
             Substitute("Book the room $0 for tomorrow.", Quoted(room))});
  task.TypeAndSend("Search rooms", room);
  task.GivesUp();
}

void MissingBooking(TaskBuilder& task) {
  const std::string title = SeriesWords(task.random(), 1)[0] + " wrestling match";
  task.Goal({Substitute("Cancel my booking $0.", Quoted(title)), Substitute("What is the door code of my booking $0?", Quoted(title)),
             Substitute("Move my booking $0 to another hour.", Quoted(title))});
  task.ClickLink("My bookings");
  task.GivesUp();
}

}  // namespace

void AddBookingTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "booking", kind, steps, std::string(kind) == "impossible", write});
  };
  add("booking/read_fact", "find_fact", 1, ReadFact);
  add("booking/room_fact", "find_fact", 2, RoomFactInList);
  add("booking/booked_room", "find_fact", 2, BookingRoomName);
  add("booking/room_fact_by_search", "find_fact", 3, RoomFactBySearch);
  add("booking/booking_fact", "find_fact", 3, DoorCode);
  add("booking/who_has_it", "find_fact", 3, WhoHasIt);
  add("booking/open_room", "reach_page", 2, OpenRoom);
  add("booking/open_week", "reach_page", 3, OpenWeek);
  add("booking/open_booking", "reach_page", 3, OpenBooking);
  add("booking/filter_equipment", "reach_page", 3, FilterEquipment);
  add("booking/filter_floor", "reach_page", 3, FilterFloor);
  add("booking/add_favourite", "content_change", 3, Favourite);
  add("booking/search_favourite", "content_change", 4, FavouriteBySearch);
  add("booking/cancel_booking", "content_change", 4, CancelBooking);
  add("booking/set_reminder", "content_change", 4, ReminderTime);
  add("booking/reminder_way", "content_change", 4, ReminderWay);
  add("booking/rename_booking", "content_change", 4, RenameBooking);
  add("booking/change_hour", "content_change", 4, ChangeHour);
  add("booking/change_date", "content_change", 5, ChangeDate);
  add("booking/book_in_calendar", "content_change", 5, BookInCalendar);
  add("booking/report_fault", "content_change", 7, ReportFault);
  add("booking/book_by_form", "content_change", 11, BookByForm);
  add("booking/missing_room", "impossible", 2, MissingRoom);
  add("booking/missing_booking", "impossible", 2, MissingBooking);
}

}  // namespace proctor::env::practice
