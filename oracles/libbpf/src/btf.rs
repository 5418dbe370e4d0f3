//! What libbpf makes of BTF: reading it, merging and deduplicating, split BTF, distilled bases. Types
//! are never freed, the process ends soon.

use std::ffi::CString;
use std::time::Instant;

use libbpf_sys::{
    btf, btf__add_btf, btf__dedup, btf__distill_base, btf__find_by_name_kind, btf__free, btf__new,
    btf__new_empty, btf__new_empty_split, btf__new_split, btf__parse, btf__raw_data, btf__relocate,
    btf__type_cnt,
};
use serde_json::json;

use crate::Answer;

/// `btf-time FILE ROUNDS`: the fastest time in nanoseconds of that many rounds for reading the types
/// of a file that is in memory, and for finding one by its name. Freeing is left out.
pub(crate) fn time(file: &str, rounds: &str) -> Answer {
    quiet();
    let bytes = read(file)?;
    let rounds: u32 = rounds.parse().map_err(|_| "ROUNDS is a number")?;
    let (mut parse, mut find) = (u128::MAX, u128::MAX);
    for _ in 0..rounds {
        let start = Instant::now();
        // SAFETY: libbpf copies the bytes.
        let types = unsafe { btf__new(bytes.as_ptr().cast(), bytes.len() as u32) };
        parse = parse.min(start.elapsed().as_nanos());
        if types.is_null() {
            return Err(format!("{file}: no BTF"));
        }
        let start = Instant::now();
        const STRUCT: u32 = 4;
        // SAFETY: the types live, the name ends with a NUL; and nobody uses them after that.
        unsafe {
            btf__find_by_name_kind(types, c"xdp_md".as_ptr(), STRUCT);
            find = find.min(start.elapsed().as_nanos());
            btf__free(types);
        }
    }
    Ok(json!({ "bytes": bytes.len(), "parse_ns": parse as u64, "find_ns": find as u64 }))
}

/// `dedup OUT FILE…`: the types of all files, deduplicated, as a file of BTF. Says how many types there
/// were before and after, and how long the deduplication took.
pub(crate) fn dedup(out: &str, files: &[&str]) -> Answer {
    quiet();
    // SAFETY: no arguments.
    merge(unsafe { btf__new_empty() }, out, files)
}

/// `split BASE OUT FILE…`: the same as split BTF over a base, a file of BTF.
pub(crate) fn split(base: &str, out: &str, files: &[&str]) -> Answer {
    quiet();
    let base = types(base, std::ptr::null_mut())?;
    // SAFETY: the base lives on.
    merge(unsafe { btf__new_empty_split(base) }, out, files)
}

/// `distill BASE SPLIT NEW-BASE OUT-BASE OUT OUT-NEW`: split BTF over its base becomes split BTF over a
/// distilled base, and that is put on a new base. All are files of BTF.
pub(crate) fn distill(files: [&str; 3], out: [&str; 3]) -> Answer {
    quiet();
    let [base, split, new_base] = files;
    let base = types(base, std::ptr::null_mut())?;
    let split = types(split, base)?;
    let distill = || {
        let (mut base, mut small) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the types live on, and libbpf fills in both pointers.
        check("distill", unsafe { btf__distill_base(split, &mut base, &mut small) })?;
        Ok::<_, String>((base, small))
    };
    let (small_base, small) = distill()?;
    write(small_base, out[0])?;
    write(small, out[1])?;
    // libbpf goes on giving out the bytes that it gave out before: so another one.
    let (_, small) = distill()?;
    let new_base = types(new_base, std::ptr::null_mut())?;
    // SAFETY: both live on.
    let error = unsafe { btf__relocate(small, new_base) };
    if error == 0 {
        write(small, out[2])?;
    }
    Ok(json!({ "relocate": error }))
}

fn merge(all: *mut btf, out: &str, files: &[&str]) -> Answer {
    for file in files {
        let types = types(file, std::ptr::null_mut())?;
        // SAFETY: both live on.
        check(file, unsafe { btf__add_btf(all, types) })?;
    }
    // SAFETY: it lives on; no options and no .BTF.ext.
    let before = unsafe { btf__type_cnt(all) };
    let start = Instant::now();
    // SAFETY: as above.
    check("dedup", unsafe { btf__dedup(all, std::ptr::null()) })?;
    let took = start.elapsed().as_nanos() as u64;
    // SAFETY: as above.
    let after = unsafe { btf__type_cnt(all) };
    write(all, out)?;
    Ok(json!({ "before": before, "after": after, "nanoseconds": took }))
}

fn quiet() {
    // SAFETY: no printing is a state that libbpf knows.
    unsafe { libbpf_sys::libbpf_set_print(None) };
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}"))
}

fn check(what: &str, error: i32) -> Result<(), String> {
    if error < 0 { Err(format!("{what}: error {error}")) } else { Ok(()) }
}

/// The types of a file of BTF or of an object, over a base if there is one.
fn types(file: &str, base: *mut btf) -> Result<*mut btf, String> {
    let bytes = read(file)?;
    // SAFETY: libbpf copies the bytes; a base lives on.
    let found = unsafe {
        match bytes.starts_with(b"\x7fELF") {
            true => {
                let name = CString::new(file).map_err(|error| error.to_string())?;
                btf__parse(name.as_ptr(), std::ptr::null_mut())
            }
            false => btf__new_split(bytes.as_ptr().cast(), bytes.len() as u32, base),
        }
    };
    if found.is_null() { Err(format!("{file}: no BTF")) } else { Ok(found) }
}

fn write(types: *mut btf, file: &str) -> Result<(), String> {
    let mut len = 0;
    // SAFETY: the types live on, and so do the bytes that they hold, until the next change.
    let bytes = unsafe {
        let start = btf__raw_data(types, &mut len).cast::<u8>();
        if start.is_null() {
            return Err(format!("{file}: no bytes"));
        }
        std::slice::from_raw_parts(start, len as usize)
    };
    std::fs::write(file, bytes).map_err(|error| format!("{file}: {error}"))
}
