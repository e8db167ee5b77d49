#!/bin/sh
# Installs what building and running taf needs beyond Rust: FFmpeg's development libraries, clang with libclang (the FFmpeg
# bindings are generated from the installed headers), pkg-config and a C compiler.
#
# Does nothing where all is there already. Debian and Ubuntu only (as root or with sudo); elsewhere it says what is missing.
set -eu

say() { printf 'install-deps: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The oldest FFmpeg that works is 5.1; these are its library versions.
have_ffmpeg() {
    have pkg-config && pkg-config --exists \
        'libavutil >= 57.28' 'libavcodec >= 59.37' 'libavformat >= 59.27' 'libswscale >= 6.7'
}

have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    for library in /usr/lib/llvm*/lib/libclang*.so* /usr/lib64/libclang*.so* /usr/lib/libclang*.so* \
        /usr/lib/*/libclang*.so* /usr/local/lib/libclang*.so* /usr/local/opt/llvm/lib/libclang.dylib \
        /opt/homebrew/opt/llvm/lib/libclang.dylib /Library/Developer/CommandLineTools/usr/lib/libclang.dylib; do
        [ -e "$library" ] && case $library in *libclang-cpp*) ;; *) return 0 ;; esac
    done
    return 1
}

# Prints the Debian packages that are missing, one a line.
missing_packages() {
    have pkg-config || echo pkg-config
    have_ffmpeg || printf '%s\n' libavutil-dev libavcodec-dev libavformat-dev libswscale-dev
    { have clang && have_libclang; } || printf '%s\n' clang libclang-dev
    # libc6-dev comes with build-essential but not with a bare compiler.
    { have cc && [ -e /usr/include/stdio.h ]; } || [ "$(uname -s)" = Darwin ] || echo build-essential
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env "$@"
    elif have sudo; then
        sudo env "$@"
    else
        fail "installing packages takes root or sudo; missing: $packages"
    fi
}

# Quiet unless it fails.
apt() {
    as_root DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1 || {
        cat "$log" >&2
        fail "apt-get $1 failed (see above)"
    }
}

have cargo || fail 'cargo is missing: install Rust from https://rustup.rs, open a new shell, and run this again'

packages=$(missing_packages | tr '\n' ' ')
[ -n "$packages" ] || exit 0

if ! have apt-get; then
    say 'missing; please install with your package manager (Debian names):' "$packages"
    fail 'needed are FFmpeg 5.1 or newer with headers, clang with libclang, pkg-config and a C compiler'
fi

say "installing $packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt update
# shellcheck disable=SC2086 # the list is meant to be split
apt install -y --no-install-recommends $packages

left=$(missing_packages | tr '\n' ' ')
[ -z "$left" ] || fail "still missing after installing: $left(FFmpeg must be 5.1 or newer)"
