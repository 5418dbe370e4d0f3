abide api show linux bpf_dynptr_size
abide api show linux bpf_dynptr_sise
abide api show no-such.api
