//! A kernel of Debian with its modules, from the package that `cargo xtask packages` fetches: real split
//! BTF over its base. Nothing is fetched or installed here.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::corpus::{files_below, unpacked};

/// Where the package is, in the repository.
const FETCHED: &str = "target/kernels";

/// A kernel, an ELF file, and its modules, sorted by path.
#[derive(Debug)]
pub struct KernelPackage {
    /// The unpacked `vmlinux`.
    pub vmlinux: PathBuf,
    /// The modules (`*.ko`).
    pub modules: Vec<PathBuf>,
}

/// The fetched kernel.
///
/// `None`, with a line on standard error, when none was fetched or there is no tool to unpack it.
///
/// # Panics
/// When the package is damaged; that is how a test fails.
pub fn kernel_package() -> Option<KernelPackage> {
    let entries = std::fs::read_dir(crate::repo(FETCHED)).into_iter().flatten();
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let Some(file) = files.find(|file| file.extension().is_some_and(|end| end == "deb")) else {
        crate::skip(&format!("no kernel of Debian in {FETCHED} (cargo xtask packages)"));
        return None;
    };
    let tool = crate::tool(&["dpkg-deb"])?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let directory = unpacked(&name, |directory| {
        let status = Command::new(tool).arg("-x").arg(&file).arg(directory).status();
        assert!(status.is_ok_and(|status| status.success()), "cannot unpack {}", file.display());
        let image = files_below(&directory.join("boot")).into_iter().find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
        });
        let image = std::fs::read(image.expect("a package of a kernel has one")).expect("readable");
        std::fs::write(directory.join("vmlinux"), kernel(&image)).expect("writable");
    });
    let mut modules = files_below(&directory.join("lib"));
    modules.retain(|path| path.extension().is_some_and(|end| end == "ko"));
    Some(KernelPackage { vmlinux: directory.join("vmlinux"), modules })
}

/// The kernel inside a bootable image for x86: what the fields `setup_sects`, `payload_offset` and
/// `payload_length` of its header say, unpacked.
fn kernel(image: &[u8]) -> Vec<u8> {
    let word = |at: usize| {
        let bytes = image[at..].first_chunk().expect("a bootable image");
        u32::from_le_bytes(*bytes) as usize
    };
    let start = (usize::from(image[0x1f1]) + 1) * 512 + word(0x248);
    // The last word is the length of what is packed.
    let packed = &image[start..start + word(0x24c) - 4];
    let unpacked = match packed {
        [0x02, 0x21, 0x4c, 0x18, blocks @ ..] => lz4(blocks),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => run("zstd", packed),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => run("xz", packed),
        _ => panic!("a kernel packed in another way: {:?}", &packed[..6]),
    };
    assert!(unpacked.starts_with(b"\x7fELF"), "no kernel was in it");
    unpacked
}

/// What a program unpacks from its standard input.
fn run(program: &str, packed: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut input = child.stdin.take().expect("it is piped");
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut input, packed).expect("it reads all"));
        child.wait_with_output().expect("it ends").stdout
    })
}

/// Unpacks blocks of LZ4, each after its length, as the old format of the `lz4` program has them.
fn lz4(mut blocks: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((len, rest)) = blocks.split_first_chunk() {
        let (block, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        lz4_block(&mut block.iter().copied(), &mut out);
        blocks = rest;
    }
    out
}

fn lz4_block(bytes: &mut impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    fn long(bytes: &mut impl Iterator<Item = u8>, short: u8) -> usize {
        let mut len = usize::from(short);
        let mut more = short == 15;
        while more {
            let byte = bytes.next().expect("a length ends");
            len += usize::from(byte);
            more = byte == 255;
        }
        len
    }
    while let Some(token) = bytes.next() {
        let literal = long(bytes, token >> 4);
        out.extend(bytes.take(literal));
        // The last sequence has nothing but literals.
        let Some(low) = bytes.next() else { return };
        let back = usize::from(low) | usize::from(bytes.next().expect("two bytes")) << 8;
        let len = long(bytes, token & 15) + 4;
        for _ in 0..len {
            out.push(out[out.len() - back]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_bytes_are_unpacked() {
        // Five letters, twelve more from three before them; then one letter.
        let block = [0x58, b'a', b'b', b'c', b'd', b'e', 3, 0, 0x10, b'!'];
        let blocks = [&10_u32.to_le_bytes()[..], &block].concat();
        assert_eq!(lz4(&blocks), b"abcdecdecdecdecde!");
        // Lengths of fifteen and more go on in bytes of their own.
        let long = [&[0xf0, 1][..], &[b'x'; 16]].concat();
        assert_eq!(lz4(&[&18_u32.to_le_bytes()[..], &long].concat()), [b'x'; 16]);
    }
}
