# One document, of a dump and of a comparison.
abide btf dump crates/btf/tests/cases/types.btf --name counter --format json
abide btf dump crates/btf/tests/cases/types.btf --name nobody --format json
abide btf diff crates/object/tests/cases/core.o crates/object/tests/cases/core-near.o --format json
