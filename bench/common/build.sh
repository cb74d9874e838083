# Shared by the benchmarks' scripts; sourced. Leaves the working directory at the repository's root.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
cd "$PROCTOR_ROOT"

# build_bench [--with GROUP]... TARGET...: installs what is missing, and builds with the bench preset.
build_bench() {
  local groups=(build bench run client)
  while [ "$1" = --with ]; do
    groups+=("$2")
    shift 2
  done
  install_packages "${groups[@]}"
  build bench "$@"
}

# make_scratch: a temporary folder, $scratch and TMPDIR, that is gone when the script ends.
make_scratch() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # The browsers' user must get through to their profiles.
  chmod 755 "$scratch"
  export TMPDIR=$scratch
}

# install_playwright FOLDER: playwright-core from npm; says so and fails where there is no npm or no network.
install_playwright() {
  local told status=0
  if ! command -v npm >/dev/null; then
    echo "playwright-core is left out, with its arms: there is no npm"
    return 1
  fi
  told=$(timeout -k 10 180 npm install --prefix "$1" --no-audit --no-fund --loglevel=error playwright-core 2>&1) || status=$?
  if [ "$status" -eq 0 ]; then
    echo "playwright-core $(node -p "require(process.argv[1]).version" "$1/node_modules/playwright-core/package.json")"
    return 0
  fi
  [ "$status" -ne 124 ] || told+="${told:+$'\n'}it did not end within 180 s"
  echo "playwright-core could not be installed (npm's exit code $status): its arms are left out"
  tail -n 20 <<<"$told" | sed 's/^/  /'
  return 1
}

# run_python PROGRAM ARGUMENT...: with the bench build's server and Python package.
run_python() {
  PYTHONPATH="$PWD/build/bench/python" PROCTORD="$PWD/build/bench/server/proctord" /usr/bin/python3 "$@"
}
