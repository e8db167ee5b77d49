"""Tests of decode_speed.py without any decoder: python3 -m unittest discover parity"""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import decode_speed as speed

OURS = ('taf', 1, 1)


def said(*seconds):
    return [{'seconds': value, 'processor_seconds': 2 * value, 'sum': 7} for value in seconds]


class Comparison(unittest.TestCase):
    def test_the_best_way_of_the_best_peer_is_compared_round_by_round(self):
        rounds = {OURS: said(1.0, 2.0, 1.0), ('av', 2, 1): said(3.0, 3.0, 3.0), ('av', 1, 2): said(9.0, 9.0, 9.0),
                  ('decord', 1, 2): said(4.0, 4.0, 4.0)}
        found = speed.compared(rounds, 'seconds', 12)
        self.assertEqual((found['taf'], found['peers'], found['strongest']), (12.0, {'av': 4.0, 'decord': 3.0}, ('av', 2, 1)))
        self.assertEqual(found['ratios'], [3.0, 1.5, 3.0])
        self.assertEqual(speed.compared(rounds, 'processor_seconds', 12)['ratios'], [3.0, 1.5, 3.0])

    def test_without_peers_ours_is_told_alone(self):
        found = speed.compared({OURS: said(1.0)}, 'seconds', 12)
        row = speed.line({'kind': 'vp9', 'threads': 1, 'by': 'of the clock', **found}, [])
        self.assertIn('| 12.0 | **nan** ()', row)
        self.assertTrue(row.endswith('| no |'))

    def test_two_threads_are_two_videos_or_one_and_one_thread_is_one_way(self):
        self.assertEqual(speed.ways('av', 2), [('av', 2, 1), ('av', 1, 2)])
        self.assertEqual(speed.ways('av', 1), [('av', 1, 1)])


class Videos(unittest.TestCase):
    def test_frames_are_the_middles_of_the_segments(self):
        self.assertEqual(speed.centre(40), [2, 7, 12, 17, 22, 27, 32, 37])
        self.assertEqual(speed.centre(4), [0, 0, 1, 1, 2, 2, 3, 3])

    def test_real_videos_take_turns_as_sources(self):
        kind = speed.KINDS[1]
        command = speed.ffmpeg_command(kind, 3, 120, ['a.mp4', 'b.mp4'], 'out.mp4')
        self.assertEqual(command[command.index('-i') + 1], 'b.mp4')
        self.assertEqual(command[-7:], [*kind.encoder[:2], '-preset', 'medium', '-pix_fmt', 'yuv420p', 'out.mp4'])


if __name__ == '__main__':
    unittest.main()
