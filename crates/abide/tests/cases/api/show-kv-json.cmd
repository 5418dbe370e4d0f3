abide api show examples/kv/kv.api --format json
abide api show examples/kv/kv.api kv_read --format json
abide api show examples/kv/kv.api acme_lts --format json
