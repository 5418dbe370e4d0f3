# No such version, no such file, what C cannot say, a directory that cannot be.
abide headers kv@KV_1
abide headers examples/kv/kv.api@KV_9
abide headers examples/kv/kv.api@KV_9 --format json
abide headers crates/api/tests/cases/headers/keyword.api
abide headers crates/api/tests/cases/headers/two_values.api
abide headers examples/kv/kv.api@KV_1 -o README.md
abide headers
