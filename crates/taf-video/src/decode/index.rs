use super::stream::PacketNote;

/// Which frame is shown when, and where decoding can start: what turns a frame number into a place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameIndex {
    frames: usize,
    packets: Vec<PacketNote>,
    /// Timestamps by frame number, strictly ascending; `None` where the file's timestamps can't be trusted.
    shown: Option<Vec<i64>>,
    /// Timestamps of the keyframes, ascending.
    keys: Vec<i64>,
    /// Hash of each picture by frame number; empty where nothing was decoded.
    prints: Vec<u64>,
}

/// A frame as it came out of the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) pts: Option<i64>,
    /// It was made without reference to any other.
    pub(super) intra: bool,
    /// A hash of the picture, to know it again.
    pub(super) print: u64,
}

impl FrameIndex {
    /// The index of a file that was decoded from end to end.
    ///
    /// Seeking is off unless every shown packet has a timestamp of its own, exactly these came out in ascending order,
    /// and nothing was damaged (what damage does to a picture depends on where decoding began). Of the container's
    /// keyframes only those count that the decoder found to be one.
    pub(super) fn from_decoding(packets: Vec<PacketNote>, decoded: &[Decoded], damaged: bool) -> Self {
        let came_out = decoded.iter().map(|frame| frame.pts).collect::<Option<Vec<i64>>>();
        let shown = distinct_times(&packets).filter(|times| !damaged && Some(times) == came_out.as_ref());
        let intra = ascending(decoded.iter().filter(|frame| frame.intra).filter_map(|frame| frame.pts).collect());
        let keys = key_times(&packets).filter(|time| intra.binary_search(time).is_ok()).collect();
        let prints = decoded.iter().map(|frame| frame.print).collect();
        Self { frames: decoded.len(), packets, shown, keys: ascending(keys), prints }
    }

    /// The index of a file known to have `frames` frames, from its packets alone; `None` where they don't bear that
    /// out.
    pub(super) fn from_packets(packets: Vec<PacketNote>, frames: usize) -> Option<Self> {
        let begins_with_key = packets.first().is_some_and(|packet| packet.key);
        let shown = distinct_times(&packets).filter(|times| times.len() == frames && begins_with_key)?;
        let keys = ascending(key_times(&packets).collect());
        Some(Self { frames, packets, shown: Some(shown), keys, prints: Vec::new() })
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

    /// When a frame is shown; `None` where timestamps can't be trusted.
    pub(super) fn time_of(&self, frame: usize) -> Option<i64> {
        self.shown.as_ref().map(|shown| shown[frame])
    }

    /// Keyframes from which `frame` can be reached, the nearest first.
    pub(super) fn keys_before(&self, frame: usize) -> impl Iterator<Item = i64> {
        let time = self.time_of(frame).unwrap_or(i64::MIN);
        let reachable = self.keys.partition_point(|&key| key <= time);
        self.keys[..reachable].iter().rev().copied()
    }

    /// Whether going on from `next` costs no more than starting afresh: no keyframe lies between it and `frame`.
    pub(super) fn is_near(&self, next: usize, frame: usize) -> bool {
        let Some(shown) = &self.shown else { return next <= frame };
        let keys_until = |number: usize| self.keys.partition_point(|&key| key <= shown[number]);
        next <= frame && keys_until(next) == keys_until(frame)
    }

    /// Gives seeking up for this file: it led to something else than decoding in order does.
    pub(super) fn stop_seeking(&mut self) {
        self.shown = None;
    }

    /// Whether a picture may be frame `number`: certain where the file was decoded once, hopeful where it was not.
    pub(super) fn may_be(&self, number: usize, print: u64) -> bool {
        self.prints.get(number).is_none_or(|&known| known == print)
    }

    /// Which packet of the file this is.
    pub(super) fn packet_number(&self, packet: &PacketNote) -> Option<usize> {
        self.packets.iter().position(|known| known == packet)
    }

    /// Whether these are the file's packets from number `first` on.
    pub(super) fn goes_on_with(&self, first: usize, packets: &[PacketNote]) -> bool {
        self.packets.get(first..).is_some_and(|rest| rest.starts_with(packets))
    }
}

/// The timestamps of the packets that are shown, in ascending order, if each has one and no two are the same.
fn distinct_times(packets: &[PacketNote]) -> Option<Vec<i64>> {
    let shown = packets.iter().filter(|packet| !packet.hidden);
    let times = ascending(shown.map(|packet| packet.pts).collect::<Option<Vec<_>>>()?);
    times.is_sorted_by(|a, b| a < b).then_some(times)
}

fn key_times(packets: &[PacketNote]) -> impl Iterator<Item = i64> {
    packets.iter().filter(|packet| packet.key).filter_map(|packet| packet.pts)
}

fn ascending(mut times: Vec<i64>) -> Vec<i64> {
    times.sort_unstable();
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(times: &[(i64, bool)]) -> Vec<PacketNote> {
        let note = |&(pts, key)| PacketNote { pts: Some(pts), key, hidden: false, print: pts as u64 };
        times.iter().map(note).collect()
    }

    /// Two groups of pictures, decoded in the order I P B B.
    fn reordered() -> Vec<PacketNote> {
        packets(&[(0, true), (30, false), (10, false), (20, false), (40, true), (60, false), (50, false)])
    }

    fn shown() -> Vec<Decoded> {
        (0..7).map(|n| Decoded { pts: Some(n * 10), intra: n % 4 == 0, print: n as u64 }).collect()
    }

    fn index() -> FrameIndex {
        FrameIndex::from_decoding(reordered(), &shown(), false)
    }

    #[test]
    fn frames_are_numbered_in_the_order_they_are_shown() {
        let index = index();
        assert_eq!((index.frames(), index.number_at(20), index.number_at(25)), (7, Some(2), None));
        let from_packets = FrameIndex::from_packets(reordered(), 7).unwrap();
        assert_eq!((from_packets.frames(), from_packets.number_at(20)), (7, Some(2)));
    }

    #[test]
    fn a_frame_is_reached_from_the_nearest_keyframe_first() {
        let index = index();
        assert_eq!(index.keys_before(6).collect::<Vec<_>>(), [40, 0]);
        assert_eq!(index.keys_before(3).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn going_on_is_preferred_until_a_keyframe_lies_between() {
        let index = index();
        assert!(index.is_near(1, 3) && index.is_near(4, 6), "same group of pictures");
        assert!(!index.is_near(1, 4) && !index.is_near(3, 1), "a keyframe between, and backwards");
    }

    #[test]
    fn timestamps_that_cannot_be_trusted_switch_seeking_off() {
        let seeks =
            |packets, decoded: &[Decoded], damaged| FrameIndex::from_decoding(packets, decoded, damaged).can_seek();
        let mut untimed = reordered();
        untimed[2].pts = None;
        let mut doubled = reordered();
        doubled[2].pts = Some(20);
        let descending: Vec<Decoded> = shown().into_iter().rev().collect();
        assert!(seeks(reordered(), &shown(), false));
        assert!(!seeks(untimed, &shown(), false) && !seeks(doubled, &shown(), false));
        assert!(!seeks(reordered(), &descending, false), "frames out of order");
        assert!(!seeks(reordered(), &shown(), true), "damaged");
        assert!(!seeks(reordered(), &shown()[1..], false), "a packet without a frame");
        assert!(!seeks(reordered()[1..].to_vec(), &shown(), false), "a frame without a packet");
    }

    #[test]
    fn a_keyframe_only_in_name_is_not_jumped_to() {
        let mut decoded = shown();
        decoded[4].intra = false;
        let index = FrameIndex::from_decoding(reordered(), &decoded, false);
        assert_eq!(index.keys_before(6).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn packets_cut_away_by_the_container_are_not_numbered() {
        let mut packets = reordered();
        packets[0].hidden = true;
        let index = FrameIndex::from_decoding(packets, &shown()[1..], false);
        assert_eq!((index.number_at(10), index.can_seek()), (Some(0), true));
    }

    #[test]
    fn packets_are_known_again_in_their_order() {
        let (index, packets) = (index(), reordered());
        assert_eq!(index.packet_number(&packets[4]), Some(4));
        assert!(index.goes_on_with(4, &packets[4..6]) && !index.goes_on_with(3, &packets[4..6]));
        assert!(!index.goes_on_with(6, &packets[5..]) && !index.goes_on_with(8, &[]));
    }

    #[test]
    fn a_picture_is_known_again_where_it_was_seen() {
        assert!(index().may_be(3, 3) && !index().may_be(3, 4));
        assert!(FrameIndex::from_packets(reordered(), 7).unwrap().may_be(3, 4), "nothing was seen");
    }

    #[test]
    fn packets_alone_are_believed_only_with_the_known_count() {
        assert_eq!(FrameIndex::from_packets(reordered(), 6), None);
        assert_eq!(FrameIndex::from_packets(reordered()[1..].to_vec(), 6), None, "does not begin with a keyframe");
    }
}
