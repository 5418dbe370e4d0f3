# Layout and comments stay.
abide translate $FIX/count.s --to gnu
abide translate $FIX/count.s --to gnu -o $TMP/count.s
abide translate $TMP/count.s --to c --format json
# What is no program is not translated; `;` has two meanings.
abide translate $FIX/bad.s --to c -o $TMP/never.s
abide translate $FIX/gcc12.s --to c
abide translate $FIX/gcc12.s --to c --semicolon comment
abide translate no-such-file.s --to c
abide translate --help
