# to: gnu
	r0 = load_acquire((u64 *)(r1 + 0))
	r1 = addr_space_cast(r1, 0, 1)
	exit
