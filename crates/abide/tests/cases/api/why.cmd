abide api why bpf_task_acquire
abide api why BPF_TRACE_FENTRY_MULTI
abide api why __sk_buff.tstamp
abide api why bpf_stream_vprintk
abide api why kv_log --api examples/kv/kv.api --format json
abide api why bpf_task_acqire
