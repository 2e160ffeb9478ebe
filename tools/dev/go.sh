# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Programs of others that tests run against in versions of their own, built from the Go module proxy. Each version is built once and kept
# in $CACHE/go. A module is built in its own directory, with the go.mod and go.sum that its makers built and tested it with.

# go_programs NAME MODULE@VERSION PACKAGE...: sees to it that NAME-VERSION holds a program for each package of the module, and prints that
# directory. A package that ends in .test stands for the program of its tests.
go_programs() {
  local name=$1 module=$2 directory package
  shift 2
  directory=$CACHE/go/$name-${module##*@}
  for package in "$@"; do
    [[ -x $directory/${package##*/} ]] || with_time "Building ${package##*/} of $name ${module##*@}" go_program "$directory" "$module" "$package"
  done
  printf '%s' "$directory"
}

# go_program DIRECTORY MODULE@VERSION PACKAGE
go_program() {
  local directory=$1 module=$2 package=$3 sources made said
  ensure_go
  sources=$(in_no_module go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p') || true
  [[ -d $sources ]] || die "The Go module proxy did not give $module: 'go mod download $module' says why."
  mkdir -p "$directory"
  made=$directory/${package##*/}.new
  # Go tells each module that it fetches.
  said=$(cd "$sources" && go_build "$made" "./$package" 2>&1) || die "Go could not build $package of $module: $said"
  # By rename: a build that was cut off leaves no program.
  mv "$made" "$directory/${package##*/}"
}

# go_build PROGRAM PACKAGE
go_build() {
  if [[ $2 == *.test ]]; then
    GOFLAGS='' go test -c -o "$1" "${2%.test}"
  else
    GOFLAGS='' go build -o "$1" "$2"
  fi
}

in_no_module() {
  (cd / && "$@")
}

# From 1.21 on Go fetches by itself what a module needs beyond it.
ensure_go() {
  if ! go_is_recent && command -v apt-cache >/dev/null && go_is_packaged; then
    install_packages golang-go >&2
  fi
  go_is_recent || die "These tests run against programs that are built with Go, and no Go from 1.21 on is on PATH: https://go.dev/doc/install says how to install it."
}

go_is_recent() {
  local version
  version=$(go version 2>/dev/null) || return 1
  [[ $version =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21))
}

go_is_packaged() {
  local version
  version=$(apt-cache policy golang-go | sed -n 's/^ *Candidate: \(.*:\)\?//p')
  [[ $version =~ ^1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21))
}
