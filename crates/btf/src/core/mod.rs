//! CO-RE: where a type of an object is on the host that it runs on, and what its instructions must
//! hold then.
//!
//! A record names a type of the object's own BTF, a path into it and a question (how far is this
//! field, how large, does it exist). [`Resolver::resolve`] finds the same thing in the BTF of a
//! host and gives the answer; [`Resolution::patch`] writes it into the instruction. The rules are
//! those that libbpf documents and shows; `docs/core-parity.md` has the comparison. Nothing here
//! knows objects or sections.
//!
//! ```no_run
//! use abide_btf::core::{Record, Resolver, Target};
//! use abide_btf::{Btf, CoreKind, Kind};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Btf::parse(&std::fs::read("/sys/kernel/btf/vmlinux")?)?;
//! # let local = host.clone();
//! let target = Target::new(&host);
//! let mut resolver = Resolver::new(&local, &target);
//! let ty = local.by_name(Kind::Struct, "task_struct").ok_or("no such struct")?;
//! let resolution =
//!     resolver.resolve(Record { ty, access: "0:1", kind: CoreKind::FieldByteOffset })?;
//! println!("{}", resolution.local.show(&local));
//! # Ok(()) }
//! ```

mod answer;
mod compat;
mod error;
mod find;
mod matches;
mod name;
mod patch;
mod side;
mod spec;
mod walk;

pub use answer::{Answer, Poison, Resize, Resolution};
pub use error::CoreError;
pub use find::{Record, Resolver, Target};
pub use name::essential;
pub use patch::{POISON, Patched};
pub use spec::{Shown, Spec, Step};

/// How deep types are compared; libbpf and the kernel stop there too.
const MAX_DEPTH: u32 = 32;

/// How many numbers an access string may have.
const MAX_PATH: usize = 64;

/// How many comparisons of members and types one relocation may take. Kernels need some thousands;
/// types can be made that would need more than anybody has time for.
const MAX_WORK: u32 = 4_000_000;
