//! Captures from any bytes; what is read is written, and reads the same again.
#![no_main]

// The reader is part of the command line, which is no library.
#[allow(dead_code, unreachable_pub, reason = "not all of it is used here")]
#[path = "../../crates/abide/src/cli/pcap.rs"]
mod pcap;

use libfuzzer_sys::fuzz_target;
use pcap::{Header, Packet, PcapError, Reader, Writer};

fn read(bytes: &[u8]) -> Result<(Header, Vec<Packet>), PcapError> {
    let mut reader = Reader::new(bytes)?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.packet()? {
        packets.push(packet);
    }
    Ok((reader.header(), packets))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok((header, packets)) = read(bytes) else { return };
    let mut writer = Writer::new(Vec::new(), header).expect("memory takes all");
    for packet in &packets {
        writer.packet(packet, &packet.bytes).expect("memory takes all");
    }
    let (again, same) = read(&writer.into_inner()).expect("what was written is read");
    assert_eq!(header.link_type(), again.link_type());
    // A packet can say that it was shorter on the wire than what is there; that is not written.
    assert!(packets.iter().zip(&same).all(|(a, b)| a.time == b.time && a.bytes == b.bytes));
    assert_eq!(packets.len(), same.len());
});
