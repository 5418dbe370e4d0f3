abide api calendar examples/kv/kv.api
abide api calendar examples/kv/kv.api --format json
abide api calendar no-such.api
