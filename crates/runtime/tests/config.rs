//! What programs read of a host's configuration, and what they can do without.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use abide_api::Api;
use abide_diag::Report;
use abide_runtime::{Host, LoadError, Loaded};

/// A version before 4.17 with what the program needs; in Linux, what it needs came later.
const OLD: &str = "api linux; baseline LINUX_4.14;\nLINUX_4.14 released 2017-11-12 {\n\
                   struct xdp_md { u32 data; u32 data_end; };\n\
                   program xdp(struct xdp_md *ctx) section \"xdp\" returns 0..4;\nmap array;\n};\n";

fn host(node: &str, config: &str) -> Host {
    let text = match node {
        "LINUX_4.14" => OLD.to_owned(),
        _ => std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).unwrap(),
    };
    let api = Arc::new(Api::parse("linux.api", &text).unwrap());
    Host::builder(&api).at(node).linux().kconfig(config).build().unwrap()
}

fn load(host: &Host) -> Result<Loaded, LoadError> {
    let file = abide_testkit::repo("crates/runtime/tests/cases/config.bpf.o");
    host.load(&std::fs::read(file).unwrap())
}

/// The answers of the program on a host: eight numbers.
fn answers(node: &str, config: &str) -> [u32; 8] {
    let loaded = load(&host(node, config)).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.program("only_on_request").is_err(), "it was not asked for");
    let program = loaded.program("ask").unwrap();
    let verdict = program.run(&mut program.context()).unwrap().value;
    let wrapper =
        cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) && node != "LINUX_4.14";
    assert_eq!(verdict, 1 + u64::from(wrapper), "system calls of {node}");
    let bytes = loaded.map(".bss").unwrap().get(&[0; 4]).unwrap();
    let (words, _) = bytes.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|word| u32::from_ne_bytes(*word)).collect();
    words.try_into().unwrap()
}

#[test]
fn values_come_from_the_node_and_from_the_configuration() {
    let config = "# a comment\nCONFIG_HZ=250\nCONFIG_NAME=\"xyz\"\nCONFIG_VETH=m\nCONFIG_OTHER=y\n";
    let letter = u32::from(b'y');
    // Weak variables and functions that are nowhere are absent, whatever the version.
    assert_eq!(answers("LINUX_6.12", config), [0x06_0c_00, 250, 1, 0, 2, letter, 2, 3]);
    assert_eq!(answers("LINUX_5.15", config), [0x05_0f_00, 250, 1, 0, 2, letter, 2, 3]);
    // Functions of the kernel came with 5.13, but the only one is weak.
    assert_eq!(answers("LINUX_5.4", config), [0x05_04_00, 250, 0, 0, 2, letter, 2, 3]);
    // The helper of cookies came with 5.15.
    assert_eq!(answers("LINUX_5.14", config), [0x05_0e_00, 250, 0, 0, 2, letter, 2, 3]);
    assert_eq!(answers("LINUX_4.14", "CONFIG_HZ=0x64\n"), [0x04_0e_00, 100, 0, 0, 0, 0, 2, 3]);
}

#[test]
fn what_is_not_weak_must_have_a_value() {
    for (config, message, place) in [
        ("", "the configuration does not have it, and it is not weak", "symbol CONFIG_HZ"),
        ("CONFIG_HZ=many\n", "many is not a number", "symbol CONFIG_HZ"),
        ("CONFIG_HZ=1\nCONFIG_VETH=3\n", "line 2 of the configuration", "symbol CONFIG_VETH"),
    ] {
        let error = load(&host("LINUX_6.12", config)).unwrap_err();
        let report = error.report();
        assert_eq!(report.code.id, "O0014");
        assert_eq!(report.place.as_deref(), Some(place));
        assert!(report.message.contains(message), "{}", report.message);
    }
}

/// A host that is no Linux has no version of one.
#[test]
fn other_hosts_are_no_linux() {
    let api = "api other; baseline OTHER_1;\nOTHER_1 released 2026-01-01 {\n\
               struct xdp_md { u32 data; u32 data_end; };\n\
               program xdp(struct xdp_md *ctx) section \"xdp\" returns 0..4;\nmap array;\n};\n";
    let api = Api::parse("other.api", api).unwrap_or_else(|errors| panic!("{errors}"));
    let host = Host::builder(&api).kconfig("CONFIG_HZ=1\n").build().unwrap();
    let report = load(&host).unwrap_err().report();
    assert_eq!(
        (report.code.id, report.place.as_deref()),
        ("O0014", Some("symbol LINUX_KERNEL_VERSION"))
    );
}
