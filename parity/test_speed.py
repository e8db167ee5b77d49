"""Tests of speed.py without PyTorch and without our binary: python3 -m unittest discover parity"""
import argparse
import contextlib
import io
import json
import sys
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
import speed

FAKE_TAF = """#!/usr/bin/env python3
import json, sys
assert '--json' in sys.argv
print(json.dumps({'work': 'plain', 'seconds': [1.0, 1.2, 1.1], 'peak_rss_bytes': 100 << 20}))
"""
FAKE_TORCH = """
import json, sys
layout = sys.argv[sys.argv.index('--modes') + 1].partition(':')[2]
seconds = {'nchw': [2.2, 2.1, 2.3], 'channels-last': [1.7, 1.8, 1.6]}[layout]
print('a word before the result')
print(json.dumps({'seconds': seconds, 'peak_rss_bytes': 400 << 20, 'rss_imported_bytes': 250 << 20}))
"""


def row(name):
    return speed.rows_of(name)[0]


def said(ours, nchw, channels_last):
    return {'taf': {'seconds': ours}, 'plain:nchw': {'seconds': nchw}, 'plain:channels-last': {'seconds': channels_last}}


class Comparison(unittest.TestCase):
    def test_the_faster_layout_counts_and_ratios_are_taken_round_by_round(self):
        rounds = [said([1.0], [3.0], [2.0]), said([2.0], [9.0], [2.6])]
        result = speed.compare(row('plain-112'), row('plain-112').rivals[0], rounds)
        self.assertEqual((result.best_run, result.ratios), ('plain:channels-last', (2.0, 1.3)))
        self.assertTrue(result.reached)

    def test_memory_without_libraries_subtracts_what_the_import_took(self):
        self.assertEqual(speed.quantities({'peak_rss_bytes': 10, 'rss_imported_bytes': 4}, 'net_bytes'), [6])
        self.assertEqual(speed.quantities({'peak_rss_bytes': 10}, 'net_bytes'), [10])

    def test_rows_of_one_job_share_its_runs(self):
        rows = speed.rows_of('plain-112,memory')
        self.assertEqual(speed.torch_runs(speed.PLAIN_112, rows), ['plain:nchw', 'plain:channels-last'])

    def test_an_unknown_row_is_refused_with_the_known_ones(self):
        with self.assertRaisesRegex(argparse.ArgumentTypeError, 'plain-113 is none of plain-112'):
            speed.rows_of('plain-113')

    def test_without_onnx_its_rival_is_left_out(self):
        with mock.patch('importlib.util.find_spec', return_value=None), contextlib.redirect_stderr(io.StringIO()):
            rows = speed.without_missing_packages([row('inference-224')])
        self.assertEqual([rival.name for rival in rows[0].rivals], ['PyTorch, norms folded'])

    def test_without_torch_the_error_says_how_to_get_it(self):
        missing = mock.patch('importlib.util.find_spec', return_value=None)
        with missing, self.assertRaisesRegex(SystemExit, 'pip install torch'):
            speed.prepare(argparse.Namespace(taf=__file__))


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.taf, torch = self.folder / 'taf', self.folder / 'torch_step.py'
        self.taf.write_text(FAKE_TAF)
        self.taf.chmod(0o755)
        torch.write_text(FAKE_TORCH)
        patches = mock.patch.object(speed, 'TORCH_STEP', torch), mock.patch('importlib.util.find_spec', return_value=True)
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)

    def run_speed(self, *options):
        words = ['speed.py', '--taf', str(self.taf), '--json', str(self.folder / 'new' / 'speed.json'), *options]
        printed = io.StringIO()
        with mock.patch('sys.argv', words), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            speed.main()
        return printed.getvalue()

    def test_a_run_prints_a_table_and_writes_everything_measured(self):
        text = self.run_speed('--rows', 'plain-112,memory,memory-net', '--rounds', '2')
        self.assertIn('| plain-112 | 1.100 s (1.000–1.200) | PyTorch, channels-last | 1.700 s (1.600–1.800) | **1.55**', text)
        self.assertIn('| memory | 100 MiB (100–100) | PyTorch, nchw | 400 MiB (400–400) | **4.00**', text)
        self.assertIn('| 150 MiB (150–150) | **1.50** (1.50–1.50) | 1.25 | yes |', text)
        written = json.loads((self.folder / 'new' / 'speed.json').read_text())
        self.assertEqual([result['reached'] for result in written['results']], [True] * 3)
        self.assertEqual(len(written['measured'][0]['rounds']), 2)

    def test_a_dry_run_prints_the_commands_of_both_sides(self):
        ours, first, second = self.run_speed('--rows', 'plain-112', '--dry-run').splitlines()
        self.assertIn('bench --model tsm-resnet50 --work plain --clips 1 --frames 8 --size 112 --classes 174', ours)
        self.assertIn('--modes plain:nchw --model tsm --arch resnet50', first)
        self.assertIn('--modes plain:channels-last', second)

    def test_a_program_that_fails_is_quoted(self):
        self.taf.write_text('#!/bin/sh\necho no such model >&2; exit 2\n')
        with self.assertRaisesRegex(SystemExit, 'bench .*\nended with 2:\nno such model'):
            self.run_speed('--rows', 'plain-112')

    def test_more_threads_reach_both_sides(self):
        job = replace(speed.PLAIN_112, steps=1)
        for command in (speed.our_command('taf', job, 7), speed.torch_command('plain:nchw', job, 7, False)):
            self.assertEqual(command[command.index('--threads') + 1], '7')


if __name__ == '__main__':
    unittest.main()
