# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # Read by the other parts of ./dev.
# Where things are, and how ./dev speaks.

# Sources stay sources: nothing is compiled beside them.
export PYTHONDONTWRITEBYTECODE=1

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/hako
# Two clones must not share a daemon.
TREE_ID=$(printf %s "$TREE" | sha256sum | cut -c1-8)
HOME_DIR=$TREE/assembly/distribution/target/hako-0.1.0
STAMPS=$TREE/assembly/distribution/target/stamps
NATIVE=$HOME_DIR/native
GUEST=$HOME_DIR/guest
CRASHING_GUEST=$TREE/assembly/distribution/target/crashing-guest
DEMO_IMAGE=$HOME_DIR/demo-image
RUN_DIR=/run/hako-dev-$TREE_ID
DEV_DIR=$CACHE/dev-$TREE_ID
RUST_TARGET=x86_64-unknown-linux-gnu

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "dev: $*"
  exit 1
}

# nearest WORD CANDIDATE...: the end of a sentence about WORD, which names the candidate with the longest beginning in common.
nearest() {
  local word=$1 length candidate
  shift
  for ((length = ${#word}; length > 0; length--)); do
    for candidate in "$@"; do
      if [[ ${candidate:0:length} == "${word:0:length}" ]]; then
        printf '; did you mean %s?' "$candidate"
        return
      fi
    done
  done
  printf .
}

no_more_arguments() {
  local verb=$1
  shift
  (($# == 0)) || die "'$1' is no argument of $verb: ./dev $verb --help"
}

need_root() {
  ((EUID == 0)) || die "$1 needs root: virtual machines get their own network and mounts. Run it as root, or with sudo."
}

# What keeps a program's progress and colours off where no person watches.
on_terminal() {
  [[ -t 2 ]]
}

# with_time WHAT COMMAND...: says what is done, and how long it took.
with_time() {
  local what=$1 begin=$SECONDS
  shift
  say "$what ..."
  "$@"
  say "$what: $((SECONDS - begin)) s"
}

# fingerprint PATH...: changes when a file below is added, removed or written. Build output does not count.
fingerprint() {
  (cd "$TREE" && find "$@" -name 'target*' -prune -o -name __pycache__ -prune -o -type f -printf '%p %T@ %s\n') | LC_ALL=C sort | sha256sum
}
