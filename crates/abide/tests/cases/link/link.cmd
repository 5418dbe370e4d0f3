# Two files that need each other, in both orders; the whole runs. One alone, with what it needs.
abide link crates/object/tests/cases/link/main.o crates/object/tests/cases/link/part.o -o $TMP/whole.o
abide run $TMP/whole.o --checked --program root --packets $FIX/three.pcap
abide link crates/object/tests/cases/link/part.o crates/object/tests/cases/link/main.o -o $TMP/whole.o --format json
abide link crates/object/tests/cases/link/main.o -o $TMP/main.o
abide link $TMP/main.o crates/object/tests/cases/link/part.o -o $TMP/whole.o
abide run $TMP/whole.o --checked --program second --packets $FIX/three.pcap
