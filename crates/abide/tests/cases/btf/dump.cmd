# One type after what it needs, as C and as a table; what is not there; a whole file of C.
abide btf dump crates/object/tests/cases/core.o --name nobody
abide btf dump crates/btf/tests/cases/types.btf --name everything
abide btf dump crates/btf/tests/cases/types.be.btf --name counter --format raw
abide btf dump crates/object/tests/cases/core-host.o
abide btf dump crates/object/tests/cases/core-host.o --format raw
abide btf dump crates/object/tests/cases/core.c
abide btf dump crates/object/tests/cases/core.o --format text
