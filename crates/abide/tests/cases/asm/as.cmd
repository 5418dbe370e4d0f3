abide as --help
abide as --version
abide as -adhln $FIX/bad.s
abide as --frobnicate
abide as -misa-spec=v9
abide as $FIX/bad.s -o $FIX/bad.s
abide as no-such-file.s -o target/never.o
abide as -misa-spec=v3 $FIX/warned.s -o /dev/null
abide as -W $FIX/warned.s -o /dev/null
abide as --fatal-warnings $FIX/warned.s -o /dev/null
abide as --defsym TWO=2 -I $FIX -EB -mdialect=pseudoc -misa-spec=v2 $FIX/half.s $FIX/half.s -o $TMP/both.o
abide disasm $TMP/both.o --bytes
abide asm $FIX/semicolon.s -o $TMP/separated.o
abide disasm $TMP/separated.o --bytes --dialect gnu
abide asm $FIX/semicolon.s -o $TMP/cut.o --semicolon comment
abide disasm $TMP/cut.o --bytes --dialect gnu
