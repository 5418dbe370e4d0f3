# Where all is found but for one value of an enum; where a field is out of reach.
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core-near.o
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core-near.o --strict --program look
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core-host.o
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core.o
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core-near.o --program nobody
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core.c
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core.be.o
abide relocate crates/object/tests/cases/core.be.o --btf crates/object/tests/cases/core-host.o
abide relocate crates/object/tests/cases/legacy.o --btf crates/object/tests/cases/core.o
