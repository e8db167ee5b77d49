"""What Pillow makes of one small picture by each operation of RandAugment at torchvision's strengths; the numbers are held by
crates/taf-video/src/transform/rand_augment_tests.rs. One line per operation and strength: a sum over its bytes."""

import math

from PIL import Image, ImageEnhance, ImageOps

WIDTH, HEIGHT, FILL = 37, 23, (9, 9, 9)


def picture():
    data = bytes(20 + (i * i * 7 + i * 13 + (i // 111) * 5) % 211 for i in range(WIDTH * HEIGHT * 3))
    return Image.frombytes("RGB", (WIDTH, HEIGHT), data)


def affine(image, matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=FILL)


def operations(image, strength):
    """By name, for a strength in [-1, 1]."""
    shift = lambda side: math.trunc(150 / 331 * side * strength)
    factor = 1 + 0.9 * strength
    bits = 8 - round(4 * abs(strength))
    threshold = 255 * (1 - abs(strength))
    return {
        "Identity": image,
        "ShearX": affine(image, (1, 0.3 * strength, 0, 0, 1, 0)),
        "ShearY": affine(image, (1, 0, 0, 0.3 * strength, 1, 0)),
        "TranslateX": affine(image, (1, 0, -shift(WIDTH), 0, 1, 0)),
        "TranslateY": affine(image, (1, 0, 0, 0, 1, -shift(HEIGHT))),
        "Rotate": image.rotate(30 * strength, Image.Resampling.NEAREST, fillcolor=FILL),
        "Brightness": ImageEnhance.Brightness(image).enhance(factor),
        "Colour": ImageEnhance.Color(image).enhance(factor),
        "Contrast": ImageEnhance.Contrast(image).enhance(factor),
        "Sharpness": ImageEnhance.Sharpness(image).enhance(factor),
        "Posterize": ImageOps.posterize(image, bits),
        "Solarize": ImageOps.solarize(image, threshold),
        "AutoContrast": ImageOps.autocontrast(image),
        "Equalize": ImageOps.equalize(image),
    }


if __name__ == "__main__":
    by_strength = [operations(picture(), magnitude / 30) for magnitude in (9, -9, 21.5, -30)]
    for name in by_strength[0]:
        sums = [sum((i + 1) * byte for i, byte in enumerate(made[name].tobytes())) for made in by_strength]
        print(f"(Operation::{name}, {sums}),")
