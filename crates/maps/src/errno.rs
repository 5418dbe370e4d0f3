//! Error numbers as programs see them: the generic ones of Linux, whatever machine this runs on. Maps return
//! them, and so do helpers and kfuncs. Knows no libc.

use std::fmt;

/// An error number, positive, as in `errno.h`. A body that fails returns it negated in r0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

macro_rules! errnos {
    ($($name:ident = $number:literal, $words:literal;)+) => {
        impl Errno {
            $(#[doc = concat!($words, ".")] pub const $name: Errno = Errno($number);)+

            /// Its symbol, if it is one of those named here.
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
    EIO = 5, "input or output error";
    E2BIG = 7, "no room, or index too large";
    EAGAIN = 11, "try again";
    ENOMEM = 12, "out of memory";
    EACCES = 13, "permission denied";
    EFAULT = 14, "bad address";
    EBUSY = 16, "in use";
    EEXIST = 17, "element exists";
    EINVAL = 22, "invalid argument";
    ENOSPC = 28, "no space left";
    EROFS = 30, "read-only";
    ERANGE = 34, "out of range";
    EPROTO = 71, "protocol error";
    EOPNOTSUPP = 95, "operation not supported";
    ENOBUFS = 105, "no buffer space";
    ENOTSUPP = 524, "not supported here";
}

impl Errno {
    /// The error of a number that is not named here.
    pub const fn new(number: i32) -> Errno {
        Errno(number)
    }

    /// The number, positive.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// What a program finds in r0: the negated number.
    #[allow(clippy::cast_sign_loss, reason = "the register holds the two's complement")]
    pub const fn register(self) -> u64 {
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
        assert_eq!(Errno::E2BIG.register(), 0xffff_ffff_ffff_fff9);
        assert_eq!(format!("{:?}", Errno::EEXIST), "EEXIST");
    }
}
