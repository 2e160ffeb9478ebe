#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the tree in two folders of different names and demands equal bytes: jars, Rust binaries, initramfs.
set -euo pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

copies=("$scratch/one" "$scratch/another/and/deeper")

copy_to() {
  mkdir -p "$1"
  (cd "$tree" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$1")
}

# build FOLDER: builds the copy there, and leaves FOLDER.sums.
build() {
  local copy=$1
  (
    cd "$copy"
    export CARGO_TARGET_DIR=$copy/cargo
    # One copy after the other: two link-time optimisations at once would need twice the memory.
    cargo build --release --locked --workspace --bins --quiet
    mvn --quiet --offline -DskipTests package
    guest-image/build --agent cargo/x86_64-unknown-linux-gnu/release/hako-agent --output guest >/dev/null
    {
      find . -path '*/target/*.jar' -not -path './cargo/*'
      find cargo/x86_64-unknown-linux-gnu/release -maxdepth 1 -type f -executable
      find guest -type f
    } | LC_ALL=C sort | xargs sha256sum
  ) >"$copy.sums"
}

# Both before the first build, which takes minutes: someone may go on working in the tree.
for copy in "${copies[@]}"; do copy_to "$copy"; done
for copy in "${copies[@]}"; do build "$copy"; done
if ! diff "${copies[@]/%/.sums}" >&2; then
  echo "reproducible.sh: these files differ between two builds of the same sources." >&2
  exit 1
fi
echo "$(wc -l <"${copies[0]}.sums") files are the same in both builds." >&2
