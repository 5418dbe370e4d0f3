//! Clocks, random numbers, the CPU, loops.

use super::Raw;
use crate::Errno;
use crate::body::Call;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_ktime_get_ns@LINUX_4.1", ktime),
    ("bpf_ktime_get_boot_ns@LINUX_5.8", ktime),
    ("bpf_ktime_get_tai_ns@LINUX_6.1", tai),
    ("bpf_get_prandom_u32@LINUX_4.1", random),
    ("bpf_get_smp_processor_id@LINUX_4.1", cpu),
    ("bpf_loop@LINUX_5.17", for_loop),
];

/// The most rounds of `bpf_loop`.
const LOOPS_MAX: u32 = 1 << 23;

/// Since the host was made, unless it brought a clock of its own; it is never suspended.
#[allow(clippy::unnecessary_wraps, reason = "bodies have one type")]
fn ktime(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(call.environment().services.now())
}

#[allow(clippy::unnecessary_wraps, reason = "bodies have one type")]
fn tai(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(call.environment().services.wall())
}

#[allow(clippy::unnecessary_wraps, reason = "bodies have one type")]
fn random(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(u64::from(call.environment().services.random() as u32))
}

#[allow(clippy::unnecessary_wraps, reason = "bodies have one type")]
fn cpu(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(u64::from(call.cpu()))
}

/// The callback gets the index and the caller's pointer, and stops the loop by returning 1.
fn for_loop(call: &mut Call<'_>) -> Result<u64, Trap> {
    let [rounds, callback, context, flags, _] = call.args();
    let rounds = rounds as u32;
    if flags != 0 {
        return Ok(Errno::EINVAL.register());
    }
    if rounds > LOOPS_MAX {
        return Ok(Errno::E2BIG.register());
    }
    for index in 0..u64::from(rounds) {
        if call.call_back(callback, [index, context, 0, 0, 0])? != 0 {
            return Ok(index + 1);
        }
    }
    Ok(u64::from(rounds))
}
