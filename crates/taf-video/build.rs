//! Tells the sources which FFmpeg they are built against.
//!
//! FFmpeg 6.1 moved the display matrix from the stream to the codec parameters and 8.0 removed the old place, so one read of it
//! cannot serve all. The binding's `links` metadata says which release its headers are from.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(ffmpeg_6_1)");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("DEP_FFMPEG_FFMPEG_6_1").is_some() {
        println!("cargo::rustc-cfg=ffmpeg_6_1");
    }
}
