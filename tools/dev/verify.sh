# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The verbs that judge the tree.

help_test() {
  cat <<'TEXT'
usage: ./dev test [--long]

Sets up, builds and runs every test: the recipes', Rust's, Java's, those that boot virtual machines, those by the distribution's
containerd, its CRI plugin and the calls of CRI-O, and the measurements of bench/, which fail where a promise is broken. Prints
the time of each stage.

  --long   also what takes long: swaps, crashes and repeated runs in their full number, containerd 1.7, 2.2 and 2.4, under 2.2
           also nerdctl and containerd's own tests of its client, the agent alone in real guests, the measurements that take
           minutes, and whether two builds give the same bytes
TEXT
}

verb_test() {
  local long=no
  if [[ ${1:-} == --long ]]; then
    long=yes
    shift
  fi
  no_more_arguments test "$@"
  need_root "./dev test"
  stage setup ensure_setup
  stage recipes test_recipes
  stage rust test_rust
  stage java test_java
  stage machine test_machine "$long"
  stage containerd test_containerd -Dhako.long="$long"
  stage bench bench_all "$long"
  if [[ $long == yes ]]; then
    stage containerds test_containerds
    stage agent test_agent
    stage reproducible "$TREE/tools/check/reproducible.sh"
  fi
  STAGES+=("all passed")
}

STAGES=()

# stage NAME COMMAND...: runs it; when ./dev ends, of whatever, the times of all stages are printed.
stage() {
  local name=$1 begin=$SECONDS
  shift
  say "== $name"
  STAGES+=("$name failed")
  trap print_stages EXIT
  "$@"
  STAGES[-1]="$name $((SECONDS - begin)) s"
}

print_stages() {
  local entry
  for entry in "${STAGES[@]}"; do
    printf '%-16s %s\n' "${entry%% *}" "${entry#* }"
  done >&2
}

test_recipes() {
  local recipe
  for recipe in guest-image demo-image tools/check bench; do
    (cd "$TREE/$recipe" && python3 -m unittest discover -t . -s tests)
  done
}

# The shim's promises are those of the build that is shipped, so its tests drive that one.
test_rust() {
  build_native
  HAKO_SHIM=$NATIVE/containerd-shim-hako-v2 cargo_in_tree test --workspace
}

# The distribution that this makes is the one that the machine tests start.
test_java() {
  stamped java verify_java "${JAVA_SOURCES[@]}"
}

verify_java() {
  forget_stale
  maven verify
}

test_machine() {
  build_all
  build_crashing_guest
  maven -Pmachine --projects itests/node,itests/machine verify \
    -Dhako.long="$1" -Dhako.native="$NATIVE" -Dhako.guest="$GUEST" -Dhako.crashing-guest="$CRASHING_GUEST" -Dhako.demo="$DEMO_IMAGE"
}

# A containerd of their own, beside whatever the machine runs: the distribution's, unless an option names another.
test_containerd() {
  maven -Pmachine --projects itests/node,itests/containerd verify -Dhako.native="$NATIVE" -Dhako.guest="$GUEST" \
    -Dhako.crashing-guest="$CRASHING_GUEST" -Dhako.demo="$DEMO_IMAGE" -Dhako.commit="$(commit)" "$@"
}

# What was last committed; nothing in a tree that is not git's.
commit() {
  git -C "$TREE" rev-parse HEAD 2>/dev/null || true
}

# The versions in use that Debian 12 does not have; from 2.3 on they speak version 3 of the Task API.
test_containerds() {
  local version
  for version in v1.7.35 v2.2.9 v2.4.2; do
    with_time "Under containerd $version" test_under_containerd "$version"
  done
}

# test_under_containerd VERSION: for the one which itests/containerd/expected.tsv is of, also nerdctl and the tests of its own client.
test_under_containerd() {
  local version=$1 module=github.com/containerd/containerd programs nerdctl options=()
  [[ $version == v1.* ]] || module+=/v2
  programs=$(go_programs containerd "$module@$version" cmd/containerd cmd/ctr)
  if [[ $version == v2.2.9 ]]; then
    nerdctl=$(go_programs nerdctl github.com/containerd/nerdctl/v2@v2.1.2 cmd/nerdctl)
    go_programs containerd "$module@$version" integration/client.test >/dev/null
    options+=(-Dhako.nerdctl="$nerdctl" -Dhako.client-tests="$programs/client.test")
  fi
  test_containerd -Dhako.containerd="$programs" "${options[@]}"
}

# The agent as PID 1 of real guests.
test_agent() {
  HAKO_TEST_GUEST=$GUEST cargo_in_tree test --package hako-guest-agent -- --test-threads=2 --include-ignored
}

help_check() {
  say "usage: ./dev check    formatters (saying what they would change), linters, architecture tests, and the tree's own rules. ./dev fmt formats."
}

verb_check() {
  no_more_arguments check "$@"
  find_toolchains || exit 1
  stage format-java maven -Pmachine spotless:check
  stage format-rust in_tree cargo fmt --all --check
  stage lint-rust cargo_in_tree clippy --workspace --all-targets -- -D warnings
  stage lint-shell lint_shell
  stage architecture maven --projects tools/architecture-tests --also-make -Dsurefire.failIfNoSpecifiedTests=false '-Dtest=io/hako/architecture/*Test' test
  stage tree in_tree python3 tools/check/tree.py
}

in_tree() {
  (cd "$TREE" && "$@")
}

lint_shell() {
  command -v shellcheck >/dev/null || { say "shellcheck is not installed: shell scripts were not looked at (apt-get install shellcheck)"; return; }
  in_tree shellcheck --external-sources dev tools/dev/*.sh tools/check/*.sh .ci/run assembly/distribution/src/bin/hakod
}

help_fmt() {
  say "usage: ./dev fmt    formats the Java and Rust sources in place."
}

verb_fmt() {
  no_more_arguments fmt "$@"
  find_toolchains || exit 1
  maven -Pmachine spotless:apply
  in_tree cargo fmt --all
}

help_bench() {
  say "usage: ./dev bench [NAME...]    runs the scripts of bench/ (those of ./dev test, or those named) against the built tree."
}

# What takes minutes and judges no promise: only by name, and in ./dev test --long.
LONG_BENCHES=(containerd density)

is_long_bench() {
  [[ " ${LONG_BENCHES[*]} " == *" $1 "* ]]
}

verb_bench() {
  local scripts=("$TREE"/bench/*.{sh,py}) script name
  for name in "$@"; do
    [[ " ${scripts[*]} " == */"$name".@(sh|py)" "* ]] || die "bench/ has no script $name."
  done
  ((${#scripts[@]} > 0)) || die "bench/ has no script."
  ready "./dev bench"
  train_daemon
  for script in "${scripts[@]}"; do
    name=$(basename "${script%.*}")
    if (($# == 0)); then
      ! is_long_bench "$name" || continue
    else
      [[ " $* " == *" $name "* ]] || continue
    fi
    stage "$name" "$script"
  done
}

# bench_all LONG: as one stage of the tests.
bench_all() {
  train_daemon
  local script
  for script in "$TREE"/bench/*.{sh,py}; do
    [[ $1 == yes ]] || ! is_long_bench "$(basename "${script%.*}")" || continue
    "$script"
  done
}

# Its figures are those of an installed daemon, which has been trained.
train_daemon() {
  export HAKO_HOME=$HOME_DIR HAKO_NATIVE=$NATIVE HAKO_GUEST=$GUEST
  with_time "Training the daemon's class cache" "$HOME_DIR/bin/hakod" --train
}
