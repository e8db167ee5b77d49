"""The corruptions of `crates/taf-video/src/corrupt` computed by NumPy, SciPy, OpenCV, Pillow and ImageMagick from one small picture.

    python3 parity/corruptions.py                # writes crates/taf-video/tests/corrupted/NAME.rgb, which the tests compare with
    python3 parity/corruptions.py FOLDER         # lists how far the pictures in FOLDER lie from these

The pictures that are listed are ours: `TAF_CORRUPTED=FOLDER cargo test --release -p taf-video corrupt` writes them. Random fields
come from a generator that both sides have, so all is compared value by value. Where the published scripts cut to bytes, here it
is rounded, as ours does."""

import io
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage

WIDTH, HEIGHT = 52, 44
TARGET = Path(__file__).parent.parent / "crates/taf-video/tests/corrupted"


def picture():
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:3]
    return (20 + x * (3 - c) + y * (1 + c) + 60 * ((x // 6 + y // 5) % 2)).astype(np.uint8)


class Lcg:
    def __init__(self, stream):
        self.state = stream

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**53

    def signed(self):
        return 2 * self.uniform() - 1

    def below(self, most):
        return int(self.uniform() * most)

    def normal(self):
        return sum(self.uniform() for _ in range(12)) - 6

    def field(self, draw, *shape):
        return np.array([draw() for _ in range(math.prod(shape))]).reshape(shape)


def to_bytes(values):
    return np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)


def gaussian(image, sigma):
    """What scikit-image's `gaussian` does: each channel alone, the edge repeated, cut after four deviations."""
    sigmas = (sigma, sigma, 0)[: image.ndim]
    return ndimage.gaussian_filter(image.astype(float), sigmas, mode="nearest", truncate=4)


def plasma(side, decay, random):
    """Diamond-square on a torus; every level draws the middles, then the upper edges, then the left ones."""
    heights = np.zeros((side, side))
    step, jitter = side, 100.0
    while step >= 2:
        half, count = step // 2, side // step
        noise = lambda: jitter**2 * random.field(random.signed, count, count)
        corners = heights[::step, ::step]
        below, right = np.roll(corners, -1, 0), np.roll(corners, -1, 1)
        heights[half::step, half::step] = (corners + below + right + np.roll(below, -1, 1)) / 4 + noise()
        middles = heights[half::step, half::step]
        heights[::step, half::step] = (middles + np.roll(middles, 1, 0) + corners + right) / 4 + noise()
        heights[half::step, ::step] = (middles + np.roll(middles, 1, 1) + corners + below) / 4 + noise()
        step, jitter = half, jitter / decay
    heights -= heights.min()
    return heights / heights.max()


def fog(thickness, decay, stream):
    layer = plasma(64, decay, Lcg(stream))[:HEIGHT, :WIDTH, None]
    image = picture() / 255
    brightest = image.max()
    return to_bytes((image + thickness * layer) * brightest / (brightest + thickness) * 255)


def glass(sigma, farthest, rounds, stream):
    image, random = to_bytes(gaussian(picture(), sigma)), Lcg(stream)
    for _ in range(rounds):
        for y in range(HEIGHT - farthest, farthest, -1):
            for x in range(WIDTH - farthest, farthest, -1):
                dx, dy = (int(random.uniform() * 2 * farthest) - farthest for _ in range(2))
                image[y, x] = image[y + dy, x + dx]
    return to_bytes(gaussian(image, sigma))


def elastic(strength, sigma, corners, stream):
    random = Lcg(stream)
    middle, reach = np.float32([WIDTH // 2, HEIGHT // 2]), min(WIDTH, HEIGHT) // 3
    before = middle + np.float32([[reach, reach], [reach, -reach], [-reach, -reach]])
    after = before + np.float32(random.field(random.signed, 3, 2) * corners / 4)
    back = np.linalg.inv(np.vstack([cv2.getAffineTransform(before, after), [0, 0, 1]]))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    affine = back[:2] @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    ways = [
        strength * ndimage.gaussian_filter(random.field(random.signed, HEIGHT, WIDTH), sigma, mode="reflect", truncate=3)
        for _ in range(2)
    ]
    read = lambda image, rows, columns, mode: np.stack(
        [ndimage.map_coordinates(image[..., c], [rows, columns], order=1, mode=mode) for c in range(3)], -1
    )
    turned = read(picture().astype(float), affine[1], affine[0], "mirror").reshape(HEIGHT, WIDTH, 3)
    return to_bytes(read(turned, y + ways[1], x + ways[0], "reflect"))


def smeared(image, radius, sigma, degrees):
    """ImageMagick's motion blur."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.png", Path(folder) / "after.png"
        Image.fromarray(image).save(before)
        subprocess.run(["convert", before, "-motion-blur", f"{radius}x{sigma}{degrees:+}", after], check=True)
        return np.array(Image.open(after).convert("RGB" if image.ndim == 3 else "L"))


def snow(loc, deviation, size, threshold, radius, sigma, colour, stream):
    random = Lcg(stream)
    shown = [math.ceil(side / size) for side in (HEIGHT, WIDTH)]
    layer = ndimage.zoom(loc + deviation * random.field(random.normal, *shown), size, order=1)
    top, left = (layer.shape[0] - HEIGHT) // 2, (layer.shape[1] - WIDTH) // 2
    layer = layer[top : top + HEIGHT, left : left + WIDTH]
    layer[layer < threshold] = 0
    layer = smeared((np.clip(layer, 0, 1) * 255).astype(np.uint8), radius, sigma, -80)[..., None] / 255
    image = np.float32(picture() / 255)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    paler = colour * image + (1 - colour) * np.maximum(image, grey * 1.5 + 0.5)
    return to_bytes((paler + layer + np.rot90(layer, 2)) * 255)


def disc(radius, rim):
    """Each pixel by its share of the disc, of 64 points a side; softened by OpenCV's Gaussian of 3 x 3 pixels."""
    reach, points = round(radius) + 1, (np.arange(64) + 0.5) / 64 - 0.5
    places = (np.arange(-reach, reach + 1)[:, None] + points).ravel()
    inside = places[:, None] ** 2 + places**2 <= radius**2
    shares = inside.reshape(2 * reach + 1, 64, 2 * reach + 1, 64).mean(axis=(1, 3))
    softened = cv2.GaussianBlur(shares, (3, 3), rim, borderType=cv2.BORDER_CONSTANT)
    return softened / softened.sum()


def defocused(radius, rim):
    return to_bytes(cv2.filter2D(picture().astype(float), -1, disc(radius, rim), borderType=cv2.BORDER_REFLECT_101))


def zoomed(step, count):
    """The mean of the picture and enlargements of its middle, read between pixels."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    image, about = picture().astype(float), lambda places, side, factor: (places + 0.5 - side / 2) / factor + side / 2 - 0.5
    enlarged = lambda factor: np.stack(
        [
            ndimage.map_coordinates(
                image[..., c], [about(y, HEIGHT, factor), about(x, WIDTH, factor)], order=1, mode="nearest"
            )
            for c in range(3)
        ],
        -1,
    )
    return to_bytes((image + sum(enlarged(1 + i * step) for i in range(count))) / (count + 1))


def through_jpeg(quality):
    file = io.BytesIO()
    Image.fromarray(picture()).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def flattened(image, factor):
    means = image.mean(axis=(0, 1), keepdims=True)
    return to_bytes((image - means) * factor + means)


def rain(length, contrast, stream):
    random, image = Lcg(stream), picture()
    mask = np.zeros((HEIGHT, WIDTH))
    for _ in range(12):
        x, y = random.below(WIDTH + 5) - 5, random.below(HEIGHT - length)
        cv2.line(mask, (x, y), (x - 1, y + length), 220, 1)
    mask = mask[..., None]
    lit = image + (mask * (1 - image / 255) * (1 - image.mean() / 255)).astype(np.uint8)
    share = mask / 255
    return flattened(cv2.blur(lit, (3, 3)) * share + image * (1 - share), contrast)


def spatter(loc, deviation, sigma, threshold, amount, mud, stream):
    random = Lcg(stream)
    liquid = gaussian(loc + deviation * random.field(random.normal, HEIGHT, WIDTH), sigma)
    liquid[liquid < threshold] = 0
    image = picture().astype(float)
    if mud:
        thickness = gaussian((liquid > threshold).astype(float), amount)
        thickness[thickness < 0.8] = 0
        return to_bytes(image * (1 - thickness[..., None]) + np.array([63, 42, 20]) * thickness[..., None])
    liquid = (liquid * 255).astype(np.uint8)
    ways = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    ways = cv2.equalizeHist(cv2.blur(np.minimum(ways, 20), (3, 3)).astype(np.uint8))
    lit = cv2.blur(cv2.filter2D(ways, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])), (3, 3))
    water = liquid * lit.astype(np.float32)
    return to_bytes(image + (water / water.max() * amount)[..., None] * np.array([175, 238, 238]))


def frost(kept, added):
    return to_bytes(kept * picture() + added * picture().ravel()[::-1].reshape(HEIGHT, WIDTH, 3).astype(float))


def lost_packets(stream):
    random, image = Lcg(stream), picture()
    before, after = image.ravel()[::-1].reshape(image.shape), 255 - image
    banded = image.copy()
    for neighbour in [after, before] * 10:
        y, x = random.below(HEIGHT), random.below(WIDTH)
        band = slice(y, y + y % 15 + 10), slice(x, x + x % 50 + 150)
        banded[band] = neighbour[band]
    glitched = banded.copy()
    for _ in range(2000):
        x, y = random.below(WIDTH - 2) + 1, random.below(HEIGHT - 2) + 1
        glitched[y : y + y % 10, x : x + x % 10] = banded[y, x]
    return glitched


def moved(dx, dy):
    return np.pad(picture(), ((0, 30), (0, 30), (0, 0)), "reflect")[dy : dy + HEIGHT, dx : dx + WIDTH]


def in_hsv(change):
    hue, saturation, value = np.moveaxis(np.array(cv2.cvtColor(np.float32(picture() / 255), cv2.COLOR_RGB2HSV)), -1, 0)
    saturation, value = (np.clip(channel, 0, 1) for channel in change(saturation, value))
    return to_bytes(cv2.cvtColor(np.float32(np.stack([hue, saturation, value], -1)), cv2.COLOR_HSV2RGB) * 255)


def through_pillow(image, fraction):
    size = [int(side * fraction) for side in (WIDTH, HEIGHT)]
    return np.array(Image.fromarray(image).resize(size, Image.BOX).resize((WIDTH, HEIGHT), Image.BOX))


def shutter():
    frames = np.stack([np.roll(picture(), place, axis=1) for place in range(4)])
    return (frames.sum(axis=0, dtype=float) / 4).astype(np.uint8)


def pictures():
    """By name; a number at the end is the severity whose parameters are used, and the stream of the random numbers."""
    return {
        "fog_1": fog(1.5, 2, 1),
        "fog_5": fog(3, 1.4, 5),
        "glass_blur_1": glass(0.7, 1, 2, 1),
        "glass_blur_5": glass(1.5, 4, 2, 5),
        "elastic_transform_1": elastic(488, 170.8, 24.4, 1),
        "elastic_transform_5": elastic(29.28, 2.44, 4.88, 5),
        "snow_1": snow(0.1, 0.3, 3, 0.5, 10, 4, 0.8, 1),
        "snow_4": snow(0.55, 0.3, 4.5, 0.85, 12, 8, 0.65, 4),
        "snow_5": snow(0.55, 0.3, 2.5, 0.85, 12, 12, 0.55, 5),
        "rain_1": rain(10, 0.8, 1),
        "rain_5": rain(31, 0.5, 5),
        "spatter_1": spatter(0.65, 0.3, 4, 0.69, 0.6, False, 1),
        "spatter_3": spatter(0.65, 0.3, 2, 0.68, 0.5, False, 3),
        "spatter_4": spatter(0.65, 0.3, 1, 0.65, 1.5, True, 4),
        "spatter_5": spatter(0.67, 0.4, 1, 0.65, 1.5, True, 5),
        "frost_1": frost(1, 0.4),
        "frost_5": frost(0.6, 0.75),
        "motion_blur_1": smeared(picture(), 10, 3, 30),
        "motion_blur_5": smeared(picture(), 20, 15, -40),
        "defocus_blur_1": defocused(3, 0.1),
        "defocus_blur_5": defocused(10, 0.5),
        "zoom_blur_1": zoomed(0.01, 12),
        "zoom_blur_5": zoomed(0.03, 11),
        "gaussian_blur": to_bytes(gaussian(picture(), 2)),
        "motion_blur_ssv2c": shutter(),
        "translate": moved(7, 13),
        "rotate": np.array(Image.fromarray(picture()).rotate(-19)),
        "static_rotate": np.array(Image.fromarray(picture()).rotate(30)),
        "contrast_ssv2c": flattened(picture(), 0.5),
        "brightness": in_hsv(lambda saturation, value: (saturation, value + 0.3)),
        "saturate": in_hsv(lambda saturation, value: (saturation * 5 + 0.1, value)),
        "jpeg_compression_1": through_jpeg(25),
        "jpeg_compression_5": through_jpeg(7),
        "pixelate": through_pillow(picture(), 0.4),
        "overexposed": cv2.add(picture(), np.full_like(picture(), 100)),
        "median": cv2.medianBlur(picture(), 7),
        "lost_packets": lost_packets(1),
    }


def compare(folder):
    print(f"{'corruption':24} {'maximum':>8} {'mean':>7}")
    for name, expected in pictures().items():
        ours = np.fromfile(folder / f"{name}.rgb", np.uint8).reshape(expected.shape)
        apart = np.abs(ours.astype(int) - expected)
        print(f"{name:24} {apart.max():8} {apart.mean():7.3f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        compare(Path(sys.argv[1]))
    else:
        TARGET.mkdir(exist_ok=True)
        for name, image in pictures().items():
            (TARGET / f"{name}.rgb").write_bytes(np.ascontiguousarray(image).tobytes())
