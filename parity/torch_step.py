"""Times the work of `taf bench` in PyTorch, written as a PyTorch user would write it: one JSON line per run.

    python3 parity/torch_step.py --modes plain,taf-best --arch resnet50 --size 112 --threads 2

A mode is a kind of work, or `work:layout` for one layout alone. Each run has a process of its own, so that its peak memory
is its own. Needs PyTorch; `onnx` also needs the packages onnx, onnxscript and onnxruntime.
"""
import argparse
import functools
import io
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    if missing.name != 'torch':
        raise
    sys.exit('torch is missing: pip install torch')
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

import reference_models

LAYOUTS = {
    'plain': ('nchw', 'channels-last'),
    'taf-naive': ('nchw',),
    'taf-best': ('nchw', 'channels-last'),
    'inference': ('nchw', 'channels-last'),
    'onnx': ('nchw',),
}
BLOCKS = {'resnet18': (2, 2, 2, 2), 'resnet50': (3, 4, 6, 3)}
MODELS = ('tsm', 'tsn', 'gst', 'tam', 'tpn')
LEARNING_RATE = 0.01
CLIP_NORM = 20.0
EPSILON = 4 / 255
SMALLEST_ATTENTION = 1e-12
AUXILIARY_WEIGHT = 0.5  # of TPN's second classifier


@dataclass(frozen=True)
class Run:
    work: str
    layout: str

    def __str__(self):
        return f'{self.work}:{self.layout}'


class Peer(nn.Module):
    """A network of reference_models.py that takes clips in [0, 1], [clips, frames, 3, height, width]."""

    def __init__(self, net, frames):
        super().__init__()
        self.net, self.frames = net, frames
        self.register_buffer('mean', torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1))
        self.register_buffer('std', torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1))
        self.layout = torch.contiguous_format

    def forward(self, clips):
        """Logits [clips, classes], features [clips, frames, channels, h, w], TPN's auxiliary logits."""
        images = ((clips - self.mean) / self.std).flatten(0, 1).contiguous(memory_format=self.layout)
        if isinstance(self.net, reference_models.Tpn):
            *earlier, last = self.net.backbone_features(images)
            features = last.transpose(1, 2)
            logits, auxiliary = self.net.from_backbone([*earlier, features.transpose(1, 2)])
            return logits, features, auxiliary
        features = self.net.features(images)
        return self.net.head(features), features, None

    def channel_weights(self, logits, features, labels):
        """What each channel argues for the label: the classifier's row, for TPN by Grad-CAM. [clips, channels]"""
        if not isinstance(self.net, reference_models.Tpn):
            return self.net.cam_weight()[labels]
        evidence = logits.gather(1, labels[:, None]).sum()
        return torch.autograd.grad(evidence, features, retain_graph=True)[0].mean((1, 3, 4)).detach()

    def channels_last(self):
        """The same network with weights and activations in channels-last order."""
        self.layout = torch.channels_last
        formats = {4: torch.channels_last, 5: torch.channels_last_3d}
        for weight in self.net.parameters():
            if weight.dim() in formats:
                weight.data = weight.data.contiguous(memory_format=formats[weight.dim()])
        return self


def build(args):
    layers = BLOCKS[args.arch]
    if args.model in ('tsm', 'tsn'):
        block = reference_models.BasicBlock if args.arch == 'resnet18' else reference_models.Bottleneck
        return Peer(reference_models.Tsn2d(args.model, layers, args.classes, args.frames, block), args.frames)
    if args.arch != 'resnet50':
        sys.exit(f'--arch must be resnet50 for {args.model}, got {args.arch}')
    nets = {
        'tam': functools.partial(reference_models.Tsn2d, 'tam'),
        'gst': reference_models.Gst,
        'tpn': reference_models.Tpn,
    }
    return Peer(nets[args.model](layers, args.classes, args.frames), args.frames)


# Each kind of work takes the network and a batch, prepares what a user prepares once, and returns the timed step.


def plain(peer, clips, labels):
    optimizer = sgd(peer)

    def step():
        optimizer.zero_grad()
        loss(peer(clips), labels).backward()
        move(peer, optimizer)

    return step


def taf(craft, peer, clips, labels):
    optimizer = sgd(peer)

    def step():
        perturbed = craft(peer, clips, labels)
        optimizer.zero_grad()
        loss(peer(clips), labels).backward()
        loss(peer(perturbed), labels).backward()
        move(peer, optimizer)

    return step


def craft_naive(peer, clips, labels):
    """Crafts in training mode and lets autograd make the weights' gradients too, which are thrown away."""
    leaf = clips.clone().requires_grad_(True)
    shift_objective(peer, leaf, labels).backward()
    return perturbed(clips, leaf.grad)


def craft_best(peer, clips, labels):
    """Crafts with running statistics and frozen weights, so that only the pixels' gradient is made."""
    peer.eval().requires_grad_(False)
    leaf = clips.clone().requires_grad_(True)
    gradient, = torch.autograd.grad(shift_objective(peer, leaf, labels), leaf)
    peer.train().requires_grad_(True)
    return perturbed(clips, gradient)


def inference(peer, clips, _):
    peer = fold_batch_norms(peer)

    def step():
        with torch.inference_mode():
            peer(clips)

    return step


def onnx(threads, peer, clips, _):
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        require(package)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(export(peer, clips), options, providers=['CPUExecutionProvider'])
    pixels = clips.numpy()
    return lambda: session.run(['logits'], {'clips': pixels})


def sgd(peer):
    return torch.optim.SGD(peer.parameters(), LEARNING_RATE, momentum=0.9, weight_decay=5e-4, fused=True)


def move(peer, optimizer):
    nn.utils.clip_grad_norm_(peer.parameters(), CLIP_NORM)
    optimizer.step()


def loss(output, labels):
    logits, _, auxiliary = output
    value = F.cross_entropy(logits, labels)
    return value if auxiliary is None else value + AUXILIARY_WEIGHT * F.cross_entropy(auxiliary, labels)


def shift_objective(peer, clips, labels):
    """log of the attention on the half of the frames that have the least of it, summed over clips."""
    logits, features, _ = peer(clips)
    weights = peer.channel_weights(logits, features, labels)
    evidence = torch.einsum('ntchw,nc->nt', features, weights) / features[0, 0, 0].numel()
    attention = evidence.softmax(1)
    minor = attention.detach().argsort(dim=1, stable=True)[:, :clips.shape[1] // 2]
    return attention.gather(1, minor).sum(1).clamp_min(SMALLEST_ATTENTION).log().sum()


def perturbed(clips, gradient):
    return (clips + EPSILON * gradient.sign()).clamp(0, 1)


def fold_batch_norms(peer):
    """Folds every batch norm that follows one convolution into it, in place. GST's bn2 follows two and stays."""
    peer.eval()
    pairs = [(f'conv{i}', f'bn{i}') for i in (1, 2, 3)] + [('conv', 'bn'), ('conv', 'norm')]
    for owner in peer.modules():
        in_line = isinstance(owner, nn.Sequential)
        for first, second in [(str(i), str(i + 1)) for i in range(len(owner) - 1)] if in_line else pairs:
            fold(owner, first, second)
    return peer


def fold(owner, first, second):
    conv, norm = getattr(owner, first, None), getattr(owner, second, None)
    foldable = isinstance(conv, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and isinstance(norm, nn.modules.batchnorm._BatchNorm)
    if foldable and conv.out_channels == norm.num_features:
        setattr(owner, first, fuse_conv_bn_eval(conv, norm))
        setattr(owner, second, nn.Identity())


class Logits(nn.Module):
    def __init__(self, peer):
        super().__init__()
        self.peer = peer

    def forward(self, clips):
        return self.peer(clips)[0]


def export(peer, clips):
    file = io.BytesIO()
    model = Logits(fold_batch_norms(peer)).eval()
    names = {'input_names': ['clips'], 'output_names': ['logits']}
    torch.onnx.export(model, (clips,), file, **names, dynamo=True, verbose=False)
    return file.getvalue()


def require(package):
    try:
        __import__(package)
    except ModuleNotFoundError:
        sys.exit(f'{package} is missing: pip install {package}')


def measure(args, run):
    """The JSON line of one run in this process."""
    imported = resident_bytes('VmRSS')
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    peer = build(args).train()
    peer = peer.channels_last() if run.layout == 'channels-last' else peer
    if args.compile:
        peer.compile()
    clips = torch.rand(args.clips, args.frames, 3, args.size, args.size)
    labels = torch.arange(args.clips) % args.classes
    step = step_of(run.work, args.threads)(peer, clips, labels)
    before = resident_bytes('VmRSS')
    seconds = [timed(step) for _ in range(args.warmup + args.iters)][args.warmup:]
    framework, version = framework_of(run.work)
    return {'framework': framework, 'version': version, 'work': run.work, 'layout': run.layout, 'compiled': args.compile,
            'seconds': seconds, 'rss_imported_bytes': imported, 'rss_before_bytes': before,
            'peak_rss_bytes': resident_bytes('VmHWM')}


def step_of(work, threads):
    return {
        'plain': plain,
        'taf-naive': functools.partial(taf, craft_naive),
        'taf-best': functools.partial(taf, craft_best),
        'inference': inference,
        'onnx': functools.partial(onnx, threads),
    }[work]


def framework_of(work):
    if work != 'onnx':
        return 'torch', torch.__version__
    import onnxruntime

    return 'onnxruntime', onnxruntime.__version__


def timed(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def resident_bytes(field):
    """`VmRSS` now or `VmHWM`, its peak. Unlike ru_maxrss the latter knows nothing of the process before exec."""
    try:
        with open('/proc/self/status') as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))
    except FileNotFoundError:  # not Linux: the peak for both, in bytes on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def runs_of(modes):
    """`plain,inference:nchw` as runs; a work without a layout stands for all of its layouts."""
    runs = []
    for mode in modes.split(','):
        work, _, layout = mode.partition(':')
        if work not in LAYOUTS or (layout and layout not in LAYOUTS[work]):
            known = ', '.join(str(Run(work, layout)) for work, layouts in LAYOUTS.items() for layout in layouts)
            raise argparse.ArgumentTypeError(f'{mode} is none of {known}')
        runs += [Run(work, name) for name in ([layout] if layout else LAYOUTS[work])]
    return runs


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--modes', type=runs_of, default='plain,taf-naive,taf-best,inference',
                        help='what to time: plain, taf-naive, taf-best, inference, onnx [default: all but onnx]')
    parser.add_argument('--model', choices=MODELS, default='tsm')
    parser.add_argument('--arch', choices=BLOCKS, default='resnet50')
    for name, default, text in (
        ('clips', 1, 'clips per batch'), ('frames', 8, 'frames per clip'), ('size', 112, 'pixels per side'),
        ('classes', 174, 'classes'), ('threads', 2, 'threads'), ('warmup', 2, 'steps not counted'),
        ('iters', 5, 'steps counted'),
    ):
        parser.add_argument(f'--{name}', type=int, default=default, help=f'{text} [default: {default}]')
    parser.add_argument('--compile', action='store_true', help='torch.compile the network; takes a C++ compiler')
    return parser.parse_args()


def main():
    args = arguments()
    if len(args.modes) == 1:
        print(json.dumps(measure(args, args.modes[0])), flush=True)
        return
    for run in args.modes:
        again = [sys.executable, *sys.argv, '--modes', str(run)]  # of two --modes the last counts
        if code := subprocess.run(again).returncode:
            sys.exit(code)


if __name__ == '__main__':
    main()
