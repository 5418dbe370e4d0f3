//! The firewall of `examples/`, packet by packet: Abide's verdicts are those that Linux gave, and an
//! object that is built again by another clang behaves like the committed one.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::process::Command;

use abide::linux::xdp::Xdp;
use abide::{Host, Loaded, linux_api};
use abide_testkit::{repo, tool};

/// The packets of a classic little-endian pcap: this one is committed, so no more is needed.
fn packets() -> Vec<Vec<u8>> {
    let file = fs::read(repo("examples/firewall/web.pcap")).unwrap();
    let mut rest = &file[24..];
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        packets.push(rest[16..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    packets
}

fn load(host: &str, object: &[u8]) -> Loaded {
    let api = linux_api().unwrap();
    let host = Host::builder(&api).at(host).linux().build().unwrap();
    let loaded = host.load(object).unwrap();
    let blocklist = loaded.map("blocklist").unwrap();
    for line in fs::read_to_string(repo("examples/firewall/blocklist.txt")).unwrap().lines() {
        let Some(address) = line.split_whitespace().next().filter(|word| *word != "#") else {
            continue;
        };
        let key = match address.parse().unwrap() {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        };
        let value = vec![0; blocklist.def().value_size as usize];
        blocklist.set(&key, &value, 0).unwrap();
    }
    loaded
}

/// The verdict on each packet, the records of the ring buffer but for their time, the counters.
type Behaviour = (Vec<i32>, Vec<Vec<u8>>, BTreeMap<Vec<u8>, Vec<u8>>);

fn behaviour(loaded: &Loaded) -> Behaviour {
    let mut xdp = Xdp::new(&loaded.program("firewall").unwrap());
    let verdicts = packets().iter().map(|packet| xdp.run(packet).unwrap().action).collect();
    let mut events = Vec::new();
    let ring = loaded.map("events").unwrap().ring().unwrap();
    ring.drain(|record| events.push(record[8..].to_vec()));
    (verdicts, events, loaded.map("counters").unwrap().iter().collect())
}

fn committed() -> Vec<u8> {
    fs::read(repo("examples/firewall/firewall.bpf.o")).unwrap()
}

#[test]
fn the_verdicts_are_those_of_linux() {
    let expected = fs::read_to_string(repo("examples/firewall/expected-verdicts.txt")).unwrap();
    let expected: Vec<i32> = expected
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| match line.split_once(' ').unwrap().1 {
            "XDP_DROP" => 1,
            "XDP_PASS" => 2,
            other => panic!("{other}"),
        })
        .collect();
    // Under the version that it was written for, and preserved or adapted by the newest.
    for host in ["LINUX_6.12", "LINUX_7.3"] {
        let (verdicts, events, _) = behaviour(&load(host, &committed()));
        assert_eq!(verdicts, expected, "{host}");
        assert_eq!(events.len(), verdicts.iter().filter(|verdict| **verdict == 1).count());
    }
}

#[test]
fn the_counters_are_those_of_linux() {
    let expected = fs::read_to_string(repo("examples/firewall/expected-counters.txt")).unwrap();
    let (_, _, counters) = behaviour(&load("LINUX_6.12", &committed()));
    let lines: Vec<_> = expected.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), counters.len());
    for (line, value) in lines.iter().zip(counters.values()) {
        let words: Vec<u64> = value
            .chunks_exact(8)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap()))
            .collect();
        let expected: Vec<u64> =
            line.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
        assert_eq!(words[..3], expected, "{line}");
    }
}

#[test]
fn objects_built_again_behave_the_same() {
    let expected = behaviour(&load("LINUX_6.12", &committed()));
    for name in ["clang-14", "clang-19", "clang-22"] {
        let Some(clang) = tool(&[name]) else { continue };
        let out =
            std::env::temp_dir().join(format!("abide-firewall-{}-{name}", std::process::id()));
        let built = Command::new("sh")
            .arg(repo("examples/build.sh"))
            .arg(&out)
            .env("CLANG", &clang)
            .env("ABIDE", env!("CARGO_BIN_EXE_abide"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let object = fs::read(out.join("firewall/firewall.bpf.o")).unwrap();
        fs::remove_dir_all(&out).unwrap();
        assert_eq!(behaviour(&load("LINUX_6.12", &object)), expected, "{name}");
    }
}
