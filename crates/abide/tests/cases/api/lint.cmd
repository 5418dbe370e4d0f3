abide api lint examples/kv/kv.api apis/linux.api
abide api lint $FIX/bad.api
abide api lint $FIX/bad.api --format json
abide api lint --since examples/kv/kv.api $FIX/changed.api
abide api lint no-such.api
abide api lint linux
