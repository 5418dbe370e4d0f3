abide api why bpf_task_acquire
abide api why BPF_TRACE_FENTRY_MULTI
abide api why __sk_buff.tstamp
abide api why bpf_stream_vprintk
abide api why kv_log --api examples/kv/kv.api --format json
abide api why bpf_task_acqire
abide api why bpf_bind
abide api why tcp_congestion_ops.cong_control
abide api why sched_ext_ops.cgroup_set_idle
abide api why __sk_buff.tstmp
abide api why BPF_F_XDP_HAS_FRAG
abide api why hash
abide api why tc
