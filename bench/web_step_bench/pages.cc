#include "bench/web_step_bench/pages.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status.h"
#include "imaging/image.h"

namespace proctor::bench {
namespace {

// Colours differ in every step and far from each other, so that any lossless picture tells them
// apart.
struct Colour {
  int red, green, blue;
};
Colour ColourOf(int clicks) { return {clicks % 256, clicks * 37 % 256, clicks / 256 * 61 % 256}; }

std::string QueryValue(const std::string& target, const std::string& key) {
  const size_t at = target.find(key + "=");
  if (at == target.npos) return "";
  const size_t begin = at + key.size() + 1;
  return target.substr(begin, target.find('&', begin) - begin);
}

constexpr char kScript[] = R"(<script>
  let n = START;
  const colour = n => `rgb(${n % 256},${n * 37 % 256},${Math.floor(n / 256) * 61 % 256})`;
  const badge = document.getElementById('badge');
  const change = () => {
    badge.style.background = colour(n);
    document.getElementById('note').textContent = 'clicked ' + n + ' times';
  };
  const late = {
    sync: done => done(), frame: done => requestAnimationFrame(() => requestAnimationFrame(done)),
    timer50: done => setTimeout(done, 50), timer150: done => setTimeout(done, 150),
    fetch: done => fetch('/slow?' + n).then(r => r.text()).then(done),
    chain: done => fetch('/slow?' + n).then(() => setTimeout(() => fetch('/slow?b' + n).then(done), 40)),
  };
  document.getElementById('go').addEventListener('click', () => { ++n; late['KIND'](change); });
  badge.style.background = colour(n);
</script>)";

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

// Ten nodes an item.
std::string Items(int count) {
  std::string items;
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&items, "<li class=item><h3><a href='/item/", i, "'>Item number ", i,
                    "</a></h3><p>A short <b>description</b> of it.</p><span class=price>$",
                    i % 90 + 9, ".50</span> <button>Add to basket</button></li>");
  }
  return items;
}

std::string Page(const std::string& control, const std::string& script, int items, int clicks) {
  const Colour colour = ColourOf(clicks);
  return absl::StrCat(
      "<!doctype html><html lang=en><title>Bench</title><style>body{margin:60px 20px;font:14px "
      "sans-serif}"
      ".item{display:inline-block;width:180px;height:120px;border:1px solid "
      "#ccc;margin:4px;padding:6px;"
      "background:linear-gradient(#fff,#eef)}#badge{position:absolute;left:0;top:0;width:40px;"
      "height:40px;background:rgb(",
      colour.red, ",", colour.green, ",", colour.blue,
      ")}#go{position:absolute;left:50px;top:0;width:100px;height:40px;display:block}</style><div "
      "id=badge></div>",
      control,
      "<h1>Shop</h1><p id=note>not clicked</p><form><label>Search <input name=q "
      "placeholder='What?'></label>"
      "<select aria-label=Sort><option>Price<option>Name</select></form><ul>",
      Items(items), "</ul>", script);
}

net::HttpResponse Answer(const net::HttpRequest& request) {
  std::string target = request.target;
  net::HttpResponse response;
  response.headers = {{"content-type", "text/html; charset=utf-8"}};
  const std::string path = target.substr(0, target.find('?'));
  int clicks = std::atoi(QueryValue(target, "n").c_str());
  constexpr int kShopItems = 30;
  constexpr int kLargeItems = 365;
  if (path == "/slow") {
    response.body = "late";
    response.delay = absl::Milliseconds(80);
  } else if (path == "/nav") {
    response.body = Page(absl::StrCat("<a id=go href='/nav?n=", clicks + 1, "'>Step</a>"), "",
                         kShopItems, clicks);
  } else if (path == "/shop" || path == "/large" || path == "/late") {
    const std::string late = QueryValue(target, "late");
    const std::string script = Replaced(Replaced(kScript, "START", absl::StrCat(clicks)), "KIND",
                                        late.empty() ? "sync" : late);
    response.body = Page("<button id=go>Step</button>", script,
                         path == "/large" ? kLargeItems : kShopItems, clicks);
  } else {
    response.status = 404;
  }
  return response;
}

}  // namespace

absl::StatusOr<std::unique_ptr<net::HttpServer>> ServePages() {
  return net::HttpServer::Create({}, Answer);
}

absl::StatusOr<bool> BadgeShows(const std::string& png, int clicks) {
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image image, imaging::Decode(png));
  constexpr int kX = 20, kY = 20;
  if (image.width_px <= kX || image.height_px <= kY) return false;
  const uint8_t* pixel = &image.bgra[4 * (size_t{kY} * image.width_px + kX)];
  const Colour colour = ColourOf(clicks);
  return pixel[0] == colour.blue && pixel[1] == colour.green && pixel[2] == colour.red;
}

}  // namespace proctor::bench
