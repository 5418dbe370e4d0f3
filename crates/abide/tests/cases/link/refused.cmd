# All that is wrong, with both places; nothing is written.
abide link crates/object/tests/cases/link/part.o crates/object/tests/cases/link/part.o -o $TMP/twice.o
abide link crates/object/tests/cases/basics.o crates/object/tests/cases/basics.be.o -o $TMP/orders.o --format json
abide link crates/object/tests/cases/link/main.c $FIX/bad.s -o $TMP/none.o
abide link -o $TMP/none.o
abide link $TMP/nowhere.o -o $TMP/none.o
abide disasm $TMP/twice.o
# An output that is an input, by whatever name, or cannot be written; standard input twice.
abide link crates/object/tests/cases/link/part.o crates/object/tests/cases/link/main.o -o crates/object/tests/cases/link/../link/main.o
abide link crates/object/tests/cases/link/main.o -o $TMP/no/whole.o
abide link crates/object/tests/cases/link/main.o -o $TMP
abide link - - -o $TMP/none.o < crates/object/tests/cases/link/main.o
