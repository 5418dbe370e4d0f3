//! Running: over the packets of a capture, or once on a context. Counts, times, and keeps what the first
//! pass left.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use abide::{Trap, codes};
use abide_diag::{Diagnostic, Report as _, printable};
use abide_runtime::linux::skb::{self, Skb};
use abide_runtime::linux::xdp::{Verdict, Xdp};

use super::collect::{self, Collected};
use super::prepare::Ready;
use super::report::{self, Packets, Single, Time, Trace, Written};
use super::{Args, input};
use crate::cli::fail::{Failure, shown};
use crate::cli::files::Output;
use crate::cli::pcap::{Packet, Writer};

/// What a run gave.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) packets: Option<Packets>,
    pub(crate) single: Option<Single>,
    pub(crate) traps: Vec<report::Trap>,
    pub(crate) contradiction: Option<report::Contradiction>,
    pub(crate) maps: Vec<report::Map>,
    pub(crate) events: Vec<report::Events>,
    pub(crate) trace: Trace,
    pub(crate) time: Option<Time>,
    pub(crate) written: Option<Written>,
}

/// Programs on packets, by type.
enum Driver {
    Xdp(Xdp),
    Skb(Skb),
}

impl Driver {
    fn run(&mut self, packet: &[u8], cpu: u32) -> Result<Verdict<'_>, Trap> {
        match self {
            Driver::Xdp(xdp) => {
                xdp.context().on_cpu(cpu);
                xdp.run(packet)
            }
            Driver::Skb(skb) => {
                skb.context().on_cpu(cpu);
                skb.run(packet)
            }
        }
    }
}

/// The bytes that go on after a verdict; `None` if the packet ends here.
fn passed<'a>(packet_type: &str, name: Option<&str>, verdict: &Verdict<'a>) -> Option<&'a [u8]> {
    const XDP_ON: [&str; 3] = ["XDP_PASS", "XDP_TX", "XDP_REDIRECT"];
    const TC_OFF: [&str; 4] = ["TC_ACT_SHOT", "TC_ACT_STOLEN", "TC_ACT_QUEUED", "TC_ACT_TRAP"];
    match packet_type {
        "xdp" => name.is_some_and(|name| XDP_ON.contains(&name)).then_some(verdict.packet),
        "tc" => name.is_none_or(|name| !TC_OFF.contains(&name)).then_some(verdict.packet),
        _ => {
            // A socket filter returns the length that the socket gets, as an unsigned number.
            let length = (verdict.action as u32 as usize).min(verdict.packet.len());
            (length > 0).then(|| &verdict.packet[..length])
        }
    }
}

/// Counts of the first pass.
#[derive(Debug, Default)]
struct Tally {
    verdicts: BTreeMap<i32, (u64, u64)>,
    traps: Traps,
    instructions: u64,
    runs: u64,
    time: Duration,
}

/// Traps by kind and place; of each the first.
#[derive(Debug, Default)]
struct Traps {
    found: BTreeMap<(&'static str, Option<u32>), report::Trap>,
}

impl Traps {
    fn add(&mut self, trap: &Trap, packet: Option<u64>) {
        let key = (trap.code().id, trap.place().map(|place| place.slot));
        let entry = self.found.entry(key).or_insert_with(|| report::Trap {
            count: 0,
            first_packet: packet,
            message: trap.report(),
        });
        entry.count += 1;
    }

    fn report(self) -> Vec<report::Trap> {
        let mut all: Vec<_> = self.found.into_values().collect();
        all.sort_by_key(|trap| trap.first_packet);
        all
    }
}

/// Runs the program over a capture.
pub(crate) fn packets(args: &Args, ready: &Ready, path: &Path) -> Result<Ran, Failure> {
    let Some(packet_type) = ready.packet_type() else {
        let program = ready.program_report();
        let message = format!(
            "program `{}` is of type {}, which is not run on captured packets",
            program.name, program.program_type
        );
        return Err(Failure::usage(
            Diagnostic::error(&codes::C_NO_PACKETS, message)
                .help("give it a context with --ctx, and a packet with --packet"),
        ));
    };
    let (header, packets) = input::capture(path)?;
    let mut driver = match packet_type {
        "xdp" => Driver::Xdp(Xdp::new(&ready.program)),
        _ => Driver::Skb(Skb::new(&ready.program)),
    };
    let mut writer = None;
    if let Some(path) = &args.write {
        let output = Output::create(path)?;
        let failed = |error| Failure::io("write", path, &error);
        writer = Some(Writer::new(output, header).map_err(failed)?);
    }
    let mut tally = Tally::default();
    let mut events = Collected::default();
    let mut written = 0;
    let mut contradiction = None;
    for (number, packet) in (1..).zip(&packets) {
        let cpu = cpu(args, number - 1);
        let start = Instant::now();
        let result = driver.run(&packet.bytes, cpu);
        tally.time += start.elapsed();
        tally.runs += 1;
        match result {
            Ok(verdict) => {
                let (count, bytes) = tally.verdicts.entry(verdict.action).or_default();
                *count += 1;
                *bytes += packet.bytes.len() as u64;
                tally.instructions += verdict.instructions;
                if let Some(writer) = &mut writer {
                    let name = ready.verdict(verdict.action);
                    if let Some(bytes) = passed(packet_type, name.as_deref(), &verdict) {
                        written += 1;
                        write(writer, packet, bytes)?;
                    }
                }
            }
            Err(trap) => {
                tally.traps.add(&trap, Some(number));
                if contradiction.is_none() {
                    contradiction = contradicts(ready, &trap, &[], &packet.bytes);
                }
            }
        }
        events.take(&ready.loaded, args.events);
    }
    let mut ran = after_first_pass(args, ready, events);
    if let Some(writer) = writer {
        let output = writer.into_inner();
        ran.written = Some(Written { file: shown(output.path()), packets: written });
        output.finish()?;
    }
    ran.time = time(args, ready, &tally, |at| {
        let _ = driver.run(&packets[at].bytes, cpu(args, at as u64));
    });
    ran.contradiction = contradiction;
    ran.packets = Some(summary(ready, path, &packets, &tally));
    ran.traps = tally.traps.report();
    Ok(ran)
}

fn write(writer: &mut Writer<Output>, was: &Packet, bytes: &[u8]) -> Result<(), Failure> {
    writer.packet(was, bytes).map_err(|error| Failure::io("write", writer.output().path(), &error))
}

/// Packets go to the CPUs in turn.
fn cpu(args: &Args, number: u64) -> u32 {
    (number % u64::from(args.cpus)) as u32
}

/// What the first pass left, before later ones add to it.
fn after_first_pass(args: &Args, ready: &Ready, events: Collected) -> Ran {
    let trace = std::mem::take(&mut *ready.trace.lock().unwrap_or_else(PoisonError::into_inner));
    Ran {
        maps: collect::maps(&ready.loaded, &args.maps, args.rows),
        events: events.report(&ready.loaded),
        trace,
        ..Ran::default()
    }
}

/// Makes the other passes. Of one pass alone the time is the sum of its runs; of several, that of the
/// fastest whole pass after the first.
fn time(args: &Args, ready: &Ready, tally: &Tally, mut run: impl FnMut(usize)) -> Option<Time> {
    /// How often a consumer looks at the ring buffers.
    const DRAIN: usize = 64;
    if tally.runs == 0 {
        return None;
    }
    let mut fastest = tally.time;
    for pass in 1..args.repeat {
        let start = Instant::now();
        for at in 0..tally.runs as usize {
            run(at);
            if at % DRAIN == 0 {
                Collected::default().take(&ready.loaded, 0);
            }
        }
        let elapsed = start.elapsed();
        fastest = if pass == 1 { elapsed } else { fastest.min(elapsed) };
        Collected::default().take(&ready.loaded, 0);
    }
    let finished = tally.verdicts.values().map(|(count, _)| count).sum::<u64>();
    Some(Time {
        passes: args.repeat,
        ns_per_run: fastest.as_nanos() as f64 / tally.runs as f64,
        instructions_per_run: (finished > 0).then(|| tally.instructions as f64 / finished as f64),
    })
}

fn summary(ready: &Ready, path: &Path, packets: &[Packet], tally: &Tally) -> Packets {
    let number = packets.len() as u64;
    let verdicts = tally.verdicts.iter().map(|(value, (count, bytes))| report::Verdict {
        value: *value,
        name: ready.verdict(*value),
        packets: *count,
        bytes: *bytes,
        share: *count as f64 / number.max(1) as f64,
    });
    Packets {
        file: shown(path),
        packets: number,
        bytes: packets.iter().map(|packet| packet.bytes.len() as u64).sum(),
        cut: packets.iter().filter(|packet| packet.original as usize > packet.bytes.len()).count()
            as u64,
        trapped: number - tally.verdicts.values().map(|(count, _)| count).sum::<u64>(),
        verdicts: verdicts.collect(),
    }
}

/// Runs the program once on a context from the command line.
pub(crate) fn single(args: &Args, ready: &Ready) -> Result<Ran, Failure> {
    let mut context = ready.program.context();
    let packet = match &args.packet {
        Some(text) => Some(input::bytes("--packet", text)?),
        None => None,
    };
    if let (Some(packet), Some("tc" | "socket_filter")) = (&packet, ready.packet_type()) {
        skb::describe(&mut context, packet);
    }
    // What is given explicitly goes before what follows from the packet.
    if let Some(text) = &args.ctx {
        input::context(&mut context, text)?;
    }
    let given = context.bytes().to_vec();
    let mut run = || {
        context.fill(&given);
        context.packet(packet.as_deref().unwrap_or_default());
        ready.program.run(&mut context)
    };
    let mut tally = Tally { runs: 1, ..Tally::default() };
    let start = Instant::now();
    let result = run();
    tally.time = start.elapsed();
    let mut value = None;
    let mut contradiction = None;
    match result {
        Ok(outcome) => {
            value = Some(outcome.value as u32 as i32);
            tally.instructions = outcome.instructions;
            tally.verdicts.insert(0, (1, 0));
        }
        Err(trap) => {
            tally.traps.add(&trap, None);
            contradiction =
                contradicts(ready, &trap, &given, packet.as_deref().unwrap_or_default());
        }
    }
    let single = Single {
        value,
        name: value.and_then(|value| ready.verdict(value)),
        context: fields(ready, &context),
        packet: packet.as_ref().and_then(|_| context.packet_bytes()).map(super::values::hex),
    };
    let mut events = Collected::default();
    events.take(&ready.loaded, args.events);
    let mut ran = after_first_pass(args, ready, events);
    let mut run = || {
        context.fill(&given);
        context.packet(packet.as_deref().unwrap_or_default());
        let _ = ready.program.run(&mut context);
    };
    ran.time = time(args, ready, &tally, |_| run());
    ran.single = Some(single);
    ran.contradiction = contradiction;
    ran.traps = tally.traps.report();
    Ok(ran)
}

/// What is needed to see a contradiction again, if the trap is one.
fn contradicts(
    ready: &Ready,
    trap: &Trap,
    context: &[u8],
    packet: &[u8],
) -> Option<report::Contradiction> {
    if trap.code().id != abide_runtime::codes::T_CONTRADICTION.id {
        return None;
    }
    let name = &trap.place()?.program;
    let program = ready.loaded.linked().iter().find(|program| program.name == *name)?;
    let lines = abide_asm::disassemble(&program.slots, abide_asm::Dialect::C);
    Some(report::Contradiction {
        program: printable(name).into_owned(),
        assembly: lines.iter().map(|line| format!("{:>5}: {}", line.slot, line.text)).collect(),
        context: super::values::hex(context),
        packet: super::values::hex(packet),
    })
}

/// The fields that the program could have written.
fn fields(ready: &Ready, context: &abide::Context) -> Vec<(String, u64)> {
    let Some(body) = ready.context_struct() else { return Vec::new() };
    let writable = body.fields.iter().filter(|field| field.writable);
    writable
        .filter_map(|field| Some((field.name.clone(), context.get(&field.name).ok()?)))
        .collect()
}
