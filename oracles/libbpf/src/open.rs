//! `open FILE…`: what libbpf finds in objects when it opens them; `open-time ROUNDS FILE…`: how long that takes; `sections NAME…`: what section names
//! mean to it; `kconfig OBJECT TEXT…`: what the values of an object's `.kconfig` are by each of these
//! configurations. No program is loaded; for the last, maps and types are.
//!
//! What the public API does not say (externs, what relocations refer to) is read out of the messages
//! that libbpf prints for debugging.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::time::Instant;

use libbpf_sys as sys;
use serde_json::{Value, json};

use crate::Answer;

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" {
    fn vsnprintf(
        out: *mut c_char,
        size: usize,
        format: *const c_char,
        arguments: *mut sys::__va_list_tag,
    ) -> c_int;
}

unsafe extern "C" fn keep(
    _level: sys::libbpf_print_level,
    format: *const c_char,
    arguments: *mut sys::__va_list_tag,
) -> c_int {
    let mut text = vec![0_u8; 4096];
    // SAFETY: the buffer is as long as said; format and arguments are libbpf's.
    unsafe { vsnprintf(text.as_mut_ptr().cast(), text.len(), format, arguments) };
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let line = String::from_utf8_lossy(&text[..end]).trim_end().to_owned();
    LOG.with_borrow_mut(|log| log.push(line.trim_start_matches("libbpf: ").to_owned()));
    0
}

/// # Safety
/// `text` is null or a C string.
pub(crate) unsafe fn string(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// FNV-1a, 64 bits: enough to see that bytes are the same.
fn hash(bytes: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// Keeps what libbpf prints.
pub(crate) fn listen() {
    // SAFETY: the function is there as long as the program.
    unsafe { sys::libbpf_set_print(Some(keep)) };
}

/// The last lines that it printed, which say what was wrong; they are kept no longer.
pub(crate) fn last_messages() -> Vec<String> {
    let log = LOG.take();
    log[log.len().saturating_sub(3)..].to_vec()
}

/// All of the objects; for each what was found, or why it was refused.
pub(crate) fn files(paths: &[&str]) -> Answer {
    listen();
    paths.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// For each object how long opening it takes, from memory: the fastest of some rounds, in
/// nanoseconds, or nothing if it is refused.
pub(crate) fn time(rounds: &str, paths: &[&str]) -> Answer {
    // SAFETY: no arguments; libbpf then says nothing, which takes time.
    unsafe { sys::libbpf_set_print(None) };
    let rounds: u32 = rounds.parse().map_err(|_| "ROUNDS is a number")?;
    let one = |path: &&str| {
        let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        let options = sys::bpf_object_open_opts {
            sz: size_of::<sys::bpf_object_open_opts>() as u64,
            object_name: c"o".as_ptr(),
            ..Default::default()
        };
        let mut best = None;
        for _ in 0..rounds {
            let start = Instant::now();
            // SAFETY: the bytes and options live until the object is closed.
            let object = unsafe {
                let data = bytes.as_ptr().cast();
                sys::bpf_object__open_mem(data, bytes.len() as u64, &raw const options)
            };
            let took = start.elapsed().as_nanos() as u64;
            if object.is_null() {
                return Ok(Value::Null);
            }
            // SAFETY: nobody uses it after that.
            unsafe { sys::bpf_object__close(object) };
            best = Some(best.map_or(took, |best: u64| best.min(took)));
        }
        Ok(json!(best))
    };
    paths.iter().map(one).collect::<Result<Vec<_>, String>>().map(Value::from)
}

fn file(path: &str) -> Answer {
    LOG.take();
    let c_path = CString::new(path).map_err(|_| "a NUL in a path".to_owned())?;
    let options = sys::bpf_object_open_opts {
        sz: size_of::<sys::bpf_object_open_opts>() as u64,
        object_name: c"o".as_ptr(),
        ..Default::default()
    };
    // SAFETY: both live until the call returns.
    let object = unsafe { sys::bpf_object__open_file(c_path.as_ptr(), &raw const options) };
    if object.is_null() {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Ok(json!({ "file": path, "refused": errno, "log": last_messages() }));
    }
    // SAFETY: the object is open until it is closed at the end, and nothing of it is kept.
    unsafe {
        let programs = programs(object);
        let mut found = json!({
            "file": path,
            "kversion": sys::bpf_object__kversion(object),
            "programs": programs.iter().map(|(_, found)| found.clone()).collect::<Vec<_>>(),
            "maps": maps(object, &programs),
        });
        sys::bpf_object__close(object);
        for (name, value) in messages(&LOG.take()) {
            found[name] = value;
        }
        Ok(found)
    }
}

/// # Safety
/// The object is open.
unsafe fn programs(object: *mut sys::bpf_object) -> Vec<(*mut sys::bpf_program, Value)> {
    let mut all = Vec::new();
    // SAFETY: as long as the object is open, its programs are there.
    unsafe {
        let mut next = sys::bpf_object__next_program(object, ptr::null_mut());
        while !next.is_null() {
            let count = sys::bpf_program__insn_cnt(next) as usize;
            let insns = sys::bpf_program__insns(next).cast::<u8>();
            let code = std::slice::from_raw_parts(insns, count * 8);
            let found = json!({
                "name": string(sys::bpf_program__name(next)),
                "section": string(sys::bpf_program__section_name(next)),
                "type": sys::bpf_program__type(next),
                "attach_type": sys::bpf_program__expected_attach_type(next),
                "autoload": sys::bpf_program__autoload(next),
                "insns": count,
                "code": hash(code),
            });
            all.push((next, found));
            next = sys::bpf_object__next_program(object, next);
        }
    }
    all
}

/// # Safety
/// The object is open; the programs are its own.
unsafe fn maps(
    object: *mut sys::bpf_object,
    programs: &[(*mut sys::bpf_program, Value)],
) -> Vec<Value> {
    let mut all = Vec::new();
    // SAFETY: as long as the object is open, its maps and types are there.
    unsafe {
        let btf = sys::bpf_object__btf(object);
        let mut next = sys::bpf_object__next_map(object, ptr::null());
        while !next.is_null() {
            let mut found = map(btf, next);
            found["autocreate"] = sys::bpf_map__autocreate(next).into();
            found["pinned"] = (!sys::bpf_map__pin_path(next).is_null()).into();
            found["internal"] = sys::bpf_map__is_internal(next).into();
            let inner = sys::bpf_map__inner_map(next);
            if !inner.is_null() {
                found["inner"] = map(btf, inner);
            }
            initial(next, programs, &mut found);
            all.push(found);
            next = sys::bpf_object__next_map(object, next);
        }
    }
    all
}

/// # Safety
/// The map is there.
unsafe fn map(btf: *mut sys::btf, map: *mut sys::bpf_map) -> Value {
    // SAFETY: the caller's.
    unsafe {
        let named = |id: u32| {
            if btf.is_null() || id == 0 {
                return json!(null);
            }
            let ty = sys::btf__type_by_id(btf, id);
            let name = if ty.is_null() {
                None
            } else {
                string(sys::btf__name_by_offset(btf, (*ty).name_off))
            };
            json!({ "id": id, "name": name })
        };
        json!({
            "name": string(sys::bpf_map__name(map)),
            "type": sys::bpf_map__type(map),
            "key_size": sys::bpf_map__key_size(map),
            "value_size": sys::bpf_map__value_size(map),
            "max_entries": sys::bpf_map__max_entries(map),
            "flags": sys::bpf_map__map_flags(map),
            "extra": sys::bpf_map__map_extra(map),
            "numa_node": sys::bpf_map__numa_node(map),
            "ifindex": sys::bpf_map__ifindex(map),
            "key_type": named(sys::bpf_map__btf_key_type_id(map)),
            "value_type": named(sys::bpf_map__btf_value_type_id(map)),
        })
    }
}

/// The initial contents. In those of a struct_ops map stand addresses of programs, which are shown
/// apart.
///
/// # Safety
/// The map is there, and the programs are of the same object.
unsafe fn initial(
    map: *mut sys::bpf_map,
    programs: &[(*mut sys::bpf_program, Value)],
    found: &mut Value,
) {
    let mut size = 0;
    // SAFETY: libbpf says how many bytes there are.
    let mut bytes = unsafe {
        let data = sys::bpf_map__initial_value(map, &raw mut size).cast::<u8>().cast_const();
        if data.is_null() {
            return;
        }
        std::slice::from_raw_parts(data, size as usize).to_vec()
    };
    // SAFETY: the map is there.
    if unsafe { sys::bpf_map__type(map) } == sys::BPF_MAP_TYPE_STRUCT_OPS {
        let mut members = Vec::new();
        for offset in (0..bytes.len().saturating_sub(7)).step_by(8) {
            let word = bytes[offset..offset + 8].try_into().expect("eight bytes");
            let address = ptr::with_exposed_provenance_mut::<c_void>(usize::from_ne_bytes(word));
            let program = programs.iter().find(|(program, _)| program.cast::<c_void>() == address);
            if let Some((_, program)) = program {
                members.push(json!({ "offset": offset, "program": program["name"] }));
                bytes[offset..offset + 8].fill(0);
            }
        }
        found["members"] = members.into();
    }
    found["size"] = size.into();
    found["bytes"] = hash(&bytes).into();
}

/// What the messages tell: the licence, sections, externs, what instructions refer to, initial values
/// of maps.
fn messages(log: &[String]) -> [(&'static str, Value); 5] {
    let (mut license, mut sections, mut externs) = (Value::Null, Vec::new(), Vec::new());
    let (mut references, mut slots) = (Vec::new(), Vec::new());
    for line in log {
        if let Some(rest) = line.strip_prefix("license of ") {
            license = rest.split_once(" is ").map(|(_, text)| text).into();
        } else if let Some(rest) = line.strip_prefix("elf: section(") {
            let rest = rest.split_once(") ").map_or("", |(_, rest)| rest);
            let Some((name, rest)) = rest.split_once(", size ") else { continue };
            sections.push(json!({ "name": name, "size": number(rest) }));
        } else if let Some(rest) = line.strip_prefix("extern (ksym) #") {
            externs.push(json!({ "name": after(rest, "name "), "kind": "ksym" }));
        } else if let Some(rest) = line.strip_prefix("extern (kcfg) #") {
            let offset = number(after(rest, "off "));
            externs
                .push(json!({ "name": after(rest, "name "), "kind": "kconfig", "offset": offset }));
        } else if let Some((program, found)) =
            line.strip_prefix("prog '").and_then(|rest| rest.split_once("': found "))
        {
            let Some((what, insn)) = found.rsplit_once(" for insn ") else { continue };
            let insn = number(insn.trim_start_matches('#'));
            let (kind, name) = match what {
                what if what.starts_with("extern #") => ("extern", quoted(what)),
                what if what.starts_with("data map ") => ("data", bracketed(what)),
                what if what.starts_with("arena map ") => ("arena", bracketed(what)),
                what => ("map", bracketed(what)),
            };
            references.push(json!({ "program": program, "insn": insn, "to": kind, "name": name }));
        } else if let Some((map, rest)) = line
            .strip_prefix(".maps relo #")
            .and_then(|rest| after_opt(rest, "map '"))
            .and_then(|rest| rest.split_once("' slot ["))
        {
            slots.push(json!({ "map": map, "slot": number(rest), "to": quoted(rest) }));
        }
    }
    [
        ("license", license),
        ("sections", sections.into()),
        ("externs", externs.into()),
        ("references", references.into()),
        ("slots", slots.into()),
    ]
}

fn after_opt<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.split_once(word).map(|(_, rest)| rest)
}

fn after<'a>(text: &'a str, word: &str) -> &'a str {
    after_opt(text, word).unwrap_or_default()
}

/// The number that a text begins with.
fn number(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}

/// What stands between the first quotes.
fn quoted(text: &str) -> &str {
    after(text, "'").split('\'').next().unwrap_or_default()
}

/// The name in `(NAME, sec …)`.
fn bracketed(text: &str) -> &str {
    after(text, "(").split(", sec ").next().unwrap_or_default()
}

/// The program type and the expected attach type that each name means, if any.
pub(crate) fn sections(names: &[&str]) -> Answer {
    let meaning = |name: &&str| {
        let c_name = CString::new(*name).map_err(|_| "a NUL in a name".to_owned())?;
        let (mut kind, mut attach) = (0, 0);
        // SAFETY: all three live until the call returns.
        let result = unsafe {
            sys::libbpf_prog_type_by_name(c_name.as_ptr(), &raw mut kind, &raw mut attach)
        };
        Ok::<_, String>(match result {
            0 => json!({ "type": kind, "attach_type": attach }),
            _ => Value::Null,
        })
    };
    names.iter().map(meaning).collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// The contents of the map `.kconfig` by each of the configurations; null where libbpf refuses it.
pub(crate) fn kconfig(path: &str, texts: &[&str]) -> Answer {
    let c_path = CString::new(path).map_err(|_| "a NUL in a path".to_owned())?;
    // SAFETY: no function is given, so that nothing is printed.
    unsafe { sys::libbpf_set_print(None) };
    let one = |text: &&str| {
        let text = CString::new(*text).map_err(|_| "a NUL in a configuration".to_owned())?;
        let options = sys::bpf_object_open_opts {
            sz: size_of::<sys::bpf_object_open_opts>() as u64,
            object_name: c"o".as_ptr(),
            kconfig: text.as_ptr(),
            ..Default::default()
        };
        // SAFETY: path and options live until the object is closed, and what is read of it is copied
        // before.
        unsafe {
            let object = sys::bpf_object__open_file(c_path.as_ptr(), &raw const options);
            if object.is_null() {
                return Err(format!("{path} is not opened"));
            }
            let mut size = 0;
            let version = sys::bpf_object__kversion(object);
            let refused = sys::bpf_object__prepare(object);
            let map = sys::bpf_object__find_map_by_name(object, c"o.kconfig".as_ptr());
            let bytes = match map.is_null() || refused != 0 {
                true => Value::Null,
                false => {
                    let data = sys::bpf_map__initial_value(map, &raw mut size).cast::<u8>();
                    std::slice::from_raw_parts(data, size as usize).into()
                }
            };
            sys::bpf_object__close(object);
            Ok(json!({ "kernel_version": version, "bytes": bytes }))
        }
    };
    texts.iter().map(one).collect::<Result<Vec<_>, _>>().map(Value::from)
}
