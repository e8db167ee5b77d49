"""Measures how fast eight frames are read from a video, by our decoder and by decord, TorchCodec and PyAV in turns.

    python3 parity/decode_speed.py                                   makes its videos with ffmpeg
    python3 parity/decode_speed.py --source FOLDER --rounds 5        makes them of real ones
    python3 parity/decode_speed.py --rows vp9 --threads 1

The frames are TSN's centre segments, the number of frames is known, each video is opened anew. Prints a Markdown table and
writes --json. Every reader runs in a process of its own; each must find the same pixels. Peers that are not installed are
left out with a word. Nothing else should run: of a busy machine, believe the processor's seconds rather than the clock's.
Made videos zoom into a fractal and are far heavier than real ones, in VP9 most of all; --source is nearer to a data set.
"""
import argparse
import importlib.metadata
import importlib.util
import json
import math
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FRAMES = 8
GOAL = 1.3
EXAMPLE = Path('target/release/examples/decode_speed')


@dataclass(frozen=True)
class Kind:
    """Videos like those of a data set: height, rate and length vary little, the encoder has its defaults."""
    name: str
    ending: str
    size: tuple
    fps: int
    frames: range
    encoder: tuple


KINDS = (
    Kind('vp9', 'webm', (426, 240), 12, range(28, 72), ('-c:v', 'libvpx-vp9')),
    Kind('h264', 'mp4', (456, 256), 25, range(100, 190), ('-c:v', 'libx264', '-preset', 'medium', '-pix_fmt', 'yuv420p')),
)


def make_videos(kind, folder, count, sources):
    """Textured, noisy pictures that move as if a hand held the camera; made once."""
    made = []
    for number in range(count):
        frames = kind.frames[number * 17 % len(kind.frames)]
        path = folder / f'{kind.name}-{number:02}-{frames}.{kind.ending}'
        if not path.exists():
            part = path.with_name('part-' + path.name)
            subprocess.run(ffmpeg_command(kind, number, frames, sources, part), check=True)
            part.rename(path)
        made.append((str(path), frames))
    return made


def ffmpeg_command(kind, number, frames, sources, path):
    width, height = kind.size
    wide, high = 2 * width, 2 * height
    if sources:
        source = ['-stream_loop', '-1', '-i', str(sources[number % len(sources)])]
    else:
        source = ['-f', 'lavfi', '-i', f'mandelbrot=size={wide}x{high}:rate={kind.fps}:start_scale={3 / (number + 1)}']
    shaken = (f'fps={kind.fps},scale={wide * 9 // 8}:{high * 9 // 8}:force_original_aspect_ratio=increase,'
              f'noise=alls=9:allf=t:all_seed={number},'
              f"crop={wide}:{high}:x='(iw-ow)*(1+sin(n/7))/2':y='(ih-oh)*(1+cos(n/5))/2',scale={width}:{height}")
    return ['ffmpeg', '-v', 'error', '-y', *source, '-vf', shaken, '-frames:v', str(frames), '-an', *kind.encoder, str(path)]


def centre(frames):
    """Frames int(tick / 2 + tick * i), as TSN's validation takes them."""
    tick = frames / FRAMES
    return [int(tick / 2 + tick * i) for i in range(FRAMES)]


def read_pyav(path, frames, threads):
    import av
    import numpy
    wanted = centre(frames)
    found = {}
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.thread_count = 'AUTO', threads
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                found[number] = frame.to_ndarray(format='rgb24')
            if number == wanted[-1]:
                break
    return numpy.stack([found[number] for number in wanted])


def read_decord(path, frames, threads):
    import decord
    return decord.VideoReader(path, num_threads=threads).get_batch(centre(frames)).asnumpy()


def read_torchcodec(path, frames, threads, mode='approximate'):
    from torchcodec.decoders import VideoDecoder
    decoder = VideoDecoder(path, dimension_order='NHWC', num_ffmpeg_threads=threads, seek_mode=mode)
    return decoder.get_frames_at(centre(frames)).data.numpy()


READERS = {'decord': read_decord, 'torchcodec': read_torchcodec, 'av': read_pyav}


def measure_peer(name, workers, threads, passes, videos):
    """What the process of a peer says: seconds of the timed passes, and the sum of all pixels of the one before."""
    if name == 'torchcodec':
        import torch
        torch.set_num_threads(1)
    read = READERS[name]
    with ThreadPoolExecutor(workers) as pool:
        total = sum(pool.map(lambda video: int(read(*video, threads).sum(dtype='uint64')), videos))
        begin, processor = time.perf_counter(), processor_seconds()
        for _ in range(passes):
            list(pool.map(lambda video: read(*video, threads).shape, videos))
        seconds = time.perf_counter() - begin
        return {'seconds': seconds, 'processor_seconds': processor_seconds() - processor, 'sum': total}


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ways(peer, threads):
    """How a peer can use so many threads: so many videos at once, or so many threads for one."""
    both = dict.fromkeys([(threads, 1), (1, threads)])
    return [(peer, workers, inside) for workers, inside in both]


def run(way, passes, videos):
    name, workers, threads = way
    if name == 'taf':
        command = [str(EXAMPLE), str(workers), str(passes), str(write_manifest(videos))]
    else:
        files = [str(word) for video in videos for word in video]
        command = [sys.executable, __file__, '--peer', name, str(workers), str(threads), str(passes), *files]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f'{way} ended with {done.returncode}:\n{done.stdout}{done.stderr}')
    return json.loads(done.stdout.splitlines()[-1])


def write_manifest(videos):
    """The list of the videos as our side reads it, beside them."""
    path = Path(videos[0][0]).with_name('manifest.jsonl')
    records = [{'path': str(Path(video).resolve()), 'label': 'any', 'split': 'test', 'frames': frames} for video, frames in videos]
    lines = [{'taf_manifest': 1, 'classes': ['any']}, *records]
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def measure(all_ways, videos, args):
    """For each way what each round said; the ways take turns."""
    said = {way: [] for way in all_ways}
    for number in range(args.rounds):
        for way in all_ways:
            print(f'round {number + 1} of {args.rounds}: {way}', file=sys.stderr)
            said[way].append(run(way, args.passes, videos))
    sums = {way: rounds[0]['sum'] for way, rounds in said.items()}
    if len(set(sums.values())) != 1:
        print(f'the readers found different pixels: {sums}', file=sys.stderr)
    return said


def rates(rounds, quantity, clips):
    return [clips / one[quantity] for one in rounds]


def compared(said, quantity, clips):
    """Ours, each peer's best way by this quantity, and ours over the best peer's round by round."""
    ours = next(way for way in said if way[0] == 'taf')
    best = {}
    for way in said:
        better = way[0] not in best or typical(said[way], quantity, clips) > typical(said[best[way[0]]], quantity, clips)
        if way != ours and better:
            best[way[0]] = way
    strongest = max(best.values(), key=lambda way: typical(said[way], quantity, clips), default=None)
    ratios = [theirs[quantity] / mine[quantity] for theirs, mine in zip(said[strongest], said[ours])] if strongest else []
    return {'taf': typical(said[ours], quantity, clips), 'ratios': ratios, 'strongest': strongest,
            'peers': {name: typical(said[way], quantity, clips) for name, way in best.items()}}


def typical(rounds, quantity, clips):
    return median(rates(rounds, quantity, clips))


def table(results, peers):
    head = f'| videos | threads | clips per second | taf | {" | ".join(peers)} | taf/best (range) | goal | reached |'
    return '\n'.join([head, '|---' * (7 + len(peers)) + '|', *(line(result, peers) for result in results)])


def line(result, peers):
    ratio = median(result['ratios']) if result['ratios'] else math.nan
    spread = f'{min(result["ratios"]):.2f}–{max(result["ratios"]):.2f}' if result['ratios'] else ''
    cells = (result['kind'], result['threads'], result['by'], f'{result["taf"]:.1f}',
             *(f'{result["peers"][peer]:.1f}' for peer in peers), f'**{ratio:.2f}** ({spread})', GOAL,
             'yes' if ratio >= GOAL else 'no')
    return '| ' + ' | '.join(map(str, cells)) + ' |'


def installed_peers():
    missing = [name for name in READERS if importlib.util.find_spec(name) is None]
    if missing:
        print(f'not measured: pip install {" ".join(missing)}', file=sys.stderr)
    return [name for name in READERS if name not in missing]


def versions(peers):
    return {name: importlib.metadata.version(name) for name in peers}


def results_of(kind, videos, peers, args):
    for threads in args.threads:
        all_ways = [('taf', threads, 1), *(way for peer in peers for way in ways(peer, threads))]
        said = measure(all_ways, videos, args)
        for by, quantity in (('of the clock', 'seconds'), ('of the processor', 'processor_seconds')):
            yield {'kind': kind.name, 'threads': threads, 'by': by, **compared(said, quantity, args.passes * len(videos))}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [kind.name for kind in KINDS]
    parser.add_argument('--rows', type=lambda text: text.split(','), default=names, help=f'some of {",".join(names)}')
    parser.add_argument('--threads', type=int, nargs='+', default=[1, 2], help='[default: 1 2]')
    parser.add_argument('--videos', type=int, default=24, help='videos of each kind [default: 24]')
    parser.add_argument('--rounds', type=int, default=5, help='times each reader runs [default: 5]')
    parser.add_argument('--passes', type=int, default=2, help='times each run reads all videos [default: 2]')
    parser.add_argument('--source', type=Path, help='folder of real videos to make the videos of')
    parser.add_argument('--folder', type=Path, default=Path('runs/decode_speed'), help='where the videos are made')
    parser.add_argument('--json', type=Path, default=Path('runs/decode_speed.json'), help='file to write')
    parser.add_argument('--peer', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = arguments()
    if args.peer:
        name, workers, threads, passes, *files = args.peer
        videos = [(path, int(frames)) for path, frames in zip(files[::2], files[1::2])]
        print(json.dumps(measure_peer(name, int(workers), int(threads), int(passes), videos)))
        return
    if not EXAMPLE.exists():
        sys.exit(f'{EXAMPLE} is missing: cargo build --release -p taf-video --example decode_speed')
    args.folder.mkdir(parents=True, exist_ok=True)
    sources = sorted(path for path in args.source.rglob('*') if path.is_file()) if args.source else []
    peers = installed_peers()
    results = []
    for kind in (kind for kind in KINDS if kind.name in args.rows):
        results += results_of(kind, make_videos(kind, args.folder, args.videos, sources), peers, args)
    args.json.write_text(json.dumps({'cores': os.cpu_count(), 'peers': versions(peers), 'results': results}, indent=1) + '\n')
    print(table(results, peers))


if __name__ == '__main__':
    main()
