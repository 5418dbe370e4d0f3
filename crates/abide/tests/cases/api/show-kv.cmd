abide api show examples/kv/kv.api
abide api show examples/kv/kv.api KV_2
abide api show examples/kv/kv.api kv_find
abide api show examples/kv/kv.api kv_log
abide api show examples/kv/kv.api KV_2/ttl
abide api show examples/kv/kv.api acme_lts
