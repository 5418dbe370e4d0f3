# What a beginner, another assembler's user or a broken file comes with: each is told once, with its
# place, what was expected and a way out, and nothing is written.
abide asm $FIX/wrong/registers.s -o $TMP/never.o
abide asm $FIX/wrong/spellings.s -o $TMP/never.o
abide asm $FIX/wrong/references.s -o $TMP/never.o
abide asm $FIX/wrong/references.s -o $TMP/never.o --relax --level v3
abide asm $FIX/wrong/expressions.s -o $TMP/never.o
abide asm $FIX/wrong/conditions.s -o $TMP/never.o
abide asm $FIX/wrong/macros.s -o $TMP/never.o
abide asm $FIX/wrong/unclosed-macro.s -o $TMP/never.o
abide asm $FIX/wrong/unclosed-rept.s -o $TMP/never.o
abide asm $FIX/wrong/endless.s -o $TMP/never.o
abide asm $FIX/wrong/included.s -o $TMP/never.o -I $FIX/wrong
abide asm $FIX/wrong/includes.s -o $TMP/never.o -I $FIX/wrong
abide asm $FIX/wrong/sizes.s -o $TMP/never.o
abide asm $FIX/wrong/directives.s -o $TMP/never.o
abide asm $FIX/wrong/strings.s -o $TMP/never.o
abide asm $FIX/wrong/bytes.s -o $TMP/never.o
abide asm $FIX/wrong/levels.s -o $TMP/never.o --level v1
abide as -misa-spec=v3 $FIX/wrong/levels.s -o $TMP/never.o
abide asm $FIX/count.s -o $TMP/never.o --dialect gnu
abide asm docs -o $TMP/never.o
abide asm $FIX/many.bpf.o -o $TMP/never.o
abide translate $FIX/many.bpf.o --to c
abide asm no-such-file.s -o $TMP/never.o
abide asm $FIX/warned.s -o no-such-folder/never.o
abide asm $FIX/warned.s -o docs
abide disasm $TMP/never.o
abide translate $FIX/wrong/registers.s --to c -o $TMP/never.s
abide translate docs --to c
abide disasm docs
abide disasm $FIX/three.pcap
abide disasm - < $FIX/wrong/bytes.s
# A mark at the start, as some editors put it, and line ends of two bytes are no errors.
abide asm $FIX/wrong/marked.s -o - | abide disasm -
# The same of `as`, and what gcc or people could pass it.
abide as $FIX/half.s no-such-file.s -o $TMP/never.o
abide as $FIX/half.s docs -o $TMP/never.o
abide as @no-such-file -o $TMP/never.o
abide as --defsym =1 $FIX/half.s -o $TMP/never.o
abide as -mcpu=v3 $FIX/half.s
abide as -mbig-endian $FIX/half.s
abide as -MD $FIX/half.s
abide as --keep-locals $FIX/half.s
abide as --compress-debug-sections=zlib $FIX/half.s
abide as -m32 $FIX/half.s
abide as -o
