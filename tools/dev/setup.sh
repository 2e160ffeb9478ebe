# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What hako needs of a machine, and how it gets there.

help_setup() {
  cat <<'TEXT'
usage: ./dev setup [--check]

Installs the packages that hako is built, run and tested with, by apt-get: asks on a terminal, does it at once as root
without one. A JDK 25 and a Rust toolchain are looked for, and if absent, how to install them is said. Go is looked for by
./dev test --long alone, which builds further versions of containerd.

  --check   install nothing; say what is there and what is missing. Exit status 1 if something is missing.
TEXT
}

verb_setup() {
  local only_check=no
  if [[ ${1:-} == --check ]]; then
    only_check=yes
    shift
  fi
  no_more_arguments setup "$@"
  say "$(machine)"
  local packages toolchains=0
  packages=$(missing_packages)
  find_toolchains || toolchains=1
  if [[ -n $packages ]]; then
    [[ $only_check == no ]] || die "These packages are missing: $packages. Install them: ./dev setup"
    install_packages "$packages"
  fi
  ((toolchains == 0)) || exit 1
  say "Everything is there: $(qemu-system-x86_64 --version | head -n1), $("$JAVA_HOME/bin/java" --version | head -n1), $(rustc --version)."
}

# The silent form, for verbs that build.
ensure_setup() {
  local packages
  packages=$(missing_packages)
  [[ -z $packages ]] || install_packages "$packages"
  find_toolchains || exit 1
}

machine() {
  # shellcheck source=/dev/null
  (. /etc/os-release 2>/dev/null; printf '%s, kernel %s, %s' "${PRETTY_NAME:-An unknown system}" "$(uname -r)" "$(uname -m)")
}

# Debian packages, separated by spaces, of the things that are not there. A thing is a file (a pattern), or a program on PATH.
missing_packages() {
  local thing package
  while read -r package thing; do
    present "$thing" || package_name "$package"
  done < <(needed) | sort -u | paste -sd' '
}

needed() {
  cat <<TABLE
qemu-system-x86       qemu-system-x86_64
qemu-system-data      /usr/share/qemu/qboot.rom
virtiofsd             /usr/lib/qemu/virtiofsd|/usr/libexec/virtiofsd
busybox-static        /usr/share/doc/busybox-static/copyright
libseccomp-dev        /usr/lib/x86_64-linux-gnu/libseccomp.a
gcc                   cc
libc6-dev             /usr/lib/x86_64-linux-gnu/libc.a
pkg-config            pkg-config
procps                ps
maven                 mvn
python3               /usr/lib/python3*/tarfile.py
cpio                  cpio
lsof                  lsof
lz4                   lz4
zstd                  zstd
containerd            containerd
containernetworking-plugins /usr/lib/cni/bridge
iproute2              ip
TABLE
}

# Debian 13 has the Rust virtiofsd in a package of its own; Debian 12 has the C one among QEMU's common files.
package_name() {
  if [[ $1 == virtiofsd ]] && ! apt-cache show virtiofsd >/dev/null 2>&1; then
    echo qemu-system-common
  else
    echo "$1"
  fi
}

present() {
  local one
  local IFS='|'
  for one in $1; do
    if [[ $one == /* ]]; then
      compgen -G "$one" >/dev/null && return
    else
      command -v "$one" >/dev/null && return
    fi
  done
  return 1
}

install_packages() {
  local packages=$1
  command -v apt-get >/dev/null || die "This system has no apt-get. Install by hand what Debian calls: $packages"
  if ((EUID != 0)); then
    die "These packages are missing: $packages. As root: apt-get install --no-install-recommends $packages"
  fi
  if [[ -t 0 && -t 2 ]]; then
    local answer
    read -r -p "hako needs these packages: $packages. Install them now? [Y/n] " answer
    [[ ${answer:-y} == [yY]* ]] || die "Nothing was installed."
  fi
  say "Installing $packages ..."
  local log
  log=$(mktemp)
  # shellcheck disable=SC2086 # A list of packages.
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "apt-get could not install $packages; all that it said is in $log."
  fi
  rm -f "$log"
}

# Sets JAVA_HOME to a JDK 25 or later; says what to install where a toolchain is missing.
find_toolchains() {
  local found=0
  if JAVA_HOME=$(find_jdk); then
    export JAVA_HOME
  else
    found=1
    say "dev: No JDK 25 in JAVA_HOME or /usr/lib/jvm. On Debian 13:
         apt-get install openjdk-25-jdk-headless
     On Debian 12 take Temurin 25 by its packages, https://adoptium.net/installation/linux, package temurin-25-jdk."
  fi
  if ! rust_is_recent; then
    found=1
    say "dev: No Rust toolchain of version $(rust_wanted) or later (cargo, rustc) is on PATH. On Debian 13:
         apt-get install rustup && rustup default stable
     On Debian 12, and then open a new shell:
         curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- --profile default"
  fi
  return $found
}

# Prints the home of a JDK (not a JRE) 25 or later. Its version is in its file `release`.
find_jdk() {
  local home version
  for home in "${JAVA_HOME:-/nowhere}" /usr/lib/jvm/*; do
    [[ -x $home/bin/javac && -r $home/release ]] || continue
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
    if ((${version:-0} >= 25)); then
      printf '%s' "$home"
      return
    fi
  done
  return 1
}

rust_is_recent() {
  local version wanted
  wanted=$(rust_wanted)
  command -v cargo >/dev/null && version=$(rustc --version 2>/dev/null) || return 1
  [[ $version =~ ^rustc\ 1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= ${wanted#1.}))
}

rust_wanted() {
  sed -n 's/^rust-version = "\(.*\)"/\1/p' "$TREE/Cargo.toml"
}
