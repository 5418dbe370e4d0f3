//! Moving the bounds of the packet inside its buffer, and the context's fields for the host.

use super::{GuestMemory, Packet};
use crate::Errno;
use crate::context::ContextError;

impl GuestMemory {
    /// Moves the begin of the packet; metadata moves with it. At least `least` bytes must be left.
    pub(crate) fn adjust_head(&mut self, delta: i32, least: u32) -> Result<(), Errno> {
        let packet = self.packet.ok_or(Errno::EINVAL)?;
        let meta = packet.data - packet.meta;
        let data = packet.data.checked_add_signed(delta).ok_or(Errno::EINVAL)?;
        let start = data.checked_sub(meta).ok_or(Errno::EINVAL)?;
        if u64::from(data) + u64::from(least) > u64::from(packet.end) {
            return Err(Errno::EINVAL);
        }
        if meta != 0 {
            let from = packet.meta as usize;
            self.packet_buffer_mut().copy_within(from..from + meta as usize, start as usize);
        }
        self.set_window(Packet { meta: start, data, ..packet });
        Ok(())
    }

    /// Moves the end of the packet; new bytes are zero. At least `least` bytes must be left.
    pub(crate) fn adjust_tail(&mut self, delta: i32, least: u32) -> Result<(), Errno> {
        let packet = self.packet.ok_or(Errno::EINVAL)?;
        let end = packet.end.checked_add_signed(delta).ok_or(Errno::EINVAL)?;
        if end > packet.capacity || u64::from(packet.data) + u64::from(least) > u64::from(end) {
            return Err(Errno::EINVAL);
        }
        if end > packet.end {
            self.packet_buffer_mut()[packet.end as usize..end as usize].fill(0);
        }
        self.set_window(Packet { end, ..packet });
        Ok(())
    }

    /// Moves the begin of the metadata, which ends where the packet begins. `EACCES` unless it is a
    /// multiple of 4 of at most `most` bytes.
    pub(crate) fn adjust_meta(&mut self, delta: i32, most: u32) -> Result<(), Errno> {
        let packet = self.packet.ok_or(Errno::EINVAL)?;
        let meta = packet.meta.checked_add_signed(delta).filter(|meta| *meta <= packet.data);
        let meta = meta.ok_or(Errno::EINVAL)?;
        let size = packet.data - meta;
        if size % 4 != 0 || size > most {
            return Err(Errno::EACCES);
        }
        self.set_window(Packet { meta, ..packet });
        Ok(())
    }

    /// The value of a plain field of up to 8 bytes, zero-extended.
    pub(crate) fn field(&self, field: &str) -> Result<u64, ContextError> {
        let bytes = self.field_bytes(field)?;
        if bytes.len() > 8 {
            return Err(self.out_of_range(field, bytes.len() as u32, &"an integer"));
        }
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        if cfg!(target_endian = "big") {
            word[..bytes.len()].reverse();
        }
        Ok(u64::from_le_bytes(word))
    }

    /// Sets a plain field of 1, 2, 4 or 8 bytes.
    pub(crate) fn set_field(&mut self, field: &str, value: i128) -> Result<(), ContextError> {
        let size = self.field_bytes(field)?.len();
        let bits = size as u32 * 8;
        if size > 8 || value < -(1i128 << (bits - 1)) || value >= 1i128 << bits {
            return Err(self.out_of_range(field, size as u32, &value));
        }
        let mut bytes = (value as u64).to_le_bytes();
        let bytes = &mut bytes[..size];
        if cfg!(target_endian = "big") {
            bytes.reverse();
        }
        self.set_field_bytes(field, bytes)
    }

    pub(crate) fn set_field_bytes(
        &mut self,
        field: &str,
        bytes: &[u8],
    ) -> Result<(), ContextError> {
        let place = self.field_place(field)?;
        if place.len() != bytes.len() {
            let value = format!("a value of {} bytes", bytes.len());
            return Err(self.out_of_range(field, place.len() as u32, &value));
        }
        self.context_mut()[place].copy_from_slice(bytes);
        Ok(())
    }

    fn field_bytes(&self, field: &str) -> Result<&[u8], ContextError> {
        Ok(&self.context()[self.field_place(field)?])
    }

    fn field_place(&self, field: &str) -> Result<std::ops::Range<usize>, ContextError> {
        match self.layout() {
            Some(layout) => layout.plain(field),
            None => Err(ContextError::NoField {
                context: "the program's context".to_owned(),
                field: field.to_owned(),
                known: Vec::new(),
            }),
        }
    }

    fn out_of_range(&self, field: &str, size: u32, value: &dyn std::fmt::Display) -> ContextError {
        let context = self.layout().map_or_else(String::new, |layout| layout.name().to_owned());
        ContextError::Range { context, field: field.to_owned(), size, value: value.to_string() }
    }
}
