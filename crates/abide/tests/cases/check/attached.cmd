# What programs of one type may call depends on what they are attached to.
abide check $FIX/attached.bpf.o --against LINUX_5.10,LINUX_6.1,LINUX_6.18
abide check $FIX/attached.bpf.o --explain sets@LINUX_5.10
abide check crates/api/tests/cases/check/operations.o --against LINUX_6.1,LINUX_6.18,LINUX_7.3
