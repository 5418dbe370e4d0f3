//! Small programs, each of which only a kernel with one ability accepts. Encodings are those of the
//! instruction table (`abide-isa`), written as raw fields: decoding is what is being asked.

use abide_isa::Raw;

const fn raw(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
    Raw { code, dst, src, off, imm }
}

/// `r0 = 0`
pub(crate) const ZERO: Raw = raw(0xb7, 0, 0, 0, 0);
/// `exit`
pub(crate) const EXIT: Raw = raw(0x95, 0, 0, 0, 0);
/// `*(u64 *)(r10 - 8) = 0`
const SLOT: Raw = raw(0x7a, 10, 0, -8, 0);
/// `r1 = 1`
const ONE: Raw = raw(0xb7, 1, 0, 0, 1);

/// `call` of a helper.
pub(crate) const fn helper(number: i32) -> Raw {
    raw(0x85, 0, 0, 0, number)
}

/// `call` of a kfunc of the kernel itself.
pub(crate) const fn kfunc(id: i32) -> Raw {
    raw(0x85, 0, 2, 0, id)
}

/// Abilities by their names in `linux.api`, with programs all of which must be accepted. What 6.1
/// accepts without running it as meant (`gotol`) shows nothing and is not asked.
pub(crate) const ABILITIES: &[(&str, &[&[Raw]])] = &[
    ("v1", &[&[ZERO, EXIT]]),
    // if r0 < 0 goto +0
    ("v2", &[&[ZERO, raw(0xa5, 0, 0, 0, 1), EXIT]]),
    // if w0 == 0 goto +0
    ("v3", &[&[ZERO, raw(0x16, 0, 0, 0, 0), EXIT]]),
    (
        "v4",
        &[
            // r0 = (s8)r0
            &[ZERO, raw(0xbf, 0, 0, 8, 0), EXIT],
            // r0 = *(s8 *)(r10 - 8); r0 = 0
            &[SLOT, raw(0x91, 0, 10, -8, 0), ZERO, EXIT],
            // r0 = bswap16 r0
            &[ZERO, raw(0xd7, 0, 0, 0, 16), EXIT],
            // r0 s/= 2
            &[ZERO, raw(0x37, 0, 0, 1, 2), EXIT],
        ],
    ),
    // lock *(u64 *)(r10 - 8) += r1
    ("atomic_add", &[&[SLOT, ONE, raw(0xdb, 10, 1, -8, 0), ZERO, EXIT]]),
    (
        "atomics",
        &[
            // r1 = atomic_fetch_add((u64 *)(r10 - 8), r1)
            &[SLOT, ONE, raw(0xdb, 10, 1, -8, 0x01), ZERO, EXIT],
            // r0 = cmpxchg_64(r10 - 8, r0, r1); r0 = 0
            &[SLOT, ONE, ZERO, raw(0xdb, 10, 1, -8, 0xf1), ZERO, EXIT],
        ],
    ),
    // call +2; r0 = 0; exit; r0 = 0; exit
    ("subprograms", &[&[raw(0x85, 0, 1, 0, 2), ZERO, EXIT, ZERO, EXIT]]),
    // r0 += 1; if r0 < 4 goto -2
    ("bounded_loops", &[&[ZERO, raw(0x07, 0, 0, 0, 1), raw(0xa5, 0, 0, -2, 4), ZERO, EXIT]]),
    // may_goto +1; goto -2
    ("may_goto", &[&[ZERO, raw(0xe5, 0, 0, 1, 0), raw(0x05, 0, 0, -2, 0), EXIT]]),
    (
        "acquire_release",
        &[
            // r0 = load_acquire((u64 *)(r10 - 8)); r0 = 0
            &[SLOT, raw(0xdb, 0, 10, -8, 0x100), ZERO, EXIT],
            // store_release((u64 *)(r10 - 8), r1)
            &[SLOT, ONE, raw(0xdb, 10, 1, -8, 0x110), ZERO, EXIT],
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked is what the table says: each decodes.
    #[test]
    fn programs_are_instructions() {
        for (name, programs) in ABILITIES {
            for program in *programs {
                for raw in *program {
                    assert!(abide_isa::decode(&[*raw]).is_ok(), "{name}: {raw:?}");
                }
            }
        }
    }
}
