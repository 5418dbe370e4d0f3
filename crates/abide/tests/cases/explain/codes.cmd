abide explain R0201
abide explain r0201 --format json
abide explain X9999
