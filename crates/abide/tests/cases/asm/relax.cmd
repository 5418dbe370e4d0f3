abide asm $FIX/far.s -o $TMP/far.o
abide asm $FIX/far.s -o $TMP/far.o --relax --level v3
abide asm $FIX/far.s -o $TMP/far.o --relax
abide as -mno-relax $FIX/far.s -o $TMP/as.o
abide as $FIX/far.s -o $TMP/as.o
