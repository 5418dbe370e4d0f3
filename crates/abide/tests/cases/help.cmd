# What people see first.
abide --help
abide run --help
abide inspect --help
abide api --help
abide api show --help
abide api lint --help
abide api print --help
abide link --help
abide explain --help
