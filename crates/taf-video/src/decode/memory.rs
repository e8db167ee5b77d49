//! Memory between one video and the next.

/// Lets the C library keep up to 64 MiB that a video gave back for the next one, in the whole process: glibc otherwise
/// returns the memory of every decoder to the system, which then has to clear the same pages again, 2 to 4 % of the time
/// of a short VP9 clip. For programs that read many videos; call it once, before there are threads. Of other C libraries
/// it asks nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets two numbers of the allocator, which takes them at any time. They are what glibc comes to by itself
    // after a block of 32 MiB was given back.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 20);
    }
}
