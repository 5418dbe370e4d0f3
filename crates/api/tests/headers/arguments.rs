//! What is in r1 to r5 at each call of straight-line code that only moves constants around, as compilers
//! write it at any level of optimization: registers and stack followed, anything else is a failure.

use std::collections::HashMap;

use abide_isa::Raw;

/// What a register or a stack slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Number(u64),
    /// The frame pointer and so many bytes.
    Frame(i64),
}

/// A call: its slot, `(src, imm)` and what is in r1 to r5.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) slot: usize,
    pub(crate) src: u8,
    pub(crate) imm: i32,
    pub(crate) arguments: [Option<u64>; 5],
}

/// All calls up to the end.
pub(crate) fn calls(slots: &[Raw]) -> Result<Vec<Call>, String> {
    let mut registers: [Option<Value>; 11] = [None; 11];
    registers[10] = Some(Value::Frame(0));
    let mut stack: HashMap<i64, (u64, u64)> = HashMap::new();
    let mut found = Vec::new();
    let mut slot = 0;
    while let Some(raw) = slots.get(slot).copied() {
        let (dst, src) = (usize::from(raw.dst), usize::from(raw.src));
        let wrong = || format!("slot {slot}: {raw:?} is not followed");
        let size = match raw.code & 0x18 {
            0x00 => 4,
            0x08 => 2,
            0x10 => 1,
            _ => 8_u64,
        };
        match raw.code & 7 {
            0 if raw.code == 0x18 => {
                let high = slots.get(slot + 1).ok_or_else(wrong)?.imm;
                let number = u64::from(raw.imm as u32) | u64::from(high as u32) << 32;
                registers[dst] = Some(Value::Number(number));
                slot += 1;
            }
            4 | 7 => {
                let wide = raw.code & 7 == 7;
                let operand = match raw.code & 8 {
                    0 => Some(Value::Number(i64::from(raw.imm) as u64)),
                    _ => registers[src],
                };
                registers[dst] = alu(raw.code & 0xf0, wide, registers[dst], operand);
            }
            2 | 3 => {
                let Some(Value::Frame(at)) = registers[dst] else { return Err(wrong()) };
                let stored = match raw.code & 7 {
                    2 => Some(Value::Number(i64::from(raw.imm) as u64)),
                    _ => registers[src],
                };
                let Some(Value::Number(stored)) = stored else { return Err(wrong()) };
                stack.insert(at + i64::from(raw.off), (size, stored));
            }
            1 => {
                let Some(Value::Frame(at)) = registers[src] else { return Err(wrong()) };
                let (stored, value) =
                    stack.get(&(at + i64::from(raw.off))).copied().ok_or_else(wrong)?;
                if stored < size {
                    return Err(wrong());
                }
                let mask = if size == 8 { u64::MAX } else { (1 << (size * 8)) - 1 };
                registers[dst] = Some(Value::Number(value & mask));
            }
            5 if raw.code == 0x85 => {
                let argument = |n: usize| match registers[n] {
                    Some(Value::Number(number)) => Some(number),
                    _ => None,
                };
                let arguments = [1, 2, 3, 4, 5].map(argument);
                found.push(Call { slot, src: raw.src, imm: raw.imm, arguments });
                registers[..6].fill(None);
                // What it returned: any number.
                registers[0] = Some(Value::Number(0));
            }
            5 if raw.code == 0x95 => return Ok(found),
            // Over nothing, as clang leaves it between blocks.
            5 if raw.code == 0x05 && raw.off == 0 => {}
            _ => return Err(wrong()),
        }
        slot += 1;
    }
    Ok(found)
}

fn alu(op: u8, wide: bool, old: Option<Value>, operand: Option<Value>) -> Option<Value> {
    let narrow = |value: u64| Value::Number(if wide { value } else { u64::from(value as u32) });
    match (op, old, operand?) {
        (0xb0, _, Value::Number(number)) => Some(narrow(number)),
        (0xb0, _, frame) => Some(frame),
        (0x00, Some(Value::Frame(at)), Value::Number(number)) => {
            Some(Value::Frame(at + number as i64))
        }
        (_, Some(Value::Number(a)), Value::Number(b)) => Some(narrow(match op {
            0x00 => a.wrapping_add(b),
            0x40 => a | b,
            0x50 => a & b,
            0x60 => a << b,
            0x70 => a >> b,
            0xc0 if wide => (a as i64 >> b) as u64,
            _ => return None,
        })),
        _ => None,
    }
}
