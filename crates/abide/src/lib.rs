//! Abide runs a BPF program under the version of the API that it was written for.
//!
//! A host of BPF programs writes down what it offers in an *API file*: prototypes with their contracts,
//! grouped by version. From then on it can change its functions, and programs that were compiled for
//! older versions keep the behaviour that they were written for, for as long as the file promises, and
//! are refused with a reason and a way out afterwards.
//!
//! This crate is the door: an embedder needs nothing else. It decides nothing by itself.
//!
//! # Embedding
//!
//! ```
//! use abide::{Api, Bytes, Errno, Host, Out};
//!
//! let api = Api::parse("kv.api", r#"
//!     api kv;
//!     retain 2 years;
//!
//!     KV_1 released 2023-01-13 {
//!         struct kv_ctx {
//!             packet     u8 *key;
//!             packet_end u8 *key_end;
//!             u32 op;
//!             u32 verdict writable;
//!         };
//!         program kv_filter(struct kv_ctx *ctx) section "kv/filter" returns 0..2;
//!
//!         /** Copies the start of a value. Returns the bytes copied. */
//!         kfunc long kv_read(const void *key, u32 key__sz, void *dst, u32 dst__sz);
//!     };
//!     KV_2 released 2024-06-01 {
//!         kfunc long kv_read(const void *key, u32 key__sz, void *dst, u32 dst__sz)
//!             changed "returns the full length of the value, not the bytes copied";
//!     } KV_1;
//! "#)?;
//!
//! // Two definitions of one name are two bodies side by side.
//! let host = |date: &str| -> Result<Host, Box<dyn std::error::Error>> {
//!     Ok(Host::builder(&api)
//!         .at("KV_2")
//!         .on(date.parse()?)
//!         .body("kv_read@KV_1", |_key: Bytes<'_>, mut dst: Out<'_>| dst.write(b"a long value") as i64)
//!         .body("kv_read@KV_2", |_key: Bytes<'_>, mut dst: Out<'_>| {
//!             dst.write(b"a long value");
//!             Ok::<i64, Errno>(12)
//!         })
//!         .build()?)
//! };
//!
//! // An object that clang made for KV_1, over whose four bytes of buffer a KV_2 length would run.
//! let object = std::fs::read("../../examples/kv/kv_v1.bpf.o")?;
//! let filter = host("2025-01-01")?.load(&object)?.program("filter")?;
//! let mut context = filter.context();
//! context.packet(b"key");
//! let outcome = filter.run(&mut context)?;
//! assert_eq!(context.get("verdict")?, 4, "the bytes copied, as KV_1 says");
//! assert_eq!(outcome.value, 1);
//!
//! // On the day after the window the same object is refused.
//! let refused = host("2026-06-02")?.load(&object).unwrap_err();
//! assert_eq!(refused.reports()[0].code.id, "R0201");
//! assert!(refused.to_string().contains("its window ended on 2026-06-01"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program is proved safe when it is loaded, and refused with a reason if it cannot be: see
//! [`HostBuilder::checked`] for hosts that take programs without a proof. The reasons are those of
//! `abide verify`.
//!
//! `examples/kv` of the repository is a whole embedder with three versions.
//!
//! # The stages
//!
//! What [`Host::load`] does in one step can be done one by one: [`Object::parse`] and
//! [`Requirements::of`] look at nothing but the object and the API file; [`HostProfile`] says what a
//! host serves and how, and binds; [`Host::load_bound`] links, makes maps and prepares the code.
//!
//! # Features
//!
//! `cli` (on by default) is the command line `abide`; embedders switch it off with
//! `default-features = false`.
#![forbid(unsafe_code)]

pub mod codes;
mod hosts;

use std::sync::Arc;

// The API file and what follows from it.
pub use abide_api::syntax::Errors as ApiErrors;
pub use abide_api::{
    Api, Binding, Bound, BoundProgram, Callee, DefId, DefKind, Definition, Denial, HostError,
    HostProfile, LinkError, Need, NodeId, ProgramNeeds, Refusal, RefusalKind, Refusals,
    Requirements, Service, Site, WindowEnd,
};
// The types of a host, for CO-RE.
pub use abide_btf::Btf;
// Messages: what every error can be turned into.
pub use abide_diag::{Code, Diagnostic, Report, Severity};
// Why a program is not proved, and what a proof took.
pub use abide_verifier::{Rejection, Statistics};
// Maps, as the host sees them.
pub use abide_maps::{Map as BpfMap, MapKind};
pub use abide_object::{Object, ObjectError, Stamp, host_types};
// A kernel as a host, from its BTF.
pub use abide_linux::load::{Answer, Answers, Asked, LoadError as AskError};
pub use abide_linux::{Defect, Lack, Profile, ProfileError, Release, Running, Standing};
// What the parameters of bodies may be, and what they may return.
pub use abide_runtime::body::{
    Argument, Bytes, Ctx, Dynptr, DynptrOut, InOut, Map, MapHandle, MapKey, MapValue, Misfit, Out,
    Returned, Str, Struct, StructMut,
};
pub use abide_runtime::{
    Body, Call, Context, ContextError, Errno, FUEL, Host, HostBuilder, IntoBody, LoadError, Loaded,
    Outcome, Owned, Place, Problem, Problems, Program, Ref, Released, Trap, Unproved, linux,
};
/// A day of the calendar: what windows are measured against.
pub use jiff::civil::Date;

/// The API of Linux that comes with Abide, `apis/linux.api`, with the kernels of `hosts/` as its hosts.
///
/// # Errors
/// None in a released version: the tests read the same files.
pub fn linux_api() -> Result<Arc<Api>, ApiErrors> {
    let mut api = Api::parse("linux.api", include_str!("../../../apis/linux.api"))?;
    for (name, text) in hosts::HOSTS {
        api.read_hosts(name, text)?;
    }
    Ok(Arc::new(api))
}

/// Every Linux that comes with Abide: the nodes of [`linux_api`], oldest first, then the kernels of
/// `hosts/`, each as the kernel itself is, with one body for each name. What is preserved or adapted is
/// Abide's to add.
///
/// # Errors
/// As [`linux_api`].
pub fn linux_hosts() -> Result<Vec<HostProfile>, ApiErrors> {
    let api = linux_api()?;
    Ok(HostProfile::all(&api).into_iter().map(HostProfile::as_kernel).collect())
}
