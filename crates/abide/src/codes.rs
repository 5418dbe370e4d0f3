//! The codes of the command line (`C`): files that it reads itself, and questions without an answer.
//! Everything else that it prints carries the code of the room that found it.

abide_diag::codes! {
    /// The file cannot be read or written; the message has the reason of the operating system.
    C_IO = "C0001", "file cannot be read or written";
    /// The file is larger than anything of its kind should be, and was not read.
    C_FILE_TOO_LARGE = "C0002", "file too large";
    /// The file is no capture in the classic format of libpcap. Captures in the pcapng format (what
    /// Wireshark writes by default) are converted by `editcap -F pcap IN OUT`, or by
    /// `tcpdump -r IN -w OUT`.
    C_PCAP_FORMAT = "C0101", "not a pcap file";
    /// A record of the capture is longer than a packet can be, or the file ends inside of one. The
    /// file was cut off or damaged; the packets before are whole.
    C_PCAP_RECORD = "C0102", "damaged capture";
    /// The packets of the capture have no Ethernet header, which programs of type xdp and tc expect.
    /// Capture on an Ethernet device, or on `lo`: not on `any`, and not on a tunnel.
    C_PCAP_LINK = "C0103", "packets without an Ethernet header";
    /// A line of a file for `--map` is not `KEY VALUE`.
    C_MAP_LINE = "C0201", "not an entry of a map";
    /// A key or value is no literal of a known form, or does not fit. The forms are: bytes in hex
    /// (`0x0a4d0042`, in the order in which they lie in memory), an integer (in the machine's byte
    /// order, as wide as the key or value), an IPv4 or IPv6 address (network byte order; an IPv4
    /// address of 16 bytes is the mapped one, `::ffff:a.b.c.d`).
    C_MAP_LITERAL = "C0202", "bad key or value";
    /// The map does not take the entry: it is full, or the index is beyond its end.
    C_MAP_ENTRY = "C0203", "map refuses the entry";
    /// The object has no map of this name, or one that cannot be filled from a file.
    C_MAP_NAME = "C0204", "no such map";
    /// The object has several programs that would do: `--program` says which.
    C_WHICH_PROGRAM = "C0301", "several programs";
    /// The object has no program or subprogram of this name.
    C_NO_PROGRAM = "C0307", "no such program";
    /// The program is not handed packets, as its context says. Run it with `--ctx`.
    C_NO_PACKETS = "C0302", "program takes no packets";
    /// A value of `--ctx` or `--packet` is not of the form that `abide run --help` describes.
    C_CONTEXT = "C0303", "bad context";
    /// A host is written `API@NODE`, `API@HOST` or one of them with `:YYYY-MM-DD`.
    C_HOST = "C0304", "not a host";
    /// Two API files have the same name: a stamp could mean either.
    C_TWO_APIS = "C0305", "two APIs of one name";
    /// There is no API with this name, and no such file.
    C_NO_API = "C0306", "no such API";
    /// The folder has no file that ends in `.o`.
    C_NO_OBJECT = "C0308", "no object";
    /// `--explain` takes a program and a host, PROGRAM@HOST, and one object.
    C_EXPLAIN = "C0309", "not a program on a host";
    /// Only what has tables for people to read elsewhere is printed as Markdown.
    C_FORMAT = "C0310", "no Markdown";
    /// `--format json` promises that standard output holds one JSON document and nothing else, so that
    /// `-o -` cannot put a file there as well. Give the file a name, or leave out `--format json`.
    C_TWO_OUTPUTS = "C0311", "two outputs in one place";
    /// The file to be written is one of those that are read, so that what was made would replace what it
    /// was made of. `-o FILE` names another.
    C_SAME_FILE = "C0312", "output would replace the input";
    /// Assembly is text. The file is an object already: `abide disasm` makes text of it.
    C_NOT_TEXT = "C0313", "object where a text is expected";
    /// Two files are `-`, but standard input can be read once only. Give one of them a name.
    C_STANDARD_TWICE = "C0314", "standard input twice";
    /// `--release` takes what `uname -r` says, which begins with two numbers.
    C_RELEASE = "C0315", "not a release";
    /// The API has no node, host, feature or definition of this name.
    C_NO_NAME = "C0401", "unknown name";
    /// A file of types has no type, function or variable of this name.
    C_NO_TYPE = "C0403", "no such type";
    /// `as` takes the options that gcc passes, and most of GNU's. `abide as --help` lists them; what
    /// asks for something that is not done here is refused, not ignored.
    C_AS_OPTION = "C0601", "unknown option of `as`";
    /// An option of `as` has no value or a wrong one.
    C_AS_VALUE = "C0602", "bad value for an option of `as`";
    /// Nothing is wrong enough to be refused by itself, but `--fatal-warnings` asks for an object
    /// only if there is nothing to warn of.
    C_AS_WARNINGS = "C0603", "warnings where none are wanted";
    /// No message has this code. `abide explain` without a code lists all.
    C_NO_CODE = "C0501", "unknown code";
}

/// Every code of every room.
pub fn all() -> impl Iterator<Item = &'static abide_diag::Code> {
    [
        abide_isa::CODES,
        abide_asm::CODES,
        abide_btf::codes::CODES,
        abide_object::codes::CODES,
        abide_api::codes::CODES,
        abide_api::bind::codes::CODES,
        abide_api::headers::codes::CODES,
        abide_maps::codes::CODES,
        abide_runtime::CODES,
        CODES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
