#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the tree in two folders of different names and demands equal bytes: jars, Rust binaries, initramfs.
set -euo pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# build_copy FOLDER: copies the sources there, builds them, and leaves FOLDER.sums.
build_copy() {
  local copy=$1
  mkdir -p "$copy"
  (cd "$tree" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$copy")
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

build_copy "$scratch/one"
build_copy "$scratch/another/and/deeper"
if ! diff "$scratch/one.sums" "$scratch/another/and/deeper.sums" >&2; then
  echo "reproducible.sh: these files differ between two builds of the same sources." >&2
  exit 1
fi
echo "$(wc -l <"$scratch/one.sums") files are the same in both builds." >&2
