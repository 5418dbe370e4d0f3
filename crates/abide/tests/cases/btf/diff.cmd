# Other types, the same types, some of them; a file over a base that it was not made over.
abide btf diff crates/object/tests/cases/core.o crates/object/tests/cases/core-near.o
abide btf diff crates/btf/tests/cases/types.btf crates/btf/tests/cases/types.be.btf
abide btf diff crates/object/tests/cases/core.o crates/object/tests/cases/core-host.o --name '*task*'
abide btf diff crates/btf/tests/cases/types.btf crates/btf/tests/cases/types.btf --base crates/btf/tests/cases/types.be.btf
