//! Numbers that are the same for the same seed, on every machine.

/// A generator of numbers that is the same everywhere (xorshift64*).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// One of several words.
    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    /// Numbers near borders more often than by chance.
    pub fn constant(&mut self) -> i64 {
        match self.below(6) {
            0 => self.below(16) as i64,
            1 => self.below(300) as i64 - 150,
            2 => 1 << self.below(31),
            3 => (1 << self.below(31)) - 1,
            4 => -(1 << self.below(31)),
            _ => i64::from(self.number() as i32),
        }
    }
}
