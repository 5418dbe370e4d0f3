# `-` is standard input and output, of every command that has one.
abide asm - -o - < $FIX/count.s | abide disasm -
abide as -o - - < $FIX/warned.s | abide disasm - --dialect gnu
abide disasm examples/kv/kv_peek.bpf.o | abide asm - -o - | abide link - -o - | abide disasm - --bytes
abide disasm - --raw < $FIX/reserved.raw
abide disasm - --raw --dialect gnu < $FIX/reserved.raw
abide translate - --to gnu -o - < $FIX/count.s | abide translate - --to c | abide asm - -o $TMP/again.o
# A document and a file are too much for one output.
abide asm --format json $FIX/count.s -o -
abide --format json as $FIX/count.s -o -
abide link --format json examples/kv/kv_peek.bpf.o -o -
abide probe --format json --btf $FIX/many.bpf.o --name n -o -
# Nor does an object replace what it is made of.
abide asm $FIX/half.s -o $FIX/../fixtures/half.s
abide as $FIX/half.s $FIX/warned.s -o $FIX/warned.s
# What is warned of stands in the document.
abide asm --format json $FIX/count.s -o $TMP/count.o
abide asm --format json $FIX/warned.s -o $TMP/warned.o
abide --format json as $FIX/warned.s -o $TMP/warned.o
abide --format json as -W $FIX/warned.s -o $TMP/warned.o
abide disasm --format json - --raw < $FIX/reserved.raw
