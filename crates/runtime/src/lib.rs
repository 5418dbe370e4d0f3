//! The user-space host: memory, checked interpreter, bodies by definition, and the embedding API.
//!
//! What a function does is said by the body registered for its definition, and by nothing else: this
//! room invents no semantics outside the API file.
#![forbid(unsafe_code)]

pub mod bare;
pub mod body;
pub mod codes;
mod context;
mod disassemble;
mod dynptr;
mod environment;
mod errno;
mod host;
mod image;
mod interpreter;
pub mod linux;
mod load;
mod memory;
mod owned;
mod program;
mod trap;

pub use body::{Body, Call, IntoBody, Misfit};
pub use codes::CODES;
pub use context::{Context, ContextError};
pub use errno::Errno;
pub use host::{Host, HostBuilder, Problem, Problems};
pub use load::{LoadError, Loaded, RefusalError};
pub use owned::{Owned, Ref, Released};
pub use program::{Outcome, Program};
pub use trap::{Place, Trap};

/// Instructions that one run may execute when the host says nothing else: about a second.
pub const FUEL: u64 = 1 << 28;
