# What is no file of types, and what it may be instead.
abide btf dump $TMP/nowhere.btf
abide btf dump $TMP
abide btf dump $FIX/bad.s
abide btf dump $FIX/three.pcap
abide btf diff - - < crates/btf/tests/cases/types.btf
abide relocate - --btf - < crates/object/tests/cases/core.o
# Split BTF without its base, over itself, over another; whole types over a base.
abide btf dump crates/btf/tests/cases/types.btf --base crates/btf/tests/cases/types.btf
abide btf dump crates/object/tests/cases/core.o --base crates/object/tests/cases/basics.be.o
abide btf diff crates/btf/tests/cases/types.btf crates/btf/tests/cases/types.be.btf --name nowhere
abide btf dump crates/btf/tests/cases/types.btf --name conter
