# To a directory that is made, to a file, to standard output; the newest node is the default.
abide headers examples/kv/kv.api@KV_2 -o $TMP/include
abide headers examples/kv/kv.api -o $TMP/include/other.h --format json
abide headers crates/api/tests/cases/headers/small.api
