abide asm $FIX/bad.s -o target/never.o
abide asm $FIX/bad.s -o target/never.o --dialect gnu
abide asm no-such-file.s -o target/never.o
