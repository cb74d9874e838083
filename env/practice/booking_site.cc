// The booking calendar's pages.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "env/practice/booking.h"
#include "env/practice/names.h"

namespace proctor::env::practice {
namespace {

Shell ShellOf() {
  Shell shell{.site = "booking", .brand = "Mill Lane Rooms", .search_label = "Search rooms", .footer = "Mill Lane Rooms. Please leave rooms as you would like to find them."};
  shell.links.emplace_back("/", "Rooms");
  for (const char* name : {"Book a room", "My bookings", "Favourites", "Report a fault", "Reminders"}) shell.links.emplace_back("/" + Slug(name), name);
  return shell;
}

Options Hours() {
  Options hours;
  for (int hour = BookingContent::kFirstHour; hour <= BookingContent::kLastHour; ++hour) hours.emplace_back(absl::StrCat(hour), HourText(hour));
  return hours;
}

class Booking final : public Site {
 public:
  explicit Booking(std::shared_ptr<const BookingContent> content) : content_(std::move(content)), shell_(ShellOf()) {
    for (const BookingEntry& entry : content_->mine) {
      state_.Set("bookings", entry.reference, {{"title", entry.title}, {"room", entry.room}, {"date", IsoDate(entry.day)}, {"hour", absl::StrCat(entry.hour)}});
    }
  }

  net::HttpResponse Handle(const Request& request) override { return request.post ? Post(request) : Get(request); }

 private:
  net::HttpResponse Show(std::string_view title, const std::string& html, std::string_view query = "") {
    return HtmlResponse(Page(shell_, title, html, query));
  }

  net::HttpResponse Get(const Request& request) {
    const std::string& room = request.Segment(0);
    if (room.empty()) return Rooms(request);
    if (room == "search") return Search(request.query.Get("q"));
    if (room == "room") {
      const BookingRoom* found = content_->Find(request.Segment(1));
      if (found != nullptr) return request.Segment(2) == "now" ? Now(*found) : Room(*found, request);
    }
    if (room == "book-a-room") return Book(request.query, {});
    if (room == "my-bookings") return request.Segment(1).empty() ? Bookings() : Entry(request.Segment(1), "");
    if (room == "favourites") return Favourites();
    if (room == "report-a-fault") return Fault(request, {});
    if (room == "reminders") return Reminders(request.query.Has("saved") ? Notice("Your reminders are saved.") : "");
    return NotFound(shell_, "There is no such page.");
  }

  net::HttpResponse Post(const Request& request) {
    const std::string& room = request.Segment(0);
    if (room == "book-a-room") return Confirm(request.form);
    if (room == "report-a-fault") return SendFault(request);
    if (room == "reminders") return SaveReminders(request.form);
    if (room == "room" && content_->Find(request.Segment(1)) != nullptr) {
      if (state_.Has("favourites", request.Segment(1))) {
        state_.Erase("favourites", request.Segment(1));
      } else {
        state_.Set("favourites", request.Segment(1), {});
      }
      return Redirect("/room/" + request.Segment(1));
    }
    if (room == "my-bookings" && state_.Has("bookings", request.Segment(1))) return ChangeEntry(request);
    return NotFound(shell_, "There is no such page.");
  }

  std::string Table(const std::vector<const BookingRoom*>& rooms) {
    std::vector<std::vector<std::string>> rows;
    for (const BookingRoom* room : rooms) {
      rows.push_back({Link("/room/" + room->slug, room->name), absl::StrCat(room->floor), absl::StrCat(room->seats), Escape(absl::StrJoin(room->equipment, ", "))});
    }
    return DataTable("Rooms", {"Room", "Floor", "Seats", "Equipment"}, rows);
  }

  net::HttpResponse Rooms(const Request& request) {
    const int seats = request.query.Int("seats", 1, 1000, 0), floor = request.query.Int("floor", 1, 5, 0);
    const std::vector<std::string> wanted = request.query.All("with");
    std::vector<const BookingRoom*> rooms;
    for (const BookingRoom& room : content_->rooms) {
      const bool equipped = std::all_of(wanted.begin(), wanted.end(), [&](const std::string& item) {
        return std::find(room.equipment.begin(), room.equipment.end(), item) != room.equipment.end();
      });
      if (room.seats >= seats && (floor == 0 || room.floor == floor) && equipped) rooms.push_back(&room);
    }
    std::string base = absl::StrCat("/?seats=", seats == 0 ? "" : absl::StrCat(seats), "&floor=", floor), boxes;
    for (const std::string& item : BookingContent::Equipment()) {
      const bool chosen = std::find(wanted.begin(), wanted.end(), item) != wanted.end();
      boxes += CheckBox(item, "with", item, chosen);
      if (chosen) base += "&with=" + EncodeUrl(item);
    }
    Options floors{{"0", "Any floor"}};
    for (int i = 1; i <= 5; ++i) floors.emplace_back(absl::StrCat(i), absl::StrCat("Floor ", i));
    const int pages = std::max(1, (static_cast<int>(rooms.size()) + BookingContent::kRoomsOnPage - 1) / BookingContent::kRoomsOnPage);
    const int page = request.query.Int("page", 1, pages, 1);
    const size_t begin = static_cast<size_t>(page - 1) * BookingContent::kRoomsOnPage;
    const std::vector<const BookingRoom*> shown(rooms.begin() + begin, rooms.begin() + std::min(rooms.size(), begin + BookingContent::kRoomsOnPage));
    const std::string filters = Form("/", Field({.label = "Seats at least", .name = "seats", .value = seats == 0 ? "" : absl::StrCat(seats), .type = "number"}) +
                                              Select({.label = "Floor", .name = "floor", .options = floors, .selected = absl::StrCat(floor)}) +
                                              Wrap("fieldset", Tag("legend", "Equipment") + boxes) + Submit("Apply filters"), "get");
    return Show("Rooms", Heading(1, "Rooms") + Wrap("div", Wrap("div", Heading(2, "Filters") + filters, "class=\"side\"") +
                                                               Wrap("div", Paragraph(absl::StrCat(rooms.size(), " rooms")) + Table(shown) + Pager(base, page, pages), "class=\"wide\""),
                                                    "class=\"columns\""));
  }

  net::HttpResponse Search(const std::string& query) {
    std::vector<const BookingRoom*> found;
    for (const BookingRoom& room : content_->rooms) {
      if (MatchesQuery(room.name, query)) found.push_back(&room);
    }
    return Show("Search", Heading(1, "Search results") + (found.empty() ? Paragraph("No room was found.") : Table(found)), query);
  }

  // Who has the room then; "" if nobody, also not this episode.
  std::string TakenBy(const BookingRoom& room, int day, int hour) const {
    const auto taken = room.taken.find({day, hour});
    if (taken != room.taken.end()) return taken->second;
    for (const auto& [reference, entry] : state_.Get("bookings")) {
      if (entry.at("room") == room.slug && entry.at("date") == IsoDate(day) && entry.at("hour") == absl::StrCat(hour)) return "You";
    }
    return "";
  }

  net::HttpResponse Room(const BookingRoom& room, const Request& request) {
    const int week = request.query.Int("week", 1, BookingContent::kWeeks, 1), monday = BookingContent::kMonday + 7 * (week - 1);
    std::vector<std::string> headers{"Hour"};
    for (int day = monday; day < monday + 5; ++day) headers.push_back(WeekdayName(day) + "<br>" + LongDate(day));
    std::vector<std::vector<std::string>> rows;
    for (int hour = BookingContent::kFirstHour; hour <= BookingContent::kLastHour; ++hour) {
      std::vector<std::string> row{HourText(hour)};
      for (int day = monday; day < monday + 5; ++day) {
        const std::string by = TakenBy(room, day, hour);
        row.push_back(!by.empty() ? Tag("span", by, "class=\"muted\"")
                                  : Link(absl::StrCat("/book-a-room?room=", room.slug, "&date=", IsoDate(day), "&hour=", hour), "Free",
                                         absl::StrCat("aria-label=\"", WeekdayName(day), " ", HourText(hour), "\"")));
      }
      rows.push_back(std::move(row));
    }
    std::string weeks;
    for (int i = 1; i <= BookingContent::kWeeks; ++i) {
      const std::string label = absl::StrCat("Week ", i);
      weeks += i == week ? Tag("span", label, "class=\"current\"") : Link(absl::StrCat("/room/", room.slug, "?week=", i), label);
    }
    const std::string now = absl::StrCat("<button type=\"button\" data-into=\"now\" data-loads=\"/room/", room.slug, "/now\">Check now</button><p id=\"now\" role=\"status\"></p>");
    return Show(room.name, Heading(1, room.name) +
                               FactTable("About the room", {{"Keeper", room.keeper}, {"Extension", room.extension}, {"Floor", absl::StrCat(room.floor)},
                                                            {"Seats", absl::StrCat(room.seats)}, {"Equipment", absl::StrJoin(room.equipment, ", ")}}) +
                               PostButton({.action = "/room/" + room.slug, .fields = {}, .label = state_.Has("favourites", room.slug) ? "Remove from favourites" : "Add to favourites"}) + now +
                               Wrap("nav", weeks, "class=\"pager\" aria-label=\"Weeks\"") + DataTable("Calendar", headers, rows));
  }

  // Answers slowly, as a door's sensor would.
  net::HttpResponse Now(const BookingRoom& room) {
    net::HttpResponse response = HtmlResponse(Tag("strong", room.seats % 3 == 0 ? "There are people in the room." : "The room is empty."));
    response.delay = absl::Milliseconds(500);
    return response;
  }

  net::HttpResponse Book(const Parameters& form, const std::vector<std::string>& errors) {
    Options rooms{{"", "Choose a room"}};
    for (const BookingRoom& room : content_->rooms) rooms.emplace_back(room.slug, room.name);
    return Show("Book a room", Heading(1, "Book a room") + Errors(errors) +
                                   Form("/book-a-room", Select({.label = "Room", .name = "room", .options = rooms, .selected = form.Get("room")}) +
                                                            DatePicker("Date", "date", IsoDate(BookingContent::kMonday), form.Get("date")) +
                                                            Select({.label = "Hour", .name = "hour", .options = Hours(), .selected = form.Get("hour")}) +
                                                            Field({.label = "Purpose", .name = "title", .value = form.Get("title")}) +
                                                            Field({.label = "People", .name = "people", .value = form.Get("people", "2"), .type = "number"}) +
                                                            Radios({.label = "Seating", .name = "seating", .options = {{"table", "Round table"}, {"rows", "Rows of chairs"}, {"none", "No chairs"}}, .selected = form.Get("seating", "table")}) +
                                                            CheckBox("Order coffee", "coffee", "yes", form.Has("coffee")) + Submit("Confirm booking")));
  }

  net::HttpResponse Confirm(const Parameters& form) {
    std::vector<std::string> errors;
    const BookingRoom* room = content_->Find(form.Get("room"));
    const int day = DayOfIsoDate(form.Get("date")), people = form.Int("people", 1, 1000, 0);
    const int hour = form.Int("hour", BookingContent::kFirstHour, BookingContent::kLastHour, 0);
    if (room == nullptr) errors.push_back("Choose a room.");
    if (day < BookingContent::kMonday) errors.push_back("Enter a date to come, as YYYY-MM-DD.");
    if (hour == 0) errors.push_back("Choose an hour.");
    if (form.Get("title").empty()) errors.push_back("Enter a purpose.");
    if (people == 0 || (room != nullptr && people > room->seats)) errors.push_back("The room does not have that many seats.");
    if (errors.empty() && !TakenBy(*room, day, hour).empty()) errors.push_back("The room is taken at this hour.");
    if (!errors.empty()) return Book(form, errors);
    // By what is booked: who books wrongly, then rightly and cancels the wrong one ends as who booked rightly at once.
    Random random(0, absl::StrCat(room->slug, " ", day, " ", hour));
    std::string reference = absl::StrCat("NEW-", Code(random, 0, 5));
    // One that was moved keeps its own.
    while (state_.Has("bookings", reference)) reference += "A";
    state_.Set("bookings", reference,
               {{"title", form.Get("title")}, {"room", room->slug}, {"date", IsoDate(day)}, {"hour", absl::StrCat(hour)},
                {"people", absl::StrCat(people)}, {"seating", form.Get("seating", "table")}, {"coffee", form.Has("coffee") ? "yes" : "no"}});
    return Redirect("/my-bookings");
  }

  net::HttpResponse Bookings() {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [reference, entry] : state_.Get("bookings")) {
      const std::string& title = entry.at("title");
      const std::string cancel = Modal("cancel-" + reference, "Cancel " + title, "Cancel a booking",
                                       Paragraph("Shall this booking be cancelled?") +
                                           Form("/my-bookings/" + reference, Hidden("do", "cancel") + Submit("Yes, cancel " + title)));
      rows.push_back({Link("/my-bookings/" + reference, title), Escape(content_->Find(entry.at("room"))->name), LongDate(DayOfIsoDate(entry.at("date"))), cancel});
    }
    return Show("My bookings", Heading(1, "My bookings") + DataTable("Bookings to come", {"Purpose", "Room", "Date", ""}, rows));
  }

  net::HttpResponse Entry(const std::string& reference, const std::string& message) {
    if (!state_.Has("bookings", reference)) return NotFound(shell_, "There is no such booking.");
    const State::Record& entry = state_.Get("bookings").at(reference);
    std::vector<std::pair<std::string, std::string>> facts{{"Reference", reference}, {"Room", content_->Find(entry.at("room"))->name},
                                                           {"Date", LongDate(DayOfIsoDate(entry.at("date")))}, {"Hour", HourText(std::stoi(entry.at("hour")))}};
    for (const BookingEntry& old : content_->mine) {
      if (old.reference == reference) facts.push_back({"Door code", old.door_code});
    }
    const std::string base = "/my-bookings/" + reference;
    return Show(entry.at("title"), Heading(1, entry.at("title")) + message + FactTable("Booking", facts) + Heading(2, "Change") +
                                       Form(base, Hidden("do", "rename") + Field({.label = "New purpose", .name = "title", .value = entry.at("title")}) + Submit("Save purpose")) +
                                       Form(base, Hidden("do", "hour") + Select({.label = "New hour", .name = "hour", .options = Hours(), .selected = entry.at("hour")}) + Submit("Save hour")) +
                                       Form(base, Hidden("do", "date") + Field({.label = "New date", .name = "date", .value = entry.at("date"), .type = "date"}) + Submit("Save date")));
  }

  net::HttpResponse ChangeEntry(const Request& request) {
    const std::string& reference = request.Segment(1);
    const std::string action = request.form.Get("do");
    State::Record entry = state_.Get("bookings").at(reference);
    if (action == "cancel") {
      state_.Erase("bookings", reference);
      return Redirect("/my-bookings");
    }
    const int day = DayOfIsoDate(request.form.Get("date", entry["date"]));
    const int hour = request.form.Int("hour", BookingContent::kFirstHour, BookingContent::kLastHour, std::stoi(entry["hour"]));
    const std::string title = request.form.Get("title", entry["title"]);
    if (day < BookingContent::kMonday) return Entry(reference, Errors({"Enter a date to come."}));
    if (title.empty()) return Entry(reference, Errors({"Enter a purpose."}));
    entry["date"] = IsoDate(day);
    entry["hour"] = absl::StrCat(hour);
    entry["title"] = title;
    state_.Set("bookings", reference, std::move(entry));
    return Redirect("/my-bookings/" + reference);
  }

  net::HttpResponse Favourites() {
    std::vector<const BookingRoom*> rooms;
    for (const auto& [slug, record] : state_.Get("favourites")) rooms.push_back(content_->Find(slug));
    return Show("Favourites", Heading(1, "Favourites") + (rooms.empty() ? Paragraph("You have no favourite rooms yet.") : Table(rooms)));
  }

  net::HttpResponse Fault(const Request& request, const std::vector<std::string>& errors) {
    Options rooms{{"", "Choose a room"}};
    for (const BookingRoom& room : content_->rooms) rooms.emplace_back(room.slug, room.name);
    return Show("Report a fault", Heading(1, "Report a fault") + Errors(errors) + (request.query.Has("sent") ? Notice("Thank you. Somebody will look at it.") : "") +
                                      Form("/report-a-fault", Select({.label = "Room with the fault", .name = "room", .options = rooms, .selected = request.form.Get("room")}) +
                                                                  Radios({.label = "What is it?", .name = "kind", .options = {{"light", "Light"}, {"heat", "Heating"}, {"noise", "Noise"}, {"door", "Door"}}, .selected = request.form.Get("kind")}) +
                                                                  TextArea({.label = "Description", .name = "text", .value = request.form.Get("text")}) +
                                                                  CheckBox("It is urgent", "urgent", "yes", request.form.Has("urgent")) + Submit("Send report")));
  }

  net::HttpResponse SendFault(const Request& request) {
    const Parameters& form = request.form;
    std::vector<std::string> errors;
    if (content_->Find(form.Get("room")) == nullptr) errors.push_back("Choose a room.");
    if (form.Get("kind").empty()) errors.push_back("Say what it is.");
    if (form.Get("text").empty()) errors.push_back("Describe the fault.");
    if (!errors.empty()) return Fault(request, errors);
    state_.Set("faults", state_.NextId("faults"), {{"room", form.Get("room")}, {"kind", form.Get("kind")}, {"text", form.Get("text")}, {"urgent", form.Has("urgent") ? "yes" : "no"}});
    return Redirect("/report-a-fault?sent=1");
  }

  net::HttpResponse Reminders(const std::string& message) {
    const auto get = [&](const char* name, const char* otherwise) { return state_.Value("reminders", "mine", name, otherwise); };
    return Show("Reminders", Heading(1, "Reminders") + message +
                                 Form("/reminders", Radios({.label = "Remind me", .name = "when", .options = {{"never", "Never"}, {"hour", "One hour before"}, {"day", "One day before"}, {"week", "One week before"}}, .selected = get("when", "never")}) +
                                                        Select({.label = "Send reminders by", .name = "by", .options = {{"mail", "E-mail"}, {"text", "Text message"}, {"call", "Phone call"}}, .selected = get("by", "mail")}) + Submit("Save reminders")));
  }

  net::HttpResponse SaveReminders(const Parameters& form) {
    const State::Record start{{"when", "never"}, {"by", "mail"}}, chosen{{"when", form.Get("when", "never")}, {"by", form.Get("by", "mail")}};
    state_.Erase("reminders", "mine");
    if (chosen != start) state_.Set("reminders", "mine", chosen);
    return Redirect("/reminders?saved=1");
  }

  const std::shared_ptr<const BookingContent> content_;
  const Shell shell_;
};

}  // namespace

std::unique_ptr<Site> NewBooking(std::shared_ptr<const BookingContent> content) { return std::make_unique<Booking>(std::move(content)); }

}  // namespace proctor::env::practice
