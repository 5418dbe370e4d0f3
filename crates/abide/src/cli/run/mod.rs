//! `abide run`: an object, a host, something to run on. The work is done by `runtime`; this reads what
//! is to be run on, and reports.

mod collect;
mod drive;
mod entries;
mod input;
mod prepare;
mod report;
mod values;

use std::path::PathBuf;

use self::collect::Which;
use self::report::Report;
use super::apis::{self, ApiArgs, Apis};
use super::fail::{Exit, Failure};
use super::files::is_standard;
use super::kconfig::KconfigArg;
use super::ui::Ui;

/// Run a program of an object on a host, over packets or on a context.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The object, as clang or gcc made it
    object: PathBuf,
    /// The program; may be left out if only one would do
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// API@NODE or API@HOST, `btf:FILE` (a kernel by its BTF) or `running`, with :DATE after it to
    /// measure windows on that day. Without it, the newest node of the object's API, on the day of its
    /// release
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    apis: ApiArgs,
    /// A capture (classic pcap, Ethernet): each packet is one run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ctx", "packet"])]
    packets: Option<PathBuf>,
    /// Write the packets that go on, as the program left them, to a capture
    #[arg(long, value_name = "FILE", requires = "packets")]
    write: Option<PathBuf>,
    /// Run once on this context: FIELD=VALUE,…, or all its bytes in hex or in a file
    #[arg(long, value_name = "CONTEXT")]
    ctx: Option<String>,
    /// The packet of the context, in hex or in a file
    #[arg(long, value_name = "PACKET")]
    packet: Option<String>,
    /// Fill a map before the run: lines of KEY VALUE. May be given several times
    #[arg(long, value_name = "NAME=FILE")]
    map: Vec<String>,
    #[command(flatten)]
    kconfig: KconfigArg,
    /// The types of the host, for CO-RE: a file of BTF, an ELF file that has them, or `vmlinux` for
    /// the kernel that runs here
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// Run over everything N times. Only the time is taken of all but the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// How many CPUs the program sees. Packets go to them in turn
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    cpus: u32,
    /// The most instructions of one run
    #[arg(long, value_name = "N", default_value_t = abide::FUEL, value_parser = clap::value_parser!(u64).range(1..))]
    fuel: u64,
    /// Run without a proof: a run that does what it may not ends with a trap
    #[arg(long)]
    checked: bool,
    /// Compare each run with the proof, instruction by instruction
    #[arg(long, conflicts_with = "checked")]
    paranoid: bool,
    /// Which maps to show: `used` (all but global data), `all`, `none`, or names with commas between
    #[arg(long, value_name = "WHICH", default_value = "used")]
    maps: Which,
    /// How many entries of each map to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    rows: usize,
    /// How many events of each ring buffer, and lines of the trace, to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    events: usize,
}

const AFTER_HELP: &str = "\
Examples:
  abide run firewall.bpf.o --packets web.pcap
  abide run firewall.bpf.o --packets web.pcap --map blocklist=blocklist.txt --write passed.pcap
  abide run firewall.bpf.o --packets web.pcap --host linux@LINUX_6.12:2027-01-01 --format json
  abide run firewall.bpf.o --packets web.pcap --repeat 100 --events 0
  abide run filter.bpf.o --ctx mark=7 --packet 0xffffffffffff0202020202020800
  abide run unfinished.bpf.o --checked

A program is proved safe before it runs, as `abide verify` does, and refused if it cannot be proved.
With --checked it runs without a proof; what it does wrong then ends the run with a trap.
With --paranoid each run is compared with the proof before each instruction: registers,
stack, what is held. A contradiction is a mistake of the verifier: the run ends, what is
needed to see it again is printed, and the exit code is 4.

Files for --map have one entry a line, KEY and VALUE with blanks between, and # before comments.
Each is hex bytes (0x…, as they lie in memory), an integer (as wide as the key or value, in the
machine's byte order), or an IPv4 or IPv6 address (in network byte order; where 16 bytes are wanted,
an IPv4 address is the mapped one, ::ffff:a.b.c.d).

--write takes the packets that go on: XDP_PASS, XDP_TX and XDP_REDIRECT of xdp; of tc all but
TC_ACT_SHOT, TC_ACT_STOLEN, TC_ACT_QUEUED and TC_ACT_TRAP; of socket filters as many bytes as they
return. Times are kept. Packets whose run trapped are left out. `--write -` puts the capture in the
place of the report.

Events of a ring buffer NAMEs are shown as `struct NAME` where the object has one of the record's
size, and in hex where it has none. Values of per-CPU maps are added up where they are integers.
Sixteen bytes are shown as an IPv6 address where the type or the member has \"addr\", \"ip6\" or
\"ipv6\" in its name.

Variables `__kconfig` get their values from --kconfig; LINUX_KERNEL_VERSION and the other LINUX_…
follow from the host's version. Weak ones that are nowhere are 0.

Without --packets, --ctx and --packet the program runs once, on a context of zeroes and an empty
packet.

The bodies of `linux` are built in. Of other APIs there are none here: such a program runs until it
calls something, and then traps.

Ends with 1 if the object is refused, or if a run trapped.";

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if let Some(path) = &args.write {
        ui.beside(path)?;
    }
    let apis = Apis::load(&args.apis)?;
    let (_, object) = apis::object(&args.object)?;
    let ready = prepare::prepare(args, &apis, object)?;
    let ran = match &args.packets {
        Some(path) => drive::packets(args, &ready, path)?,
        None => drive::single(args, &ready)?,
    };
    let report = Report {
        object: ready.object_report(&args.object),
        program: ready.program_report(),
        host: ready.host_report(),
        proof: ready.proof_report(),
        bindings: ready.binding_reports(),
        warnings: ready.warnings(),
        packets: ran.packets,
        single: ran.single,
        traps: ran.traps,
        contradiction: ran.contradiction,
        maps: ran.maps,
        events: ran.events,
        trace: ran.trace,
        time: ran.time,
        written: ran.written,
    };
    // Where the capture is, there is no room for the report.
    if !args.write.as_deref().is_some_and(is_standard) {
        ui.show(&report, |paint| report.text(paint))?;
    }
    Ok(match &report.contradiction {
        Some(_) => Exit::Contradiction,
        None if report.traps.is_empty() => Exit::Done,
        None => Exit::Refused,
    })
}
