//! `core BTF OBJECT…`: what libbpf makes of each CO-RE record, one by one, against the types of a
//! file. Loads nothing: it calls the two functions of libbpf that resolve and that patch, so that a
//! record which is refused does not hide the others.
//!
//! Objects are read as little as that needs; only little-endian ones.

use std::collections::HashMap;
use std::ffi::{CString, c_char, c_int};
use std::fmt::Write as _;

use libbpf_sys::{bpf_core_relo, bpf_insn, btf, btf__name_by_offset, btf__parse, btf__type_by_id};
use serde_json::{Value, json};

use crate::Answer;

const MAX_LEVELS: usize = 64;

#[repr(C)]
struct Candidate {
    btf: *const btf,
    id: u32,
}

#[repr(C)]
#[derive(Default)]
struct Candidates {
    list: *mut Candidate,
    len: c_int,
}

#[repr(C)]
struct Accessor {
    ty: u32,
    index: u32,
    name: *const c_char,
}

#[repr(C)]
struct Spec {
    btf: *const btf,
    steps: [Accessor; MAX_LEVELS],
    root: u32,
    kind: u32,
    len: c_int,
    path: [c_int; MAX_LEVELS],
    path_len: c_int,
    bit_offset: u32,
}

#[repr(C)]
#[derive(Default)]
struct Resolution {
    old: u64,
    new: u64,
    poison: bool,
    validate: bool,
    fail_resize: bool,
    old_size: u32,
    old_type: u32,
    new_size: u32,
    new_type: u32,
}

// Inside of libbpf.a, though no header declares them.
unsafe extern "C" {
    fn bpf_core_essential_name_len(name: *const c_char) -> usize;
    fn bpf_core_add_cands(
        local: *mut Candidate,
        essential: usize,
        host: *const btf,
        name: *const c_char,
        first: c_int,
        found: *mut Candidates,
    ) -> c_int;
    fn bpf_core_calc_relo_insn(
        program: *const c_char,
        record: *const bpf_core_relo,
        number: c_int,
        local: *const btf,
        candidates: *mut Candidates,
        scratch: *mut Spec,
        out: *mut Resolution,
    ) -> c_int;
    fn bpf_core_patch_insn(
        program: *const c_char,
        insn: *mut bpf_insn,
        at: c_int,
        record: *const bpf_core_relo,
        number: c_int,
        resolution: *const Resolution,
    ) -> c_int;
}

pub(crate) fn run(host: &str, objects: &[&str]) -> Answer {
    // SAFETY: no printing is a state that libbpf knows.
    unsafe { libbpf_sys::libbpf_set_print(None) };
    let host = types(host)?;
    let results = objects.iter().map(|path| match object(host, path) {
        Ok(records) => json!({ "object": path, "records": records }),
        Err(why) => json!({ "object": path, "error": why }),
    });
    Ok(Value::Array(results.collect()))
}

/// `core-time BTF OBJECT ROUNDS`: the fastest time in nanoseconds of that many rounds for all records
/// of an object: searching the host for candidates, resolving, patching. Reading files is left out.
pub(crate) fn time(host: &str, object: &str, rounds: &str) -> Answer {
    // SAFETY: no printing is a state that libbpf knows.
    unsafe { libbpf_sys::libbpf_set_print(None) };
    let host = types(host)?;
    let local = types(object)?;
    let bytes = std::fs::read(object).map_err(|error| error.to_string())?;
    let sections = sections(&bytes).ok_or("not a little-endian 64-bit ELF file")?;
    let records = records(local, sections.get(".BTF.ext").ok_or("no .BTF.ext")?);
    let rounds: u32 = rounds.parse().map_err(|_| "ROUNDS is a number")?;
    let mut best = u128::MAX;
    for _ in 0..rounds {
        let start = std::time::Instant::now();
        resolve(local, host, &sections, &records)?;
        best = best.min(start.elapsed().as_nanos());
    }
    Ok(json!({ "records": records.len(), "nanoseconds": best as u64 }))
}

/// The types of a file; never freed, the process ends soon.
fn types(path: &str) -> Result<*mut btf, String> {
    let name = CString::new(path).map_err(|error| error.to_string())?;
    // SAFETY: a string with its NUL, and no .BTF.ext wanted.
    let found = unsafe { btf__parse(name.as_ptr(), std::ptr::null_mut()) };
    if found.is_null() { Err(format!("{path}: no BTF")) } else { Ok(found) }
}

fn object(host: *mut btf, path: &str) -> Result<Vec<Value>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let sections = sections(&bytes).ok_or("not a little-endian 64-bit ELF file")?;
    let Some(ext) = sections.get(".BTF.ext") else { return Ok(Vec::new()) };
    let local = types(path)?;
    let records = records(local, ext);
    let found = resolve(local, host, &sections, &records)?;
    let shown = records.iter().zip(found).map(|((section, record), (error, code))| {
        let hex = code.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        json!({ "section": section, "offset": record.insn_off, "error": error, "insns": hex })
    });
    Ok(shown.collect())
}

/// The error number of each record, or 0, and its instruction after it.
fn resolve(
    local: *const btf,
    host: *const btf,
    sections: &HashMap<String, &[u8]>,
    records: &[(String, bpf_core_relo)],
) -> Result<Vec<(c_int, Vec<u8>)>, String> {
    let mut cache: HashMap<u32, Candidates> = HashMap::new();
    let mut scratch = std::mem::MaybeUninit::<[Spec; 3]>::zeroed();
    let mut out = Vec::with_capacity(records.len());
    for (number, (section, record)) in records.iter().enumerate() {
        let code = sections.get(section.as_str()).ok_or("a record without code")?;
        let mut insns = [bpf_insn::default(); 2];
        let have = code.get(record.insn_off as usize..).ok_or("a record behind the code")?;
        let wide = have.first() == Some(&0x18);
        // SAFETY: at most two instructions, which are plain numbers.
        unsafe {
            let len = have.len().min(16);
            std::ptr::copy_nonoverlapping(have.as_ptr(), insns.as_mut_ptr().cast(), len);
        }
        let scratch = scratch.as_mut_ptr().cast();
        let error = relocate(local, host, record, number, &mut insns, &mut cache, scratch);
        // SAFETY: two instructions are 16 bytes.
        let patched: [u8; 16] = unsafe { std::mem::transmute(insns) };
        out.push((error, patched[..if wide { 16 } else { 8 }].to_vec()));
    }
    for mut candidates in cache.into_values() {
        // SAFETY: libbpf allocated the list, with the allocator that frees it.
        unsafe { libc::free(std::mem::take(&mut candidates.list).cast()) };
    }
    Ok(out)
}

/// libbpf's own steps for one record; the error number, or 0.
fn relocate(
    local: *const btf,
    host: *const btf,
    record: &bpf_core_relo,
    number: usize,
    insns: &mut [bpf_insn; 2],
    cache: &mut HashMap<u32, Candidates>,
    scratch: *mut Spec,
) -> c_int {
    const TYPE_ID_LOCAL: u32 = 6;
    let program = c"oracle".as_ptr();
    let search = || {
        let mut found = Candidates::default();
        let mut wanted = Candidate { btf: local, id: record.type_id };
        // SAFETY: `local` and `host` live on; libbpf fills the list.
        unsafe {
            let name = btf__name_by_offset(local, (*btf__type_by_id(local, wanted.id)).name_off);
            let essential = bpf_core_essential_name_len(name);
            let vmlinux = c"vmlinux".as_ptr();
            bpf_core_add_cands(&mut wanted, essential, host, vmlinux, 1, &mut found);
        }
        found
    };
    // For the id of a local type nothing is searched, and nothing must be remembered.
    let mut none = Candidates::default();
    let candidates = match record.kind {
        TYPE_ID_LOCAL => &mut none,
        _ => cache.entry(record.type_id).or_insert_with(search),
    };
    let mut resolution = Resolution::default();
    let number = number as c_int;
    // SAFETY: all of these live on, the scratch has room for three, the code for two instructions.
    unsafe {
        let error = bpf_core_calc_relo_insn(
            program,
            record,
            number,
            local,
            candidates,
            scratch,
            &mut resolution,
        );
        if error != 0 {
            return error;
        }
        bpf_core_patch_insn(program, insns.as_mut_ptr(), 0, record, number, &resolution)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The CO-RE records of `.BTF.ext` with the names of their sections.
fn records(local: *const btf, ext: &[u8]) -> Vec<(String, bpf_core_relo)> {
    let mut out = Vec::new();
    let field = |at| word(ext, at).unwrap_or(0) as usize;
    if field(4) < 32 || field(28) < 4 {
        return out;
    }
    let start = field(4) + field(24);
    let (size, end) = (field(start), start + field(28));
    let mut at = start + 4;
    while at + 8 <= end {
        // SAFETY: libbpf checks offsets of strings; a section has a name.
        let name = unsafe { btf__name_by_offset(local, field(at) as u32) };
        if name.is_null() {
            break;
        }
        // SAFETY: it is not null, and ends with a NUL.
        let section = unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy().into_owned();
        let count = field(at + 4);
        at += 8;
        for _ in 0..count {
            out.push((
                section.clone(),
                bpf_core_relo {
                    insn_off: field(at) as u32,
                    type_id: field(at + 4) as u32,
                    access_str_off: field(at + 8) as u32,
                    kind: field(at + 12) as _,
                },
            ));
            at += size;
        }
    }
    out
}

/// The sections of an ELF file by name, the first of each.
fn sections(bytes: &[u8]) -> Option<HashMap<String, &[u8]>> {
    let half = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let long = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, count, names) = (long(40)?, half(60)?, half(62)?);
    let header = |index: usize| table + index * 64;
    let data =
        |index: usize| bytes.get(long(header(index) + 24)?..)?.get(..long(header(index) + 32)?);
    let strings = data(names)?;
    let mut out = HashMap::new();
    for index in 1..count {
        let rest = strings.get(word(bytes, header(index))? as usize..)?;
        let name = rest.split(|byte| *byte == 0).next()?;
        // Sections without contents (.bss) may say any size.
        if let Some(data) = data(index) {
            out.entry(String::from_utf8_lossy(name).into_owned()).or_insert(data);
        }
    }
    Some(out)
}
