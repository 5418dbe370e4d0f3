abide disasm examples/kv/kv_peek.bpf.o --bytes
abide disasm examples/kv/kv_peek.bpf.o --bytes --no-source --dialect gnu
abide disasm README.md
