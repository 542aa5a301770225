//! Moments worth finding again on a timeline.

use crate::sim::snapshot::{Happening, Story};
use crate::time::Instant;
use serde::Serialize;

/// A moment of a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Marker {
    /// Seek here, and it has just happened.
    pub event: u64,
    pub at: Instant,
    pub kind: MarkerKind,
    /// One line that says what it was.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkerKind {
    Write,
    Cut,
    Restore,
    FullSync,
    Partial,
    Promotion,
    Killed,
    Started,
    /// The ring overwrote what a replica still needed.
    Lost,
}

/// Markers of one branch. Beyond them, writes go first.
const MARKERS_MAX: usize = 4000;

impl Marker {
    pub(super) fn of(event: u64, story: &Story) -> Option<Self> {
        let kind = match &story.what {
            Happening::Written { .. } => MarkerKind::Write,
            Happening::Cut { .. } => MarkerKind::Cut,
            Happening::Restored { .. } => MarkerKind::Restore,
            Happening::FullNeeded { .. } => MarkerKind::FullSync,
            Happening::Partial { .. } => MarkerKind::Partial,
            Happening::Promoted { .. } => MarkerKind::Promotion,
            Happening::Killed { .. } => MarkerKind::Killed,
            Happening::Started { .. } | Happening::Added { .. } => MarkerKind::Started,
            Happening::FellOff { .. } => MarkerKind::Lost,
            _ => return None,
        };
        Some(Self {
            event,
            at: story.at,
            kind,
            text: story.what.to_string(),
        })
    }
}

/// Adds new ones; when there are too many, every second write of the older half is forgotten, and if that is not
/// enough, the oldest of all.
pub(super) fn add(markers: &mut Vec<Marker>, fresh: Vec<Marker>) {
    markers.extend(fresh);
    if markers.len() <= MARKERS_MAX {
        return;
    }
    let (mut i, mut writes) = (0, 0);
    markers.retain(|m| {
        i += 1;
        let old_write = i <= MARKERS_MAX / 2 && m.kind == MarkerKind::Write;
        writes += usize::from(old_write);
        !(old_write && writes % 2 == 0)
    });
    let over = markers.len().saturating_sub(MARKERS_MAX);
    markers.drain(..over);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_markers_old_writes_go_first() {
        let mut markers = Vec::new();
        for event in 0..3 * MARKERS_MAX as u64 {
            let kind = match event % 10 {
                0 => MarkerKind::Cut,
                _ => MarkerKind::Write,
            };
            let marker = Marker {
                event,
                at: Instant::WORLD,
                kind,
                text: String::new(),
            };
            add(&mut markers, vec![marker]);
            assert!(markers.len() <= MARKERS_MAX);
        }
        let cuts = markers.iter().filter(|m| m.kind == MarkerKind::Cut);
        assert_eq!(cuts.count(), 3 * MARKERS_MAX / 10, "no cut is forgotten");
    }
}
