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
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  # PHP's own programs first: they satisfy dokuwiki, which would otherwise bring Apache.
  local php=()
  for package in "${missing[@]}"; do
    case $package in php-*) php+=("$package") ;; esac
  done
  [ ${#php[@]} -eq 0 ] || apt_install "${php[@]}"
  apt_install "${missing[@]}"
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null ||
    die "apt-get could not install: $*"
}

# build PRESET [TARGET...]: configures and builds; quiet but for progress and errors. PROCTOR_UNITY=ON or OFF: whether several sources are
# compiled as one (cmake/ProctorUnity.cmake), whatever the preset says.
build() {
  local preset=$1
  shift
  local dir="$PROCTOR_ROOT/build/$preset"
  say "building ($preset)"
  (cd "$PROCTOR_ROOT" && cmake --preset "$preset" ${PROCTOR_UNITY:+"-DPROCTOR_UNITY=$PROCTOR_UNITY"} >"/tmp/proctor-cmake-$$.log" 2>&1) || {
    cat "/tmp/proctor-cmake-$$.log" >&2
    rm -f "/tmp/proctor-cmake-$$.log"
    die "cmake could not configure $dir"
  }
  rm -f "/tmp/proctor-cmake-$$.log"
  local targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  NINJA_STATUS='[%f/%t %es] ' cmake --build "$dir" "${targets[@]}" -- -j"$(nproc)" >&2
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
