//! Values of a host's configuration reach the program, or there is an error that says why not: as
//! libbpf does it, where its oracle is built and the kernel lets it make maps.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use abide_object::{Kconfig, MapOrigin, Object, Target};

/// All that `cases/kconfig.c` asks for.
const ALL: &str = "CONFIG_TRI=m\nCONFIG_BOOL=y\nCONFIG_LETTER=n\nCONFIG_SHORT=-5\nCONFIG_LARGE=0x10\n\
                   CONFIG_TEXT=\"ab\"\nCONFIG_SMALL=-128\n";

fn object() -> Object {
    let file = abide_testkit::repo("crates/object/tests/cases/kconfig.o");
    Object::parse(&std::fs::read(file).unwrap()).unwrap()
}

fn config(text: &str) -> Kconfig<'_> {
    Kconfig {
        text,
        kernel_version: Some(0x06_0c_03),
        has_bpf_cookie: true,
        has_syscall_wrapper: false,
    }
}

/// The bytes that a configuration gives, or the place and the message of the error.
fn values(config: &Kconfig<'_>) -> Result<Vec<u8>, String> {
    let mut object = object();
    object.set_kconfig(config).map_err(|error| format!("{}: {error}", error.place))?;
    let map = object.map(".kconfig").unwrap();
    match &object.maps[map.index()].origin {
        MapOrigin::Data { bytes, readonly: true, .. } => Ok(bytes.clone()),
        other => panic!("{other:?}"),
    }
}

/// A configuration in which some lines are others.
fn with(name: &str, line: &str) -> String {
    let lines =
        ALL.lines().map(|one| if one.starts_with(&format!("{name}=")) { line } else { one });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn values_become_read_only_data() {
    let mut object = object();
    let names: Vec<_> = object.externs.iter().map(|one| one.name.clone()).collect();
    let before: Vec<_> = object.functions[0].relocations.clone();
    object.set_kconfig(&config(ALL)).unwrap();
    let map = object.map(".kconfig").unwrap();
    let MapOrigin::Data { bytes, .. } = &object.maps[map.index()].origin else { panic!("no data") };
    let value = |name: &str, size: usize| {
        let at = names.iter().position(|one| one == name).unwrap();
        let slot = before
            .iter()
            .find(|one| matches!(one.target, Target::Extern(id) if id.index() == at))
            .unwrap()
            .slot;
        match object.functions[0].target_at(slot) {
            Some(Target::Value { map: of, offset }) if of == map => {
                bytes[offset as usize..][..size].to_vec()
            }
            other => panic!("{name} is {other:?}"),
        }
    };
    assert_eq!(value("CONFIG_TRI", 4), [2, 0, 0, 0]);
    assert_eq!(value("CONFIG_BOOL", 1), [1]);
    assert_eq!(value("CONFIG_LETTER", 1), *b"n");
    assert_eq!(value("CONFIG_SHORT", 2), (-5_i16).to_le_bytes());
    assert_eq!(value("CONFIG_LARGE", 8), 16_u64.to_le_bytes());
    assert_eq!(value("CONFIG_TEXT", 5), *b"ab\0\0\0");
    assert_eq!(value("CONFIG_SMALL", 1), [128]);
    assert_eq!(value("LINUX_KERNEL_VERSION", 4), 0x06_0c_03_u32.to_le_bytes());
    assert_eq!(value("LINUX_HAS_BPF_COOKIE", 1), [1]);
    assert_eq!(value("LINUX_LATER", 1), [0], "weak, and not known");
    // There is nothing left to do the second time.
    let once = object.clone();
    object.set_kconfig(&config("")).unwrap();
    assert_eq!(object, once);
}

/// Values, and what is wrong with them if libbpf refuses them.
const LINES: [(&str, &str, &str); 37] = [
    ("CONFIG_TRI", "CONFIG_TRI=y", ""),
    ("CONFIG_TRI", "CONFIG_TRI=n", ""),
    ("CONFIG_TRI", "CONFIG_TRI=1", "1 is not `y`, `n` or `m`"),
    ("CONFIG_TRI", "CONFIG_TRI=\"y\"", "\"y\" is not `y`, `n` or `m`"),
    ("CONFIG_BOOL", "CONFIG_BOOL=n", ""),
    ("CONFIG_BOOL", "CONFIG_BOOL=m", "m is not `y` or `n`"),
    ("CONFIG_BOOL", "CONFIG_BOOL=1", "1 is not `y` or `n`"),
    ("CONFIG_LETTER", "CONFIG_LETTER=m", ""),
    ("CONFIG_LETTER", "CONFIG_LETTER=7", ""),
    ("CONFIG_LETTER", "CONFIG_LETTER=128", "128 does not fit its 1 bytes"),
    ("CONFIG_LETTER", "CONFIG_LETTER=\"a\"", "is not a number"),
    ("CONFIG_SHORT", "CONFIG_SHORT=32767", ""),
    ("CONFIG_SHORT", "CONFIG_SHORT=32768", "does not fit its 2 bytes"),
    ("CONFIG_SHORT", "CONFIG_SHORT=-32768", ""),
    ("CONFIG_SHORT", "CONFIG_SHORT=-32769", "does not fit its 2 bytes"),
    ("CONFIG_SHORT", "CONFIG_SHORT=y", "y is not a number"),
    ("CONFIG_SHORT", "CONFIG_SHORT=017", ""),
    ("CONFIG_SHORT", "CONFIG_SHORT=018", "is not a number"),
    ("CONFIG_SHORT", "CONFIG_SHORT=0X1f", ""),
    ("CONFIG_SHORT", "CONFIG_SHORT=0", ""),
    ("CONFIG_SHORT", "CONFIG_SHORT=12 ", "is not a number"),
    ("CONFIG_SHORT", "CONFIG_SHORT=--1", "is not a number"),
    ("CONFIG_SHORT", "CONFIG_SHORT=", "there is no value in it"),
    ("CONFIG_SHORT", "CONFIG_SHORT", "there is no `=` in it"),
    ("CONFIG_SHORT", "CONFIG_SHORT=1\nCONFIG_SHORT=junk", ""),
    ("CONFIG_SHORT", "# CONFIG_OTHER is not set\nCONFIG_SHORT=1\nCONFIG_OTHER=junk", ""),
    ("CONFIG_LARGE", "CONFIG_LARGE=18446744073709551615", ""),
    ("CONFIG_LARGE", "CONFIG_LARGE=18446744073709551616", "is not a number"),
    ("CONFIG_LARGE", "CONFIG_LARGE=0xffffffffffffffff", ""),
    ("CONFIG_LARGE", "CONFIG_LARGE=-1", ""),
    ("CONFIG_TEXT", "CONFIG_TEXT=\"\"", ""),
    ("CONFIG_TEXT", "CONFIG_TEXT=\"abcdefgh\"", ""),
    ("CONFIG_TEXT", "CONFIG_TEXT=\"a\"b\"", ""),
    ("CONFIG_TEXT", "CONFIG_TEXT=\"", "is not text in quotes"),
    ("CONFIG_TEXT", "CONFIG_TEXT=\"ab", "is not text in quotes"),
    ("CONFIG_TEXT", "CONFIG_TEXT=y", "y is not text in quotes"),
    ("CONFIG_SMALL", "CONFIG_SMALL=-129", "does not fit its 1 bytes"),
];

#[test]
fn what_a_type_cannot_hold_is_refused() {
    for (name, line, why) in LINES {
        match (values(&config(&with(name, line))), why) {
            (Ok(_), "") => {}
            (Err(error), why) if !why.is_empty() => {
                assert!(error.contains(why), "{error} does not say {why}");
                assert!(error.starts_with(&format!("symbol {name}: line ")), "{error}");
            }
            (found, _) => panic!("{line}: {found:?}"),
        }
    }
    let error = values(&config(&with("CONFIG_LARGE", ""))).unwrap_err();
    assert!(error.contains("symbol CONFIG_LARGE: the configuration does not have it"), "{error}");
}

#[test]
fn libbpf_gives_the_same_values() {
    let Some(oracle) = abide_testkit::oracle("libbpf") else { return };
    if !abide_testkit::bpf::permitted() {
        return;
    }
    let texts: Vec<String> = LINES.iter().map(|(name, line, _)| with(name, line)).collect();
    let file = abide_testkit::repo("crates/object/tests/cases/kconfig.o");
    let output = Command::new(oracle).arg("kconfig").arg(file).args(&texts).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (text, theirs) in texts.iter().zip(theirs.as_array().unwrap()) {
        let kernel_version = Some(theirs["kernel_version"].as_u64().unwrap() as u32);
        let config =
            Kconfig { text, kernel_version, has_bpf_cookie: true, has_syscall_wrapper: true };
        let ours = values(&config).map_or(serde_json::Value::Null, serde_json::Value::from);
        assert_eq!(theirs["bytes"], ours, "{text}");
    }
    println!("{} configurations give the same as libbpf", texts.len());
}
