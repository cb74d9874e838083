// A small POSIX shell for the simulated phone: quoting, `$(...)` and backticks, variables, `;` `&&` `||` `|` `&`, redirections. It does
// substitute commands and variables, so that text which was not quoted well would be seen to run.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FAKE_SHELL_H_
#define PROCTOR_TESTS_ENV_ANDROID_FAKE_SHELL_H_

#include <map>
#include <string>
#include <vector>

namespace proctor::env::android::fake {

// The programs and files that a shell works with.
class ShellHost {
 public:
  virtual ~ShellHost() = default;
  // Runs a program; returns its exit code, 127 if there is none of that name.
  virtual int Execute(const std::vector<std::string>& arguments, const std::string& input, std::string& output, std::string& errors) = 0;
  virtual bool LoadFile(const std::string& path, std::string& content) = 0;
  virtual bool SaveFile(const std::string& path, const std::string& content) = 0;
};

// One script's run.
class Shell {
 public:
  explicit Shell(ShellHost& host, int depth = 0) : host_(host), depth_(depth) {}
  // Returns the exit code; 2 for what it does not understand.
  int Run(const std::string& script, std::string& output, std::string& errors);

 private:
  struct Token {
    enum Kind { kWord, kOperator } kind = kWord;
    std::string text;
  };
  struct Command {
    std::vector<std::string> words;
    std::string input_path;
    std::string output_path;
    bool append = false;
    bool output_to_errors = false;
    bool errors_to_output = false;
    bool errors_dropped = false;
  };

  bool Tokenize(const std::string& script, std::vector<Token>& tokens, std::string& errors);
  bool Word(const std::string& script, size_t& at, std::string& word, std::string& errors);
  bool Dollar(const std::string& script, size_t& at, std::string& word, std::string& errors);
  int RunPipeline(const std::vector<Token>& tokens, size_t begin, size_t end, std::string& output, std::string& errors);
  bool ReadCommand(const std::vector<Token>& tokens, size_t begin, size_t end, Command& command, std::string& errors);
  std::string Substitute(const std::string& script, std::string& errors);

  ShellHost& host_;
  const int depth_;
  int last_ = 0;
  bool exited_ = false;
  std::map<std::string, std::string> variables_;
};

}  // namespace proctor::env::android::fake

#endif  // PROCTOR_TESTS_ENV_ANDROID_FAKE_SHELL_H_
