use std::path::Path;

use super::ending::ends_early;
use super::index::FrameIndex;
use super::stream::{FrameStream, StreamOptions};
use crate::{Error, Result};

/// Codecs of which every packet of a sound file is one frame. VP8 has packets that only help to make others, MPEG-4 two
/// frames in one packet, and HEVC pictures at the start that cannot be made any more.
const ONE_FRAME_PER_PACKET: [&str; 3] = ["h264", "vp9", "av1"];
/// Of packets that nobody decodes, as many bytes as a clip of some minutes has.
const KEEP_BYTES: usize = 32 << 20;

/// How many frames a video file has by its packets alone, of which only the first is decoded; `None` where the count is not
/// safe: codecs of which packets are not frames, times that are missing or double, a file that is cut short or breaks off.
///
/// A frame in the middle that does not decode is not noticed.
///
/// # Errors
/// If the file cannot be read, or its first frame does not decode.
pub(crate) fn count_packets(path: &Path) -> Result<Option<usize>> {
    let mut stream = FrameStream::open(path, StreamOptions { threads: 1, keep_bytes: KEEP_BYTES, sound: false })?;
    let codec = stream.codec_name();
    if !ONE_FRAME_PER_PACKET.contains(&codec.as_str()) || stream.next().is_none() {
        return Ok(None);
    }
    stream.read_to_end();
    stream.check_disk()?;
    let cut_short = ends_early(path).map_err(|source| Error::io("read", path, source))?;
    if stream.damaged() || cut_short {
        return Ok(None);
    }
    let packets = stream.notes();
    let shown = packets.iter().filter(|packet| !packet.hidden).count();
    Ok(FrameIndex::from_packets(packets, shown).map(|index| index.frames()).filter(|&frames| frames > 0))
}
