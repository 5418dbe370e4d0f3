//! Captures in the classic format of libpcap: read packet by packet, and written. Knows no protocol.
//!
//! The format is that of `pcap-savefile(5)`: a header of 24 bytes whose magic tells byte order and the
//! unit of time, then records of 16 bytes of header and the packet. Lengths are not trusted: what is
//! allocated follows from the bytes that are there.

use std::io::{self, Read, Write};

/// Frames are at most 64 KiB with segmentation offload; libpcap itself takes 256 KiB (`MAXIMUM_SNAPLEN`).
const PACKET_MAX: u32 = 256 << 10;

const MAGIC_MICROS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
/// The type of a pcapng section header block: the same in both byte orders.
const PCAPNG: u32 = 0x0a0d_0d0a;

/// `LINKTYPE_ETHERNET`.
pub(crate) const ETHERNET: u32 = 1;

/// What is said once for the whole capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    big_endian: bool,
    nanos: bool,
    snap_length: u32,
    /// The link type, and the bits above it that say whether frames end in a checksum.
    link: u32,
}

impl Header {
    /// The kind of header that packets begin with (`LINKTYPE_…`).
    pub(crate) fn link_type(&self) -> u32 {
        self.link & 0xffff
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn bytes(&self, word: u32) -> [u8; 4] {
        if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
    }
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Seconds, and micro- or nanoseconds, as they stand in the file.
    pub(crate) time: (u32, u32),
    /// How long it was on the wire, if it was longer than what was captured.
    pub(crate) original: u32,
    /// What was captured.
    pub(crate) bytes: Vec<u8>,
}

/// Why a capture cannot be read.
#[derive(Debug)]
pub(crate) enum PcapError {
    Io(io::Error),
    /// Empty, or shorter than a header.
    Short,
    PcapNg,
    Magic(u32),
    Version(u16),
    /// The record of this number, from 1, at this byte.
    Record {
        number: u64,
        at: u64,
        why: String,
    },
}

/// Reads packet by packet.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: R,
    header: Header,
    at: u64,
    number: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub(crate) fn new(mut input: R) -> Result<Self, PcapError> {
        let mut bytes = [0; 24];
        let got = fill(&mut input, &mut bytes).map_err(PcapError::Io)?;
        if got < 4 {
            return Err(PcapError::Short);
        }
        let magic = [bytes[0], bytes[1], bytes[2], bytes[3]];
        let (little, big) = (u32::from_le_bytes(magic), u32::from_be_bytes(magic));
        let (big_endian, nanos) = match (little, big) {
            (MAGIC_MICROS, _) => (false, false),
            (MAGIC_NANOS, _) => (false, true),
            (_, MAGIC_MICROS) => (true, false),
            (_, MAGIC_NANOS) => (true, true),
            (PCAPNG, _) => return Err(PcapError::PcapNg),
            _ => return Err(PcapError::Magic(big)),
        };
        if got < bytes.len() {
            return Err(PcapError::Short);
        }
        let mut header = Header { big_endian, nanos, snap_length: 0, link: 0 };
        let word =
            |at: usize| header.word([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let major = if big_endian { word(4) >> 16 } else { word(4) & 0xffff };
        let (snap_length, link) = (word(16), word(20));
        // 2.4 since 1998; older ones had the lengths the other way round.
        if major != 2 {
            return Err(PcapError::Version(major as u16));
        }
        header.snap_length = snap_length;
        header.link = link;
        Ok(Reader { input, header, at: 24, number: 0 })
    }

    /// What the header says.
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// The next packet; `None` at the end.
    pub(crate) fn packet(&mut self) -> Result<Option<Packet>, PcapError> {
        let mut head = [0; 16];
        let got = fill(&mut self.input, &mut head).map_err(PcapError::Io)?;
        if got == 0 {
            return Ok(None);
        }
        self.number += 1;
        if got < head.len() {
            return Err(
                self.bad(format!("the file ends after {got} of the 16 bytes of its header"))
            );
        }
        let word =
            |at: usize| self.header.word([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (time, length, original) = ((word(0), word(4)), word(8), word(12));
        if length > PACKET_MAX {
            return Err(self
                .bad(format!("its length is {length}; packets have at most {PACKET_MAX} bytes")));
        }
        let mut bytes = Vec::new();
        let got = (&mut self.input)
            .take(u64::from(length))
            .read_to_end(&mut bytes)
            .map_err(PcapError::Io)?;
        if got < length as usize {
            return Err(self.bad(format!("the file ends after {got} of its {length} bytes")));
        }
        self.at += 16 + u64::from(length);
        Ok(Some(Packet { time, original, bytes }))
    }

    fn bad(&self, why: String) -> PcapError {
        PcapError::Record { number: self.number, at: self.at, why }
    }
}

/// Reads until the buffer is full or the input ends; how much was read.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Writes a capture in the byte order and the unit of time of the one that was read.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    output: W,
    header: Header,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub(crate) fn new(mut output: W, header: Header) -> io::Result<Self> {
        let magic = if header.nanos { MAGIC_NANOS } else { MAGIC_MICROS };
        let version = if header.big_endian { 2 << 16 | 4 } else { 4 << 16 | 2 };
        // Programs may have made packets longer than what was captured.
        let snap_length = header.snap_length.max(PACKET_MAX);
        for word in [magic, version, 0, 0, snap_length, header.link] {
            output.write_all(&header.bytes(word))?;
        }
        Ok(Writer { output, header })
    }

    /// Writes a packet with the time of the one that it was.
    pub(crate) fn packet(&mut self, was: &Packet, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        // What was cut off when it was captured is still missing.
        let missing = was.original.saturating_sub(was.bytes.len() as u32);
        let original = length.saturating_add(missing);
        for word in [was.time.0, was.time.1, length, original] {
            self.output.write_all(&self.header.bytes(word))?;
        }
        self.output.write_all(bytes)
    }

    /// Where it is written to.
    pub(crate) fn output(&self) -> &W {
        &self.output
    }

    /// Hands back the output.
    pub(crate) fn into_inner(self) -> W {
        self.output
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<(Header, Vec<Packet>), PcapError> {
        let mut reader = Reader::new(bytes)?;
        let mut packets = Vec::new();
        while let Some(packet) = reader.packet()? {
            packets.push(packet);
        }
        Ok((reader.header(), packets))
    }

    fn write(header: Header, packets: &[Packet]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), header).unwrap();
        packets.iter().for_each(|packet| writer.packet(packet, &packet.bytes).unwrap());
        writer.into_inner()
    }

    fn header() -> impl Strategy<Value = Header> {
        (any::<bool>(), any::<bool>(), any::<u32>()).prop_map(|(big_endian, nanos, link)| Header {
            big_endian,
            nanos,
            snap_length: PACKET_MAX,
            link,
        })
    }

    fn packet() -> impl Strategy<Value = Packet> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..40);
        (any::<(u32, u32)>(), bytes, 0..2000_u32).prop_map(|(time, bytes, more)| Packet {
            time,
            original: bytes.len() as u32 + more,
            bytes,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            header in header(),
            packets in proptest::collection::vec(packet(), 0..8),
        ) {
            let bytes = write(header, &packets);
            prop_assert_eq!(read(&bytes).unwrap(), (header, packets));
        }

        #[test]
        fn cut_or_flipped_captures_end_cleanly(
            header in header(),
            packets in proptest::collection::vec(packet(), 1..5),
            cut in any::<proptest::sample::Index>(),
            flip in any::<proptest::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let mut bytes = write(header, &packets);
            let at = flip.index(bytes.len());
            bytes[at] ^= 1 << bit;
            bytes.truncate(cut.index(bytes.len() + 1));
            let total = bytes.len();
            if let Ok((_, packets)) = read(&bytes) {
                prop_assert!(packets.iter().map(|packet| packet.bytes.len()).sum::<usize>() <= total);
            }
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn lengths_are_not_trusted() {
        let header = Header { big_endian: false, nanos: false, snap_length: 0, link: ETHERNET };
        let mut bytes = write(header, &[]);
        bytes.extend([0; 8]);
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.extend([0; 4]);
        assert!(matches!(read(&bytes), Err(PcapError::Record { number: 1, at: 24, .. })));
    }
}
