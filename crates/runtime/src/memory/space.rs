//! The maps of one load in the address space: handles, and regions for their values. The same for
//! all programs of the load, so that a tail call changes no address.

use std::sync::Arc;

use abide_maps::{Map, Slot};

use super::region::{Backing, Region, Values, What};
use super::{MAPS, VALUES, address};

/// More regions than this for one map are refused: the map is far larger than memory.
const REGIONS_PER_MAP: u64 = 1 << 12;

/// A map's values cannot be given addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpaceError {
    /// Index of the map.
    pub(crate) map: usize,
    /// How many regions of 4 GiB its values would take.
    pub(crate) regions: u64,
}

/// One map and where its values are.
#[derive(Debug, Clone)]
pub(crate) struct MapRef {
    pub(crate) map: Arc<Map>,
    /// Region of the first values.
    first: u32,
    /// Of the distance between two values.
    shift: u8,
}

impl MapRef {
    /// The guest address of a value.
    #[inline]
    pub(crate) fn value(&self, slot: Slot) -> u64 {
        let linear = u64::from(slot.0) << self.shift;
        (u64::from(self.first) << 32) + linear
    }

    /// Where the first value is, the distance between two as a power of two, and how many there are; `None`
    /// if they have no addresses.
    pub(crate) fn values(&self) -> Option<(u64, u8, u64)> {
        let count = self.map.layout().count as u64;
        (count > 0).then(|| (self.value(Slot(0)), self.shift, count))
    }

    /// The guest address of an offset in the single value of a data section.
    pub(crate) fn data(&self, offset: u64) -> u64 {
        self.value(Slot(0)).wrapping_add(offset)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct MapSpace {
    maps: Vec<MapRef>,
    regions: Vec<Region>,
}

impl MapSpace {
    pub(crate) fn new(maps: Vec<Arc<Map>>) -> Result<Self, SpaceError> {
        let mut space = MapSpace::default();
        for (index, map) in maps.into_iter().enumerate() {
            let layout = map.layout();
            let size = u32::try_from(layout.value_size).unwrap_or(u32::MAX);
            // A power of two that is larger than the value: an overrun of one byte already traps.
            let shift = (32 - size.leading_zeros()).max(3) as u8;
            let per_region = 1u64 << (32 - u32::from(shift).min(31));
            let count = layout.count as u64;
            let needed = count.div_ceil(per_region);
            if needed > REGIONS_PER_MAP {
                return Err(SpaceError { map: index, regions: needed });
            }
            let first = VALUES + space.regions.len() as u32;
            for number in 0..needed {
                let done = number * per_region;
                space.regions.push(Region {
                    what: What::Value(Arc::clone(&map)),
                    backing: Backing::Shared(Values {
                        map: Arc::clone(&map),
                        base: done as usize * layout.stride,
                        stride: layout.stride,
                        size,
                        count: (count - done).min(per_region) as u32,
                        shift,
                        readable: map.program_may_read(),
                        writable: map.program_may_write(),
                    }),
                });
            }
            space.maps.push(MapRef { map, first, shift });
        }
        Ok(space)
    }

    pub(crate) fn maps(&self) -> &[MapRef] {
        &self.maps
    }

    pub(crate) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The address that stands for a map.
    pub(crate) fn handle(index: u32) -> u64 {
        // Eight apart, so that arithmetic on a handle does not give another by accident.
        address(MAPS, index << 3)
    }

    /// The map that a handle stands for.
    #[inline]
    pub(crate) fn by_handle(&self, addr: u64) -> Option<(usize, &MapRef)> {
        if addr >> 32 != u64::from(MAPS) || addr & 7 != 0 {
            return None;
        }
        let index = (addr as u32 >> 3) as usize;
        Some((index, self.maps.get(index)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abide_maps::{Limits, MapDef, MapKind};

    #[test]
    fn values_do_not_touch() {
        let def = MapDef {
            name: "a".into(),
            kind: MapKind::Array,
            key_size: 4,
            value_size: 8,
            max_entries: 3,
            flags: 0,
        };
        let map = Arc::new(Map::create(&def, &Limits::default()).unwrap());
        let space = MapSpace::new(vec![map]).unwrap();
        let map = &space.maps()[0];
        assert_eq!(map.value(Slot(1)) - map.value(Slot(0)), 16);
        let Backing::Shared(values) = &space.regions()[0].backing else { panic!("shared") };
        assert_eq!(values.place(0, 8), Some(0));
        assert_eq!(values.place(1, 8), None);
        assert_eq!(values.place(8, 1), None, "the padding is nobody's");
        assert_eq!(values.place(16, 8), Some(8));
        assert_eq!(values.place(48, 1), None);
        assert_eq!(values.place(u32::MAX, 8), None);
    }
}
