abide api diff examples/kv/kv.api@KV_1 examples/kv/kv.api
abide api diff examples/kv/kv.api@KV_1 examples/kv/kv.api@KV_2 --format json
abide api diff examples/kv/kv.api@KV_2 examples/kv/kv.api@KV_2
abide api diff linux@LINUX_6.13 linux@LINUX_6.14
abide api diff linux@LINUX_6.99 linux
abide api diff linux no-such.api
