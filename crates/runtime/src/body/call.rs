//! One call of a body: the registers of the program, its memory, its maps. This is all that a raw
//! body sees, and what typed arguments are made from.

use std::fmt;
use std::sync::Arc;

use abide_maps::Slot;

use crate::environment::Environment;
use crate::image::{CallSite, Image};
use crate::interpreter::Machine;
use crate::memory::{CONTEXT, GuestMemory, MapRef, MapSpace, address};
use crate::trap::Trap;

/// One call.
pub struct Call<'a> {
    machine: &'a mut Machine,
    image: &'a Image,
    site: &'a CallSite,
    args: [u64; 5],
    tail_call: Option<Arc<Image>>,
}

/// A map of the program that called.
#[derive(Debug, Clone)]
pub struct MapHandle {
    inner: MapRef,
}

impl MapHandle {
    /// The map.
    pub fn map(&self) -> &Arc<abide_maps::Map> {
        &self.inner.map
    }

    /// The address that the program sees of a value.
    pub fn address(&self, slot: Slot) -> u64 {
        self.inner.value(slot)
    }

    /// Bytes of a key.
    pub fn key_size(&self) -> u64 {
        u64::from(self.inner.map.def().key_size)
    }

    /// Bytes of a value.
    pub fn value_size(&self) -> u64 {
        u64::from(self.inner.map.def().value_size)
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        machine: &'a mut Machine,
        image: &'a Image,
        site: &'a CallSite,
        args: [u64; 5],
    ) -> Self {
        Call { machine, image, site, args, tail_call: None }
    }

    /// The definition that is called: `kv_read@KV_1`.
    pub fn label(&self) -> &str {
        &self.site.label
    }

    /// The registers r1 to r5.
    pub fn args(&self) -> [u64; 5] {
        self.args
    }

    /// The register of a parameter, counted from 0; 0 beyond the fifth.
    #[inline]
    pub fn arg(&self, index: usize) -> u64 {
        self.args.get(index).copied().unwrap_or(0)
    }

    /// The program type, as the API names it; empty for code without an API.
    pub fn program_type(&self) -> &str {
        &self.image.program_type
    }

    /// The CPU that the program runs on.
    pub fn cpu(&self) -> u32 {
        self.machine.cpu
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.machine.environment
    }

    pub(crate) fn memory(&mut self) -> &mut GuestMemory {
        &mut self.machine.memory
    }

    pub(crate) fn take_tail_call(&mut self) -> Option<Arc<Image>> {
        self.tail_call.take()
    }

    /// Copies bytes of the program's memory.
    pub fn read(&self, addr: u64, size: u64) -> Result<Vec<u8>, Trap> {
        self.machine.memory.read_vec(addr, size)
    }

    /// Copies bytes of the program's memory into a buffer.
    pub fn read_into(&self, addr: u64, out: &mut [u8]) -> Result<(), Trap> {
        self.machine.memory.read(addr, out)
    }

    /// Writes to the program's memory, where the program itself could.
    pub fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Trap> {
        self.machine.memory.write(addr, bytes)
    }

    /// Traps unless the program could write all of these bytes.
    pub fn check_writable(&self, addr: u64, size: u64) -> Result<(), Trap> {
        self.machine.memory.check(addr, size, crate::memory::Access::Write)
    }

    /// Traps unless the program could read all of these bytes.
    pub fn check_readable(&self, addr: u64, size: u64) -> Result<(), Trap> {
        self.machine.memory.check(addr, size, crate::memory::Access::Read)
    }

    /// A NUL-terminated string of at most `limit` bytes, without the NUL.
    pub fn read_string(&self, addr: u64, limit: usize) -> Result<Vec<u8>, Trap> {
        self.machine.memory.read_string(addr, limit)
    }

    /// An address in words, for messages.
    pub fn describe(&self, addr: u64) -> String {
        self.machine.memory.locate(addr)
    }

    /// The map that a parameter holds.
    pub fn map(&self, index: usize) -> Result<MapHandle, Trap> {
        let addr = self.arg(index);
        match self.space().by_handle(addr) {
            Some((_, map)) => Ok(MapHandle { inner: map.clone() }),
            None => Err(Trap::argument(format!(
                "argument {} of {} is {}, and not a map",
                index + 1,
                self.label(),
                self.describe(addr)
            ))),
        }
    }

    fn space(&self) -> &Arc<MapSpace> {
        &self.image.space
    }

    /// Traps unless a parameter holds the context.
    pub fn context(&self, index: usize) -> Result<(), Trap> {
        let addr = self.arg(index);
        if addr == address(CONTEXT, 0) && self.machine.memory.layout().is_some() {
            return Ok(());
        }
        Err(Trap::argument(format!(
            "argument {} of {} is {}, and not the context",
            index + 1,
            self.label(),
            self.describe(addr)
        )))
    }

    /// Calls a function of the program, whose address a parameter held.
    pub fn call_back(&mut self, function: u64, args: [u64; 5]) -> Result<u64, Trap> {
        self.machine.call_back(self.image, function, args)
    }

    /// After the body returns, goes on in the program with this index in the load, if it has the same
    /// kind of context. If the limit of tail calls is reached, the body's value is returned instead.
    pub(crate) fn tail_call(&mut self, program: u32) {
        let programs = self.machine.environment.programs.get();
        let Some(image) = programs.and_then(|programs| programs.get(program as usize)) else {
            return;
        };
        let same = match (&image.layout, &self.image.layout) {
            (Some(target), Some(own)) => Arc::ptr_eq(target, own),
            (target, own) => target.is_none() && own.is_none(),
        };
        if same && image.program_type == self.image.program_type {
            self.tail_call = Some(Arc::clone(image));
        }
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("label", &self.site.label)
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}
