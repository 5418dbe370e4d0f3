//! The kernel's error numbers, as map operations return them. Knows nothing of the machine's libc.

use std::fmt;

/// An error number of a map operation; positive, as in `errno.h`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

macro_rules! errnos {
    ($($name:ident = $number:literal, $words:literal;)+) => {
        impl Errno {
            $(#[doc = concat!($words, ".")] pub const $name: Errno = Errno($number);)+

            /// Its symbol, if it is one that maps use.
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some(stringify!($name)),)+ _ => None }
            }

            fn words(self) -> &'static str {
                match self.0 { $($number => $words,)+ _ => "error" }
            }
        }
    };
}

errnos! {
    EPERM = 1, "operation not permitted";
    ENOENT = 2, "no such element";
    E2BIG = 7, "no room, or index too large";
    EAGAIN = 11, "try again";
    ENOMEM = 12, "out of memory";
    EBUSY = 16, "in use";
    EEXIST = 17, "element exists";
    EINVAL = 22, "invalid argument";
    ENOSPC = 28, "no space left";
    EOPNOTSUPP = 95, "operation not supported";
    ENOTSUPP = 524, "operation not supported by this map type";
}

impl Errno {
    /// The number, positive.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// What a helper returns for it: the negated number in a 64-bit register.
    #[allow(clippy::cast_sign_loss, reason = "the register holds the two's complement")]
    pub const fn ret(self) -> u64 {
        -(self.0 as i64) as u64
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.words()),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("errno?"))
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_and_returned() {
        assert_eq!(Errno::ENOENT.to_string(), "ENOENT (no such element)");
        assert_eq!(Errno::E2BIG.ret(), 0xffff_ffff_ffff_fff9);
        assert_eq!(format!("{:?}", Errno::EEXIST), "EEXIST");
    }
}
