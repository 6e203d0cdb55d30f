"""`course tour`: every method of the course on one photo, as one HTML page that needs no other file.

To add a method, write a function `(nets, photo) -> Figure` and put one entry into `TOUR`. Settings are small here, so that
the whole tour takes a minute; the lessons have the better pictures.
"""

from __future__ import annotations

import base64
import html
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import figures, filters, gradients, plots
from course_utils.errors import CourseError
from course_utils.hooks import features, layer_outputs
from course_utils.images import gallery, load_image, open_image, photo
from course_utils.networks import load_network

DEFAULT_PHOTO = "leafhopper"
TWO = ("efficientnet_lite0", "efficientnet_lite2")  # a small and a larger network, trained on the same photos
TEXTURE = "pebbles"
MAX_BYTES = 300_000  # of one picture
WIDE = 800  # pixels; on a phone a wider picture is scrolled, others are made to fit


class Networks(dict):
    """Networks by name, each loaded when it is first used: `nets["vgg19"]`."""

    def __missing__(self, name: str):
        self[name] = load_network(name)
        return self[name]

    @property
    def classifier(self):
        return self["efficientnet_lite0"]

    @property
    def vgg(self):
        return self["vgg19"]

    @cached_property
    def photos(self) -> Tensor:
        """The gallery's color photos, `(N, 3, 224, 224)`, to look for neighbors in."""
        return torch.cat([load_image(p.path) for p in gallery() if "(gray)" not in p.source])

    @cached_property
    def photo_features(self) -> Tensor:
        return features(self.classifier, self.photos, batch_size=8)


@dataclass(frozen=True)
class Stop:
    """One picture of the tour.

    Attributes:
        lesson: its number, `"07"`.
        title: what the picture shows.
        sentence: one sentence that says how to read it.
        draw: `(nets, photo) -> Figure`, with the photo as `(1, 3, 224, 224)`.
        seen: what is in the picture, for people who do not see it; its titles and labels are added.
    """

    lesson: str
    title: str
    sentence: str
    draw: Callable[[Networks, Tensor], Figure]
    seen: str = ""


def predictions(nets: Networks, photo: Tensor) -> Figure:
    tops = [nets[name].predict(photo, k=4)[0] for name in TWO]
    figure, axes = plots.new_figure(2, 1, width=5.5, aspect=0.36)  # the photo itself is just above, on the page
    for axis, name, top in zip(axes[:, 0], TWO, tops, strict=True):
        names, values = zip(*reversed(top), strict=True)
        axis.barh([_short_name(one) for one in names], values, color="#3b6ea5")
        axis.set_xlim(0, 1)
        axis.set_title(f"{nets[name].name}: probability", fontsize=11)
        axis.tick_params(labelsize=11)
        axis.spines[["top", "right"]].set_visible(False)
    first, second = (top[0][0] for top in tops)
    figure.suptitle(f"both say {first}" if first == second else f"one says {first}, the other {second}", fontsize=12)
    return figure


def _short_name(category: str) -> str:
    return category if len(category) < 20 else category[:18].rstrip() + " …"


def first_filters(nets: Networks, photo: Tensor) -> Figure:
    return figures.show_filters(filters.filter_weights(nets.vgg), columns=16)


def raw_weights(nets: Networks, photo: Tensor) -> Figure:
    return figures.show_raw_weights(filters.filter_weights(nets.vgg, "conv2_1"), rows=10, columns=40)


def maps_by_layer(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.figures import show_layers

    return show_layers(nets.vgg, photo, ["relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"], k=7)


def near_photos(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.activations import l2_distances, nearest
    from course_utils.figures import show_neighbors

    of_photo = features(nets.classifier, photo)
    by_pixels = l2_distances(photo.flatten(1), nets.photos.flatten(1))
    by_features = l2_distances(of_photo, nets.photo_features)
    distances = torch.cat([by_pixels, by_features])
    distances[distances < 0.01 * distances.amax(1, keepdim=True)] = torch.inf  # the photo itself
    indices, _ = nearest(distances, 5)
    return show_neighbors(nets.photos, indices, query_images=photo.expand(2, -1, -1, -1), labels=["pixels", "features"])


def photo_map(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.activations import tsne
    from course_utils.figures import show_map

    pictures, vectors = nets.photos, nets.photo_features
    if not any(torch.equal(one, photo[0]) for one in pictures):
        pictures = torch.cat([pictures, photo])
        vectors = torch.cat([vectors, features(nets.classifier, photo)])
    return show_map(pictures, tsne(vectors, perplexity=5.0), size=0.11, width=6)


def best_patches(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.activations import top_patches
    from course_utils.figures import show_patches

    others = [one for one in nets.photos if not torch.equal(one, photo[0])]
    small = torch.nn.functional.interpolate(torch.stack([photo[0], *others]), size=(128, 128), mode="area")
    found = top_patches(nets.vgg, small, "relu5_1", k=6, window=56, batch_size=8, progress=False)
    own = layer_outputs(nets.vgg, small[:1], ["relu5_1"])["relu5_1"].amax((2, 3))[0]
    channels = (own / found.values.mean(1).clamp(min=1e-6)).topk(3).indices.tolist()
    return show_patches(found, small, channels=channels)


def covered(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.activations.occlusion import occlusion
    from course_utils.figures.occlusion import show_occlusion

    return show_occlusion(photo, occlusion(nets.classifier, photo, window=48, stride=16, progress=False)[0])


def saliency(nets: Networks, photo: Tensor) -> Figure:
    plain = gradients.saliency(nets.classifier, photo)
    smooth = gradients.smoothgrad(nets.classifier, photo)
    return plots.show_heat(photo.expand(2, -1, -1, -1), torch.cat([plain, smooth]), ["one gradient", "SmoothGrad"])


def class_map(nets: Networks, photo: Tensor) -> Figure:
    return plots.show_heat(photo, gradients.grad_cam(nets.classifier, photo, "bn2.act")[0])


def segmentation(nets: Networks, photo: Tensor) -> Figure:
    heat = gradients.blur(gradients.smoothgrad(nets.classifier, photo, samples=10)[0], 3)
    mask = gradients.segment(photo, heat)
    return plots.show_images([photo, mask.float(), photo * mask + 1 - mask.float()], ["photo", "mask", "cut out"])


def three_rules(nets: Networks, photo: Tensor) -> Figure:
    layer, rules = "relu5_1", ("gradient", "deconvnet", "guided")
    channel = int(layer_outputs(nets.vgg, photo, [layer])[layer].amax((2, 3)).argmax())
    signals = [gradients.backprop(nets.vgg, photo, f"{layer}:{channel}", rule=rule) for rule in rules]
    return plots.show_images([photo, *(gradients.as_picture(s) for s in signals)], [f"{layer}:{channel}", *rules])


def wanted_picture(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.gradients import PHASES, visualize

    predicted = int(nets.classifier(photo).argmax(1))
    result = visualize(nets.classifier, predicted, progress=False, **{**PHASES, "steps": 80})
    return plots.show_images([photo, result], ["photo", f"more {nets.classifier.category(predicted)}"], width=6)


def unlikely_class(nets: Networks, photo: Tensor) -> int:
    """A class to be fooled into: one that the network does not see in the photo anyway, nor anything like it."""
    scores = nets.classifier(photo)[0]
    likely = set(scores.topk(50).indices.tolist())
    wanted = [nets.classifier.class_index(name) for name in ("teapot", "goldfish", "accordion", "volcano")]
    return next((index for index in wanted if index not in likely), int(scores.argmin()))


def fooling(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.gradients.fooling import fool, magnify

    target = unlikely_class(nets, photo)
    result = fool(nets.classifier, photo, target, steps=60, progress=False)
    before, after = (nets.classifier.predict(x, k=1)[0][0] for x in (photo, result.images))
    titles = [f"{before[0]}, {before[1]:.0%}", f"{after[0]}, {after[1]:.0%}", "the difference, 10 times"]
    return plots.show_images([photo, result.images, magnify(result.images - photo)], titles)


def inverted(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.gradients.inversion import invert

    small = torch.nn.functional.interpolate(photo, size=(112, 112), mode="bilinear", antialias=True)
    layers = ("relu3_1", "relu4_1")
    found = [invert(nets.vgg, small, layer, steps=30, progress=False) for layer in layers]
    return plots.show_images([small, *found], ["photo", *layers])


def dream(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.fun.deepdream import deepdream

    result = deepdream(nets.vgg, photo, octaves=4, steps=6, step_size=3 / 255, progress=False)
    return plots.show_images([photo, result], ["photo", "dream"], width=6)


def grown_texture(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.fun.efros_leung import efros_leung
    from course_utils.stimuli import on_paper, texture_sample

    sample = texture_sample(TEXTURE, 48)
    grown = efros_leung(sample, 80, window=11, progress=False)
    return plots.show_images([on_paper(sample, 80), grown], ["a sample", "grown pixel by pixel"], width=6)


def gram_texture(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.fun.texture import synthesize_texture
    from course_utils.stimuli import texture_sample

    sample = texture_sample(TEXTURE, 96)
    found = synthesize_texture(nets.vgg, sample, steps=40, progress=False)
    return plots.show_images([sample, found], ["a sample", "a picture with the same Gram matrices"], width=6)


def painting(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.fun import style_transfer
    from course_utils.stimuli import style_image

    small = torch.nn.functional.interpolate(photo, size=(144, 144), mode="bilinear", antialias=True)
    style = style_image("night", 144)
    result = style_transfer(nets.vgg, small, style, steps=25, progress=False)
    return plots.show_images([small, style, result], ["photo", "style", "painting"])


def eight_styles(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.fun import STYLE_NAMES, load_style_net, stylize

    net = load_style_net()
    return plots.show_images([stylize(net, photo, name) for name in STYLE_NAMES], STYLE_NAMES, columns=4)


def why_not(nets: Networks, photo: Tensor) -> Figure:
    from course_utils.activations import evidence_map

    (first, _), (second, _) = nets.classifier.predict(photo, k=2)[0]
    heat, _ = evidence_map(nets.classifier, photo, "bn2.act", first, against=second)
    return plots.show_heat(photo, heat, title=f"red: {first}, blue: {second}", signed=True)


TOUR: tuple[Stop, ...] = (
    Stop(
        "00",
        "What two networks say",
        "The most probable of 1000 classes, by a small and a larger network: the pictures below ask where they come from.",
        predictions,
        "For each network four lying bars, the most probable class at the top",
    ),
    Stop(
        "01",
        "First-layer filters",
        "VGG-19 begins with these 64 filters of 3 x 3 pixels: edges in several directions, spots, and pairs of colors.",
        first_filters,
        "64 squares of 3 x 3 colored pixels in four rows",
    ),
    Stop(
        "01",
        "Raw weights further in",
        "The third convolution has no colors to show, only numbers for 64 inputs, and looking at them explains little.",
        raw_weights,
        "400 gray squares of 3 x 3 pixels in ten rows",
    ),
    Stop(
        "02",
        "Feature maps",
        "The strongest maps of five layers of VGG-19: first edges, further in fewer and larger things.",
        maps_by_layer,
        "Five rows of gray maps, one for each layer, coarser from row to row",
    ),
    Stop(
        "03",
        "Nearest neighbors",
        "The nearest photos by the distance of pixels, and below them the nearest by the distance of the last features.",
        near_photos,
        "Two rows: the photo and the five photos nearest to it",
    ),
    Stop(
        "04",
        "A map of photos",
        "t-SNE puts photos with similar features near each other; only who is near whom means something, not the axes.",
        photo_map,
        "All photos, small, each at its place of the map",
    ),
    Stop(
        "05",
        "Patches that excite a channel",
        "Each row is a channel of VGG-19 that answers to the photo: the six pieces of photos to which it answers most.",
        best_patches,
        "Three rows of six small pieces of photos, each with the channel's answer above it",
    ),
    Stop(
        "06",
        "Occlusion",
        "A gray square slides over the photo: where it is red, covering makes the class score fall, where blue, rise.",
        covered,
        "The photo, the map in red and blue, and the map over the photo",
    ),
    Stop(
        "07",
        "Saliency",
        "Bright pixels are those where a small change would change the score of the predicted class most.",
        saliency,
        "Two rows: the photo, the map from black to yellow, and the map over the photo",
    ),
    Stop(
        "07",
        "Grad-CAM",
        "The last feature maps, weighed by how much the class score wants more of each: bright where they speak for it.",
        class_map,
        "The photo, the map from black to yellow, and the map over the photo",
    ),
    Stop(
        "07",
        "Cutting out the object",
        "The saliency map guesses some pixels of the object and of the rest; GrabCut finds an outline between them by color.",
        segmentation,
        "The photo, its outline as a white area on black, and the object alone on white",
    ),
    Stop(
        "08",
        "Backprop with three rules",
        "The strongest unit of a deep layer, sent back to the pixels: guided is sharpest, and only gradient is a derivative.",
        three_rules,
        "The photo, and three gray pictures with colored lines where pixels matter, one for each rule",
    ),
    Stop(
        "09",
        "What the network wants to see",
        "A picture found by gradient ascent on the predicted class, starting from noise: there is no photo in it.",
        wanted_picture,
        "The photo, and a picture of colored forms, made from noise",
    ),
    Stop(
        "10",
        "A fooling image",
        "A small change, made for it, and the network says a class that has nothing to do with the photo.",
        fooling,
        "Two photos that look alike, and their difference: gray with colored grain",
    ),
    Stop(
        "11",
        "Pictures from features",
        "Each picture is rebuilt from one layer alone: what has changed, the layer has lost, or the short search has not found.",
        inverted,
        "The photo, and what was rebuilt from two layers",
    ),
    Stop(
        "12",
        "DeepDream",
        "The photo is changed so that a deep layer of VGG-19 becomes more active: it shows more of what the layer sees.",
        dream,
        "The photo, and the same photo with lines, eyes and other forms grown into it",
    ),
    Stop(
        "13",
        "Texture, pixel by pixel",
        "No network, and no photo: each new pixel is copied from where the surroundings in the sample fit best.",
        grown_texture,
        "A small piece of pebbles on a larger white sheet, and the sheet full of pebbles",
    ),
    Stop(
        "13",
        "Texture, by Gram matrices",
        "Smooth noise, changed until VGG-19 sees the same features together as in the sample, wherever they are.",
        gram_texture,
        "Pebbles, and other pebbles of the same colors beside them",
    ),
    Stop(
        "14",
        "Style transfer",
        "The photo, changed until its Gram matrices come near those of another picture, and its deep features stay.",
        painting,
        "The photo, a painted night sky with whirls, and the photo in its colors and strokes",
    ),
    Stop(
        "15",
        "Eight styles, one pass each",
        "One network that has learned to lower the same loss for any photo: each picture takes a fraction of a second.",
        eight_styles,
        "The photo painted eight times",
    ),
    Stop(
        "16",
        "Why this and not that",
        "What each place adds to the difference between the two best scores; together they are the difference, exactly.",
        why_not,
        "The photo, the map in red and blue, and the map over the photo",
    ),
)


def make_tour(image: Path | None = None, out: Path = Path("tour"), *, stops: Sequence[Stop] | None = None) -> int:
    """Run every stop on one photo and write `out/index.html`.

    A stop that fails is told on the page, and the rest goes on. Ctrl-C writes the page with what is ready.

    Args:
        image: a picture file, or the name of a gallery photo; None for a leafhopper.
        out: the folder, made if needed.
        stops: what to run; None for all of `TOUR`.

    Returns:
        The exit status: 1 if a stop failed.

    Raises:
        CourseError: no such picture, not a picture, or the folder cannot be written.
    """
    source = str(image or DEFAULT_PHOTO)
    if Path(source).exists():
        open_image(source)  # a picture file, whatever its name looks like
        source = Path(source)
    picture = photo(source)
    seen = _whole(open_image(source if isinstance(source, Path) else gallery()(source).path))
    name = source.stem if isinstance(source, Path) else Path(source).name
    page = Path(out) / "index.html"
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.touch()
    except OSError as error:
        raise CourseError(f"{page} cannot be written ({error.strerror}); choose another folder with --out.") from None

    nets, sections, failed = Networks(), [], []
    started = time.perf_counter()
    bar = tqdm(TOUR if stops is None else stops, unit="picture", dynamic_ncols=True)
    try:
        for stop in bar:
            bar.set_description(stop.title[:32].ljust(32))
            begin = time.perf_counter()
            try:
                body = f'<div class="picture">{_image(stop.draw(nets, picture), stop.seen or stop.title)}</div>'
            except Exception as error:  # one broken method must not cost the other pictures
                failed.append(stop.title)
                body = f'<p class="failed">This picture failed: {html.escape(_first_line(error))}</p>'
            sections.append((stop, body, time.perf_counter() - begin))
    except KeyboardInterrupt:
        print("Interrupted; the page has the pictures that were ready.")
    finally:
        bar.close()
    page.write_text(_page(name, seen, sections, time.perf_counter() - started), encoding="utf-8")
    size = page.stat().st_size / 1e6
    print(f"{page.resolve()}: {len(sections)} pictures, {size:.1f} MB, {time.perf_counter() - started:.0f} s")
    for title in failed:
        print(f"failed: {title}")
    return 1 if failed else 0


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _image(figure: Figure, seen: str) -> str:
    """The figure as an `<img>` that carries its own data."""
    words = plots.describe_figure(figure)
    alt = f"{seen}: {words}" if words else f"{seen}."
    return _img(*_data(figure), round(figure.get_figwidth() * 100), alt)


def _data(figure: Figure) -> tuple[bytes, str]:
    """The figure as PNG, or, where that is larger than `MAX_BYTES`, as JPEG in the best quality that is not."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    if len(buffer.getvalue()) <= MAX_BYTES:
        return buffer.getvalue(), "png"
    picture = Image.open(buffer).convert("RGB")
    for quality in range(92, 20, -6):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
        if len(buffer.getvalue()) <= MAX_BYTES:
            break
    return buffer.getvalue(), "jpeg"


def _img(data: bytes, kind: str, width: int, alt: str) -> str:
    alt, data = html.escape(alt, quote=True), base64.b64encode(data).decode()
    wide = ' class="wide"' if width > WIDE else ""
    return f'<img{wide} style="width:{width}px" alt="{alt}" src="data:image/{kind};base64,{data}">'


def _whole(picture: Image.Image) -> str:
    """The whole photo, with a frame around the square that `load_image` cuts from its middle for the networks."""
    side = min(picture.size) * 7 / 8
    corners = [(length + sign * side) / 2 for sign in (-1, 1) for length in picture.size]
    scale = min(1.0, 480 / max(picture.size))
    small = picture.resize([max(1, round(length * scale)) for length in picture.size])
    pen = ImageDraw.Draw(small)
    for color, width in (("black", 4), ("white", 2)):  # seen on any photo
        pen.rectangle([corner * scale for corner in corners], outline=color, width=width)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    share = side * side / (picture.width * picture.height)
    alt = f"The whole photo, {picture.width} x {picture.height} pixels, with a frame around the square in its middle"
    return (
        f"<section><p>The networks see the square in the frame, made 224 x 224 pixels large: {share:.0%} of the photo. "
        f"What lies outside has no part in the pictures below.</p>{_img(buffer.getvalue(), 'jpeg', small.width, alt)}"
        "</section>"
    )


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 0; } p { margin: .3rem 0 .6rem; max-width: 44rem; }
img { max-width: 100%; height: auto; } .small { color: #666; font-size: .85rem; } .failed { color: #a00; }
@media screen and (max-width: 640px) { .picture { overflow-x: auto; } .picture .wide { max-width: none; } }
@media print { section { break-inside: avoid; } img { max-height: 20cm; object-fit: contain; object-position: left; } }
"""


def _page(name: str, seen: str, sections: list[tuple[Stop, str, float]], seconds: float) -> str:
    parts = [
        f"<section><h2>{html.escape(stop.title)}</h2><p>{html.escape(stop.sentence)} "
        f'<span class="small">Lesson {stop.lesson}, {took:.1f} s</span></p>{body}</section>'
        for stop, body, took in sections
    ]
    title = f"Looking inside a network: {html.escape(name)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{title}</h1>"
        "<p>Each method of the course, once, on one photo. What a picture does <em>not</em> show is in its lesson: "
        f"<code>course lab 07</code> opens lesson 07.</p>{seen}\n"
        + "\n".join(parts)
        + f'<p class="small">{len(sections)} pictures in {seconds:.0f} s.</p></body></html>\n'
    )
