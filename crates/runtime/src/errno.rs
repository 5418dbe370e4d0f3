//! Error numbers as programs see them: the generic ones of Linux, whatever machine this runs on.
//! Knows no libc.

use std::fmt;

/// An error number, positive, as in `errno.h`. A body that fails returns it negated in r0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $number:literal, $words:literal;)+) => {
        impl Errno {
            $(#[doc = concat!($words, ".")] pub const $name: Errno = Errno($number);)+

            /// Its symbol, if it is one of those named here.
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some(stringify!($name)),)+ _ => None }
            }
        }
    };
}

errnos! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such entry";
    EIO = 5, "Input or output error";
    E2BIG = 7, "Too big";
    EAGAIN = 11, "Try again";
    ENOMEM = 12, "Out of memory";
    EACCES = 13, "Permission denied";
    EFAULT = 14, "Bad address";
    EBUSY = 16, "In use";
    EEXIST = 17, "Exists already";
    EINVAL = 22, "Invalid argument";
    ENOSPC = 28, "No space left";
    EROFS = 30, "Read-only";
    ERANGE = 34, "Out of range";
    EPROTO = 71, "Protocol error";
    EOPNOTSUPP = 95, "Operation not supported";
    ENOBUFS = 105, "No buffer space";
    ENOTSUPP = 524, "Not supported";
}

impl Errno {
    /// What a program finds in r0: the negated number.
    #[allow(clippy::cast_sign_loss, reason = "the register holds the two's complement")]
    pub const fn register(self) -> u64 {
        -(self.0 as i64) as u64
    }
}

impl From<abide_maps::Errno> for Errno {
    fn from(errno: abide_maps::Errno) -> Self {
        Errno(errno.number())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl std::error::Error for Errno {}
