abide api print examples/kv/kv.api
abide api print $FIX/bad.api
