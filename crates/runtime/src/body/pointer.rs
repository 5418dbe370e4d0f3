//! Arguments that are pointers: memory, strings, maps, the context, objects. Each is a copy while the
//! closure runs, so that no two can alias; what it changed is written back afterwards.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::argument::{Argument, Bound};
use super::call::{Call, MapHandle};
use super::signature::{Misfit, Params, Shape, Shaped};
use crate::Errno;
use crate::context::ContextError;
use crate::dynptr::{self, Dynamic};
use crate::memory::{Access, GuestMemory};
use crate::owned::{Ref, Released};
use crate::trap::Trap;

/// The longest string that is read.
const STRING_MAX: usize = 4096;

fn bound(register: usize, param: &Shaped) -> Bound {
    Bound { register, name: param.name.clone(), ..Bound::default() }
}

/// A pointer with its size in the next parameter.
fn sized(params: &mut Params<'_>, found: &str, written: bool) -> Result<Bound, Misfit> {
    let (register, param) = params.next(found)?;
    match param.shape {
        Shape::Sized { constant } if !(written && constant) => {
            let mut bound = bound(register, param);
            bound.short_size = params.size_is_short(register + 1);
            Ok(bound)
        }
        _ => Err(params.misfit(param, found)),
    }
}

impl Bound {
    /// The size in the next register.
    fn length(&self, call: &Call<'_>) -> u64 {
        let size = call.arg(self.register + 1);
        if self.short_size { u64::from(size as u32) } else { size }
    }

    fn place<T>(&self, call: &Call<'_>, result: Result<T, Trap>) -> Result<T, Trap> {
        result.map_err(|trap| {
            trap.note(format!("for the parameter `{}` of {}", self.name, call.label()))
        })
    }
}

macro_rules! buffer_debug {
    ($($type:ident)+) => {$(
        impl fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($type)).field(&self.bytes).finish()
            }
        }
    )+};
}
buffer_debug!(Bytes Out InOut Struct StructMut MapKey MapValue Str);

macro_rules! readable {
    ($($type:ident)+) => {$(
        impl Deref for $type<'_> {
            type Target = [u8];
            fn deref(&self) -> &[u8] {
                self.bytes
            }
        }
    )+};
}
readable!(Bytes InOut Struct StructMut MapKey MapValue Str);

macro_rules! writable {
    ($($type:ident)+) => {$(
        impl DerefMut for $type<'_> {
            fn deref_mut(&mut self) -> &mut [u8] {
                self.bytes
            }
        }
    )+};
}
writable!(InOut StructMut);

/// Memory that the body reads: `const void *data, u32 data__sz`. Takes both parameters.
pub struct Bytes<'a> {
    bytes: &'a [u8],
}

impl Argument for Bytes<'_> {
    type Item<'a> = Bytes<'a>;
    type Stored = Vec<u8>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        sized(params, "Bytes<'_>", false)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Vec<u8>, Trap> {
        let size = bound.length(call);
        if size == 0 {
            return Ok(Vec::new());
        }
        let bytes = call.read(call.arg(bound.register), size);
        bound.place(call, bytes)
    }

    fn item(stored: &mut Vec<u8>) -> Bytes<'_> {
        Bytes { bytes: stored }
    }
}

/// Memory that the body writes: `void *dst, u32 dst__sz`. Takes both parameters. What the body did
/// not write keeps its old content.
pub struct Out<'a> {
    bytes: &'a mut Vec<u8>,
    capacity: usize,
}

impl Out<'_> {
    /// How many bytes the program gave room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Appends as much as fits to what was written; returns how much that was.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let room = self.capacity - self.bytes.len();
        let count = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    /// Appends all, or nothing and `E2BIG`.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.len() > self.capacity - self.bytes.len() {
            return Err(Errno::E2BIG);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl Argument for Out<'_> {
    type Item<'a> = Out<'a>;
    type Stored = (Vec<u8>, usize);

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        sized(params, "Out<'_>", true)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self::Stored, Trap> {
        let size = bound.length(call);
        if size != 0 {
            // The contract is that all of it can be written, whatever the body will write.
            let checked = call.check_writable(call.arg(bound.register), size);
            bound.place(call, checked)?;
        }
        Ok((Vec::new(), size as usize))
    }

    fn item((bytes, capacity): &mut Self::Stored) -> Out<'_> {
        Out { bytes, capacity: *capacity }
    }

    fn finish((bytes, _): Self::Stored, bound: &Bound, call: &mut Call<'_>) -> Result<(), Trap> {
        if bytes.is_empty() { Ok(()) } else { call.write(call.arg(bound.register), &bytes) }
    }
}

/// Memory that the body reads and writes: `void *data, u32 data__sz`. Takes both parameters.
pub struct InOut<'a> {
    bytes: &'a mut [u8],
}

impl Argument for InOut<'_> {
    type Item<'a> = InOut<'a>;
    type Stored = Vec<u8>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        sized(params, "InOut<'_>", true)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Vec<u8>, Trap> {
        let size = bound.length(call);
        if size == 0 {
            return Ok(Vec::new());
        }
        let addr = call.arg(bound.register);
        let checked = call.check_writable(addr, size).and_then(|()| call.read(addr, size));
        bound.place(call, checked)
    }

    fn item(stored: &mut Vec<u8>) -> InOut<'_> {
        InOut { bytes: stored }
    }

    fn finish(bytes: Vec<u8>, bound: &Bound, call: &mut Call<'_>) -> Result<(), Trap> {
        if bytes.is_empty() { Ok(()) } else { call.write(call.arg(bound.register), &bytes) }
    }
}

fn fixed(params: &mut Params<'_>, found: &str, written: bool) -> Result<Bound, Misfit> {
    let (register, param) = params.next(found)?;
    match &param.shape {
        Shape::Fixed { size, constant, .. } if !(written && *constant) => {
            Ok(Bound { size: *size, ..bound(register, param) })
        }
        _ => Err(params.misfit(param, found)),
    }
}

/// A struct or integer that the body reads through a pointer: `const struct point *p`. The bytes are
/// as the API lays them out.
pub struct Struct<'a> {
    bytes: &'a [u8],
}

impl Argument for Struct<'_> {
    type Item<'a> = Struct<'a>;
    type Stored = Vec<u8>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        fixed(params, "Struct<'_>", false)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Vec<u8>, Trap> {
        let bytes = call.read(call.arg(bound.register), u64::from(bound.size));
        bound.place(call, bytes)
    }

    fn item(stored: &mut Vec<u8>) -> Struct<'_> {
        Struct { bytes: stored }
    }
}

/// A struct or integer that the body reads and writes through a pointer: `struct point *p`.
pub struct StructMut<'a> {
    bytes: &'a mut [u8],
}

impl Argument for StructMut<'_> {
    type Item<'a> = StructMut<'a>;
    type Stored = Vec<u8>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        fixed(params, "StructMut<'_>", true)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Vec<u8>, Trap> {
        let (addr, size) = (call.arg(bound.register), u64::from(bound.size));
        let checked = call.check_writable(addr, size).and_then(|()| call.read(addr, size));
        bound.place(call, checked)
    }

    fn item(stored: &mut Vec<u8>) -> StructMut<'_> {
        StructMut { bytes: stored }
    }

    fn finish(bytes: Vec<u8>, bound: &Bound, call: &mut Call<'_>) -> Result<(), Trap> {
        call.write(call.arg(bound.register), &bytes)
    }
}

/// A string: `const char *name` or `void *name__str`, up to its NUL and without it.
pub struct Str<'a> {
    bytes: &'a [u8],
}

impl Argument for Str<'_> {
    type Item<'a> = Str<'a>;
    type Stored = Vec<u8>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let (register, param) = params.next("Str<'_>")?;
        match param.shape {
            Shape::Text => Ok(bound(register, param)),
            _ => Err(params.misfit(param, "Str<'_>")),
        }
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Vec<u8>, Trap> {
        let text = call.read_string(call.arg(bound.register), STRING_MAX);
        bound.place(call, text)
    }

    fn item(stored: &mut Vec<u8>) -> Str<'_> {
        Str { bytes: stored }
    }
}

/// A map: `struct bpf_map *map`.
#[derive(Debug)]
pub struct Map<'a> {
    handle: &'a MapHandle,
}

impl Deref for Map<'_> {
    type Target = abide_maps::Map;
    fn deref(&self) -> &abide_maps::Map {
        self.handle.map()
    }
}

impl Argument for Map<'_> {
    type Item<'a> = Map<'a>;
    type Stored = MapHandle;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let (register, param) = params.next("Map<'_>")?;
        match param.shape {
            Shape::Map => Ok(bound(register, param)),
            _ => Err(params.misfit(param, "Map<'_>")),
        }
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<MapHandle, Trap> {
        call.map(bound.register)
    }

    fn item(stored: &mut MapHandle) -> Map<'_> {
        Map { handle: stored }
    }
}

macro_rules! element {
    ($type:ident, $size:ident, $doc:literal) => {
        #[doc = $doc]
        pub struct $type<'a> {
            bytes: &'a [u8],
        }

        impl Argument for $type<'_> {
            type Item<'a> = $type<'a>;
            type Stored = Vec<u8>;

            fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
                const FOUND: &str = concat!(stringify!($type), "<'_>");
                let map = params.map_register();
                let (register, param) = params.next(FOUND)?;
                match (&param.shape, map) {
                    (Shape::Untyped { .. }, Some(map)) => {
                        Ok(Bound { map, ..bound(register, param) })
                    }
                    _ => Err(params.misfit(param, FOUND)),
                }
            }

            fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Vec<u8>, Trap> {
                let size = call.map(bound.map)?.$size();
                let bytes = call.read(call.arg(bound.register), size);
                bound.place(call, bytes)
            }

            fn item(stored: &mut Vec<u8>) -> $type<'_> {
                $type { bytes: stored }
            }
        }
    };
}

element!(MapKey, key_size, "A key of the map in an earlier parameter: `const void *key`.");
element!(MapValue, value_size, "A value of the map in an earlier parameter: `const void *value`.");

/// The context of the program that called: `struct kv_ctx *ctx`.
pub struct Ctx<'a> {
    memory: &'a mut GuestMemory,
}

impl Ctx<'_> {
    /// All bytes of the context struct.
    pub fn bytes(&self) -> &[u8] {
        self.memory.context()
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Result<u64, ContextError> {
        self.memory.field(field)
    }

    /// Sets a field, whether or not programs may write it.
    pub fn set(&mut self, field: &str, value: impl Into<i128>) -> Result<(), ContextError> {
        self.memory.set_field(field, value.into())
    }

    /// The packet; empty if there is none.
    pub fn packet(&self) -> &[u8] {
        self.memory.packet_bytes().unwrap_or_default()
    }

    /// The packet, to be changed in place.
    pub fn packet_mut(&mut self) -> &mut [u8] {
        self.memory.packet_bytes_mut().unwrap_or_default()
    }

    /// Moves the begin of the packet by so many bytes: negative makes room. `EINVAL` if there is no
    /// room, or nothing would be left.
    pub fn adjust_head(&mut self, delta: i32) -> Result<(), Errno> {
        self.memory.adjust_head(delta, 1)
    }

    /// Moves the end of the packet; new bytes are zero. `EINVAL` if there is no room, or nothing would
    /// be left.
    pub fn adjust_tail(&mut self, delta: i32) -> Result<(), Errno> {
        self.memory.adjust_tail(delta, 1)
    }
}

impl fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ctx").field(&self.bytes()).finish()
    }
}

/// The memory of the program, while a closure has the context.
#[derive(Debug, Default)]
pub struct Lent {
    memory: GuestMemory,
}

impl Argument for Ctx<'_> {
    type Item<'a> = Ctx<'a>;
    type Stored = Lent;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let (register, param) = params.next("Ctx<'_>")?;
        match param.shape {
            Shape::Context => Ok(bound(register, param)),
            _ => Err(params.misfit(param, "Ctx<'_>")),
        }
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Lent, Trap> {
        call.context(bound.register)?;
        Ok(Lent::default())
    }

    fn lend(stored: &mut Lent, call: &mut Call<'_>) {
        std::mem::swap(&mut stored.memory, call.memory());
    }

    fn item(stored: &mut Lent) -> Ctx<'_> {
        Ctx { memory: &mut stored.memory }
    }

    fn give_back(stored: &mut Lent, call: &mut Call<'_>) {
        std::mem::swap(&mut stored.memory, call.memory());
    }
}

fn object<T: Any + Send + Sync>(
    bound: &Bound,
    value: Arc<dyn Any + Send + Sync>,
) -> Result<Arc<T>, Trap> {
    value.downcast().map_err(|_| {
        let wanted = std::any::type_name::<T>();
        Trap::body(format!("the object for `{}` is not a Rust `{wanted}`", bound.name))
    })
}

fn held(params: &mut Params<'_>, found: &str, releases: bool) -> Result<Bound, Misfit> {
    let (register, param) = params.next(found)?;
    let contract = &params.signature().contract;
    match &param.shape {
        Shape::Opaque { kind } | Shape::Fixed { kind: Some(kind), .. }
            if contract.release == releases =>
        {
            Ok(Bound { kind: Arc::clone(kind), ..bound(register, param) })
        }
        _ => Err(params.misfit(param, found)),
    }
}

impl<T: Any + Send + Sync> Argument for Ref<'_, T> {
    type Item<'a> = Ref<'a, T>;
    type Stored = Arc<T>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        held(params, "Ref<'_, T>", false)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Arc<T>, Trap> {
        let addr = call.arg(bound.register);
        let found = call.memory().object(addr, &bound.kind);
        object(bound, Arc::clone(&bound.place(call, found)?.value))
    }

    fn item(stored: &mut Arc<T>) -> Ref<'_, T> {
        Ref { value: stored }
    }
}

impl<T: Any + Send + Sync> Argument for Released<T> {
    type Item<'a> = Released<T>;
    type Stored = Option<Arc<T>>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        held(params, "Released<T>", true)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self::Stored, Trap> {
        let addr = call.arg(bound.register);
        let taken = call.memory().take_object(addr, &bound.kind);
        object(bound, Arc::clone(&bound.place(call, taken)?.value)).map(Some)
    }

    fn item(stored: &mut Self::Stored) -> Released<T> {
        let value = stored.take().expect("`item` is called once after `fetch`");
        Released { value }
    }
}

/// What a dynptr refers to: `const struct bpf_dynptr *p`.
pub struct Dynptr<'a> {
    bytes: &'a [u8],
    read_only: bool,
}

impl Dynptr<'_> {
    /// Whether the program may not write through it.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }
}

readable!(Dynptr);
buffer_debug!(Dynptr);

impl Argument for Dynptr<'_> {
    type Item<'a> = Dynptr<'a>;
    type Stored = (Vec<u8>, bool);

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let (register, param) = params.next("Dynptr<'_>")?;
        match param.shape {
            Shape::Dynptr if !param.uninit => Ok(bound(register, param)),
            _ => Err(params.misfit(param, "Dynptr<'_>")),
        }
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self::Stored, Trap> {
        let pointer = Dynamic::read(call, call.arg(bound.register));
        let pointer = bound.place(call, pointer)?;
        let bytes = dynptr::copy(call, &pointer, 0, u64::from(pointer.size))?;
        Ok((bytes, pointer.read_only))
    }

    fn item((bytes, read_only): &mut Self::Stored) -> Dynptr<'_> {
        Dynptr { bytes, read_only: *read_only }
    }
}

/// A dynptr that the body makes: `struct bpf_dynptr *p__uninit`. It refers to a read-only copy of the
/// bytes that the body gives, or to nothing.
#[derive(Debug)]
pub struct DynptrOut<'a> {
    bytes: &'a mut Option<Vec<u8>>,
}

impl DynptrOut<'_> {
    /// Makes it refer to these bytes.
    pub fn set(&mut self, bytes: impl Into<Vec<u8>>) {
        *self.bytes = Some(bytes.into());
    }
}

impl Argument for DynptrOut<'_> {
    type Item<'a> = DynptrOut<'a>;
    type Stored = Option<Vec<u8>>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let (register, param) = params.next("DynptrOut<'_>")?;
        match param.shape {
            Shape::Dynptr if param.uninit => Ok(bound(register, param)),
            _ => Err(params.misfit(param, "DynptrOut<'_>")),
        }
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self::Stored, Trap> {
        let addr = call.arg(bound.register);
        let checked = call.memory().check(addr, dynptr::SIZE, Access::Write);
        bound.place(call, checked)?;
        Ok(None)
    }

    fn item(stored: &mut Self::Stored) -> DynptrOut<'_> {
        DynptrOut { bytes: stored }
    }

    fn finish(stored: Self::Stored, bound: &Bound, call: &mut Call<'_>) -> Result<(), Trap> {
        let addr = call.arg(bound.register);
        let pointer = match stored {
            None => Dynamic::null(),
            Some(bytes) => dynptr::of_bytes(call, &bytes)?,
        };
        pointer.write(call, addr)
    }
}
