//! Objects for Linux on this host: bodies against `apis/linux.api`, the firewall example against what
//! the kernel made of it, and what each helper does.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abide_api::Api;
use abide_diag::Report;
use abide_maps::{Limits, Map, MapDef, MapKind};
use abide_runtime::linux::xdp::Xdp;
use abide_runtime::{Body, Host, LoadError, Loaded, Program, Trap, bare, linux};

fn api() -> Arc<Api> {
    let path = abide_testkit::repo("apis/linux.api");
    let text = std::fs::read_to_string(path).unwrap();
    Arc::new(Api::parse("linux.api", &text).unwrap_or_else(|errors| panic!("{errors}")))
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo(path)).unwrap()
}

fn load(host: &Host, name: &str) -> Result<Loaded, LoadError> {
    host.load(&file(&format!("crates/runtime/tests/cases/{name}.bpf.o")))
}

/// No label of a body is misspelled, and what has one body has one for each definition that a node
/// serves: an old program never loses its function to a newer version of it.
#[test]
fn bodies_and_definitions_are_the_same_set() {
    let api = api();
    for (label, _) in linux::bodies() {
        assert!(!api.labelled(label).is_empty(), "no definition {label}");
    }
    let names: BTreeSet<&str> =
        linux::bodies().filter_map(|(label, _)| Some(label.split_once('@')?.0)).collect();
    for node in &api.nodes {
        let host = Host::builder(&api).at(&node.name).linux().build();
        let host = host.unwrap_or_else(|problems| panic!("{}: {problems}", node.name));
        let missing = host.profile().without_body();
        let lost = missing.iter().find(|id| names.contains(api.definition(**id).name.as_str()));
        assert!(lost.is_none(), "{}: {}", node.name, api.label(*lost.unwrap()));
    }
    assert!(names.len() > 40, "{}", names.len());
}

/// The packets of a capture in the classic format, little-endian.
fn packets(capture: &[u8]) -> Vec<&[u8]> {
    let mut rest = &capture[24..];
    let mut packets = Vec::new();
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        packets.push(&rest[16..16 + length]);
        rest = &rest[16 + length..];
    }
    packets
}

fn block(map: &Map) {
    for line in String::from_utf8(file("examples/firewall/blocklist.txt")).unwrap().lines() {
        let line = line.split('#').next().unwrap();
        let Some(address) = line.split_whitespace().next() else { continue };
        let key = match address.parse().unwrap() {
            std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(v6) => v6.octets(),
        };
        map.set(&key, &[0; 8], 0).unwrap();
    }
}

#[test]
fn the_firewall_decides_as_in_the_kernel() {
    let host = Host::builder(&api()).linux().build().unwrap();
    let loaded = host
        .load(&file("examples/firewall/firewall.bpf.o"))
        .unwrap_or_else(|error| panic!("{error}"));
    block(loaded.map("blocklist").unwrap());
    let mut xdp = Xdp::new(&loaded.programs()[0]);
    let capture = file("examples/firewall/web.pcap");
    let mut found = String::new();
    for (number, packet) in (1..).zip(packets(&capture)) {
        let verdict = xdp.run(packet).unwrap_or_else(|trap| panic!("packet {number}: {trap}"));
        assert_eq!(verdict.packet, packet);
        let name = ["XDP_ABORTED", "XDP_DROP", "XDP_PASS"][verdict.action as usize];
        found.push_str(&format!("{number} {name}\n"));
    }
    let expected = String::from_utf8(file("examples/firewall/expected-verdicts.txt")).unwrap();
    let expected: String = expected
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(found, expected);

    let counters = loaded.map("counters").unwrap();
    let expected = String::from_utf8(file("examples/firewall/expected-counters.txt")).unwrap();
    for (index, line) in (0u32..).zip(expected.lines().filter(|line| !line.starts_with('#'))) {
        let value = counters.get(&index.to_ne_bytes()).unwrap();
        let words: Vec<String> = value
            .chunks(8)
            .take(3)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap()).to_string())
            .collect();
        let expected: Vec<&str> = line.split_whitespace().skip(1).collect();
        assert_eq!(words, expected, "{line}");
    }
    let drops = found.matches("XDP_DROP").count();
    let mut events = 0;
    loaded.map("events").unwrap().ring().unwrap().drain(|_| events += 1);
    assert_eq!(events, drops);
}

fn runs(loaded: &Loaded) -> u64 {
    let bss = loaded.maps().find(|map| map.def().name.ends_with(".bss")).unwrap();
    bss.memory().load_u64(0).unwrap()
}

fn verdict(loaded: &Loaded, program: &str) -> Result<i32, Trap> {
    let program = loaded.program(program).unwrap();
    Xdp::new(&program).run(&[0; 64]).map(|verdict| verdict.action)
}

#[test]
fn tail_calls_go_on_elsewhere_and_are_bounded() {
    let host = Host::builder(&api()).linux().checked().build().unwrap();
    let loaded = load(&host, "programs").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verdict(&loaded, "jump").unwrap(), 3);
    assert_eq!(runs(&loaded), 101, "an empty place is passed over");
    assert_eq!(verdict(&loaded, "again").unwrap(), 2);
    assert_eq!(runs(&loaded), 101 + 34, "33 tail calls");
    loaded.set_program("jumps", 2, "target").unwrap();
    assert_eq!(verdict(&loaded, "again").unwrap(), 3);
}

#[test]
fn traps_name_the_source_line() {
    let host = Host::builder(&api()).linux().checked().build().unwrap();
    let loaded = load(&host, "programs").unwrap();
    let trap = verdict(&loaded, "null_value").unwrap_err();
    assert_eq!(trap.code().id, "T0003");
    let text = trap.report().render(None, false);
    assert!(text.contains("*count += 1"), "{text}");
    assert!(text.contains("programs.bpf.c:"), "{text}");
    assert!(text.contains("null_value"), "{text}");
    // The kernel has no range for XDP: what is no verdict counts as XDP_ABORTED.
    assert_eq!(verdict(&loaded, "bad_verdict").unwrap(), 9);
}

#[test]
fn a_verdict_outside_the_range_of_the_api_is_a_trap() {
    let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).unwrap();
    let narrow = text.replace("verdicts xdp_action", "returns 0..4 verdicts xdp_action");
    assert_ne!(text, narrow);
    let api = Arc::new(Api::parse("narrow.api", &narrow).unwrap());
    let host = Host::builder(&api).linux().checked().build().unwrap();
    let loaded = load(&host, "programs").unwrap();
    assert_eq!(verdict(&loaded, "bad_verdict").unwrap_err().code().id, "T0015");
}

#[test]
fn each_version_prints_as_it_did() {
    let api = api();
    let text = "-1 of 00abc at 1099511627776%";
    let host = Host::builder(&api).at("LINUX_6.1").linux().checked().build().unwrap();
    let printed = |host: &Host, name: &str| {
        let loaded = load(host, name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(verdict(&loaded, "print").unwrap(), 2);
        host.take_trace()
    };
    assert_eq!(printed(&host, "programs"), format!("{text}\n"));
    assert_eq!(printed(&host, "programs-5.8"), text);
    let late = Host::builder(&api).at("LINUX_7.3").linux().checked().build().unwrap();
    assert_eq!(printed(&late, "programs"), format!("{text}\n"));
    let error = load(&late, "programs-5.8").unwrap_err();
    assert!(matches!(error, LoadError::Refused(_)), "{error}");
    assert!(error.to_string().contains("bpf_trace_printk"), "{error}");
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let api = api();
    let host = Host::builder(&api).linux().checked().build().unwrap();
    assert_eq!(load(&host, "programs-eb").unwrap_err().report().code.id, "T0110");
    let loaded = load(&host, "programs").unwrap();
    let error = loaded.program("nothing").unwrap_err().report();
    assert_eq!(error.code.id, "T0107");
    assert!(error.helps[0].contains("bad_verdict"));
    let small = Host::builder(&api).linux().checked().map_bytes(8).build().unwrap();
    let error = load(&small, "programs").unwrap_err().report();
    assert_eq!(error.code.id, "T0106");
    assert!(error.notes[0].starts_with("M0006"), "{error}");
    assert!(host.load(b"no object").is_err());
}

#[test]
fn what_is_not_proved_is_refused_unless_it_is_checked() {
    let host = Host::builder(&api()).linux().build().unwrap();
    let error = load(&host, "programs").unwrap_err();
    let LoadError::Unproved(refused) = &error else { panic!("{error}") };
    let names: Vec<&str> = refused.iter().map(|one| one.rejection.program.as_str()).collect();
    assert_eq!(names, ["null_value"]);
    let [report] = &error.reports()[..] else { panic!("{error}") };
    assert_eq!(report.code.id, "V0304");
    assert!(report.place.as_ref().unwrap().contains("programs.bpf.c:"), "{report}");
    assert!(report.helps.last().unwrap().contains(".checked()"), "{report}");
    let object = file("crates/runtime/tests/cases/programs.bpf.o");
    // Those that are proved load by themselves, and say what that took.
    let loaded = host.load_program(&object, "print").unwrap();
    assert!(loaded.proofs()[0].processed > 0);
    let checked = Host::builder(&api()).linux().checked().build().unwrap();
    assert!(checked.load(&object).unwrap().proofs().is_empty());
}

fn helpers() -> BTreeMap<&'static str, Body> {
    linux::bodies().collect()
}

/// A program whose `call N` is the N-th label.
fn program(code: &str, labels: &[&str], kind: MapKind) -> (Program, Arc<Map>) {
    let assembled = abide_asm::assemble(code, &abide_asm::Options::default()).unwrap();
    let ring = kind == MapKind::Ringbuf;
    let def = MapDef {
        name: "m".into(),
        kind,
        key_size: if ring { 0 } else { 4 },
        value_size: if ring { 0 } else { 8 },
        max_entries: if ring { 4096 } else { 4 },
        flags: 0,
    };
    let map = Arc::new(Map::create(&def, &Limits { cpus: 2, ..Limits::default() }).unwrap());
    let bodies = helpers();
    let mut builder = bare::Builder::new("case", &assembled.slots)
        .map(Arc::clone(&map))
        .program_type("xdp")
        .cpus(2)
        .context("xdp_md", 24, &support::xdp_fields());
    for (number, label) in (1..).zip(labels) {
        builder = builder.helper(number, bodies[label].clone());
    }
    (builder.build().unwrap(), map)
}

fn run(code: &str, labels: &[&str], kind: MapKind) -> Result<u64, Trap> {
    let (program, _) = program(code, labels, kind);
    let mut context = program.context();
    context.packet(&(0..64).collect::<Vec<u8>>());
    program.run(&mut context).map(|outcome| outcome.value)
}

/// Makes a dynptr of the packet at r10-16 with call 1.
const VIEW: &str = "r2 = 0; r3 = r10; r3 += -16; call 1;";

#[test]
fn sizes_of_views_had_32_bits() {
    let size = |label: &str, flags: u64| {
        let code =
            format!("r2 = {flags}; r3 = r10; r3 += -16; call 1; r1 = r10; r1 += -16; call 2; exit");
        run(&code, &["bpf_dynptr_from_xdp@LINUX_6.4", label], MapKind::Array).unwrap()
    };
    assert_eq!(size("bpf_dynptr_size@LINUX_6.5", 0), 64);
    assert_eq!(size("bpf_dynptr_size@LINUX_6.19", 0), 64);
    assert_eq!(size("bpf_dynptr_size@LINUX_6.5", 1), 0xffff_ffea, "the upper half is clear");
    assert_eq!(size("bpf_dynptr_size@LINUX_6.19", 1), -22i64 as u64);
}

#[test]
fn iterators_hand_out_their_numbers() {
    let labels = [
        "bpf_iter_num_new@LINUX_6.4",
        "bpf_iter_num_next@LINUX_6.4",
        "bpf_iter_num_destroy@LINUX_6.4",
    ];
    // The numbers as decimal digits, behind what `new` returned.
    let run = |start: i64, end: i64| {
        let code = format!(
            "r1 = r10; r1 += -8; r2 = {start}; r3 = {end}; call 1; r6 = r0; \
             again: r1 = r10; r1 += -8; call 2; if r0 == 0 goto done; \
             r0 = *(s32 *)(r0 + 0); r6 *= 10; r6 += r0; goto again; \
             done: r1 = r10; r1 += -8; call 2; if r0 != 0 goto again; r1 = r10; r1 += -8; call 3; r0 = r6; exit"
        );
        run(&code, &labels, MapKind::Array).unwrap() as i64
    };
    assert_eq!(run(1, 6), 12345);
    assert_eq!(run(-1, 2), -99);
    assert_eq!(run(3, 3), 0);
    assert_eq!(run(3, 2), -22, "it ends before it begins");
    assert_eq!(run(0, 0x80_0001), -7, "more rounds than Linux allows");
    assert_eq!(run(i64::from(i32::MAX) - 1, i64::from(i32::MAX)), i64::from(i32::MAX) - 1);
    assert_eq!(run(i64::from(i32::MIN), i64::from(i32::MIN) + 1), i64::from(i32::MIN));
}

#[test]
fn arguments_of_views_had_32_bits() {
    let adjust = |label: &str| {
        // Garbage in the upper halves.
        let code = format!(
            "{VIEW} r1 = r10; r1 += -16; r2 = 0x100000008 ll; r3 = 0x100000010 ll; call 2; r6 = r0; \
             r1 = r10; r1 += -16; call 3; r6 <<= 32; r0 |= r6; exit"
        );
        let labels = ["bpf_dynptr_from_xdp@LINUX_6.4", label, "bpf_dynptr_size@LINUX_6.5"];
        run(&code, &labels, MapKind::Array).unwrap()
    };
    assert_eq!(adjust("bpf_dynptr_adjust@LINUX_6.5"), 8);
    assert_eq!(adjust("bpf_dynptr_adjust@LINUX_6.19"), (-34i64 as u64) << 32 | 64, "-ERANGE");
}

#[test]
fn views_are_read_written_sliced_and_cloned() {
    let labels = [
        "bpf_dynptr_from_xdp@LINUX_6.4",
        "bpf_dynptr_adjust@LINUX_6.19",
        "bpf_dynptr_slice@LINUX_6.19",
        "bpf_dynptr_read@LINUX_6.19",
        "bpf_dynptr_write@LINUX_6.19",
        "bpf_dynptr_clone@LINUX_6.5",
        "bpf_dynptr_data@LINUX_6.19",
        "bpf_dynptr_is_null@LINUX_6.5",
    ];
    let view = |rest: &str| run(&format!("{VIEW} {rest} exit"), &labels, MapKind::Array).unwrap();
    let adjust = "r1 = r10; r1 += -16; r2 = 10; r3 = 20; call 2; if r0 != 0 goto bad;";
    let bad = "exit; bad: r0 = 999;";
    let slice = "r1 = r10; r1 += -16; r2 = 4; r3 = 0; r4 = 2; call 3; if r0 == 0 goto bad; r0 = *(u16 *)(r0 + 0);";
    assert_eq!(view(&format!("{adjust} {slice} {bad}")), 0x0f0e);
    let beyond = "r1 = r10; r1 += -16; r2 = 9; r3 = 0; r4 = 2; call 3;";
    assert_eq!(view(&format!("{adjust} {beyond} {bad}")), 0);
    let read = "r1 = r10; r1 += -24; r2 = 2; r3 = r10; r3 += -16; r4 = 1; r5 = 0; call 4; \
                r1 = *(u16 *)(r10 - 24); r0 += r1;";
    assert_eq!(view(&format!("{adjust} {read} {bad}")), 0x0c0b);
    let write = "*(u16 *)(r10 - 24) = 0x7788; r1 = r10; r1 += -16; r2 = 4; r3 = r10; r3 += -24; r4 = 2; \
                 r5 = 0; call 5; if r0 != 0 goto bad;";
    assert_eq!(view(&format!("{adjust} {write} {slice} {bad}")), 0x7788);
    let clone = "r1 = r10; r1 += -16; r2 = r10; r2 += -32; call 6; if r0 != 0 goto bad;";
    let of_clone = slice.replace("-16", "-32");
    assert_eq!(view(&format!("{clone} {adjust} {of_clone} {bad}")), 0x0504);
    assert_eq!(view("r1 = r10; r1 += -16; r2 = 0; r3 = 4; call 7;"), 0, "no pointer to a packet");
    assert_eq!(view("r1 = r10; r1 += -16; call 8;"), 0);
}

const RING: [&str; 6] = [
    "bpf_ringbuf_reserve@LINUX_5.8",
    "bpf_ringbuf_submit@LINUX_5.8",
    "bpf_ringbuf_discard@LINUX_5.8",
    "bpf_ringbuf_output@LINUX_5.8",
    "bpf_ringbuf_reserve_dynptr@LINUX_5.19",
    "bpf_ringbuf_submit_dynptr@LINUX_5.19",
];

#[test]
fn records_are_written_in_place() {
    let code = "ld_pseudo r1, 5, 0; r2 = 12; r3 = 0; call 1; if r0 == 0 goto end; \
                *(u64 *)(r0 + 0) = 7; *(u32 *)(r0 + 8) = 8; r1 = r0; r2 = 0; call 2; end: r0 = 0; exit";
    let (program, map) = program(code, &RING, MapKind::Ringbuf);
    program.run(&mut program.context()).unwrap();
    let mut records = Vec::new();
    map.ring().unwrap().drain(|record| records.push(record.to_vec()));
    assert_eq!(records, [[7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0]]);
}

#[test]
fn records_that_are_misused_trap_and_do_not_block_the_ring() {
    let reserve = "ld_pseudo r1, 5, 0; r2 = 12; r3 = 0; call 1; r6 = r0; r1 = r0; r2 = 0;";
    let trap = |rest: &str| {
        let (program, map) = program(&format!("{reserve} {rest}"), &RING, MapKind::Ringbuf);
        let trap = program.run(&mut program.context()).unwrap_err();
        map.ring().unwrap().output(b"next", 0).unwrap();
        let mut last = Vec::new();
        map.ring().unwrap().drain(|record| last = record.to_vec());
        assert_eq!(last, b"next", "the record was reclaimed");
        trap.code().id
    };
    assert_eq!(trap("r0 = 0; exit"), "T0009");
    assert_eq!(trap("call 2; r1 = r6; r2 = 0; call 3; exit"), "T0010");
    assert_eq!(trap("call 2; *(u8 *)(r6 + 0) = 1; exit"), "T0010");
    assert_eq!(trap("*(u32 *)(r6 + 12) = 1; exit"), "T0001");
    assert_eq!(trap("r1 += 8; call 2; exit"), "T0008");
}

#[test]
fn a_view_of_a_record_is_given_back() {
    let code = "ld_pseudo r1, 5, 0; r2 = 5; r3 = 0; r4 = r10; r4 += -16; call 5; r6 = r0; \
                r1 = r10; r1 += -16; r2 = 0; call 6; r1 = r10; r1 += -16; r2 = 0; call 6; r0 = r6; exit";
    assert_eq!(run(code, &RING, MapKind::Ringbuf).unwrap(), 0, "a null view is given back, too");
    let too_large = code.replace("r2 = 5;", "r2 = 0x1000000;");
    assert_eq!(run(&too_large, &RING, MapKind::Ringbuf).unwrap(), -7i64 as u64);
}

#[test]
fn loops_and_walks_call_back() {
    let labels = ["bpf_loop@LINUX_5.17", "bpf_for_each_map_elem@LINUX_5.13"];
    let sum = "f: r3 = *(u64 *)(r2 + 0); r3 += r1; *(u64 *)(r2 + 0) = r3; r0 = 0; if r1 < 6 goto out; \
               r0 = 1; out: exit";
    // The callback is at slot 12: five before the call, four after it and two wide ones.
    let code = format!(
        "*(u64 *)(r10 - 8) = 0; r1 = 100; ld_pseudo r2, 4, 7; r3 = r10; r3 += -8; r4 = 0; call 1; \
         r0 <<= 32; r1 = *(u64 *)(r10 - 8); r0 |= r1; exit; {sum}"
    );
    let code = code.replace("4, 7", "4, 9");
    assert_eq!(run(&code, &labels, MapKind::Array).unwrap(), 7 << 32 | 21);

    let walk = "f: r5 = *(u32 *)(r2 + 0); r1 = *(u64 *)(r4 + 0); r1 += r5; *(u64 *)(r4 + 0) = r1; \
                *(u64 *)(r3 + 0) = 1; r0 = 0; exit";
    let code = format!(
        "*(u64 *)(r10 - 8) = 0; ld_pseudo r1, 5, 0; ld_pseudo r2, 4, 9; r3 = r10; r3 += -8; r4 = 0; \
         call 2; r0 <<= 32; r1 = *(u64 *)(r10 - 8); r0 |= r1; exit; {walk}"
    );
    assert_eq!(run(&code, &labels, MapKind::PercpuArray).unwrap(), 4 << 32 | 6);
}

#[test]
fn packets_grow_and_shrink() {
    let labels = [
        "bpf_xdp_adjust_head@LINUX_4.10",
        "bpf_xdp_adjust_tail@LINUX_5.8",
        "bpf_xdp_adjust_tail@LINUX_4.18",
        "bpf_xdp_adjust_meta@LINUX_4.15",
        "bpf_xdp_get_buff_len@LINUX_5.18",
    ];
    let after = |call: u32, delta: i32| {
        let code = format!(
            "r6 = r1; r2 = {delta}; call {call}; r7 = r0; r1 = r6; call 5; r7 <<= 32; r0 |= r7; exit"
        );
        let value = run(&code, &labels, MapKind::Array).unwrap();
        ((value >> 32) as i32, value as u32)
    };
    assert_eq!(after(1, 10), (0, 54));
    assert_eq!(after(1, -256), (0, 320));
    assert_eq!(after(1, -257), (-22, 64));
    assert_eq!(after(1, 51), (-22, 64), "an Ethernet header must be left");
    assert_eq!(after(2, 8), (0, 72));
    assert_eq!(after(2, -50), (0, 14));
    assert_eq!(after(2, 321), (-22, 64));
    assert_eq!(after(3, 8), (-22, 64), "before LINUX_5.8 packets could not grow");
    assert_eq!(after(3, -8), (0, 56));
    assert_eq!(after(4, -8), (0, 64));
    assert_eq!(after(4, -6), (-13, 64));
}

#[test]
fn per_cpu_values_of_another_cpu() {
    let labels = ["bpf_map_lookup_elem@LINUX_3.19", "bpf_map_lookup_percpu_elem@LINUX_5.19"];
    let code = "*(u32 *)(r10 - 4) = 1; ld_pseudo r1, 5, 0; r2 = r10; r2 += -4; call 1; \
                *(u64 *)(r0 + 0) = 5; ld_pseudo r1, 5, 0; r2 = r10; r2 += -4; r3 = 0; call 2; \
                r0 = *(u64 *)(r0 + 0); exit";
    let (program, _) = program(code, &labels, MapKind::PercpuArray);
    let mut context = program.context();
    assert_eq!(program.run(&mut context).unwrap().value, 5);
    assert_eq!(program.run(context.on_cpu(1)).unwrap().value, 5, "the copy of CPU 0 is still 5");
    let trap = program.run(context.on_cpu(2)).unwrap_err();
    assert_eq!(trap.code().id, "T0016");
}

#[test]
fn checksums_were_not_folded() {
    let diff = |label: &str| {
        let code = "*(u32 *)(r10 - 4) = -1; *(u32 *)(r10 - 8) = 0x12345678; r1 = 0; r2 = 0; r3 = r10; \
                    r3 += -8; r4 = 8; r5 = 1; call 1; exit";
        run(code, &[label], MapKind::Array).unwrap()
    };
    assert_eq!(diff("bpf_csum_diff@LINUX_4.6"), 0x1234_5679);
    assert_eq!(diff("bpf_csum_diff@LINUX_6.13"), 0x68ad);
}
