# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The verbs that run hako from the tree.

ready() {
  need_root "$1"
  ensure_setup
  build_all
  export_paths
}

help_hako() {
  say "usage: ./dev hako ARGUMENT...    the hako command of this tree; ./dev hako --help is its own help."
}

verb_hako() {
  ready "./dev hako"
  ensure_daemon
  exec "$NATIVE/hako" "$@"
}

help_demo() {
  cat <<'TEXT'
usage: ./dev demo

Installs what is missing (after asking, on a terminal), builds everything, starts the daemon of this tree, and runs
`hako run --rm demo uname -r`: a container in a virtual machine of its own. Some minutes the first time, seconds afterwards.
TEXT
}

verb_demo() {
  no_more_arguments demo "$@"
  ready "./dev demo"
  ensure_daemon
  local guest begin
  begin=$(date +%s%N)
  guest=$("$NATIVE/hako" run --rm demo uname -r) || die "The container did not run; the daemon's log is $DEV_DIR/hakod.log. What hako finds of this machine: ./dev hako doctor"
  cat <<TEXT

  \$ uname -r                        $(printf '%-24s' "$(uname -r)")  the kernel of this machine
  \$ hako run --rm demo uname -r     $(printf '%-24s' "$guest")  the kernel that the container sees

A container was unpacked, a virtual machine was booted for it with a kernel of its own, the program ran in
it, and everything was taken away again, in $((($(date +%s%N) - begin) / 1000000)) ms. Next:

  ./dev hako run -d --name web demo httpd -f      a container that stays
  ./dev hako ps ; ./dev hako overhead web         what runs, and what it costs
  ./dev hako rm -f web ; ./dev stop               all gone again
TEXT
}

help_swap() {
  cat <<'TEXT'
usage: ./dev swap KIND/NAME

Builds one plugin, such as hypervisor/qemu or storage/virtio-fs, and swaps it into the running daemon. Containers run on.
TEXT
}

verb_swap() {
  local id=${1:-} folder
  (($# == 1)) || die "swap takes one plugin, such as hypervisor/qemu: ./dev swap --help"
  folder=${id%%/*}-plugins/${id#*/}
  [[ $id == */* && -e $TREE/$folder/pom.xml ]] || die "There is no plugin $id in this tree; there are: $(plugins_of_tree)."
  if daemon_pid >/dev/null; then
    # Not the rest: a change of the daemon's own sources would have it started again.
    find_toolchains || exit 1
    export_paths
  else
    ready "./dev swap"
    ensure_daemon
  fi
  local jar
  jar=$(plugin_jar "$id")
  "$NATIVE/hako" plugin swap "$id" "$jar"
  note_plugins
}

plugins_of_tree() {
  (cd "$TREE" && for pom in *-plugins/*/pom.xml; do dirname "${pom/-plugins/}"; done | paste -sd' ' | sed 's/ /, /g')
}

# plugin_jar KIND/NAME: builds the plugin alone and prints where its jar is.
plugin_jar() {
  local folder=${1%%/*}-plugins/${1#*/}
  maven --projects "$folder" --also-make -Dmaven.test.skip=true package >&2
  local jars=("$TREE/$folder"/target/*.jar)
  ((${#jars[@]} == 1)) || die "$folder/target holds ${#jars[@]} jars where one is expected: remove the folder and try again."
  printf '%s' "${jars[0]}"
}

help_shell() {
  say "usage: ./dev shell    the Felix shell of this tree's daemon; \`help\` lists its commands, Ctrl-D leaves it."
}

verb_shell() {
  no_more_arguments shell "$@"
  verb_hako shell
}

help_debug() {
  cat <<'TEXT'
usage: ./dev debug [PORT]

Runs the daemon of this tree in the foreground; it waits for a Java debugger on localhost, port 5005 or PORT.
A daemon that runs is ended first; its containers run on, and this one takes them over.
TEXT
}

verb_debug() {
  local port=${1:-5005} pid
  no_more_arguments debug "${@:2}"
  if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then
    die "'$port' is no port: ./dev debug --help"
  fi
  ready "./dev debug"
  if pid=$(daemon_pid || waiting_pid); then
    end_daemon "$pid"
  fi
  note_sources
  # hakod takes this shell's process over.
  echo $$ >"$RUN_DIR/waits-for-debugger"
  say "hakod waits for a debugger, such as: jdb -attach 127.0.0.1:$port"
  HAKO_LOG=${HAKO_LOG:-debug} \
    HAKO_JAVA_OPTIONS="-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:$port" \
    exec "$HOME_DIR/bin/hakod"
}

help_stop() {
  say "usage: ./dev stop    ends the daemon of this tree. Containers run on; the next daemon takes them over."
}

verb_stop() {
  no_more_arguments stop "$@"
  local pid
  if pid=$(daemon_pid || waiting_pid); then
    end_daemon "$pid"
  else
    say "No daemon of this tree runs."
  fi
}
