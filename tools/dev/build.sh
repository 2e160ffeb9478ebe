# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Builds the parts into $HOME_DIR, each only if its sources changed since its last build.

export CARGO_TARGET_DIR
CARGO_TARGET_DIR=$CACHE/cargo-$(sha256sum "$TREE/Cargo.lock" | cut -c1-16)

DAEMON_SOURCES=(pom.xml bnd.bnd .mvn runtime-api bundles assembly protocols)
PLUGIN_SOURCES=(hypervisor-plugins network-plugins storage-plugins)
JAVA_SOURCES=("${DAEMON_SOURCES[@]}" "${PLUGIN_SOURCES[@]}")
NATIVE_SOURCES=(Cargo.toml Cargo.lock .cargo native protocols)
GUEST_SOURCES=(guest-image "$NATIVE/hako-agent")

maven() {
  # A launcher that does not know of JDK 25 warns about its own libraries, and resets a terminal's colours where there is none.
  MAVEN_OPTS="-Djansi.noreset=true --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED ${MAVEN_OPTS:-}" \
    mvn --quiet --batch-mode "$(on_terminal || echo -Dstyle.color=never)" --file "$TREE/pom.xml" "$@"
}

# cargo_in_tree VERB OPTION...
cargo_in_tree() {
  local verb=$1 quiet=(--quiet)
  shift
  if on_terminal; then
    quiet=()
  fi
  take_cargo_target
  (cd "$TREE" && cargo "$verb" --locked "${quiet[@]}" "$@")
}

# Clones with the same lock file share what the libraries were compiled to. Cargo knows a source by its path within the
# clone and by its time, so that another clone's programs would pass as this one's: they are forgotten.
take_cargo_target() {
  local owner=$CARGO_TARGET_DIR/tree
  if [[ -e $owner && $(<"$owner") == "$TREE" ]]; then
    return
  fi
  rm -rf "$CARGO_TARGET_DIR"/{,"$RUST_TARGET"/}{debug,release}/.fingerprint/hako-*
  mkdir -p "$CARGO_TARGET_DIR"
  printf '%s\n' "$TREE" >"$owner"
}

build_all() {
  built java "${JAVA_SOURCES[@]}" || with_time "Building the daemon" build_java
  built native "${NATIVE_SOURCES[@]}" || with_time "Building the Rust programs (minutes, the first time)" build_native
  built guest "${GUEST_SOURCES[@]}" || with_time "Building the guest's kernel and initramfs" build_guest
  built demo demo-image || with_time "Building the demo image" build_demo
}

# built PART SOURCE...: whether PART was built from its sources as they are now.
built() {
  local part=$1
  shift
  [[ -e $STAMPS/$part && $(<"$STAMPS/$part") == "$(fingerprint "$@")" ]]
}

# stamped PART COMMAND SOURCE...: runs COMMAND, then notes what the sources were before it.
stamped() {
  local part=$1 command=$2 before
  shift 2
  before=$(fingerprint "$@")
  rm -f "$STAMPS/$part"
  "$command"
  mkdir -p "$STAMPS"
  printf '%s\n' "$before" >"$STAMPS/$part"
}

build_java() {
  stamped java package_java "${JAVA_SOURCES[@]}"
}

package_java() {
  forget_stale
  maven --projects assembly/distribution --also-make -Dmaven.test.skip=true package
}

# Maven takes nothing away that an earlier build of other sources made.
forget_stale() {
  forget_layout
  local sources=(protocols itests/containerd/src/test/protobuf)
  built protocols "${sources[@]}" || stamped protocols forget_generated "${sources[@]}"
}

# A message that is taken out of a .proto would leave its class behind, which no longer compiles.
forget_generated() {
  rm -rf "$TREE"/{bundles,itests}/*/target/{generated-sources/protobuf,generated-test-sources/protobuf,protobuf-maven-plugin}
}

# What is no longer part of the assembly must not stay installed.
forget_layout() {
  rm -rf "${HOME_DIR:?}"/{bin,lib,bundles,plugins}
}

build_native() {
  stamped native install_native "${NATIVE_SOURCES[@]}"
}

install_native() {
  cargo_in_tree build --release --workspace --bins
  local binary
  mkdir -p "$NATIVE"
  for binary in hako containerd-shim-hako-v2 hako-agent; do
    # By rename: a program that runs keeps its file.
    cp "$CARGO_TARGET_DIR/$RUST_TARGET/release/$binary" "$NATIVE/$binary.new"
    mv "$NATIVE/$binary.new" "$NATIVE/$binary"
  done
}

build_guest() {
  stamped guest install_guest "${GUEST_SOURCES[@]}"
}

install_guest() {
  "$TREE/guest-image/build" --agent "$NATIVE/hako-agent" --output "$GUEST" --cache "$CACHE" >/dev/null
}

# A guest whose agent can be told to crash, for tests of what the host does then.
build_crashing_guest() {
  cargo_in_tree build --release --package hako-guest-agent --features test-build
  "$TREE/guest-image/build" --agent "$CARGO_TARGET_DIR/$RUST_TARGET/release/hako-agent" --output "$CRASHING_GUEST" --cache "$CACHE" >/dev/null
}

build_demo() {
  stamped demo install_demo demo-image
}

install_demo() {
  "$TREE/demo-image/build" --output "$DEMO_IMAGE" >/dev/null
}
