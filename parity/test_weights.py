"""Weights both ways, against PyTorch itself: python3 -m unittest discover parity

Files that `torch.save` writes, in the layouts of the repositories and in both containers, go through `taf import` and
`taf export` and must come back bit for bit and load with strict=True; and the network must answer as PyTorch's does.
Needs PyTorch and a built `taf` (target/release/taf, or where TAF points); each test is skipped by name without them, and
where this `taf` does not know the network.
"""
import copy
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
try:
    import torch
    import published_layouts as layouts
    import reference_models as reference
    from make_golden import load
except ImportError as missing:
    torch, why = None, str(missing)

ROOT = Path(__file__).resolve().parent.parent
TAF = os.environ.get('TAF', str(ROOT / 'target/release/taf'))
CLASSES, FRAMES, WIDTH, SIZE = 5, 8, 16, 64
TOLERANCE = 1e-5  # of a probability: what sums of floats in another order differ by
DTYPES = {'F32': 'float32', 'I64': 'int64'}


def resnet(kind):
    return reference.Tsn2d(kind, [3, 4, 6, 3], CLASSES, FRAMES, width=WIDTH)


def tpn():
    return reference.Tpn([3, 4, 6, 3], CLASSES, FRAMES, width=WIDTH)


def mobilenet():
    return reference.MobileNetTsm(CLASSES, FRAMES, width=WIDTH)


def gst(beta=2):
    return reference.Gst([3, 4, 6, 3], CLASSES, FRAMES, beta=beta, width=WIDTH)


# model for --model, its layout, the network, and how the repository hangs it up
PUBLISHED = [
    ('tsn-resnet50', 'tsm', lambda: resnet('tsn'), lambda model: layouts.tsn(model)),
    ('tsm-resnet50', 'tsm', lambda: resnet('tsm'), lambda model: layouts.tsm(model)),
    ('tsm-resnet50', 'mmaction2', lambda: resnet('tsm'), lambda model: layouts.mmaction2(model, 'tsm')),
    ('tsm-mobilenetv2', 'tsm', mobilenet, lambda model: layouts.tsm_mobilenet(model)),
    ('tam-resnet50', 'tam', lambda: resnet('tam'), lambda model: layouts.tam(model)),
    ('tam-resnet50', 'mmaction2', lambda: resnet('tam'), lambda model: layouts.mmaction2(model, 'tam')),
    ('tea-resnet50', 'tea', lambda: resnet('tea'), lambda model: layouts.tea(model)),
    ('gst-resnet50', 'gst', gst, lambda model: layouts.gst(model)),
    ('gst-large-resnet50', 'gst', lambda: gst(1), lambda model: layouts.gst(model)),
    ('tpn-resnet50', 'tpn', tpn, lambda model: layouts.tpn(model)),
    ('tpn-resnet50', 'mmaction2', tpn, lambda model: layouts.mmaction2_tpn(model)),
]


# what is in front of keys: DataParallel, Lightning, torch.compile, FSDP, heads of others, and these together
AROUND = ['', 'module.', 'model.', 'net.', '_orig_mod.', 'backbone.', 'module._orig_mod.', 'model._orig_mod.module.', 'model.net.',
          'state_dict.model.', '_forward_module.model.', '_fsdp_wrapped_module.']


def beside(state, copy):
    """a network and its average in one dictionary, as modules that hold both save them"""
    return {'state_dict': {**{f'model.{key}': value for key, value in state.items()},
                           **{f'ema.{key}': value for key, value in copy.items()}, 'n_averaged': torch.tensor(3)}}


def logits(model, pixels):
    with torch.inference_mode():
        found = model.eval()(normalised(pixels))
    return (found[0] if isinstance(found, tuple) else found)[0]


def softened(model):
    """with a classifier that is sure of nothing"""
    pixels = torch.randint(0, 256, (FRAMES, SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    classifier = model.cls_head.fc_cls if hasattr(model, 'cls_head') else model.new_fc
    scale = logits(model, pixels).std()
    with torch.no_grad():
        classifier.weight /= scale
        classifier.bias /= scale
    return model


def unshifted_shortcuts(model):
    """mmaction2's TPN has the trunk of TSM, whose projections see the input as it is"""
    for block in (block for block in model.modules() if isinstance(block, reference.Bottleneck)):
        block.kind = 'tsm'


def read_safetensors(path):
    data = Path(path).read_bytes()
    size = struct.unpack('<Q', data[:8])[0]
    header, start = json.loads(data[8:8 + size]), 8 + size
    header.pop('__metadata__', None)

    def tensor(entry):
        first, end = entry['data_offsets']
        values = torch.frombuffer(bytearray(data[start + first:start + end]), dtype=getattr(torch, DTYPES[entry['dtype']]))
        return values.reshape(entry['shape'])
    return {name: tensor(entry) for name, entry in header.items()}


def write_png(path, pixels):
    height, width, _ = pixels.shape
    rows = b''.join(b'\0' + bytes(row.flatten().tolist()) for row in pixels)
    part = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    header = part(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + header + part(b'IDAT', zlib.compress(rows)) + part(b'IEND', b''))


def normalised(pixels):
    """[T, H, W, 3] bytes as the networks see them"""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((pixels.float() / 255 - mean) / std).permute(0, 3, 1, 2)


@unittest.skipIf(torch is None, 'PyTorch is not installed')
@unittest.skipUnless(Path(TAF).is_file(), f'{TAF} is not built')
class Weights(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / 'classes.txt').write_text('\n'.join('abcde'))

    def taf(self, *args):
        ended = subprocess.run([TAF, *map(str, args)], capture_output=True, text=True)
        if 'unknown variant' in ended.stderr:
            self.skipTest(f'this taf does not know {args}')
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def take_in(self, file, model, run, *more):
        if Path(file).stem == 'mmaction2' and model.startswith('tpn'):
            more = (*more, '--set', 'model.shifted_shortcuts=false')
        args = ['--classes', self.folder / 'classes.txt', '--frames', FRAMES, '--size', SIZE, '--set', f'model.width={WIDTH}']
        evaluation = f'data.eval={{ size = {SIZE}, short_side = {SIZE} }}'
        return json.loads(self.taf('import', file, '--model', model, '--out', run, *args, '--set', evaluation, '--json', *more))

    def bring_out(self, run, layout):
        out = self.folder / f'{layout}.safetensors'
        self.taf('export', run, '--layout', layout, '--out', out)
        return read_safetensors(out)

    def answers(self, run, pixels):
        """the probability of every class"""
        frames = self.folder / 'frames'
        shutil.rmtree(frames, ignore_errors=True)
        frames.mkdir()
        for index, frame in enumerate(pixels):
            write_png(frames / f'{index + 1:05}.png', frame)
        told = json.loads(self.taf('attend', frames, '--frames-template', '{:05}.png', '--run', run, '--json'))
        return [answer['probability'] for answer in sorted(told['natural']['top5'], key=lambda answer: answer['class'])]

    def same_answers(self, model, run):
        pixels = torch.randint(0, 256, (FRAMES, SIZE, SIZE, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
        expected = logits(model, pixels).softmax(-1).tolist()
        # Were one class sure, or all alike, anything would pass.
        self.assertTrue(0.002 < max(expected) - min(expected) < 0.9, expected)
        for ours, theirs in zip(self.answers(run, pixels), expected):
            self.assertAlmostEqual(ours, theirs, delta=TOLERANCE)

    def test_published_files_come_back_bit_for_bit_and_load_strictly(self):
        for name, layout, make, hang in PUBLISHED:
            for zipped in (True, False):
                with self.subTest(f'{name} {layout} {"zip" if zipped else "legacy"}'):
                    state = hang(load(make())).state_dict()
                    file, run = self.folder / f'{layout}.pth', self.folder / 'run'
                    torch.save({'state_dict': {f'module.{key}': value for key, value in state.items()}, 'epoch': 1}, file,
                               _use_new_zipfile_serialization=zipped)
                    told = self.take_in(file, name, run, '--force')
                    self.assertEqual((told['layout'], told['fresh'], told['left']), (layout, [], []))
                    back = self.bring_out(run, layout)
                    self.assertEqual(set(back), set(state))
                    for key, value in state.items():
                        self.assertTrue(torch.equal(back[key], value), key)
                    hang(make()).load_state_dict(back, strict=True)

    def test_what_programs_put_around_a_network_changes_nothing_of_it(self):
        def digest(run):
            return (run / 'checkpoints/step-000000000.safetensors').read_bytes()
        for name, layout, make, hang in [*PUBLISHED, ('tsm-resnet50', 'torchvision', lambda: resnet('tsn'), layouts.torchvision)]:
            state = hang(load(make())).state_dict()
            file, plain, run = (self.folder / part for part in (f'{layout}.ckpt', 'plain', 'run'))
            torch.save(state, file)
            self.take_in(file, name, plain, '--force')
            for front in AROUND:
                with self.subTest(f'{name} {layout} {front}'):
                    wrapped = {f'{front}{key}': value for key, value in state.items()}
                    torch.save({'state_dict': wrapped, 'epoch': 1, 'hyper_parameters': {'lr': 0.1}}, file)
                    told = self.take_in(file, name, run, '--force')
                    self.assertEqual(told['layout'], layout)
                    self.assertTrue(''.join(told.get('wrappers', [])) or not front)
                    self.assertEqual(digest(run), digest(plain))
            zeros = {key: torch.zeros_like(value) for key, value in state.items()}
            copies = {'model': state, 'model_ema': {f'module.{key}': value for key, value in zeros.items()}}
            for saved, names in [(copies, ('model', 'model_ema.module')), (beside(state, zeros), ('model', 'ema'))]:
                with self.subTest(f'{name} {layout} {names}'):
                    torch.save(saved, file)
                    with self.assertRaisesRegex(AssertionError, ', '.join(names)):
                        self.take_in(file, name, run, '--force')
                    told = self.take_in(file, name, run, '--force', '--under', names[0])
                    self.assertEqual(digest(run), digest(plain))
                    self.assertIn(f'{names[1]} (another network)', told['left'])

    def test_imported_networks_answer_as_pytorch_does(self):
        for name, layout, make, hang in PUBLISHED:
            with self.subTest(f'{name} {layout}'):
                model = softened(load(make()))
                if (name, layout) == ('tpn-resnet50', 'mmaction2'):
                    unshifted_shortcuts(model)
                file, run = self.folder / f'{layout}.pth', self.folder / 'run'
                torch.save(hang(copy.deepcopy(model)).state_dict(), file)
                self.take_in(file, name, run, '--force')
                self.same_answers(model, run)

    def test_image_networks_start_every_video_network(self):
        file = self.folder / 'mobilenet.pth'
        torch.save(layouts.torchvision_mobilenet(load(mobilenet())).state_dict(), file)
        with self.subTest('tsm-mobilenetv2'):
            told = self.take_in(file, 'tsm-mobilenetv2', self.folder / 'mobile')
            self.assertEqual((told['layout'], told['left']), ('torchvision', ['classifier.1.weight', 'classifier.1.bias']))
        file = self.folder / 'resnet.pth'
        torch.save(layouts.torchvision(load(resnet('tsn'))).state_dict(), file)
        for name in ('tsn-resnet50', 'tsm-resnet50', 'tam-resnet50', 'gst-resnet50', 'gst-large-resnet50',
                     'tpn-resnet50'):
            with self.subTest(name):
                told = self.take_in(file, name, self.folder / name)
                self.assertEqual(told['layout'], 'torchvision')
                self.assertEqual(told['left'], ['fc.weight', 'fc.bias'])
                self.assertEqual(sum(change['sliced'] for change in told['reshaped']), 16 if name.startswith('gst') else 0)

    def test_a_network_trained_here_answers_alike_in_pytorch(self):
        videos, run = self.folder / 'videos', self.folder / 'run'
        self.taf('data', 'synth', '--size', SIZE, '--train', 2, '--val', 1, '--out', videos)
        recipe = self.folder / 'recipe.toml'
        for name, layout, make, hang in PUBLISHED:
            kind, _, trunk = name.rpartition('-')
            if layout == 'mmaction2':
                continue
            with self.subTest(name):
                recipe.write_text(
                    f'[data]\nmanifest = "{videos}/manifest.jsonl"\n'
                    'classes = ["approaching", "moving down", "moving left", "moving right", "moving up"]\n'
                    f'transform = {{ size = {SIZE} }}\neval = {{ size = {SIZE}, short_side = {SIZE} }}\n'
                    f'[model]\nkind = "{kind}"\ntrunk = "{trunk}"\nwidth = {WIDTH}\n[train]\nepochs = 2\nbatch_size = 5\n')
                self.taf('train', recipe, '--out', run, '--force')
                model = make()
                plain = model.state_dict(keep_vars=True)
                hung = hang(model)
                hung.load_state_dict(self.bring_out(run, layout), strict=True)  # in place: `plain` has the values too
                fresh = make()
                fresh.load_state_dict(plain, strict=True)
                self.same_answers(fresh, run)


if __name__ == '__main__':
    unittest.main()
