use super::stream::PacketTime;

/// Which frame is shown when, and where decoding can start: what turns a frame number into a place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameIndex {
    frames: usize,
    /// Timestamps by frame number, strictly ascending; `None` where the file's timestamps can't be trusted.
    shown: Option<Vec<i64>>,
    /// Timestamps of the keyframes, ascending.
    keys: Vec<i64>,
}

impl FrameIndex {
    /// The index of a file that was decoded from end to end: `decoded` holds the timestamp of each frame that came out.
    ///
    /// Seeking is off unless every packet has a timestamp of its own, the frames ascend strictly, every frame's timestamp is a
    /// packet's, and nothing was damaged (what hides damage depends on where decoding began).
    pub(super) fn from_decoding(packets: &[PacketTime], decoded: &[Option<i64>], damaged: bool) -> Self {
        let packet_times = distinct_times(packets);
        let shown = decoded.iter().copied().collect::<Option<Vec<i64>>>();
        let shown = shown.filter(|shown| {
            let known = |time: &i64| packet_times.as_ref().is_some_and(|times| times.binary_search(time).is_ok());
            !damaged && shown.is_sorted_by(|a, b| a < b) && shown.iter().all(known)
        });
        Self { frames: decoded.len(), shown, keys: key_times(packets) }
    }

    /// The index of a file known to have `frames` frames, from its packets alone; `None` where they don't bear that out.
    pub(super) fn from_packets(packets: &[PacketTime], frames: usize) -> Option<Self> {
        let shown =
            distinct_times(packets).filter(|times| times.len() == frames && packets.first().is_some_and(|p| p.key))?;
        Some(Self { frames, shown: Some(shown), keys: key_times(packets) })
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// Whether frames can be told apart by their timestamps.
    pub(super) fn can_seek(&self) -> bool {
        self.shown.is_some()
    }

    /// The number of the frame shown at `time`.
    pub(super) fn number_at(&self, time: i64) -> Option<usize> {
        self.shown.as_ref()?.binary_search(&time).ok()
    }

    /// Keyframes from which `frame` can be reached, the nearest first.
    pub(super) fn keys_before(&self, frame: usize) -> impl Iterator<Item = i64> {
        let time = self.shown.as_ref().map_or(i64::MIN, |shown| shown[frame]);
        let reachable = self.keys.partition_point(|&key| key <= time);
        self.keys[..reachable].iter().rev().copied()
    }

    /// Whether going on from `next` costs no more than starting afresh: no keyframe lies between it and `frame`.
    pub(super) fn is_near(&self, next: usize, frame: usize) -> bool {
        let Some(shown) = &self.shown else { return next <= frame };
        next <= frame && !self.keys.iter().any(|&key| shown[next] < key && key <= shown[frame])
    }
}

/// The timestamps of the packets that are shown, in ascending order, if each has one and no two are the same.
fn distinct_times(packets: &[PacketTime]) -> Option<Vec<i64>> {
    let mut times =
        packets.iter().filter(|packet| !packet.hidden).map(|packet| packet.pts).collect::<Option<Vec<_>>>()?;
    times.sort_unstable();
    times.is_sorted_by(|a, b| a < b).then_some(times)
}

fn key_times(packets: &[PacketTime]) -> Vec<i64> {
    let mut keys: Vec<i64> = packets.iter().filter(|packet| packet.key).filter_map(|packet| packet.pts).collect();
    keys.sort_unstable();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(times: &[(i64, bool)]) -> Vec<PacketTime> {
        times.iter().map(|&(pts, key)| PacketTime { pts: Some(pts), key, hidden: false }).collect()
    }

    /// Two groups of pictures, decoded in the order I P B B.
    fn reordered() -> Vec<PacketTime> {
        packets(&[(0, true), (30, false), (10, false), (20, false), (40, true), (60, false), (50, false)])
    }

    fn shown() -> Vec<Option<i64>> {
        (0..7).map(|n| Some(n * 10)).collect()
    }

    #[test]
    fn frames_are_numbered_in_the_order_they_are_shown() {
        let index = FrameIndex::from_decoding(&reordered(), &shown(), false);
        assert_eq!((index.frames(), index.number_at(20), index.number_at(25)), (7, Some(2), None));
        assert_eq!(FrameIndex::from_packets(&reordered(), 7), Some(index));
    }

    #[test]
    fn a_frame_is_reached_from_the_nearest_keyframe_first() {
        let index = FrameIndex::from_decoding(&reordered(), &shown(), false);
        assert_eq!(index.keys_before(6).collect::<Vec<_>>(), [40, 0]);
        assert_eq!(index.keys_before(3).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn going_on_is_preferred_until_a_keyframe_lies_between() {
        let index = FrameIndex::from_decoding(&reordered(), &shown(), false);
        assert!(index.is_near(1, 3) && index.is_near(4, 6), "same group of pictures");
        assert!(!index.is_near(1, 4) && !index.is_near(3, 1), "a keyframe between, and backwards");
    }

    #[test]
    fn timestamps_that_cannot_be_trusted_switch_seeking_off() {
        let mut untimed = reordered();
        untimed[2].pts = None;
        let mut doubled = reordered();
        doubled[2].pts = Some(20);
        let descending = (0..7).rev().map(|n| Some(n * 10)).collect::<Vec<_>>();
        assert!(!FrameIndex::from_decoding(&untimed, &shown(), false).can_seek());
        assert!(!FrameIndex::from_decoding(&doubled, &shown(), false).can_seek());
        assert!(!FrameIndex::from_decoding(&reordered(), &descending, false).can_seek());
        assert!(!FrameIndex::from_decoding(&reordered(), &shown(), true).can_seek(), "damaged");
        assert!(
            !FrameIndex::from_decoding(&reordered()[1..], &shown(), false).can_seek(),
            "a frame no packet announced"
        );
    }

    #[test]
    fn packets_alone_are_believed_only_with_the_known_count() {
        assert_eq!(FrameIndex::from_packets(&reordered(), 6), None);
        assert_eq!(FrameIndex::from_packets(&reordered()[1..], 6), None, "does not begin with a keyframe");
    }
}
