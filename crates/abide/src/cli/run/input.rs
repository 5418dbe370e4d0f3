//! What a program is run on: packets of a capture, or one context from the command line.

use std::path::Path;

use abide::{Context, codes};
use abide_diag::{Diagnostic, Report, printable};

use crate::cli::fail::{Exit, Failure, at_file, shown};
use crate::cli::pcap::{ETHERNET, Header, Packet, PcapError, Reader};
use crate::cli::{files, literal};

/// A capture is read as a whole, so that passes over it are not slowed down by the disk.
const CAPTURE_LIMIT: u64 = 1 << 30;
/// No context or packet is larger.
const BYTES_LIMIT: u64 = 1 << 20;

/// All packets of a capture with Ethernet headers.
pub(crate) fn capture(path: &Path) -> Result<(Header, Vec<Packet>), Failure> {
    let bytes = files::read(path, CAPTURE_LIMIT)?;
    let refuse = |error: PcapError| match error {
        PcapError::Io(error) => Failure::io("read", path, &error),
        other => Failure::refused(pcap_error(path, other)),
    };
    let mut reader = Reader::new(&bytes[..]).map_err(refuse)?;
    let link = reader.header().link_type();
    if link != ETHERNET {
        let message = format!("the packets have link type {link}, not Ethernet ({ETHERNET})");
        return Err(Failure::refused(
            at_file(&codes::C_PCAP_LINK, path, message)
                .help("capture on an Ethernet device or on `lo`"),
        ));
    }
    let mut packets = Vec::new();
    while let Some(packet) = reader.packet().map_err(refuse)? {
        packets.push(packet);
    }
    Ok((reader.header(), packets))
}

fn pcap_error(path: &Path, error: PcapError) -> Diagnostic {
    let format = |message: String| at_file(&codes::C_PCAP_FORMAT, path, message);
    match error {
        PcapError::Io(error) => format(error.to_string()),
        PcapError::Short => format("the file is too short for a capture".to_owned()),
        PcapError::PcapNg => {
            format("the capture is in the format pcapng, not in the classic one".to_owned())
                .help("convert it: `tcpdump -r IN -w OUT`, or `editcap -F pcap IN OUT`")
        }
        PcapError::Magic(magic) => {
            format(format!("no capture begins with {magic:#010x}")).help("see pcap-savefile(5)")
        }
        PcapError::Version(major) => format(format!("version {major} of the format is not known")),
        PcapError::Record { number, at, why } => {
            at_file(&codes::C_PCAP_RECORD, path, format!("packet {number}, at byte {at}: {why}"))
        }
    }
}

/// Sets a context from the command line: `FIELD=VALUE,…`, hex, or a file.
pub(crate) fn context(context: &mut Context, text: &str) -> Result<(), Failure> {
    if text.contains('=') {
        for part in text.split(',') {
            field(context, part)?;
        }
        return Ok(());
    }
    let size = context.bytes().len();
    let bytes = bytes("--ctx", text)?;
    if bytes.len() != size {
        let message = format!("--ctx has {} bytes, the context {size}", bytes.len());
        return Err(Failure::usage(
            Diagnostic::error(&codes::C_CONTEXT, message)
                .help("FIELD=VALUE sets single fields and leaves the others zero"),
        ));
    }
    context.fill(&bytes);
    Ok(())
}

fn field(context: &mut Context, part: &str) -> Result<(), Failure> {
    let bad = |why: String| {
        Failure::usage(
            Diagnostic::error(&codes::C_CONTEXT, format!("`{}`: {why}", printable(part)))
                .help("write FIELD=VALUE, with commas between several"),
        )
    };
    let Some((name, value)) = part.split_once('=') else {
        return Err(bad("there is no `=`".to_owned()));
    };
    let (name, value) = (name.trim(), value.trim());
    let number = match literal::hex_digits(value) {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(i128::from),
        None => literal::integer(value).flatten(),
    };
    let number = number.ok_or_else(|| bad("the value is no integer of 64 bits".to_owned()))?;
    context.set(name, number).map_err(|error| Failure::usage(error.report()))?;
    Ok(())
}

/// Bytes in hex, or of a file.
pub(crate) fn bytes(option: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let digits = literal::hex_digits(text);
    let path = Path::new(text);
    if digits.is_none() && path.exists() {
        return files::read(path, BYTES_LIMIT);
    }
    literal::hex(digits.unwrap_or(text)).map_err(|why| {
        let message = format!("{option}: {why}, and there is no file {}", shown(path));
        let diagnostic = Diagnostic::error(&codes::C_CONTEXT, message)
            .help("give bytes in hex (0x0a4d…), or the name of a file that holds them");
        Failure { exit: Exit::Usage, messages: vec![diagnostic.into()] }
    })
}
