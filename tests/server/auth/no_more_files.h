// A process that has opened all files that it may.
#ifndef PROCTOR_TESTS_SERVER_AUTH_NO_MORE_FILES_H_
#define PROCTOR_TESTS_SERVER_AUTH_NO_MORE_FILES_H_

#include <sys/resource.h>

namespace proctor::server {

// While it lives nothing can be opened (EMFILE); what is open stays so.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none = {0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_AUTH_NO_MORE_FILES_H_
