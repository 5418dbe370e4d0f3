#!/bin/sh
# Rebuilds every committed object of the examples from its source, with the compiler that made it.
#
#     examples/build.sh           in place
#     examples/build.sh DIR       into DIR/firewall/…, DIR/kv/… and DIR/count/…, to compare
#
# CLANG=… names another compiler than clang-19, ABIDE=… a built abide. The header for linux@LINUX_6.12 is made in
# examples/include.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
clang=${CLANG:-clang-19}
mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)

if [ -n "${ABIDE:-}" ]; then
    "$ABIDE" headers linux@LINUX_6.12 -o "$here/include"
else
    cargo run --quiet --manifest-path "$here/../Cargo.toml" -p abide -- headers linux@LINUX_6.12 -o "$here/include"
fi

for source in "$here"/*/*.bpf.c; do
    directory=$(basename "$(dirname "$source")")
    name=$(basename "$source" .c)
    mkdir -p "$out/$directory"
    # The compilation directory would put a path of the machine into the debug information.
    (cd "$here/$directory" && "$clang" -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
        -ffile-compilation-dir=. -I ../include -c "$name.c" -o "$out/$directory/$name.o")
done
