"""Writes the small checkpoint files that the tests of taf-checkpoint and taf-cli read, with `torch.save` itself:

    python parity/make_checkpoints.py crates/taf-checkpoint/tests/fixtures

Each holds a network of one stage with one bottleneck of width 8 and 5 classes, its values rebuilt from the names of the
parameters as described for the golden numbers, so that a test knows every value without a second file.
"""
import argparse
import os

import torch

import published_layouts as layouts
from make_golden import load
from reference_models import Gst, Tsn2d

CLASSES, FRAMES, WIDTH, LAYERS = 5, 8, 8, [1]


def network(kind):
    model = Gst(LAYERS, CLASSES, FRAMES, width=WIDTH) if kind == 'gst' else Tsn2d(kind, LAYERS, CLASSES, FRAMES, width=WIDTH)
    return load(model)


def container(model, **more):
    state = {f'module.{name}': value for name, value in model.state_dict().items()}
    # Optimiser state is large in the published files, and must not be read.
    momentum = {'state': {0: {'momentum_buffer': torch.full((64,), float('nan'))}}}
    return {'epoch': 45, 'arch': 'resnet50', 'state_dict': state, 'optimizer': momentum, 'best_prec1': 45.6, **more}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    folder = parser.parse_args().folder
    os.makedirs(folder, exist_ok=True)

    def save(value, name, zipped=True):
        path = os.path.join(folder, name)
        torch.save(value, path, _use_new_zipfile_serialization=zipped)
        print(f'{path}: {os.path.getsize(path)} bytes')

    save(container(layouts.tsm(network('tsm'))), 'tsm.pth.tar')
    save(container(layouts.tam(network('tam'))), 'tam-legacy.pth.tar', zipped=False)
    save(container(layouts.gst(network('gst'))), 'gst-legacy.pth.tar', zipped=False)
    images = layouts.torchvision(network('tsn')).state_dict()
    save(images, 'resnet.pth')
    half = layouts.mmaction2(network('tsm'), 'tsm').half().state_dict()
    save({'meta': {'epoch': 50}, 'state_dict': half}, 'mmaction2-half-legacy.pth', zipped=False)


if __name__ == '__main__':
    main()
