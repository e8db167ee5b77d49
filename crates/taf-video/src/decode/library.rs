/// What decodes and encodes: FFmpeg's library of codecs with the version that is loaded, such as `libavcodec 61.19.101`.
pub fn codec_library() -> String {
    let version = ffmpeg_the_third::codec::version();
    format!("libavcodec {}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff)
}
