# All that is wrong, with both places; nothing is written.
abide link crates/object/tests/cases/link/part.o crates/object/tests/cases/link/part.o -o $TMP/twice.o
abide link crates/object/tests/cases/basics.o crates/object/tests/cases/basics.be.o -o $TMP/orders.o --format json
abide link crates/object/tests/cases/link/main.c $FIX/bad.s -o $TMP/none.o
abide link -o $TMP/none.o
abide link $TMP/nowhere.o -o $TMP/none.o
abide disasm $TMP/twice.o
