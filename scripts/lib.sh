# Shared by the scripts: where things are, installing what is missing, building. Sourced, not run.
set -euo pipefail

PROCTOR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PROCTOR_ROOT

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root or sudo to run: $*"; fi
}

# install_packages GROUP...: installs the missing Debian packages of these groups of scripts/debian-packages.txt.
install_packages() {
  local wanted missing=() package
  wanted=$(awk -v groups=" $* " '!/^#/ && NF == 2 && index(groups, " " $2 " ") {print $1}' \
    "$PROCTOR_ROOT/scripts/debian-packages.txt")
  for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "not a Debian system; please install: ${missing[*]}"
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  # A run that was interrupted may have left dpkg half done.
  as_root dpkg --configure -a >/dev/null 2>&1 || true
  # What a machine does by itself after its first start holds apt's locks for minutes.
  local attempt
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    if apt_get update; then break; fi
    [ "$attempt" != 10 ] || die "apt-get could not update its lists"
    sleep 15
  done
  # PHP's own programs first: they satisfy dokuwiki, which would otherwise bring Apache.
  local php=()
  for package in "${missing[@]}"; do
    case $package in php-*) php+=("$package") ;; esac
  done
  [ ${#php[@]} -eq 0 ] || apt_install "${php[@]}"
  apt_install "${missing[@]}"
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@"; }

apt_install() { apt_get install -y --no-install-recommends "$@" >/dev/null || die "apt-get could not install: $*"; }

# build PRESET [TARGET...]: configures and builds; quiet but for progress and errors. PROCTOR_UNITY=ON or OFF: whether several sources are
# compiled as one (cmake/ProctorUnity.cmake), whatever the preset says.
build() {
  local preset=$1
  shift
  local dir="$PROCTOR_ROOT/build/$preset" targets=() lock output
  say "building ($preset)"
  mkdir -p "$PROCTOR_ROOT/build"
  # Two builds of one folder would write the same files.
  exec {lock}>"$PROCTOR_ROOT/build/.$preset.lock"
  flock --nonblock "$lock" || {
    say "another build of $preset runs: waiting for it"
    flock --timeout 7200 "$lock" || die "another build of $preset has not ended for two hours"
  }
  output=$(cd "$PROCTOR_ROOT" && cmake --preset "$preset" ${PROCTOR_UNITY:+"-DPROCTOR_UNITY=$PROCTOR_UNITY"} 2>&1 {lock}>&-) || {
    printf '%s\n' "$output" >&2
    die "cmake could not configure $dir"
  }
  [ $# -eq 0 ] || targets=(--target "$@")
  NINJA_STATUS='[%f/%t %es] ' cmake --build "$dir" "${targets[@]}" -- -j"$(nproc)" >&2 {lock}>&-
  exec {lock}>&-
}

# is_public HOST[:PORT]: whether all its addresses are public ones. A name that cannot be looked up counts as public: its page tells why.
is_public() {
  /usr/bin/python3 - "$1" <<'PYTHON'
import ipaddress, socket, sys, urllib.parse
host = urllib.parse.urlsplit("//" + sys.argv[1]).hostname or ""
try:
    found = {ipaddress.ip_address(entry[4][0].partition("%")[0]) for entry in socket.getaddrinfo(host, None)}
except (OSError, UnicodeError, ValueError):
    sys.exit(0)
sys.exit(0 if all(address.is_global for address in found) else 1)
PYTHON
}
