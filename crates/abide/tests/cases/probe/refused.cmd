# What describes no kernel.
abide probe --btf README.md
abide probe --btf no-such.btf
abide probe --btf examples/kv/kv_v1.bpf.o
abide probe --btf README.md --release abc
