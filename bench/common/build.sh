# Shared by the benchmarks' scripts; sourced, from the repository's root.

# build_bench TARGET...: with the bench preset.
build_bench() {
  cmake --preset bench >/dev/null
  cmake --build --preset bench --target "$@"
}

# install_playwright FOLDER: playwright-core from npm; says so and fails where there is no npm or no network.
install_playwright() {
  if command -v npm >/dev/null && npm install --prefix "$1" --no-audit --no-fund --silent playwright-core >/dev/null 2>&1; then
    echo "playwright-core $(node -p "require('$1/node_modules/playwright-core/package.json').version")"
  else
    echo "playwright-core could not be installed: its arms are left out"
    return 1
  fi
}

# run_python PROGRAM ARGUMENT...: with the bench build's server and Python package.
run_python() {
  PYTHONPATH="$PWD/build/bench/python" PROCTORD="$PWD/build/bench/server/proctord" /usr/bin/python3 "$@"
}
