# What sections say of programs, struct_ops, configuration, initial values.
abide inspect crates/object/tests/cases/sections.o
abide inspect crates/object/tests/cases/kconfig.o --format json
abide inspect crates/object/tests/cases/maps.o
