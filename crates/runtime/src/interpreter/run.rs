//! The loop that executes instructions. One arm for each row of the instruction table: the match is
//! exhaustive, so that a new instruction does not compile until it is here.
//!
//! Instructions are counted where the flow leaves the straight line, by the distance run since it
//! last did: exact, and nearly free. Fuel therefore ends a run at a jump, a call or an exit.

use abide_isa::{AtomicOp, Op};

use super::alu::{w32, w64};
use super::{Called, MAY_GOTO, Machine};
use crate::codes;
use crate::image::{Image, Step};
use crate::memory::{CONTEXT, FRAME, STACK, address};
use crate::trap::Trap;

/// Register numbers are below 11; the mask lets the compiler see that they are below 16.
#[inline(always)]
fn at(register: u8) -> usize {
    usize::from(register & 15)
}

#[inline(always)]
fn plus(base: u64, off: i32) -> u64 {
    base.wrapping_add(i64::from(off) as u64)
}

impl Machine {
    /// Runs from a step on in the frame `self.depth` until that frame exits; returns r0.
    pub(super) fn execute(
        &mut self,
        image: &Image,
        entry: usize,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        let mut pc = entry;
        let result = match self.watch {
            None => self.steps::<false>(image, &mut pc, args),
            Some(_) => self.steps::<true>(image, &mut pc, args),
        };
        match result {
            Ok(value) => Ok(value),
            // The loop is one past the instruction that it fetched.
            Err(trap) => Err(trap.at(|| image.place(pc.saturating_sub(1)))),
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each instruction")]
    fn steps<const WATCHED: bool>(
        &mut self,
        image: &Image,
        place: &mut usize,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        let steps = image.steps.as_slice();
        let bottom = self.depth;
        let mut pc = *place;
        // Where the straight line began.
        let mut start = pc;
        let mut regs = [0u64; 16];
        regs[1..6].copy_from_slice(&args);
        regs[10] = address(STACK + bottom as u32, FRAME);

        macro_rules! fail {
            ($trap:expr) => {{
                *place = pc;
                return Err($trap);
            }};
        }
        macro_rules! checked {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(trap) => fail!(trap),
                }
            };
        }
        // Counts what ran since the flow was last broken.
        macro_rules! settle {
            () => {{
                let ran = (pc - start) as u64;
                match self.fuel.checked_sub(ran) {
                    Some(left) => self.fuel = left,
                    None => fail!(self.out_of_fuel()),
                }
            }};
        }
        macro_rules! goto {
            ($target:expr) => {{
                settle!();
                pc = $target;
                start = pc;
            }};
        }

        loop {
            let Some(step) = steps.get(pc) else {
                pc += 1;
                let message = "the program runs on beyond its last instruction";
                fail!(Trap::new(&codes::T_INVALID, message));
            };
            pc += 1;
            if WATCHED {
                checked!(self.compare(image, pc - 1, &regs));
            }
            let Step { op, dst, src, off, imm } = *step;

            macro_rules! operand {
                (reg) => {
                    regs[at(src)]
                };
                (imm) => {
                    imm
                };
            }
            macro_rules! alu64 {
                ($kind:ident, |$a:ident, $b:ident| $value:expr) => {{
                    let ($a, $b) = (regs[at(dst)], operand!($kind));
                    regs[at(dst)] = $value;
                }};
            }
            macro_rules! alu32 {
                ($kind:ident, |$a:ident, $b:ident| $value:expr) => {{
                    let ($a, $b) = (regs[at(dst)] as u32, operand!($kind) as u32);
                    regs[at(dst)] = u64::from($value);
                }};
            }
            macro_rules! jump_if {
                ($kind:ident $type:ty, |$a:ident, $b:ident| $holds:expr) => {{
                    let ($a, $b) = (regs[at(dst)] as $type, operand!($kind) as $type);
                    if $holds {
                        goto!(pc.wrapping_add_signed(off as isize));
                    }
                }};
            }
            macro_rules! load {
                ($size:literal) => {{
                    regs[at(dst)] = checked!(self.memory.load::<$size>(plus(regs[at(src)], off)));
                }};
                ($size:literal, $type:ty) => {{
                    let value = checked!(self.memory.load::<$size>(plus(regs[at(src)], off)));
                    regs[at(dst)] = i64::from(value as $type) as u64;
                }};
            }
            macro_rules! store {
                ($size:literal, $kind:ident) => {{
                    let addr = plus(regs[at(dst)], off);
                    checked!(self.memory.store::<$size>(addr, operand!($kind)));
                }};
            }
            macro_rules! atomic {
                ($size:literal, $op:ident) => {{
                    let addr = plus(regs[at(dst)], off);
                    let operand = regs[at(src)];
                    checked!(self.memory.atomic(addr, $size, AtomicOp::$op, operand, regs[0]))
                }};
            }
            macro_rules! acquire {
                ($size:literal) => {{
                    let addr = plus(regs[at(src)], off);
                    regs[at(dst)] = checked!(self.memory.load_acquire(addr, $size));
                }};
            }
            macro_rules! release {
                ($size:literal) => {{
                    let addr = plus(regs[at(dst)], off);
                    checked!(self.memory.store_release(addr, $size, regs[at(src)]));
                }};
            }
            // Ends the running function with a value; `break`s out of the loop at the bottom frame.
            macro_rules! exit {
                ($value:expr) => {{
                    let value: u64 = $value;
                    settle!();
                    if self.depth == bottom {
                        return Ok(value);
                    }
                    let frame = self.frames[self.depth];
                    self.leave();
                    regs[0] = value;
                    regs[1..6].fill(0);
                    regs[6..10].copy_from_slice(&frame.saved);
                    regs[10] = address(STACK + self.depth as u32, FRAME);
                    pc = frame.return_to;
                    start = pc;
                }};
            }
            macro_rules! packet_load {
                ($size:literal, $at:expr) => {{
                    if regs[6] != address(CONTEXT, 0) {
                        fail!(Trap::new(&codes::T_PACKET_LOAD, "r6 does not hold the context"));
                    }
                    match checked!(self.packet_load($at, $size)) {
                        Some(value) => {
                            regs[0] = value;
                            regs[1..6].fill(0);
                        }
                        None => exit!(0),
                    }
                }};
            }

            match op {
                Op::Add64X => alu64!(reg, |a, b| a.wrapping_add(b)),
                Op::Add64K => alu64!(imm, |a, b| a.wrapping_add(b)),
                Op::Sub64X => alu64!(reg, |a, b| a.wrapping_sub(b)),
                Op::Sub64K => alu64!(imm, |a, b| a.wrapping_sub(b)),
                Op::Mul64X => alu64!(reg, |a, b| a.wrapping_mul(b)),
                Op::Mul64K => alu64!(imm, |a, b| a.wrapping_mul(b)),
                Op::Div64X => alu64!(reg, |a, b| w64::div(a, b)),
                Op::Div64K => alu64!(imm, |a, b| w64::div(a, b)),
                Op::Or64X => alu64!(reg, |a, b| a | b),
                Op::Or64K => alu64!(imm, |a, b| a | b),
                Op::And64X => alu64!(reg, |a, b| a & b),
                Op::And64K => alu64!(imm, |a, b| a & b),
                Op::Lsh64X => alu64!(reg, |a, b| w64::lsh(a, b)),
                Op::Lsh64K => alu64!(imm, |a, b| w64::lsh(a, b)),
                Op::Rsh64X => alu64!(reg, |a, b| w64::rsh(a, b)),
                Op::Rsh64K => alu64!(imm, |a, b| w64::rsh(a, b)),
                Op::Mod64X => alu64!(reg, |a, b| w64::rem(a, b)),
                Op::Mod64K => alu64!(imm, |a, b| w64::rem(a, b)),
                Op::Xor64X => alu64!(reg, |a, b| a ^ b),
                Op::Xor64K => alu64!(imm, |a, b| a ^ b),
                Op::Arsh64X => alu64!(reg, |a, b| w64::arsh(a, b)),
                Op::Arsh64K => alu64!(imm, |a, b| w64::arsh(a, b)),
                Op::Sdiv64X => alu64!(reg, |a, b| w64::sdiv(a, b)),
                Op::Sdiv64K => alu64!(imm, |a, b| w64::sdiv(a, b)),
                Op::Smod64X => alu64!(reg, |a, b| w64::smod(a, b)),
                Op::Smod64K => alu64!(imm, |a, b| w64::smod(a, b)),
                Op::Add32X => alu32!(reg, |a, b| a.wrapping_add(b)),
                Op::Add32K => alu32!(imm, |a, b| a.wrapping_add(b)),
                Op::Sub32X => alu32!(reg, |a, b| a.wrapping_sub(b)),
                Op::Sub32K => alu32!(imm, |a, b| a.wrapping_sub(b)),
                Op::Mul32X => alu32!(reg, |a, b| a.wrapping_mul(b)),
                Op::Mul32K => alu32!(imm, |a, b| a.wrapping_mul(b)),
                Op::Div32X => alu32!(reg, |a, b| w32::div(a, b)),
                Op::Div32K => alu32!(imm, |a, b| w32::div(a, b)),
                Op::Or32X => alu32!(reg, |a, b| a | b),
                Op::Or32K => alu32!(imm, |a, b| a | b),
                Op::And32X => alu32!(reg, |a, b| a & b),
                Op::And32K => alu32!(imm, |a, b| a & b),
                Op::Lsh32X => alu32!(reg, |a, b| w32::lsh(a, b)),
                Op::Lsh32K => alu32!(imm, |a, b| w32::lsh(a, b)),
                Op::Rsh32X => alu32!(reg, |a, b| w32::rsh(a, b)),
                Op::Rsh32K => alu32!(imm, |a, b| w32::rsh(a, b)),
                Op::Mod32X => alu32!(reg, |a, b| w32::rem(a, b)),
                Op::Mod32K => alu32!(imm, |a, b| w32::rem(a, b)),
                Op::Xor32X => alu32!(reg, |a, b| a ^ b),
                Op::Xor32K => alu32!(imm, |a, b| a ^ b),
                Op::Arsh32X => alu32!(reg, |a, b| w32::arsh(a, b)),
                Op::Arsh32K => alu32!(imm, |a, b| w32::arsh(a, b)),
                Op::Sdiv32X => alu32!(reg, |a, b| w32::sdiv(a, b)),
                Op::Sdiv32K => alu32!(imm, |a, b| w32::sdiv(a, b)),
                Op::Smod32X => alu32!(reg, |a, b| w32::smod(a, b)),
                Op::Smod32K => alu32!(imm, |a, b| w32::smod(a, b)),
                Op::Neg64 => regs[at(dst)] = regs[at(dst)].wrapping_neg(),
                Op::Neg32 => regs[at(dst)] = u64::from((regs[at(dst)] as u32).wrapping_neg()),
                Op::Mov64X => regs[at(dst)] = regs[at(src)],
                Op::Mov64K => regs[at(dst)] = imm,
                Op::Mov32X => regs[at(dst)] = u64::from(regs[at(src)] as u32),
                Op::Mov32K => regs[at(dst)] = u64::from(imm as u32),
                Op::Movsx8To64 => regs[at(dst)] = i64::from(regs[at(src)] as i8) as u64,
                Op::Movsx16To64 => regs[at(dst)] = i64::from(regs[at(src)] as i16) as u64,
                Op::Movsx32To64 => regs[at(dst)] = i64::from(regs[at(src)] as i32) as u64,
                Op::Movsx8To32 => regs[at(dst)] = u64::from(i32::from(regs[at(src)] as i8) as u32),
                Op::Movsx16To32 => {
                    regs[at(dst)] = u64::from(i32::from(regs[at(src)] as i16) as u32);
                }
                Op::Le16 => regs[at(dst)] = u64::from((regs[at(dst)] as u16).to_le()),
                Op::Le32 => regs[at(dst)] = u64::from((regs[at(dst)] as u32).to_le()),
                Op::Le64 => regs[at(dst)] = regs[at(dst)].to_le(),
                Op::Be16 => regs[at(dst)] = u64::from((regs[at(dst)] as u16).to_be()),
                Op::Be32 => regs[at(dst)] = u64::from((regs[at(dst)] as u32).to_be()),
                Op::Be64 => regs[at(dst)] = regs[at(dst)].to_be(),
                Op::Bswap16 => regs[at(dst)] = u64::from((regs[at(dst)] as u16).swap_bytes()),
                Op::Bswap32 => regs[at(dst)] = u64::from((regs[at(dst)] as u32).swap_bytes()),
                Op::Bswap64 => regs[at(dst)] = regs[at(dst)].swap_bytes(),
                Op::LdImm64 => regs[at(dst)] = imm,

                Op::LdxB => load!(1),
                Op::LdxH => load!(2),
                Op::LdxW => load!(4),
                Op::LdxDw => load!(8),
                Op::LdxSb => load!(1, i8),
                Op::LdxSh => load!(2, i16),
                Op::LdxSw => load!(4, i32),
                Op::StxB => store!(1, reg),
                Op::StxH => store!(2, reg),
                Op::StxW => store!(4, reg),
                Op::StxDw => store!(8, reg),
                Op::StB => store!(1, imm),
                Op::StH => store!(2, imm),
                Op::StW => store!(4, imm),
                Op::StDw => store!(8, imm),

                Op::AtomicAdd64 => _ = atomic!(8, Add),
                Op::AtomicOr64 => _ = atomic!(8, Or),
                Op::AtomicAnd64 => _ = atomic!(8, And),
                Op::AtomicXor64 => _ = atomic!(8, Xor),
                Op::FetchAdd64 => regs[at(src)] = atomic!(8, Add),
                Op::FetchOr64 => regs[at(src)] = atomic!(8, Or),
                Op::FetchAnd64 => regs[at(src)] = atomic!(8, And),
                Op::FetchXor64 => regs[at(src)] = atomic!(8, Xor),
                Op::Xchg64 => regs[at(src)] = atomic!(8, Xchg),
                Op::Cmpxchg64 => regs[0] = atomic!(8, Cmpxchg),
                Op::AtomicAdd32 => _ = atomic!(4, Add),
                Op::AtomicOr32 => _ = atomic!(4, Or),
                Op::AtomicAnd32 => _ = atomic!(4, And),
                Op::AtomicXor32 => _ = atomic!(4, Xor),
                Op::FetchAdd32 => regs[at(src)] = atomic!(4, Add),
                Op::FetchOr32 => regs[at(src)] = atomic!(4, Or),
                Op::FetchAnd32 => regs[at(src)] = atomic!(4, And),
                Op::FetchXor32 => regs[at(src)] = atomic!(4, Xor),
                Op::Xchg32 => regs[at(src)] = atomic!(4, Xchg),
                Op::Cmpxchg32 => regs[0] = atomic!(4, Cmpxchg),
                Op::LoadAcquire8 => acquire!(1),
                Op::LoadAcquire16 => acquire!(2),
                Op::LoadAcquire32 => acquire!(4),
                Op::LoadAcquire64 => acquire!(8),
                Op::StoreRelease8 => release!(1),
                Op::StoreRelease16 => release!(2),
                Op::StoreRelease32 => release!(4),
                Op::StoreRelease64 => release!(8),

                Op::LdAbsB => packet_load!(1, imm as u32),
                Op::LdAbsH => packet_load!(2, imm as u32),
                Op::LdAbsW => packet_load!(4, imm as u32),
                Op::LdIndB => packet_load!(1, (imm as u32).wrapping_add(regs[at(src)] as u32)),
                Op::LdIndH => packet_load!(2, (imm as u32).wrapping_add(regs[at(src)] as u32)),
                Op::LdIndW => packet_load!(4, (imm as u32).wrapping_add(regs[at(src)] as u32)),

                Op::Ja | Op::JaLong => goto!(pc.wrapping_add_signed(off as isize)),
                Op::JaX => match image.function_at(regs[at(dst)]) {
                    Some(target) => goto!(target),
                    None => fail!(self.bad_target(regs[at(dst)])),
                },
                Op::MayGoto => {
                    let frame = &mut self.frames[self.depth];
                    if frame.may_goto >= MAY_GOTO {
                        goto!(pc.wrapping_add_signed(off as isize));
                    } else {
                        frame.may_goto += 1;
                    }
                }
                Op::Jeq64X => jump_if!(reg u64, |a, b| a == b),
                Op::Jeq64K => jump_if!(imm u64, |a, b| a == b),
                Op::Jgt64X => jump_if!(reg u64, |a, b| a > b),
                Op::Jgt64K => jump_if!(imm u64, |a, b| a > b),
                Op::Jge64X => jump_if!(reg u64, |a, b| a >= b),
                Op::Jge64K => jump_if!(imm u64, |a, b| a >= b),
                Op::Jset64X => jump_if!(reg u64, |a, b| a & b != 0),
                Op::Jset64K => jump_if!(imm u64, |a, b| a & b != 0),
                Op::Jne64X => jump_if!(reg u64, |a, b| a != b),
                Op::Jne64K => jump_if!(imm u64, |a, b| a != b),
                Op::Jsgt64X => jump_if!(reg i64, |a, b| a > b),
                Op::Jsgt64K => jump_if!(imm i64, |a, b| a > b),
                Op::Jsge64X => jump_if!(reg i64, |a, b| a >= b),
                Op::Jsge64K => jump_if!(imm i64, |a, b| a >= b),
                Op::Jlt64X => jump_if!(reg u64, |a, b| a < b),
                Op::Jlt64K => jump_if!(imm u64, |a, b| a < b),
                Op::Jle64X => jump_if!(reg u64, |a, b| a <= b),
                Op::Jle64K => jump_if!(imm u64, |a, b| a <= b),
                Op::Jslt64X => jump_if!(reg i64, |a, b| a < b),
                Op::Jslt64K => jump_if!(imm i64, |a, b| a < b),
                Op::Jsle64X => jump_if!(reg i64, |a, b| a <= b),
                Op::Jsle64K => jump_if!(imm i64, |a, b| a <= b),
                Op::Jeq32X => jump_if!(reg u32, |a, b| a == b),
                Op::Jeq32K => jump_if!(imm u32, |a, b| a == b),
                Op::Jgt32X => jump_if!(reg u32, |a, b| a > b),
                Op::Jgt32K => jump_if!(imm u32, |a, b| a > b),
                Op::Jge32X => jump_if!(reg u32, |a, b| a >= b),
                Op::Jge32K => jump_if!(imm u32, |a, b| a >= b),
                Op::Jset32X => jump_if!(reg u32, |a, b| a & b != 0),
                Op::Jset32K => jump_if!(imm u32, |a, b| a & b != 0),
                Op::Jne32X => jump_if!(reg u32, |a, b| a != b),
                Op::Jne32K => jump_if!(imm u32, |a, b| a != b),
                Op::Jsgt32X => jump_if!(reg i32, |a, b| a > b),
                Op::Jsgt32K => jump_if!(imm i32, |a, b| a > b),
                Op::Jsge32X => jump_if!(reg i32, |a, b| a >= b),
                Op::Jsge32K => jump_if!(imm i32, |a, b| a >= b),
                Op::Jlt32X => jump_if!(reg u32, |a, b| a < b),
                Op::Jlt32K => jump_if!(imm u32, |a, b| a < b),
                Op::Jle32X => jump_if!(reg u32, |a, b| a <= b),
                Op::Jle32K => jump_if!(imm u32, |a, b| a <= b),
                Op::Jslt32X => jump_if!(reg i32, |a, b| a < b),
                Op::Jslt32K => jump_if!(imm i32, |a, b| a < b),
                Op::Jsle32X => jump_if!(reg i32, |a, b| a <= b),
                Op::Jsle32K => jump_if!(imm i32, |a, b| a <= b),

                Op::CallHelper | Op::CallKfunc => {
                    settle!();
                    start = pc;
                    let Some(site) = image.calls.get(imm as usize) else {
                        fail!(image.absent(pc - 1));
                    };
                    let args = [regs[1], regs[2], regs[3], regs[4], regs[5]];
                    match checked!(self.call_host(image, site, args)) {
                        Called::Returned(value) => {
                            regs[0] = value;
                            regs[1..6].fill(0);
                        }
                        Called::Ended(value) => exit!(value),
                    }
                }
                Op::CallLocal | Op::CallX => {
                    let target = if op == Op::CallLocal {
                        imm as usize
                    } else {
                        match image.function_at(regs[at(dst)]) {
                            Some(target) => target,
                            None => fail!(self.bad_target(regs[at(dst)])),
                        }
                    };
                    checked!(self.enter());
                    let frame = &mut self.frames[self.depth];
                    frame.return_to = pc;
                    frame.saved.copy_from_slice(&regs[6..10]);
                    self.memory.open_frame(self.depth, op == Op::CallX || src != 0);
                    regs[10] = address(STACK + self.depth as u32, FRAME);
                    goto!(target);
                }
                Op::Exit => exit!(regs[0]),

                // Resolved or refused when the image was made.
                Op::LdMapFd
                | Op::LdMapValueFd
                | Op::LdVarAddr
                | Op::LdCodeAddr
                | Op::LdMapIdx
                | Op::LdMapValueIdx
                | Op::AddrSpaceCast => {
                    fail!(Trap::new(&codes::T_INVALID, "reference that was not resolved"));
                }
            }
        }
    }

    #[cold]
    fn out_of_fuel(&self) -> Trap {
        let message = format!("more than {} instructions in one run", self.fuel_given);
        Trap::new(&codes::T_FUEL, message)
            .help("look for a loop that does not end, or give the run more fuel")
    }

    #[cold]
    fn bad_target(&self, target: u64) -> Trap {
        let message = format!("{} is not a function of the program", self.memory.locate(target));
        Trap::new(&codes::T_BAD_CALL, message)
    }

    /// The legacy packet loads (RFC 9669, section 5.5; offsets as the kernel takes them): network
    /// order, `None` outside of the packet.
    #[cold]
    fn packet_load(&self, offset: u32, size: usize) -> Result<Option<u64>, Trap> {
        /// From the link layer's header, which is where the packets of this host begin.
        const LINK_LAYER: u32 = 0xffe0_0000;
        let Some(packet) = self.memory.packet_bytes() else {
            return Err(Trap::new(&codes::T_PACKET_LOAD, "the context has no packet"));
        };
        let start = match offset {
            0..0x8000_0000 => offset as usize,
            LINK_LAYER..0xfff0_0000 => (offset - LINK_LAYER) as usize,
            // The network header's place and the ancillary data are not known here.
            _ => return Ok(None),
        };
        let bytes = packet.get(start..start + size);
        Ok(bytes.map(|bytes| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))))
    }
}
