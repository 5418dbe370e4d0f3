//! A Linux kernel as a host: what it offers, read from its BTF, in the words of an API file.
//!
//! [`Profile`] reads the BTF of a kernel, a file's or the running one's. [`Standing`] compares it with
//! the API of Linux: the node it stands on, what it has besides, what it lacks, what is wrong with its
//! BTF; and makes the host of it. Nothing here attaches or pins anything.
//!
//! ```no_run
//! use abide_linux::{Profile, Release, Standing};
//! # fn example(api: std::sync::Arc<abide_api::Api>) -> Result<(), Box<dyn std::error::Error>> {
//! let types = abide_object::host_types(&std::fs::read("/sys/kernel/btf/vmlinux")?)?;
//! let profile = Profile::of(&types)?;
//! let standing = Standing::of(&profile, &api, Release::parse("6.18.5").as_ref())?;
//! let host = standing.host("running", standing.released());
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_op_in_unsafe_fn)]

pub mod codes;
mod defect;
mod error;
mod evidence;
mod kfuncs;
pub mod load;
mod profile;
mod release;
mod running;
mod standing;

pub use defect::Defect;
pub use error::ProfileError;
pub use profile::Profile;
pub use release::Release;
pub use running::{Running, RunningError};
pub use standing::{Lack, OwnAdditions, Standing, Unsure};
