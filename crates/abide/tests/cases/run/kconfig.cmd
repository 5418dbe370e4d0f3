# Values of a host's configuration: from a file, from the version of the host, or none.
abide run crates/runtime/tests/cases/config.bpf.o --program ask --kconfig $FIX/kconfig --host linux@LINUX_6.12 --maps all
abide run crates/runtime/tests/cases/config.bpf.o --program ask --kconfig $FIX/kconfig --host linux@LINUX_5.14 --maps all --format json
abide run crates/runtime/tests/cases/config.bpf.o --program ask
abide run crates/object/tests/cases/kconfig.o --kconfig $FIX/kconfig
abide run crates/object/tests/cases/kconfig.o --kconfig no/such/file
abide run crates/runtime/tests/cases/config.bpf.o --program only_on_request --kconfig $FIX/kconfig
