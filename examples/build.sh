#!/bin/sh
# Rebuilds every committed object of the examples from its source, with the compiler that made it.
#
#     examples/build.sh           in place
#     examples/build.sh DIR       into DIR/firewall/… and DIR/kv/…, to compare
#
# CLANG=… names another compiler than clang-19.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
clang=${CLANG:-clang-19}
mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)

for source in "$here"/*/*.bpf.c; do
    directory=$(basename "$(dirname "$source")")
    name=$(basename "$source" .c)
    mkdir -p "$out/$directory"
    # The compilation directory would put a path of the machine into the debug information.
    (cd "$here/$directory" && "$clang" -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
        -ffile-compilation-dir=. -c "$name.c" -o "$out/$directory/$name.o")
done
