//! Registers and sets of registers.

use std::fmt;

/// One of the registers r0 to r10.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Reg(u8);

impl Reg {
    /// The return value.
    pub const R0: Reg = Reg(0);
    /// The first argument.
    pub const R1: Reg = Reg(1);
    /// The second argument.
    pub const R2: Reg = Reg(2);
    /// The third argument.
    pub const R3: Reg = Reg(3);
    /// The fourth argument.
    pub const R4: Reg = Reg(4);
    /// The fifth argument.
    pub const R5: Reg = Reg(5);
    /// Kept across calls.
    pub const R6: Reg = Reg(6);
    /// Kept across calls.
    pub const R7: Reg = Reg(7);
    /// Kept across calls.
    pub const R8: Reg = Reg(8);
    /// Kept across calls.
    pub const R9: Reg = Reg(9);
    /// The frame pointer, read only.
    pub const R10: Reg = Reg(10);
    /// The frame pointer, read only: `r10`.
    pub const FP: Reg = Reg(10);
    /// How many there are.
    pub const COUNT: usize = 11;

    /// The register with this number, if there is one.
    pub const fn new(number: u8) -> Option<Reg> {
        if number < Self::COUNT as u8 { Some(Reg(number)) } else { None }
    }

    /// All of them, `r0` first.
    pub fn all() -> impl DoubleEndedIterator<Item = Reg> + ExactSizeIterator {
        (0..Self::COUNT as u8).map(Reg)
    }

    /// Its number, below [`Reg::COUNT`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its number as in the encoding.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of registers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RegSet(u16);

impl RegSet {
    /// None.
    pub const EMPTY: RegSet = RegSet(0);
    /// `r1` to `r5`: the arguments of a call, which does not keep them.
    pub const ARGUMENTS: RegSet = RegSet(0b11_1110);

    /// Exactly this one.
    pub const fn of(reg: Reg) -> RegSet {
        RegSet(1 << reg.0)
    }

    /// With this one as well.
    #[must_use]
    pub const fn with(self, reg: Reg) -> RegSet {
        RegSet(self.0 | 1 << reg.0)
    }

    /// Those in either.
    #[must_use]
    pub const fn union(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    /// Those in this one and not in the other.
    #[must_use]
    pub const fn without(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    /// Whether it has this one.
    pub const fn contains(self, reg: Reg) -> bool {
        self.0 & 1 << reg.0 != 0
    }

    /// Whether it has none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, the lowest first.
    pub fn iter(self) -> impl Iterator<Item = Reg> {
        Reg::all().filter(move |reg| self.contains(*reg))
    }
}

impl FromIterator<Reg> for RegSet {
    fn from_iter<I: IntoIterator<Item = Reg>>(regs: I) -> Self {
        regs.into_iter().fold(RegSet::EMPTY, RegSet::with)
    }
}

impl fmt::Debug for RegSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
