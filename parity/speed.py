"""Measures `taf bench` and PyTorch (torch_step.py) in turns on this machine and compares them row by row.

    python3 parity/speed.py                                  every row
    python3 parity/speed.py --rows plain-112,memory --rounds 5
    python3 parity/speed.py --rows gst-plain,gst-taf,gst-inference

Prints a Markdown table and writes --json. In every round ours runs first, then each PyTorch run, each in a process of its
own with the same number of threads; nothing else should run.
"""
import argparse
import importlib.util
import json
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

TORCH_STEP = Path(__file__).with_name('torch_step.py')
CLASSES = 174
MIB = 1 << 20
BUSY = 0.5  # load average from which other programs blur the timings


@dataclass(frozen=True)
class Job:
    """What both sides compute, and how often."""
    work: str
    arch: str
    clips: int
    frames: int
    size: int
    warmup: int
    steps: int
    model: str = 'tsm'


@dataclass(frozen=True)
class Rival:
    """Whom we are compared with: the best of these runs of torch_step.py, and how many times better we want to be."""
    name: str
    runs: tuple
    goal: float


@dataclass(frozen=True)
class Row:
    name: str
    job: Job
    rivals: tuple
    quantity: str = 'seconds'


@dataclass(frozen=True)
class Result:
    """One line of the table. Ratios are theirs over ours, one per round: above 1 we are better."""
    row: str
    rival: str
    quantity: str
    ours: tuple
    theirs: tuple
    best_run: str
    ratios: tuple
    goal: float

    @property
    def reached(self):
        return median(self.ratios) >= self.goal


def both(work):
    return f'{work}:nchw', f'{work}:channels-last'


PLAIN_112 = Job('plain', 'resnet50', 1, 8, 112, warmup=2, steps=5)
PLAIN_224 = Job('plain', 'resnet50', 1, 8, 224, warmup=1, steps=3)
TAF_112 = Job('taf', 'resnet50', 1, 8, 112, warmup=2, steps=3)
PLAIN_R18 = Job('plain', 'resnet18', 4, 8, 64, warmup=2, steps=7)
INFERENCE_224 = Job('inference', 'resnet50', 1, 8, 224, warmup=2, steps=7)
LEAST_MEMORY = 1 / 0.8
MODELS = ('tsm', 'gst', 'tam', 'tpn')
MODEL_GOAL = 1.2


def model_rows(model):
    """Inference, a plain and a TAF step of one model at full size."""
    job = Job('plain', 'resnet50', 1, 8, 224, warmup=1, steps=3, model=model)
    rivals = {
        'inference': Rival('PyTorch, norms folded', both('inference'), MODEL_GOAL),
        'plain': Rival('PyTorch', both('plain'), MODEL_GOAL),
        'taf': Rival('PyTorch, frozen weights', both('taf-best'), MODEL_GOAL),
    }
    return tuple(Row(f'{model}-{work}', replace(job, work=work), (rival,)) for work, rival in rivals.items())


ROWS = (
    Row('plain-112', PLAIN_112, (Rival('PyTorch', both('plain'), 1.4),)),
    Row('plain-224', PLAIN_224, (Rival('PyTorch', both('plain'), 1.3),)),
    Row('taf-112', TAF_112, (
        Rival('PyTorch, frozen weights', both('taf-best'), 1.5),
        Rival('PyTorch, full autograd', ('taf-naive:nchw',), 2.0),
    )),
    Row('r18-64', PLAIN_R18, (Rival('PyTorch', both('plain'), 1.5),)),
    Row('inference-224', INFERENCE_224, (
        Rival('PyTorch, norms folded', both('inference'), 1.2),
        Rival('ONNX Runtime', ('onnx:nchw',), 1.0),
    )),
    Row('memory', PLAIN_112, (Rival('PyTorch', both('plain'), LEAST_MEMORY),), 'peak_rss_bytes'),
    Row('memory-net', PLAIN_112, (Rival('PyTorch without its libraries', both('plain'), LEAST_MEMORY),), 'net_bytes'),
)


# Measured when they are named: they take a quarter of an hour a round.
MODEL_ROWS = tuple(row for model in MODELS for row in model_rows(model))


def shape_options(job, threads):
    sizes = {'clips': job.clips, 'frames': job.frames, 'size': job.size, 'classes': CLASSES,
             'warmup': job.warmup, 'threads': threads}
    return [word for name, value in sizes.items() for word in (f'--{name}', str(value))]


def our_command(taf, job, threads):
    return [taf, 'bench', '--model', f'{job.model}-{job.arch}', '--work', job.work, *shape_options(job, threads),
            '--steps', str(job.steps), '--json']


def torch_command(run, job, threads, compiled):
    return [sys.executable, str(TORCH_STEP), '--modes', run, '--model', job.model, '--arch', job.arch, *shape_options(job, threads),
            '--iters', str(job.steps), *(['--compile'] if compiled else [])]


def run_ours(taf, job, threads):
    return json.loads(output_of(our_command(taf, job, threads), threads))


def run_torch(run, job, threads, compiled):
    return json.loads(output_of(torch_command(run, job, threads, compiled), threads).splitlines()[-1])


def output_of(command, threads):
    environment = os.environ | {'OMP_NUM_THREADS': str(threads), 'RAYON_NUM_THREADS': str(threads)}
    done = subprocess.run(command, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f'{shlex.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}')
    return done.stdout


def torch_runs(job, rows):
    """Every PyTorch run that some row wants for this job, once each, in order."""
    return list(dict.fromkeys(run for row in rows if row.job == job for rival in row.rivals for run in rival.runs))


def measure(job, rows, args):
    """One dict per round: what each run said, by its name; ours is `taf`."""
    rounds = []
    for number in range(args.rounds):
        said = {}
        for run in ('taf', *torch_runs(job, rows)):
            print(f'round {number + 1} of {args.rounds}: {job.work} {job.model} {job.arch} {job.size}: {run}', file=sys.stderr)
            ours = run == 'taf'
            said[run] = run_ours(args.taf, job, args.threads) if ours else run_torch(run, job, args.threads, args.compile)
        rounds.append(said)
    return rounds


def quantities(said, quantity):
    """The numbers behind a comparison: seconds of every step, or one amount of memory."""
    if quantity == 'net_bytes':
        return [said['peak_rss_bytes'] - said.get('rss_imported_bytes', 0)]
    value = said[quantity]
    return value if isinstance(value, list) else [value]


def compare(row, rival, rounds):
    """The rival's best run over all rounds against ours, round by round."""
    pooled = {run: [x for said in rounds for x in quantities(said[run], row.quantity)] for run in ('taf', *rival.runs)}
    best = min(rival.runs, key=lambda run: median(pooled[run]))
    ratios = tuple(ratio(said[best], said['taf'], row.quantity) for said in rounds)
    return Result(row.name, rival.name, row.quantity, tuple(pooled['taf']), tuple(pooled[best]), best, ratios, rival.goal)


def ratio(theirs, ours, quantity):
    return median(quantities(theirs, quantity)) / median(quantities(ours, quantity))


def table(results):
    head = '| row | taf | rival | its best | rival/taf (range over rounds) | goal | reached |'
    return '\n'.join([head, '|---' * 7 + '|', *map(line, results)])


def line(result):
    unit = amount if result.quantity.endswith('bytes') else seconds
    ratios = f'**{median(result.ratios):.2f}** ({min(result.ratios):.2f}–{max(result.ratios):.2f})'
    layout = result.best_run.partition(':')[2]
    cells = (result.row, unit(result.ours), f'{result.rival}, {layout}', unit(result.theirs), ratios,
             f'{result.goal:.2f}', 'yes' if result.reached else 'no')
    return f'| {" | ".join(cells)} |'


def seconds(values):
    return f'{median(values):.3f} s ({min(values):.3f}–{max(values):.3f})'


def amount(values):
    return f'{median(values) / MIB:.0f} MiB ({min(values) / MIB:.0f}–{max(values) / MIB:.0f})'


def document(args, results, rounds):
    """Everything measured, with what it was measured on."""
    measured = [{'job': vars(job), 'rounds': said} for job, said in rounds.items()]
    compared = [vars(result) | {'reached': result.reached} for result in results]
    return {'machine': machine(), 'threads': args.threads, 'compiled': args.compile, 'results': compared,
            'measured': measured}


def machine():
    return {'system': platform.platform(), 'cpu': cpu(), 'cores': os.cpu_count()}


def cpu():
    file = Path('/proc/cpuinfo')
    lines = file.read_text().splitlines() if file.exists() else []
    names = (text.partition(':')[2].strip() for text in lines if text.startswith('model name'))
    return next(names, platform.processor())


def prepare(args):
    """Refuses what cannot run before anything is measured."""
    if importlib.util.find_spec('torch') is None:
        sys.exit(f'torch is missing from {sys.executable}: pip install torch')
    if not Path(args.taf).is_file():
        sys.exit(f'{args.taf} is missing: cargo build --release, or name another binary with --taf')
    args.json.parent.mkdir(parents=True, exist_ok=True)
    if (load := os.getloadavg()[0]) > BUSY:
        print(f'warning: other programs are running (load {load:.1f}); timings will be blurred', file=sys.stderr)


def without_missing_packages(rows):
    """ONNX Runtime is optional: its rival is left out, with a word, where a package is missing."""
    missing = [name for name in ('onnx', 'onnxscript', 'onnxruntime') if importlib.util.find_spec(name) is None]
    if not missing:
        return rows
    print(f'ONNX Runtime is not measured: pip install {" ".join(missing)}', file=sys.stderr)
    return [replace(row, rivals=tuple(rival for rival in row.rivals if 'onnx:nchw' not in rival.runs)) for row in rows]


def print_commands(args):
    for job in dict.fromkeys(row.job for row in args.rows):
        print(shlex.join(our_command(args.taf, job, args.threads)))
        for run in torch_runs(job, args.rows):
            print(shlex.join(torch_command(run, job, args.threads, args.compile)))


def rows_of(names):
    known = {row.name: row for row in ROWS + MODEL_ROWS}
    if unknown := [name for name in names.split(',') if name not in known]:
        raise argparse.ArgumentTypeError(f'{unknown[0]} is none of {", ".join(known)}')
    return [known[name] for name in names.split(',')]


def all_names():
    return ','.join(row.name for row in ROWS + MODEL_ROWS)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', type=rows_of, default=ROWS, help=f'some of {all_names()} [default: those without a model]')
    parser.add_argument('--rounds', type=int, default=3, help='times each side runs [default: 3]')
    parser.add_argument('--threads', type=int, default=2, help='threads of each side [default: 2]')
    parser.add_argument('--taf', default='target/release/taf', help='our binary [default: target/release/taf]')
    parser.add_argument('--json', type=Path, default=Path('runs/speed.json'),
                        help='file to write [default: runs/speed.json]')
    parser.add_argument('--compile', action='store_true', help='PyTorch networks go through torch.compile')
    parser.add_argument('--dry-run', action='store_true', help='print the commands of one round and stop')
    return parser.parse_args()


def main():
    args = arguments()
    if args.dry_run:
        print_commands(args)
        return
    prepare(args)
    rows = without_missing_packages(args.rows)
    rounds = {job: measure(job, rows, args) for job in dict.fromkeys(row.job for row in rows)}
    results = [compare(row, rival, rounds[row.job]) for row in rows for rival in row.rivals]
    args.json.write_text(json.dumps(document(args, results, rounds), indent=1) + '\n')
    print(table(results))


if __name__ == '__main__':
    main()
