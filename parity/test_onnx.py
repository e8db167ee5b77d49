"""ONNX files of taf in ONNX Runtime against the golden numbers of PyTorch.

    TAF_ONNX_DIR=/tmp/onnx cargo test --release -p taf --test onnx        # writes the files
    TAF_ONNX_DIR=/tmp/onnx python3 -m unittest parity/test_onnx.py
"""
import json
import os
import struct
import unittest
from pathlib import Path

import numpy as np

try:
    import onnx
    import onnxruntime
except ImportError as missing:
    raise unittest.SkipTest(f'{missing.name} is not installed')

FOLDER = os.environ.get('TAF_ONNX_DIR')
GOLDEN = Path(os.environ.get('TAF_GOLDEN_DIR', Path(__file__).parent.parent / 'crates/taf/tests/golden'))
# Sums in float32 in another order, and norms folded into weights.
TOLERANCE = 1e-4
MASK = (1 << 64) - 1


def golden(kind):
    """The logits PyTorch computes and the metadata of the instance."""
    data = (GOLDEN / f'{kind}.safetensors').read_bytes()
    length, = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + length])
    entry = header['eval.logits']
    begin, end = entry['data_offsets']
    logits = np.frombuffer(data[8 + length + begin:8 + length + end], '<f4').reshape(entry['shape'])
    return logits, {key: json.loads(value) for key, value in header['__metadata__'].items()}


def clips(meta):
    """The input of the instance, by the rule of the golden numbers' README."""
    shape = [meta['clips'], meta['frames'], 3, meta['size'], meta['size']]
    seed = 0xcbf29ce484222325
    for byte in b'input':
        seed = (seed ^ byte) * 0x100000001b3 & MASK
    with np.errstate(over='ignore'):
        z = np.uint64(seed) + np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(0x9e3779b97f4a7c15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    return (2 * unit - 1).reshape(shape)


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])


@unittest.skipUnless(FOLDER, 'TAF_ONNX_DIR is not set')
class OnnxFiles(unittest.TestCase):
    def setUp(self):
        self.paths = sorted(path for path in Path(FOLDER).glob('*.onnx') if (GOLDEN / f'{path.stem}.safetensors').exists())
        self.assertTrue(self.paths, f'no file of a golden instance in {FOLDER}')

    def test_the_checker_of_onnx_accepts_them(self):
        for path in self.paths:
            with self.subTest(path.stem):
                onnx.checker.check_model(onnx.load(path), full_check=True)

    def test_logits_are_those_of_pytorch(self):
        for path in self.paths:
            with self.subTest(path.stem):
                expected, meta = golden(path.stem)
                found, = session(path).run(['logits'], {'clips': clips(meta)})
                difference = np.abs(found - expected).max()
                print(f'{path.stem}: largest difference {difference:.1e}, largest logit {np.abs(expected).max():.2f}')
                self.assertLessEqual(difference, TOLERANCE)

    def test_a_clip_has_the_same_logits_in_batches_of_any_size(self):
        for path in self.paths:
            with self.subTest(path.stem):
                expected, meta = golden(path.stem)
                network, pair = session(path), clips(meta)
                for batch in (pair[:1], pair[[0, 1, 1]], pair[[1, 0, 1, 0, 1]]):
                    found, = network.run(['logits'], {'clips': batch})
                    rows = [0 if np.array_equal(clip, pair[0]) else 1 for clip in batch]
                    self.assertLessEqual(np.abs(found - expected[rows]).max(), TOLERANCE)

    def test_clips_may_have_any_height_and_width(self):
        for path in self.paths:
            with self.subTest(path.stem):
                expected, meta = golden(path.stem)
                frames = np.zeros([1, meta['frames'], 3, 64, 80], np.float32)
                found, = session(path).run(['logits'], {'clips': frames})
                self.assertEqual(found.shape, (1, expected.shape[1]))
                self.assertTrue(np.isfinite(found).all())

    def test_a_clip_of_another_length_is_refused(self):
        path = self.paths[0]
        _, meta = golden(path.stem)
        with self.assertRaisesRegex(Exception, 'Got invalid dimensions'):
            session(path).run(['logits'], {'clips': clips(meta)[:, :-1]})

    def test_metadata_names_the_classes(self):
        for path in self.paths:
            with self.subTest(path.stem):
                metadata = session(path).get_modelmeta()
                classes = json.loads(metadata.custom_metadata_map['classes'])
                self.assertEqual(len(classes), golden(path.stem)[1]['classes'])
                self.assertEqual(metadata.producer_name, 'taf')


if __name__ == '__main__':
    unittest.main()
