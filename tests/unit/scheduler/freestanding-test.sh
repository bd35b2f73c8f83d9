#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: freestanding-test.sh CC NM CORE_DIR WORK_DIR
# Compiles the core without a C library and sees that it needs nothing that a
# kernel module does not have, and no floating point.
set -eu
cc=$1 nm=$2 core=$3 work=$4

rm -rf "$work"
mkdir -p "$work"
for source in "$core"/*.c; do
	"$cc" -std=gnu17 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib \
		-fno-builtin -mno-sse -mno-mmx -mno-80387 -mgeneral-regs-only \
		-c "$source" -o "$work/$(basename "$source" .c).o"
done
"$cc" -nostdlib -r "$work"/*.o -o "$work/core"

# What compilers emit calls to by themselves, and every kernel exports.
needed=$("$nm" --undefined-only "$work/core" |
	awk '{ print $NF }' | grep -vxE 'memset|memcpy' || true)
if [ -n "$needed" ]; then
	echo "the core needs: $needed"
	exit 1
fi
included=$(grep -hE '^#include <' "$core"/*.[ch] | sort -u)
allowed='linux/(errno|types|stddef)\.h|std(bool|def|int)\.h'
if echo "$included" | grep -vE "<($allowed)>"; then
	echo "headers a kernel module does not have"
	exit 1
fi
echo "no undefined symbols, no foreign headers, no floating point"
