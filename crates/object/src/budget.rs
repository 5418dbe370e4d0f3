//! How much memory one object may take. An ELF file can describe far more than it contains.

use crate::error::{ObjectError, Problem};

/// The longest name of anything. Names may overlap in the file, so that each byte counts often.
pub(crate) const NAME: usize = 1024;

/// The longest source line that is kept whole.
pub(crate) const LINE: usize = 1024;

/// Code, data and text of one object, in bytes. The kernel takes programs of 8 MB at most.
pub(crate) const TOTAL: u64 = 64 << 20;

/// What is left of [`TOTAL`].
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget(TOTAL)
    }

    /// Takes some, or says that the object is too large.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), ObjectError> {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(Problem::TooLarge { bytes, limit: TOTAL }.nowhere()),
        }
    }

    /// Takes some if there is enough.
    pub(crate) fn spare(&mut self, bytes: usize) -> bool {
        self.take(bytes as u64).is_ok()
    }
}
