//! BPF objects: what clang and gcc leave in an ELF file, as plain data.
//!
//! [`Object::parse`] reads functions, programs, maps, externs, relocations, source lines and the
//! stamp. It depends on nothing but the bytes: the same file gives the same [`Object`] on every
//! machine, and nothing is resolved that only a host can know. ELF itself is read by the `object`
//! crate; nothing else in here knows that format than the modules `elf` and [`image`].
//!
//! ```no_run
//! let object = abide_object::Object::parse(&std::fs::read("firewall.bpf.o")?)?;
//! for program in &object.programs {
//!     println!("{}: {}", program.section, object.function(program.function).name);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod budget;
pub mod codes;
mod core;
mod elf;
mod error;
mod externs;
mod functions;
pub mod image;
mod info;
mod kconfig;
mod kinds;
pub mod link;
mod map_definition;
mod maps;
mod model;
mod parse;
mod programs;
mod relocate;
mod sections;
mod stamp;
mod struct_ops;
mod variables;

pub use core::{Outcome, Relocated, host_types, module_types};
pub use error::{ObjectError, Place, Problem};
pub use kconfig::Kconfig;
pub use kinds::{AttachType, ProgramType};
pub use model::{
    Arena, CoreRelocation, ExceptionCallback, Extern, ExternId, ExternKind, Function, FunctionId,
    KconfigForm, KconfigValue, Line, Linkage, Map, MapId, MapOrigin, Object, Program, ProgramId,
    Relocation, Stamp, Target,
};
pub use sections::{AttachTarget, SectionRule};
