//! `bpf(2)` as far as probing needs it: BPF_PROG_LOAD and BPF_MAP_CREATE, and no other command. What it
//! makes is closed before it returns: nothing is attached, linked or pinned.
#![allow(unsafe_code, reason = "bpf(2) takes the addresses of its operands")]

use abide_isa::{Endian, Raw};

/// A program to load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    /// `BPF_PROG_TYPE_…`.
    pub(crate) program_type: u32,
    /// The expected attach type.
    pub(crate) attach_type: u32,
    /// `BPF_F_…`.
    pub(crate) flags: u32,
    /// The type in the kernel's BTF that it is for, or 0.
    pub(crate) target: u32,
    /// Its code.
    pub(crate) code: &'a [Raw],
}

/// Why the kernel refused something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The error number.
    pub(crate) errno: i32,
    /// The verifier's log; empty if it was not reached.
    pub(crate) log: String,
}

/// A map to make: type, key size, value size, entries, flags, and whether maps are its values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Create {
    pub(crate) kind: u32,
    pub(crate) key: u32,
    pub(crate) value: u32,
    pub(crate) entries: u32,
    pub(crate) flags: u32,
    pub(crate) of_maps: bool,
}

/// The code as the kernel of this machine reads it.
fn bytes(code: &[Raw]) -> Vec<u8> {
    code.iter().flat_map(|raw| raw.to_bytes(Endian::NATIVE)).collect()
}

#[cfg(target_os = "linux")]
mod call {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    use super::{Create, Load, Refused, bytes};

    const MAP_CREATE: libc::c_long = 0;
    const PROG_LOAD: libc::c_long = 5;
    /// The log of a program of a few instructions is far shorter.
    const LOG: usize = 1 << 15;

    /// `union bpf_attr` up to the field of a program's target: zero to the end.
    #[repr(C, align(8))]
    struct Attr([u32; 30]);

    impl Attr {
        fn address(&mut self, at: usize, pointer: *const u8) {
            let address = (pointer.expose_provenance() as u64).to_ne_bytes();
            let [a, b, c, d, e, f, g, h] = address;
            self.0[at] = u32::from_ne_bytes([a, b, c, d]);
            self.0[at + 1] = u32::from_ne_bytes([e, f, g, h]);
        }
    }

    /// A command that makes a file descriptor.
    ///
    /// # Safety
    /// `command` is MAP_CREATE or PROG_LOAD, and addresses in `attr` are those of buffers that live and
    /// are as long as the fields beside them say.
    unsafe fn made(command: libc::c_long, attr: &mut Attr) -> Result<OwnedFd, i32> {
        // SAFETY: `attr` is as long as said; the buffers are the caller's.
        let fd =
            unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, size_of::<Attr>()) };
        match i32::try_from(fd) {
            // SAFETY: the kernel has just made this descriptor, and nobody else has it.
            Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        }
    }

    /// Loads a program and lets it go.
    pub(crate) fn load(load: &Load<'_>) -> Result<(), Refused> {
        let code = bytes(load.code);
        let licence = *b"GPL\0";
        let mut log = vec![0_u8; LOG];
        let mut attr = Attr([0; 30]);
        attr.0[0] = load.program_type;
        attr.0[1] = load.code.len() as u32;
        attr.address(2, code.as_ptr());
        attr.address(4, licence.as_ptr());
        attr.0[6] = 1;
        attr.0[7] = LOG as u32;
        attr.address(8, log.as_mut_ptr());
        attr.0[11] = load.flags;
        attr.0[17] = load.attach_type;
        attr.0[27] = load.target;
        // SAFETY: code, licence and log live to the end of this function; the first two are read as
        // far as their length and NUL, the log is written as far as LOG.
        let result = unsafe { made(PROG_LOAD, &mut attr) };
        result.map(drop).map_err(|errno| {
            let end = log.iter().position(|byte| *byte == 0).unwrap_or(LOG);
            Refused { errno, log: String::from_utf8_lossy(&log[..end]).into_owned() }
        })
    }

    /// Makes a map and lets it go.
    pub(crate) fn create(create: &Create) -> Result<(), i32> {
        make(create).map(drop)
    }

    fn make(create: &Create) -> Result<OwnedFd, i32> {
        let array = Create { kind: 2, key: 4, value: 4, entries: 1, flags: 0, of_maps: false };
        let inner = if create.of_maps { Some(make(&array)?) } else { None };
        let mut attr = Attr([0; 30]);
        attr.0[..5].copy_from_slice(&[
            create.kind,
            create.key,
            create.value,
            create.entries,
            create.flags,
        ]);
        attr.0[5] = inner.as_ref().map_or(0, |fd| fd.as_raw_fd() as u32);
        // SAFETY: no addresses; `inner` lives till the end.
        unsafe { made(MAP_CREATE, &mut attr) }
    }
}

#[cfg(not(target_os = "linux"))]
mod call {
    //! There is no `bpf(2)`.

    use super::{Create, Load, Refused, bytes};

    /// "Function not implemented", as Linux says it.
    const ENOSYS: i32 = 38;

    pub(crate) fn load(load: &Load<'_>) -> Result<(), Refused> {
        let _ = bytes(load.code);
        Err(Refused { errno: ENOSYS, log: String::new() })
    }

    pub(crate) fn create(_: &Create) -> Result<(), i32> {
        Err(ENOSYS)
    }
}

pub(crate) use call::{create, load};
