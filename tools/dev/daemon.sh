# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The daemon of this tree, in directories of its own: it never meets an installed hako.

export_paths() {
  export HAKO_RUN_DIR=$RUN_DIR
  export HAKO_STATE_DIR=$DEV_DIR/state
  export HAKO_CONFIG=$DEV_DIR/hako.toml
  export HAKO_SHIM=$NATIVE/containerd-shim-hako-v2
  export HAKO_DEMO_IMAGE=$DEMO_IMAGE
  [[ -e $HAKO_CONFIG ]] || write_settings
}

write_settings() {
  mkdir -p "$DEV_DIR"
  cat >"$HAKO_CONFIG" <<TOML
# Made by ./dev for the daemon of $TREE; change it as you like, it is not made again.
[guest]
kernel = "$GUEST/vmlinux"
initramfs = "$GUEST/initramfs.cpio"
TOML
}

# The daemon's process id, if it runs.
daemon_pid() {
  daemon_in "$RUN_DIR/hakod.lock"
}

# That of a daemon which waits for a debugger: it has not come so far as to take the lock.
waiting_pid() {
  ! daemon_pid >/dev/null && daemon_in "$RUN_DIR/waits-for-debugger"
}

# daemon_in FILE: the process id in it, if that is a daemon of this tree.
daemon_in() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  # The number may be another program's by now.
  [[ -n $pid && -r /proc/$pid/cmdline ]] &&
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "-Dhako.home=$HOME_DIR" && printf '%s' "$pid"
}

ensure_daemon() {
  local pid
  if pid=$(daemon_pid); then
    if [[ $(fingerprint "${DAEMON_SOURCES[@]}") == "$(<"$RUN_DIR/daemon-built-from")" ]]; then
      mention_plugins
      return
    fi
    say "The daemon was built from older sources: starting it again. Its containers run on."
    end_daemon "$pid"
  elif pid=$(waiting_pid); then
    die "The daemon of this tree, process $pid, waits for a Java debugger (./dev debug): attach one and let it run, or end it with ./dev stop."
  fi
  start_daemon
}

start_daemon() {
  local log=$DEV_DIR/hakod.log pid limit=$((SECONDS + 60))
  mkdir -p "$DEV_DIR"
  note_sources
  # The daemon outlives this shell: a session of its own, and none of its descriptors.
  setsid "$HOME_DIR/bin/hakod" >>"$log" 2>&1 </dev/null &
  pid=$!
  until daemon_answers; do
    kill -0 "$pid" 2>/dev/null || die "The daemon of this tree did not start; its log, $log:
$(tail -n 15 "$log")"
    ((SECONDS < limit)) || die "The daemon of this tree, process $pid, did not answer within 60 s; its log is $log."
    sleep 0.1
  done
}

# Nothing to the daemon that is about to start; the next ./dev sees from which sources it runs.
note_sources() {
  mkdir -p "$RUN_DIR"
  fingerprint "${DAEMON_SOURCES[@]}" >"$RUN_DIR/daemon-built-from"
  note_plugins
}

note_plugins() {
  fingerprint "${PLUGIN_SOURCES[@]}" >"$RUN_DIR/plugins-built-from"
}

mention_plugins() {
  [[ $(fingerprint "${PLUGIN_SOURCES[@]}") == "$(<"$RUN_DIR/plugins-built-from")" ]] ||
    say "Plugins changed since the daemon started, and it still uses those from before: ./dev swap KIND/NAME"
}

daemon_answers() {
  "$NATIVE/hako" ps >/dev/null 2>&1
}

end_daemon() {
  kill "$1"
  # A process that is gone has no directory; one that cannot end is the operator's to see.
  timeout 10 tail --pid="$1" -f /dev/null || die "The daemon, process $1, did not end within 10 s of SIGTERM."
}
