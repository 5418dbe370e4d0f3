//! The running kernel as an oracle: `bpf(2)` as far as tests need it, with safe functions.
//!
//! Maps, programs and BTF are anonymous and gone with their file descriptors. Nothing here attaches,
//! links or pins. Error numbers are positive.
#![allow(unsafe_code, reason = "bpf(2) takes the addresses of its operands")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const MAP_CREATE: i64 = 0;
const MAP_LOOKUP: i64 = 1;
const MAP_UPDATE: i64 = 2;
const MAP_DELETE: i64 = 3;
const MAP_NEXT_KEY: i64 = 4;
const PROG_LOAD: i64 = 5;
const PROG_TEST_RUN: i64 = 10;
const BTF_LOAD: i64 = 18;
const MAP_FREEZE: i64 = 22;

/// `BPF_PROG_TYPE_SOCKET_FILTER`.
pub const SOCKET_FILTER: u32 = 1;
/// `BPF_PROG_TYPE_SCHED_CLS`.
pub const SCHED_CLS: u32 = 3;
/// `BPF_PROG_TYPE_XDP`.
pub const XDP: u32 = 6;

/// `union bpf_attr` as far as it is needed here: zero to the end.
#[repr(C, align(8))]
struct Attr([u64; 18]);

impl Attr {
    fn new(words: &[u64]) -> Attr {
        let mut attr = Attr([0; 18]);
        attr.0[..words.len()].copy_from_slice(words);
        attr
    }
}

/// # Safety
/// The addresses in `attr` must be those of buffers as long as the command takes them to be.
unsafe fn bpf(command: i64, attr: &mut Attr) -> Result<i32, i32> {
    // SAFETY: the kernel reads and writes `attr`, which is as long as said; the rest is the caller's.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, size_of::<Attr>()) };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

/// # Safety
/// As [`bpf`], and the command must be one that makes a file descriptor.
unsafe fn made(command: i64, attr: &mut Attr) -> Result<OwnedFd, i32> {
    // SAFETY: the caller's.
    let fd = unsafe { bpf(command, attr)? };
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Two neighbouring 32-bit fields.
fn pair(first: u32, second: u32) -> u64 {
    let [a, b, c, d] = first.to_ne_bytes();
    let [e, f, g, h] = second.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

fn fd(of: &OwnedFd) -> u32 {
    of.as_raw_fd() as u32
}

fn address<T>(slice: &[T]) -> u64 {
    match slice {
        // What a command does not use must be zero.
        [] => 0,
        slice => slice.as_ptr().expose_provenance() as u64,
    }
}

fn address_mut(slice: &mut [u8]) -> u64 {
    match slice {
        [] => 0,
        slice => slice.as_mut_ptr().expose_provenance() as u64,
    }
}

/// How many CPUs the values of a per-CPU map are for.
pub fn possible_cpus() -> u32 {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    let last = text.trim().rsplit(['-', ',']).next().and_then(|last| last.parse::<u32>().ok());
    last.map_or(1, |last| last + 1)
}

/// Whether this process may create maps and load programs; says so if not.
pub fn permitted() -> bool {
    // r0 = 0; exit
    let code = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    let map =
        Map::create(&MapAttr { kind: 1, key_size: 4, value_size: 4, ..MapAttr::default() }, 1);
    let program = load_program(SOCKET_FILTER, &code, &[]);
    match map.map(drop).and(program.map(drop).map_err(|refused| refused.errno)) {
        Ok(()) => true,
        Err(errno) => {
            let error = io::Error::from_raw_os_error(errno);
            crate::skip(&format!("the kernel does not let this process use bpf(2): {error}"));
            false
        }
    }
}

/// What a map is made of, in the numbers of `bpf(2)`.
#[derive(Debug, Clone, Copy)]
pub struct MapAttr {
    /// `BPF_MAP_TYPE_…`.
    pub kind: u32,
    /// In bytes.
    pub key_size: u32,
    /// In bytes.
    pub value_size: u32,
    /// The most entries.
    pub max_entries: u32,
    /// `BPF_F_…`.
    pub flags: u32,
}

impl Default for MapAttr {
    fn default() -> Self {
        MapAttr { kind: 2, key_size: 4, value_size: 8, max_entries: 1, flags: 0 }
    }
}

/// A map of the kernel.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    key_size: usize,
    value_size: usize,
}

impl Map {
    /// `BPF_MAP_CREATE`. `cpus` is 1 but for per-CPU maps: see [`possible_cpus`].
    pub fn create(attr: &MapAttr, cpus: u32) -> Result<Map, i32> {
        let words = [
            pair(attr.kind, attr.key_size),
            pair(attr.value_size, attr.max_entries),
            pair(attr.flags, 0),
        ];
        // SAFETY: no addresses.
        let fd = unsafe { made(MAP_CREATE, &mut Attr::new(&words))? };
        let stride = (attr.value_size as usize).next_multiple_of(8);
        let value_size = if cpus > 1 { stride * cpus as usize } else { attr.value_size as usize };
        Ok(Map { fd, key_size: attr.key_size as usize, value_size })
    }

    /// The size of a value as it is read and written, in bytes: that of all CPUs.
    pub fn value_size(&self) -> usize {
        self.value_size
    }

    fn call(&self, command: i64, key: Option<&[u8]>, out: u64, flags: u64) -> Result<(), i32> {
        assert!(key.is_none_or(|key| key.len() == self.key_size), "a key of another size");
        let key = key.map_or(0, address);
        // SAFETY: the key is as long as the map's; the callers see to `out`.
        unsafe { bpf(command, &mut Attr::new(&[pair(fd(&self.fd), 0), key, out, flags])) }.map(drop)
    }

    /// `BPF_MAP_LOOKUP_ELEM`.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut value = vec![0; self.value_size];
        self.call(MAP_LOOKUP, Some(key), address_mut(&mut value), 0).ok()?;
        Some(value)
    }

    /// `BPF_MAP_UPDATE_ELEM`.
    pub fn set(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), i32> {
        assert_eq!(value.len(), self.value_size, "a value of another size");
        self.call(MAP_UPDATE, Some(key), address(value), flags)
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub fn remove(&self, key: &[u8]) -> Result<(), i32> {
        self.call(MAP_DELETE, Some(key), 0, 0)
    }

    /// All keys, by `BPF_MAP_GET_NEXT_KEY`.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut next = vec![0; self.key_size];
        let mut after = || {
            let last = keys.last().map(Vec::as_slice);
            let found = self.call(MAP_NEXT_KEY, last, address_mut(&mut next), 0);
            keys.push(next.clone());
            found
        };
        while after().is_ok() {}
        keys.pop();
        keys
    }

    /// `BPF_MAP_FREEZE`.
    pub fn freeze(&self) -> Result<(), i32> {
        // SAFETY: no addresses.
        unsafe { bpf(MAP_FREEZE, &mut Attr::new(&[pair(fd(&self.fd), 0)])) }.map(drop)
    }
}

/// Why the kernel refused something.
#[derive(Debug)]
pub struct Refused {
    /// The error number.
    pub errno: i32,
    /// The kernel's log.
    pub log: String,
}

impl Refused {
    fn new(errno: i32, log: &[u8]) -> Refused {
        let log = String::from_utf8_lossy(log).trim_end_matches('\0').to_owned();
        Refused { errno, log }
    }

    /// The error number and the last four lines of the log.
    pub fn summary(&self) -> String {
        let mut lines: Vec<&str> = self.log.lines().rev().take(4).collect();
        lines.reverse();
        format!("errno {}: {}", self.errno, lines.join(" | "))
    }
}

/// A program to load, in the numbers of `bpf(2)`.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// `BPF_PROG_TYPE_…`.
    pub kind: u32,
    /// `BPF_…` that it is to be attached as; 0 if its type has but one way.
    pub attach: u32,
    /// `BPF_F_…`.
    pub flags: u32,
    /// The id of a type of the kernel that it is loaded for, or 0.
    pub target: u32,
    /// Instructions, in the byte order of this machine.
    pub code: &'a [u8],
    /// What `fd_idx` in the code counts (`src_reg` 5 and 6).
    pub maps: &'a [&'a Map],
}

/// `BPF_PROG_LOAD` under the GPL.
pub fn load(program: &Program<'_>) -> Result<OwnedFd, Refused> {
    let fds: Vec<u32> = program.maps.iter().map(|map| fd(&map.fd)).collect();
    // Without a log first: one that is too small would be the reason.
    let mut log = Vec::new();
    loop {
        let mut attr = Attr::new(&[
            pair(program.kind, (program.code.len() / 8) as u32),
            address(program.code),
            address(b"GPL\0"),
            pair(u32::from(!log.is_empty()), log.len() as u32),
            address_mut(&mut log),
            pair(0, program.flags),
        ]);
        attr.0[8] = pair(0, program.attach);
        attr.0[13] = pair(0, program.target);
        attr.0[15] = address(&fds);
        // SAFETY: all addresses are of buffers that live, with their sizes beside them; of `fds` the
        // kernel reads what the code names, which it checks against no size: tests name what they give.
        match unsafe { made(PROG_LOAD, &mut attr) } {
            Err(_) if log.is_empty() => log = vec![0; 1 << 22],
            Err(errno) => {
                log.truncate(log.iter().position(|byte| *byte == 0).unwrap_or(log.len()));
                return Err(Refused::new(errno, &log));
            }
            Ok(program) => return Ok(program),
        }
    }
}

/// As [`load`], of a program that is attached in one way only.
pub fn load_program(kind: u32, code: &[u8], maps: &[&Map]) -> Result<OwnedFd, Refused> {
    load(&Program { kind, attach: 0, flags: 0, target: 0, code, maps })
}

/// `BPF_PROG_TEST_RUN`, once, on a packet: what the program returned.
pub fn test_run(program: &OwnedFd, packet: &[u8]) -> Result<u32, i32> {
    let mut attr = Attr::new(&[
        pair(fd(program), 0),
        pair(packet.len() as u32, 0),
        address(packet),
        0,
        pair(1, 0),
    ]);
    // SAFETY: the packet is as long as said; no output is asked for.
    unsafe { bpf(PROG_TEST_RUN, &mut attr)? };
    let [.., a, b, c, d] = attr.0[0].to_ne_bytes();
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

/// `BPF_BTF_LOAD`.
pub fn load_btf(btf: &[u8]) -> Result<OwnedFd, Refused> {
    let mut log = vec![0u8; 1 << 16];
    let sizes = pair(btf.len() as u32, log.len() as u32);
    let mut attr = Attr::new(&[address(btf), address_mut(&mut log), sizes, pair(1, 0)]);
    // SAFETY: both buffers live and are as long as said.
    unsafe { made(BTF_LOAD, &mut attr) }.map_err(|errno| Refused::new(errno, &log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_keeps_and_runs() {
        if !permitted() {
            return;
        }
        let hash = MapAttr { kind: 1, max_entries: 2, ..MapAttr::default() };
        let map = Map::create(&hash, 1).expect("a hash");
        assert_eq!(map.set(&[1; 4], &[7; 8], 0), Ok(()));
        assert_eq!(map.get(&[1; 4]), Some(vec![7; 8]));
        assert_eq!(map.keys(), [[1; 4]]);
        assert_eq!(map.remove(&[2; 4]), Err(libc::ENOENT));
        assert_eq!(map.freeze(), Ok(()));
        // r0 = 42; exit
        let code: Vec<u8> =
            [0x2a_0000_00b7u64, 0x95].into_iter().flat_map(u64::to_le_bytes).collect();
        if cfg!(target_endian = "little") {
            let program = load_program(XDP, &code, &[]).expect("a good program");
            assert_eq!(test_run(&program, &[0; 64]), Ok(42));
        }
        let refused = load_program(XDP, &code[..8], &[]).expect_err("no exit");
        assert!(refused.errno == libc::EINVAL && !refused.log.is_empty(), "{}", refused.summary());
        assert_eq!(load_btf(&[0; 24]).expect_err("no magic").errno, libc::EINVAL);
    }
}
