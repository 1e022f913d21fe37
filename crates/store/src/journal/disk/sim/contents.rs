//! What is on a simulated disk, and the changes by which it becomes something else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a disk writes at once.
const SECTOR_BYTES: u64 = 512;

#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) files: BTreeMap<u64, Vec<u8>>,
    pub(super) names: BTreeMap<PathBuf, u64>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Data { file: u64, offset: u64, bytes: Vec<u8>, lost: bool },
    Length { file: u64, length: u64, lost: bool },
    Name(NameChange),
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Make { path: PathBuf, file: u64 },
    Rename { from: PathBuf, to: PathBuf, file: u64 },
    Remove { path: PathBuf },
}

impl Change {
    /// How many units it counts in a [`super::Cut::Prefix`].
    pub(super) fn units(&self) -> u64 {
        match self {
            Self::Data { bytes, .. } => bytes.len() as u64,
            Self::Length { .. } | Self::Name(_) => 1,
        }
    }

    pub(super) fn is_of(&self, wanted: u64) -> bool {
        matches!(self, Self::Data { file, .. } | Self::Length { file, .. } if *file == wanted)
    }

    pub(super) const fn is_lost(&self) -> bool {
        matches!(self, Self::Data { lost: true, .. } | Self::Length { lost: true, .. })
    }

    pub(super) fn lose(&mut self) {
        if let Self::Data { lost, .. } | Self::Length { lost, .. } = self {
            *lost = true;
        }
    }

    pub(super) fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Name(
                NameChange::Make { path, .. }
                | NameChange::Rename { to: path, .. }
                | NameChange::Remove { path },
            ) => path.parent() == Some(dir),
            _ => false,
        }
    }
}

impl Contents {
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Data { file, offset, bytes, .. } => self.write(*file, *offset, bytes),
            Change::Length { file, length, .. } => {
                self.files.entry(*file).or_default().resize(*length as usize, 0);
            }
            Change::Name(NameChange::Make { path, file }) => {
                self.names.insert(path.clone(), *file);
            }
            Change::Name(NameChange::Rename { from, to, file }) => {
                self.names.remove(from);
                self.names.insert(to.clone(), *file);
            }
            Change::Name(NameChange::Remove { path }) => {
                self.names.remove(path);
            }
        }
    }

    pub(super) fn write(&mut self, file: u64, offset: u64, bytes: &[u8]) {
        let content = self.files.entry(file).or_default();
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if content.len() < end {
            content.resize(end, 0);
        }
        content[start..end].copy_from_slice(bytes);
    }

    /// Applies a part of a change: the first `units` of it.
    pub(super) fn apply_part(&mut self, change: &Change, units: u64) {
        match change {
            Change::Data { file, offset, bytes, .. } => {
                let kept = bytes.len().min(units as usize);
                self.write(*file, *offset, &bytes[..kept]);
            }
            other if units > 0 => self.apply(other),
            _ => {}
        }
    }

    /// Applies what chance leaves of a change.
    pub(super) fn apply_by_chance(&mut self, change: &Change, chance: &mut Chance) {
        let Change::Data { file, offset, bytes, .. } = change else {
            if chance.coin() {
                self.apply(change);
            }
            return;
        };
        let end = offset + bytes.len() as u64;
        let torn = chance.below(end.div_ceil(SECTOR_BYTES) * 2);
        let mut from = *offset;
        while from < end {
            let sector = from / SECTOR_BYTES;
            let to = ((sector + 1) * SECTOR_BYTES).min(end);
            let kept = match (chance.coin(), sector == torn) {
                (false, _) => from,
                (true, false) => to,
                (true, true) => from + chance.below(to - from),
            };
            self.write(*file, from, &bytes[(from - offset) as usize..(kept - offset) as usize]);
            from = to;
        }
    }
}

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    const fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// A number below `bound`, zero when there is none.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }
}
