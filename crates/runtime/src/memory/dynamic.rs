//! Regions that come and go during a run: ring buffer records, objects, bytes of the host.

use std::sync::{Arc, Mutex, PoisonError};

use abide_maps::{Map, Record};

use super::region::{Backing, Held, Object, Region, Values, What};
use super::{GuestMemory, address};
use crate::codes;
use crate::owned::Shared;
use crate::trap::Trap;

/// A region number is taken again only after so many others were given back, so that the use of an
/// address after its release is found.
const QUARANTINE: usize = 1024;

/// More at a time than any sane program holds.
const DYNAMIC_MAX: usize = 1 << 20;

impl GuestMemory {
    fn add(&mut self, region: Region) -> Result<u64, Trap> {
        if self.retired.len() > QUARANTINE
            && let Some(number) = self.retired.pop_front()
            && let Some(place) = self.regions.get_mut(number as usize)
        {
            *place = region;
            return Ok(address(number, 0));
        }
        if self.regions.len() - self.first_dynamic >= DYNAMIC_MAX {
            return Err(Trap::body(format!("the program holds more than {DYNAMIC_MAX} objects")));
        }
        self.regions.push(region);
        Ok(address((self.regions.len() - 1) as u32, 0))
    }

    fn dynamic(&mut self, addr: u64) -> Option<&mut Region> {
        let number = (addr >> 32) as usize;
        if number < self.first_dynamic || addr as u32 != 0 {
            return None;
        }
        self.regions.get_mut(number)
    }

    fn retire(&mut self, addr: u64, what: &'static str) {
        if let Some(region) = self.dynamic(addr) {
            *region = Region::closed(What::Gone(what));
            self.retired.push_back((addr >> 32) as u32);
        }
    }

    /// A reserved record: its bytes at a new address.
    pub(crate) fn add_record(&mut self, map: &Arc<Map>, record: Record) -> Result<u64, Trap> {
        let (offset, size) = (record.offset(), record.len() as u32);
        let held = Held { map: Arc::clone(map), size, record: Mutex::new(Some(record)) };
        let values = Values {
            map: Arc::clone(map),
            base: offset,
            stride: 0,
            size,
            count: 1,
            shift: 32,
            readable: true,
            writable: true,
        };
        self.add(Region { what: What::Record(Arc::new(held)), backing: Backing::Shared(values) })
    }

    /// Takes a record back from the program.
    pub(crate) fn take_record(&mut self, addr: u64) -> Result<(Arc<Map>, Record), Trap> {
        let place = self.locate(addr);
        match self.dynamic(addr).map(|region| region.what.clone()) {
            Some(What::Record(held)) => {
                self.retire(addr, "a record");
                let record = held.record.lock().unwrap_or_else(PoisonError::into_inner).take();
                let gone = || Trap::new(&codes::T_RELEASED, "the record was given back already");
                Ok((Arc::clone(&held.map), record.ok_or_else(gone)?))
            }
            Some(What::Gone(what)) => {
                Err(Trap::new(&codes::T_RELEASED, format!("{what} is released a second time")))
            }
            _ => Err(Trap::argument(format!("{place} is not a ring buffer record"))),
        }
    }

    /// An object of the host: a handle, and its view if it has one.
    pub(crate) fn add_object(
        &mut self,
        value: Shared,
        view: Vec<u8>,
        kind: Arc<str>,
        from: Arc<str>,
    ) -> Result<u64, Trap> {
        let backing = if view.is_empty() {
            Backing::Closed
        } else {
            Backing::Constant(Arc::from(view.as_slice()))
        };
        let what = What::Object(Arc::new(Object { value, kind, from, view }));
        self.add(Region { what, backing })
    }

    /// The object behind a handle.
    pub(crate) fn object(&self, addr: u64, kind: &str) -> Result<Arc<Object>, Trap> {
        let what = self.region(addr).map(|region| &region.what);
        match what {
            Some(What::Object(object)) if addr as u32 == 0 => {
                if &*object.kind != kind {
                    return Err(Trap::argument(format!(
                        "a `{}` is passed, a `{kind}` is wanted",
                        object.kind
                    )));
                }
                Ok(Arc::clone(object))
            }
            Some(What::Gone(what)) if addr as u32 == 0 => Err(Trap::new(
                &codes::T_RELEASED,
                format!("{what} was released, and is used again"),
            )),
            _ => Err(Trap::argument(format!("{} is not a `{kind}`", self.locate(addr)))),
        }
    }

    /// Takes an object back from the program.
    pub(crate) fn take_object(&mut self, addr: u64, kind: &str) -> Result<Arc<Object>, Trap> {
        let object = self.object(addr, kind)?;
        self.retire(addr, "an object");
        Ok(object)
    }

    /// Bytes of the host for the rest of the run, read-only.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) -> Result<u64, Trap> {
        self.add(Region { what: What::Bytes, backing: Backing::Constant(Arc::from(bytes)) })
    }

    /// Takes such bytes away again.
    pub(crate) fn remove_bytes(&mut self, addr: u64) {
        self.retire(addr, "a key of a finished walk");
    }

    /// How many objects and records the program holds.
    pub(crate) fn held(&self) -> usize {
        let dynamic = self.regions.get(self.first_dynamic..).unwrap_or_default();
        dynamic
            .iter()
            .filter(|region| matches!(region.what, What::Record(_) | What::Object(_)))
            .count()
    }

    /// Ends a run: takes back what the program still holds, and says what the first of it was.
    pub(crate) fn end_run(&mut self) -> Option<Trap> {
        let mut leak = None;
        for region in self.regions.drain(self.first_dynamic..) {
            let said = match region.what {
                What::Record(held) => {
                    let name = abide_diag::printable(&held.map.def().name).into_owned();
                    format!(
                        "a record of {} bytes of `{name}` is neither submitted nor discarded",
                        held.size
                    )
                }
                What::Object(object) => {
                    format!("a `{}` that `{}` returned is not released", object.kind, object.from)
                }
                _ => continue,
            };
            leak.get_or_insert_with(|| Trap::new(&codes::T_LEAK, said));
        }
        self.retired.clear();
        for frame in 0..super::FRAMES {
            self.close_frame(frame);
        }
        leak
    }
}
