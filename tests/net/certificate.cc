#include "certificate.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace proctor::net {

bool MakeCertificate(std::string& certificate, std::string& key, int days) {
  char directory[] = "/tmp/proctor-test-XXXXXX";
  if (mkdtemp(directory) == nullptr) return false;
  const std::string at = directory;
  const std::string command =
      absl::StrCat("openssl req -x509 -newkey rsa:2048 -nodes -days ", days, " -subj /CN=localhost",
                   " -addext subjectAltName=DNS:localhost -keyout ", at, "/k -out ", at, "/c >/dev/null 2>&1");
  const int made = std::system(command.c_str());
  const auto read = [](const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  certificate = read(at + "/c");
  key = read(at + "/k");
  std::filesystem::remove_all(at);
  return made == 0;
}

}  // namespace proctor::net
