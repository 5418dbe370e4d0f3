//! The user-space host: memory, checked interpreter, bodies by definition, and the embedding API.
//!
//! What a function does is said by the body registered for its definition, and by nothing else: this
//! room invents no semantics outside the API file.
//!
//! ```no_run
//! use abide_api::Api;
//! use abide_runtime::body::{Bytes, Out};
//! use abide_runtime::{Errno, Host};
//!
//! let api = Api::parse("store.api", r#"
//! api store;
//! STORE_1 released 2026-01-15 {
//!     struct store_ctx { packet const u8 *key; packet_end const u8 *key_end; u32 op; u32 verdict writable; };
//!     program store_filter(struct store_ctx *ctx) section "store/filter" returns 0..1;
//!     kfunc long store_read(const void *key, u32 key__sz, void *dst, u32 dst__sz);
//! };
//! "#)?;
//! let host = Host::builder(&api)
//!     .at("STORE_1")
//!     .body("store_read@STORE_1", |key: Bytes<'_>, mut dst: Out<'_>| -> Result<i64, Errno> {
//!         if key.is_empty() { Err(Errno::ENOENT) } else { Ok(dst.write(b"value") as i64) }
//!     })
//!     .build()?;
//! let filter = host.load(&std::fs::read("filter.bpf.o")?)?.program("filter")?;
//! let mut context = filter.context();
//! context.packet(b"a key").set("op", 3)?;
//! let verdict = filter.run(&mut context)?.value;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod bare;
pub mod body;
pub mod codes;
mod context;
mod disassemble;
mod dynptr;
mod environment;
mod fit;
mod host;
mod image;
mod interpreter;
pub mod linux;
mod load;
mod memory;
mod owned;
mod program;
mod trap;

pub use abide_maps::Errno;
pub use body::{Body, Call, IntoBody, Misfit};
pub use codes::CODES;
pub use context::{Context, ContextError};
pub use host::{Host, HostBuilder, Problem, Problems};
pub use load::{LoadError, Loaded, RefusalError, Unproved};
pub use owned::{Owned, Ref, Released};
pub use program::{Outcome, Program};
pub use trap::{Place, Trap};

/// Instructions that one run may execute when the host says nothing else: about a second.
pub const FUEL: u64 = 1 << 28;
