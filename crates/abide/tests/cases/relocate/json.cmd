# One document with every relocation.
abide relocate crates/object/tests/cases/core.o --btf crates/object/tests/cases/core-host.o --format json
