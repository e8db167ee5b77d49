"""The event file of a run, read by TensorBoard itself: python3 -m unittest discover parity

A small run is killed within an epoch and taken up again; TensorBoard must then find every number of metrics.jsonl once, in
order, and the pictures of every evaluation. Needs TensorBoard and a built `taf` (target/release/taf, or where TAF points);
skipped without them.
"""
import json
import os
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    EventAccumulator, why = None, str(missing)
else:
    why = ''

ROOT = Path(__file__).resolve().parent.parent
TAF = os.environ.get('TAF', str(ROOT / 'target/release/taf'))
EVERYTHING = {'scalars': 0, 'images': 0, 'tensors': 0}
RECIPE = '''
[data]
manifest = "videos/manifest.jsonl"
transform = { size = 32 }
eval = { size = 32 }
[model]
kind = "tsm"
trunk = "tiny"
width = 8
layers = [1, 1]
[train]
epochs = 3
batch_size = 8
checkpoint_steps = 2
[taf]
weight = 1.0
'''
STEP = {
    'train/loss': 'loss', 'train/perturbed loss': 'perturbed_loss', 'train/accuracy': 'accuracy',
    'train/learning rate': 'learning_rate', 'train/gradient norm': 'gradient_norm',
    'train/attention entropy': 'attention_entropy', 'train/seconds': 'seconds',
}
EVALUATION = {'validation/top-1': 'top1', 'validation/top-5': 'top5', 'validation/log loss': 'log_loss'}


def taf(*args):
    return subprocess.run([TAF, *map(str, args)], check=True, capture_output=True)


def as_float32(value):
    return struct.unpack('f', struct.pack('f', value))[0]


@unittest.skipIf(EventAccumulator is None, f'needs TensorBoard: {why}')
@unittest.skipUnless(Path(TAF).exists(), f'needs a built taf: {TAF}')
class EventFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = Path(cls.folder.name)
        taf('data', 'synth', '--size', 32, '--frames', '8-12', '--train', 4, '--val', 2, '--out', folder / 'videos')
        (folder / 'recipe.toml').write_text(RECIPE)
        cls.run_folder = folder / 'run'
        train = [TAF, 'train', str(folder / 'recipe.toml'), '--out', str(cls.run_folder)]
        log = cls.run_folder / 'metrics.jsonl'
        process = subprocess.Popen(train, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not log.exists() or log.read_text().count('\n') < 10):
            time.sleep(0.01)
        process.kill()
        process.wait()
        taf('train', '--out', cls.run_folder, '--resume')
        cls.log = [json.loads(line) for line in log.read_text().splitlines()]
        cls.events = EventAccumulator(str(cls.run_folder), size_guidance=EVERYTHING)
        cls.events.Reload()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def numbers_of(self, kind, names):
        records = [record for record in self.log if record['kind'] == kind]
        for tag, field in names.items():
            told = [(event.step, event.value) for event in self.events.Scalars(tag)]
            logged = [(record['step'], as_float32(record[field])) for record in records]
            self.assertEqual(told, logged, tag)

    def test_every_number_of_the_log_is_there_once(self):
        self.numbers_of('step', STEP)
        self.numbers_of('eval', EVALUATION)
        waited = [event.value for event in self.events.Scalars('train/waited share')]
        self.assertTrue(all(0 <= share <= 1 for share in waited))

    def test_every_evaluation_has_its_pictures(self):
        steps = [record['step'] for record in self.log if record['kind'] == 'eval']
        tags = self.events.Tags()['images']
        self.assertEqual(sum(tag.startswith('validation/attention in ') for tag in tags), 2, tags)
        self.assertIn('validation/confusion', tags)
        for tag in tags:
            pictures = self.events.Images(tag)
            self.assertEqual([picture.step for picture in pictures], steps, tag)
            self.assertTrue(all(picture.encoded_image_string.startswith(b'\x89PNG') for picture in pictures))
            self.assertTrue(all(picture.width > 100 and picture.height > 100 for picture in pictures))

    def test_there_is_one_event_file(self):
        self.assertEqual(len(list(self.run_folder.glob('*tfevents*'))), 1)


if __name__ == '__main__':
    unittest.main()
