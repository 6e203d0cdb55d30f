# %% [markdown] lesson="06" title="Occlusion: cover a part and see what happens" minutes=80 needs="00"
# You will be able to: measure how much a class score depends on each part of a photo, by covering it; choose window, stride and cover; say what a
# blue place on the map does not tell; and compute such a map with several times fewer multiplications, without changing the answer.

# %% tags=["setup"]
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from course_utils import check, explorers, load_network, photo, quiz, show_heat, show_images
from course_utils.activations import baseline_images, occlusion, occlusion_scores
from course_utils.filters import filter_weights
from course_utils.networks import randomized
from course_utils.plots import new_figure

# %%
# the result first: where it hurts the score to cover the photo
net = load_network("efficientnet_lite0")
dog = photo("dalmatian")
show_heat(
    dog,
    occlusion(net, dog),
    signed=True,
    title=f"{net.predict(dog)[0][0][0]}: covering red lowers the score, covering blue raises it",
)

# %% [markdown]
# A gray square of 32 pixels was put on the photo, at 13 × 13 = 169 places, 16 pixels apart. Where the map is red, the score of the class fell when the square was there. No gradient was
# used, and the inside of the network was not opened: only its answers were compared. The darkest red is on the dog's ear. Is the ear needed? You will test this below.

# %% claim="169 places, and the largest drop is on the ear"
opening = occlusion_scores(net, dog).drops()[0]
assert opening.numel() == 169
row_of_top, column_of_top = divmod(opening.argmax().item(), 13)
assert 2 <= row_of_top <= 5  # the ear: rows 40 to 130, columns 115 to 190
assert 7 <= column_of_top <= 11

# %% [markdown] notes="1" minutes=4
# Hold a sheet of paper over parts of the projected photo. Ask: could you still name the class? Which part must not be covered?

# %% [markdown]
# ## The idea
#
# Let $S_c(x)$ be the score of class $c$ for the image $x$, before the softmax, and $x_w$ the same image with the window $w$ covered. The **drop** of this window is
#
# $$d_w = S_c(x) - S_c(x_w) .$$
#
# The window moves by `stride` pixels. A pixel lies in several windows; its value in the map is the mean of their drops:
#
# $$M_{ij} = \frac{1}{n_{ij}} \sum_{w \ni (i,j)} d_w , \qquad n_{ij} = \text{number of windows over pixel } (i,j) .$$
#
# Red ($d > 0$): with the square the score is lower than with what was there. Blue ($d < 0$): it is higher. So $d$ compares a place with its *cover*, not with
# nothing. Whether the place speaks for or against the class, one cover cannot say. (Zeiler & Fergus, 2014, draw the probability of the class. In their
# pictures the important places are the low ones.)

# %% [markdown] notes="1" minutes=3
# Take up the sheet of paper from the beginning: the drop is the answer to it, as a number.

# %% [markdown]
# ## In the head first
#
# An "image" of five pixels, `[1, 0, 2, 0, 0]`, and a score that adds them all up. The window has 2 pixels, the stride is 1, the cover is 0. What are the four
# drops? What is the map? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=23
# The four windows on paper. In 06.1 most slips happen at the border: ask where the last window begins. Give 06.2 to the
# room, or catch up.

# %%
# four windows; the pixels at the ends lie in one window only
pixels = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.0])
drops = torch.stack([pixels[i : i + 2].sum() for i in range(4)])
count = torch.tensor([1, 2, 2, 2, 1])
total = torch.stack([drops[max(0, i - 1) : i + 1].sum() for i in range(5)])
drops, total / count

# %% [markdown]
# The drops are 1, 2, 2, 0, the map is 1, 1.5, 2, 1, 0. Pixel 1 is 0 itself, but the map gives it 1.5, because its windows
# also covered its neighbors. The 2 is seen at three pixels: a window of $w$ smears each pixel over up to $2w - 1$.

# %% [markdown] exercise="06.1" title="Build it: the grid of drops" points=3 difficulty=2 importance=5 minutes=15
# Cover one place after the other with the value `gray`, and write down how far the score of `target` falls. The result has one row for each vertical place
# of the window. The windows begin at 0, `stride`, 2 `stride`, ... The last one is the first that reaches the border; what hangs over is cut off: on 11 pixels, windows of 4 with stride 3
# begin at 0, 3, 6, 9, and the last one has 2 pixels. No gradient is needed: `with torch.no_grad():` saves time and memory.


# %% exercise="06.1"
def drop_grid(net, image, target, window, stride, gray):
    """How far the score falls with the window at each place.

    net: net(image) gives scores (1, classes); image: (1, 3, H, W); target: a class index
    window, stride: in pixels, stride <= window <= height and width; gray: the value that covers
    returns: (rows, columns), clean score minus covered score
    """
    ### BEGIN SOLUTION
    height, width = image.shape[2:]
    rows = math.ceil((height - window) / stride) + 1
    columns = math.ceil((width - window) / stride) + 1
    grid = torch.zeros(rows, columns, dtype=image.dtype)
    with torch.no_grad():
        clean = net(image)[0, target]
        for i in range(rows):
            for j in range(columns):
                top, left = i * stride, j * stride
                covered = image.clone()
                covered[:, :, top : top + window, left : left + window] = gray
                grid[i, j] = clean - net(covered)[0, target]
    return grid
    ### END SOLUTION


check("06.1", drop_grid)

# %% [markdown] fold="Hint"
# Two loops over the places. In each step: `covered = image.clone()`, paint one window with a slice, run the network, subtract. A slice that goes beyond the border is cut by PyTorch by itself.

# %% [markdown] fold="I get: the windows pile up"
# The copy must be made inside of the loop, or the second image carries two windows.

# %% picture="06.1"
# your grid for the dog: 36 places, one number each; a square is drawn around the center of its window
label = net.class_index("dalmatian")
grid = drop_grid(net, dog, label, 64, 32, 0.5)
top = grid.abs().max().item()
drawn = F.pad(grid.repeat_interleave(32, 0).repeat_interleave(32, 1), (16, 16, 16, 16))
titles = ["photo", f"your grid, {-top:.1f} to {top:.1f}"]
show_images([dog[0], drawn], titles, cmap="RdBu_r", vmin=-top, vmax=top)

# %% [markdown] exercise="06.2" title="Build it: from the grid to the map" points=2 difficulty=3 importance=4 minutes=12 own="course_utils.activations:plain_occlusion"
# Give every pixel the mean drop of the windows that cover it. Windows over the border are cut.


# %% exercise="06.2"
def spread(drops, height, width, window, stride):
    """The occlusion map from the grid of drops.

    drops: (rows, columns); height, width: of the image; window, stride: in pixels, stride <= window
    returns: (height, width)
    """
    ### BEGIN SOLUTION
    total = torch.zeros(height, width, dtype=drops.dtype)
    count = torch.zeros(height, width, dtype=drops.dtype)
    for i in range(drops.shape[0]):
        for j in range(drops.shape[1]):
            top, left = i * stride, j * stride
            total[top : top + window, left : left + window] += drops[i, j]
            count[top : top + window, left : left + window] += 1
    return total / count
    ### END SOLUTION


check("06.2", spread)

# %% [markdown] fold="Hint"
# Two tensors of the image's size: one adds up the drops, one counts windows. Divide at the end.

# %% picture="06.2"
# your map, from drops that the library computed
scores = occlusion_scores(net, dog, window=32, stride=16)
own = spread(scores.drops()[0], 224, 224, 32, 16)
print(f"largest difference to the library's map: {(own - scores.maps()[0]).abs().max():.0e}")
show_heat(dog, own, signed=True, title="your map")

# %% [markdown]
# ## What do you cover with?
#
# There is no picture of "nothing". A gray square is itself something to see: it has edges and a color. Here are four covers: gray (0.5), the mean color of the photo, the photo blurred (by a Gaussian, σ = 11
# pixels), and noise (each value drawn anew, between 0 and 1).
#
# **Predict, run, explain.** The same photo, four covers. Will the four maps
# (a) be equal, (b) agree on the main place and differ elsewhere, (c) have nothing in common? Write your answer down, then run the cell.

# %% [markdown] notes="1" minutes=7
# Ask what a picture of nothing looks like. Then votes, then the cell. Vote again before the square grows.


# %%
# above: a window of 64 pixels with each cover; below: the maps (window 32), one color scale
def covered_by(image, cover, *squares):
    """The image with squares (top, left, side) of the cover on it."""
    image = image.clone()
    for top, left, side in squares:
        place = (..., slice(max(0, top), top + side), slice(max(0, left), left + side))
        image[place] = cover[place]
    return image


covers = {name: baseline_images(dog, name) for name in ("gray", "mean", "blur", "noise")}
covers["other noise"] = baseline_images(dog, "noise", seed=1)
maps = torch.stack([occlusion(net, dog, baseline=cover)[0] for cover in covers.values()])
top = maps.abs().max().item()
print(f"blue and red: {-top:.1f} to {top:.1f}")
for least in (0.0, 0.1):
    seen = (maps > least).float(), (maps < -least).float()
    four = (seen[0][:4].amax(0) * seen[1][:4].amax(0)).mean()
    draws = (seen[0][3:].amax(0) * seen[1][3:].amax(0)).mean()
    print(
        f"red and blue by more than {least}: some two of the four covers at {four:.0%} of the pixels, the two noises at {draws:.0%}"
    )
dogs = [covered_by(dog, cover, (40, 124, 64))[0] for cover in covers.values()]
show_images([*dogs, *maps], [*covers] + [""] * 5, columns=5, cmap="RdBu_r", vmin=-top, vmax=top)

# %% [markdown]
# Weak places differ: at more than a third of the pixels some two of the four covers disagree on the sign, at about one in twenty by more than 0.1 on both sides. Two draws of the noise disagree at about one in ten, and nearly nowhere by more than 0.1.
#
# In all the maps the darkest place is near the ear. But each pixel is a mean of up to four windows. In 49 single windows side by side (in the last section) it is the ear with gray and the forehead with blur.

# %% claim="four covers: a third of the pixels change their sign, one in twenty clearly, fewer between two noises; the darkest place is near the ear"
assert len(maps) == 5
peaks = torch.tensor([divmod(heat.argmax().item(), 224) for heat in maps])
assert (peaks.max(0).values - peaks.min(0).values).max() <= 32  # one window
shares = {}
for bound in (0.0, 0.1):
    of_covers, of_draws = maps[:4], maps[3:]
    shares[bound] = [
        ((group.amax(0) > bound) & (group.amin(0) < -bound)).float().mean().item()
        for group in (of_covers, of_draws)
    ]
assert shares[0.0][0] > 0.34
assert 0.02 < shares[0.1][0] < 0.1
assert 0.07 < shares[0.0][1] < 0.13
assert shares[0.1][1] < 0.01

# %%
# window, cover, and the share of places with a drop below -0.1; one color scale
settings = ((64, "blur"), (64, "gray"), (32, "gray"), (24, "gray"))
sweeps = [
    occlusion_scores(net, dog, window=size, stride=size // 2, baseline=cover)
    for size, cover in settings
]
titles = [
    f"{size} px, {cover}: {(sweep.drops() < -0.1).float().mean():.0%} blue"
    for (size, cover), sweep in zip(settings, sweeps, strict=True)
]
maps = [sweep.maps()[0] for sweep in sweeps]
top = max(heat.abs().max().item() for heat in maps)
print(f"blue and red: {-top:.1f} to {top:.1f}")
show_images(maps, titles, columns=4, cmap="RdBu_r", vmin=-top, vmax=top)

# %% [markdown]
# The large gray window makes more than half of the places blue, among them the ground below the dog; a blur at the same places does not.
#
# And the darkest place has moved, from the ear (32 and 24) to the cheek (64). Does the network need the ear?
#
# **Predict, run, explain.** A square grows over the middle of the ear, another one over the cheek. Will the drops grow, too? And if you cover the ear alone, along its outline? Write your answers down, then run the two cells.

# %% claim="window 64: gray makes more than half of the places blue, blur only a few; the darkest place moves to the cheek"
blur_64, gray_64, gray_32, gray_24 = (sweep.drops()[0] for sweep in sweeps)
assert (gray_64 < -0.1).float().mean() > 0.5
assert gray_64[-2:].max() < -0.1  # the ground
assert not (blur_64 < -0.1).float().mean() > 0.5
assert blur_64[-2:].mean() > 0.1
for grid_here, step_here in ((gray_32, 16), (gray_24, 12)):  # the ear
    row_here, column_here = divmod(grid_here.argmax().item(), len(grid_here))
    assert 40 <= row_here * step_here <= 106
    assert 115 <= column_here * step_here <= 166
for grid_here in (gray_64, blur_64):
    assert grid_here.argmax().item() in (20, 21)  # rows 96 to 160, columns 64 to 160: the cheek


# %%
# the drop for each side of a square that grows over one place (the border cuts the largest one on the ground)
sides = (24, 32, 48, 64, 80, 96)
places = {"ear": (72, 156, "#b2182b"), "cheek": (128, 128, "#2166ac"), "ground": (184, 176, "gray")}
dalmatian = net.class_index("dalmatian")
grown = {}
figure, axes = new_figure(width=7.2, aspect=0.5)
for part, (row, column, color) in places.items():
    for cover, line in (("gray", "-"), ("blur", "--")):
        batch = [
            covered_by(dog, covers[cover], (row - side // 2, column - side // 2, side))
            for side in sides
        ]
        with torch.no_grad():
            scores = net(torch.cat([dog, *batch]))[:, dalmatian]
        grown[part, cover] = (scores[0] - scores[1:]).tolist()
        axes[0, 0].plot(
            sides, grown[part, cover], line, marker="o", color=color, label=f"{part}, {cover}"
        )
axes[0, 0].axhline(0, color="black", linewidth=0.5)
axes[0, 0].set_xlabel("side of the square in pixels")
axes[0, 0].set_ylabel("drop of the score")
axes[0, 0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
figure

# %% [markdown]
# On the cheek the drop grows with the square (with gray up to 80 pixels). On the ear it does not stay: with gray it goes from 1.2 to −0.9 (the score is then *higher* than without the square), with blur it rises first and ends at 0.2. But the largest
# squares hold more than their part: the cheek's reaches eye and muzzle and a part of the ear, the ear's the collar. And on the ground, too, a large gray square raises the score, by up to 0.5. So cover the ear alone.

# %%
# the drop for a small square, for the ear alone, for a square around it without the ear, and for both
outline = [(135, 30), (155, 30), (170, 40), (183, 52), (192, 62), (188, 72), (187, 100), (179, 120)]
outline += [
    (168, 137),
    (158, 138),
    (147, 130),
    (137, 112),
    (131, 90),
    (121, 75),
    (110, 65),
    (113, 52),
    (125, 40),
]
drawn = Image.new("L", (224, 224))
ImageDraw.Draw(drawn).polygon(outline, fill=1)
ear = torch.tensor(np.array(drawn)) > 0
square = torch.zeros_like(ear)
square[28:140, 96:208] = True
spot = torch.zeros_like(ear)
spot[56:88, 140:172] = True
masks = {"32 px": spot, "the ear": ear, "around it": square & ~ear, "both": square}
pictures, titles, hidden = [], [], {}
for cover in ("gray", "blur", "mean", "noise", "other noise"):
    batch = torch.cat([torch.where(mask, covers[cover], dog) for mask in masks.values()])
    with torch.no_grad():
        scores = net(torch.cat([dog, batch]))[:, dalmatian]
    hidden[cover] = (scores[0] - scores[1:]).tolist()
    said = [f"{what}: {drop:+.1f}" for what, drop in zip(masks, hidden[cover], strict=True)]
    if cover in ("gray", "blur"):
        pictures += [*batch]
        titles += [f"{cover}, {one}" for one in said]
    else:
        print(cover, *said, sep=", ")
show_images(pictures, titles, columns=4)

# %% [markdown]
# With gray, mean color and noise, a square of 32 pixels *in* the ear costs about 1, the whole ear at most 0.2: with these covers, what is *inside* the ear's outline is not needed. (The outline is still there: a gray ear has the shape of an ear. In "both" it is gone, too; compare with "around it": with noise that costs about 1, with gray much less.) With blur the whole ear costs as much as the small square. But look at it: a blurred black ear is still dark.
# So the dark red on the ear says that *a square of this size, here* lowers the score; all five covers agree on that. Is the part needed? Ask with its outline and several covers; here they do not agree.

# %% claim="with five covers: the cheek costs more, the larger the square; four of them: the small square in the ear costs about 1, the whole ear little; not with blur"
for cover_here, (spot_drop, ear_drop, around_drop, _all_drop) in hidden.items():
    assert 0.75 < spot_drop < 1.25
    if cover_here == "blur":
        assert not ear_drop < 0.4 * spot_drop
        assert 0.85 < ear_drop / spot_drop < 1.25
    else:
        assert ear_drop < 0.25
    if cover_here in ("gray", "blur"):
        assert abs(around_drop) < 0.5
    elif "noise" in cover_here:
        assert 0.7 < around_drop < 1.3
with torch.no_grad():  # one more draw of the noise
    noise_here = baseline_images(dog, "noise", seed=2)
    assert (net(dog) - net(torch.where(ear, noise_here, dog)))[0, dalmatian] < 0.25
    assert (net(dog) - net(torch.where(spot, noise_here, dog)))[0, dalmatian] > 0.75
assert max(grown["ground", "gray"]) < 0.1
assert 0.3 < -min(grown["ground", "gray"]) < 0.6
assert max(map(abs, grown["ground", "blur"])) < 0.5
assert grown["ear", "gray"] == sorted(grown["ear", "gray"], reverse=True)
assert grown["ear", "gray"][0] > 1 and -1 < grown["ear", "gray"][-1] < -0.7
assert grown["ear", "blur"][1] > 1.3 * grown["ear", "blur"][0]
assert 0.1 < grown["ear", "blur"][-1] < 0.3
for cover_here in ("gray", "blur"):
    assert grown["cheek", cover_here][-1] > 2 * grown["cheek", cover_here][1]

# %% [markdown]
# ## Which class, and where is it?
#
# A map belongs to a class. To see that, put two animals in one photo: a bird on the left, a dalmatian on the right. The photo of the bird is labelled *spoonbill*. Its bill is
# thin and bent, not flat like a spoon: it is a white ibis. None of the 1000 classes is an ibis, so no answer of the network can be right.

# %% [markdown] notes="1" minutes=5
# Ask for the two maps in words before you run the cell: which half is red for which question?

# %%
# the same photo, two questions, one color scale
pair = torch.cat([photo("spoonbill", (224, 112)), photo("dalmatian", (224, 112))], dim=3)
classes = ["spoonbill", "dalmatian"]
maps = torch.cat([occlusion(net, pair, name, window=56, stride=28) for name in classes])
top = maps.abs().max().item()
bird = photo("spoonbill")[0, :, 60:130, 70:140]
titles = ["both", "the bird", *(f"{name}, {-top:.1f} to {top:.1f}" for name in classes)]
show_images([pair[0], bird, *maps], titles, columns=4, cmap="RdBu_r", vmin=-top, vmax=top)

# %%
# the halves exchanged: the mean drop of the windows on each animal, and the drop when all of the dog is covered
exchanged = pair.roll(112, dims=3)
table = {}
for name in classes:
    for cover in ("gray", "blur"):
        found = occlusion_scores(net, exchanged, name, window=56, stride=56, baseline=cover)
        on_dog, on_bird = (part.mean().item() for part in found.drops()[0].chunk(2, dim=1))
        no_dog = torch.cat(
            [baseline_images(exchanged, cover)[..., :112], exchanged[..., 112:]], dim=3
        )
        with torch.no_grad():
            all_dog = (found.clean[0] - net(no_dog)[0, net.class_index(name)]).item()
        table[name, cover] = on_bird, on_dog, all_dog
        print(
            f"{name:9}, {cover}: bird {on_bird:+.1f}, dog {on_dog:+.1f}, all of the dog {all_dog:+.1f}"
        )

# %% [markdown]
# Two tests with a known answer: you put the animals there yourself. *Do the maps tell the classes apart?* In the first order with gray, and in the other one with gray and blur, the drop is larger on the animal that was asked for. By chance each comparison would come out right in half of the cases.
# *Is the map red on this animal?* Here "dalmatian" with gray fails: it shows a blue bird. Do such tests before you believe a map whose answer you do not know.
#
# The signs need more care. Gray windows on the dog hardly change the score of "dalmatian". Is the dog not used? Blurred ones lower it, and without the dog it falls by more than
# 7 with either cover: the missing red was the gray window's work. The blue of "spoonbill" on the dog survives both covers, and grows when all of the dog is covered.

# %% claim="the own animal's drop is larger in both orders; gray hides that the dog is used; the spoonbill's blue on the dog survives"
for which, cover_here in table:
    bird_here, dog_here, all_here = table[which, cover_here]
    as_shown = occlusion_scores(net, pair, which, window=56, stride=56, baseline=cover_here)
    bird_first, dog_second = (half_here.mean() for half_here in as_shown.drops()[0].chunk(2, dim=1))
    if which == "spoonbill":
        assert min(bird_here - dog_here, bird_first - dog_second) > 0.2
        assert max(dog_here, dog_second) < -0.2
        assert all_here < 5 * dog_here
    else:
        assert min(dog_here - bird_here, dog_second - bird_first) > 0.2
        assert all_here > 6.6
assert abs(table["dalmatian", "gray"][1]) < 0.2
assert table["dalmatian", "gray"][0] < -0.5
assert min(table["spoonbill", "gray"][0], table["spoonbill", "blur"][0]) > 0.7
by_chance = 0
for seed_here in range(3):
    untrained = randomized(net, seed=seed_here)
    for which in classes:
        of_random = occlusion_scores(untrained, exchanged, which, window=56, stride=56)
        dog_here, bird_here = (
            half_here.mean() for half_here in of_random.drops()[0].chunk(2, dim=1)
        )
        by_chance += bool(bird_here > dog_here) == (which == "spoonbill")
assert by_chance >= 2
assert not by_chance > 4
assert table["dalmatian", "blur"][1] > 0.5

# %% [markdown]
# ## Faster, with the same answer
#
# A window of 32 × 32 covers 2 % of the photo. Why run the whole network again? Outside of what the window can reach, every value is
# the clean one. Keep the clean values, and recompute only the part that is reached. This is the receptive field (lesson 05), read in the other direction (Nakandala et al., 2019).
#
# Take one axis. The inputs from `start` to `stop - 1` have changed. A layer with kernel $k$, stride $s$ and padding $p$ has outputs $o = 0, 1, \dots$ Output $o$ sees the inputs
# $o\,s - p$ to $o\,s - p + k - 1$. Which outputs can have changed?
#
# In the head: $k = 3$, $s = 1$, $p = 1$; the inputs 4 and 5 have changed. Output 3 sees 2, 3, 4; output 6 sees 5, 6, 7. So it is 3 to 6: one more on each side.

# %% [markdown] notes="1" minutes=17
# Draw the cone from a window upward. 06.3 by hand for one layer first, with kernel 3 and stride 2. If time is short,
# catch up and show only the times.

# %% [markdown] exercise="06.3" title="What does the window reach?" points=2 difficulty=4 importance=3 minutes=15 own="course_utils.engines.incremental:Local.reach"
# Return `(first, last + 1)`: the outputs of one layer that see a changed input, cut to the outputs that exist. (In the check at least one output does.) There are `(size + 2 * padding - kernel) // stride + 1` of them.


# %% exercise="06.3"
def reached(start, stop, kernel, stride, padding, size):
    """The outputs that see any of the inputs start ... stop - 1, along one axis.

    start, stop: the changed inputs, as in a slice; kernel, stride, padding: of the layer; size: number of inputs
    returns: (first, stop) of the outputs, as in a slice
    """
    ### BEGIN SOLUTION
    count = (size + 2 * padding - kernel) // stride + 1
    first = math.ceil((start + padding - kernel + 1) / stride)
    last = (stop - 1 + padding) // stride
    return max(0, first), min(count, last + 1)
    ### END SOLUTION


check("06.3", reached)

# %% [markdown] fold="Hint"
# Output $o$ sees the window if its last input $o\,s - p + k - 1$ is at least `start`, and its first input $o\,s - p$ at most `stop - 1`. Solve both for $o$. The first
# is rounded up, the second down. If you do not trust a formula, try all outputs in a loop.

# %% [markdown] solution="06.3"
# From $o\,s - p + k - 1 \ge \text{start}$ follows $o \ge (\text{start} + p - k + 1)/s$, rounded up. From $o\,s - p \le \text{stop} - 1$ follows $o \le (\text{stop} - 1 + p)/s$, rounded down.

# %% uses="06.3"
# follow a window of 32 pixels through VGG-19: how much of each map must be computed again, and how many multiplications is that?
start, stop, size, channels = 96, 128, 224, 3
whole, part = 0, 0
for block, (convolutions, filters) in enumerate(
    ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)), 1
):
    for _ in range(convolutions):
        start, stop = reached(start, stop, 3, 1, 1, size)
        whole += 9 * channels * filters * size**2
        part += 9 * channels * filters * (stop - start) ** 2
        channels = filters
    print(
        f"block {block}: {stop - start:3} of {size:3} rows, {((stop - start) / size) ** 2:4.0%} of the map"
    )
    start, stop = reached(start, stop, 2, 2, 0, size)
    size = size // 2
print(f"multiplications of the convolutions: {whole / part:.1f} times fewer")

# %% [markdown]
# In the first blocks a few percent are enough. At the end the window reaches everything. So there is a limit to what can be saved: here the convolutions need about a quarter of the multiplications.

# %% claim="a window of 32 pixels in VGG-19: a few percent of the first maps, all of the last, a quarter of the multiplications"
assert (stop, size) == (7, 7)
assert 3.8 < whole / part < 4.8

# %% [markdown] exercise="06.4" title="Spot the bug: the missing halo" points=2 difficulty=3 importance=3 minutes=10
# A convolution with a 3 × 3 kernel and padding 1 turned `x` into `y`. Now a patch of `x` is replaced. The function below computes only the changed part of the output, and
# it is wrong. Run it, read what `check` says, and repair it. (To compute the whole output again would be right, but would save nothing.)


# %% exercise="06.4"
def update(x, y, weight, patch, top, left):
    """The new output of a convolution after a patch of its input was replaced.

    x: (1, C, H, W), the clean input; weight: (K, C, 3, 3); y: conv2d(x, weight, padding=1)
    patch: (1, C, h, w), the new values at rows top ... top + h - 1, columns left ... left + w - 1
    returns: (1, K, H, W), the output for the changed input
    """
    ### BEGIN SOLUTION
    (h, w), (height, width) = patch.shape[2:], x.shape[2:]
    changed = F.pad(x, (1, 1, 1, 1))  # the zeros of the padding, so that the crop below needs none
    changed[:, :, top + 1 : top + 1 + h, left + 1 : left + 1 + w] = patch
    a, b = max(0, top - 1), min(height, top + h + 1)
    c, d = max(0, left - 1), min(width, left + w + 1)
    out = y.clone()
    out[:, :, a:b, c:d] = F.conv2d(changed[:, :, a : b + 2, c : d + 2], weight)
    return out
    ### END SOLUTION
    ### BEGIN STUB
    # (h, w) = patch.shape[2:]
    # out = y.clone()
    # out[:, :, top : top + h, left : left + w] = F.conv2d(patch, weight, padding=1)
    # return out
    ### END STUB


check("06.4", update)

# %% [markdown] fold="Hint"
# Two things are missing. Outputs one pixel *outside* of the patch change, too. And to compute them, the kernel needs the clean values of `x` around the patch (the halo), not
# zeros. Zeros are right only where the patch touches the border of the image.

# %% [markdown] solution="06.4"
# The output changes from row `top - 1` to row `top + h`, and to compute these rows the kernel reads from `top - 2` to `top + h + 1`. The changed input is padded first, so that both
# cases, inside and at the border, are one.

# %% uses="06.4"
# your function with the 64 filters of VGG-19's first layer (without their biases), on the photo with a covered window
weight = filter_weights(load_network("vgg19"), "conv1_1")
y = F.conv2d(dog, weight, padding=1)
patch = torch.full((1, 3, 32, 32), 0.5)
covered = dog.clone()
covered[:, :, 96:128, 96:128] = patch
gap = (update(dog, y, weight, patch, 96, 96) - F.conv2d(covered, weight, padding=1)).abs().max()
print(f"largest difference to the whole convolution: {gap:.0e}")

# %% [markdown]
# `course_utils` does this for a whole network. A layer that it does not know gets the whole map, and it says so.

# %%
# the same scores, two ways
timed = {}
for method in ("full", "incremental"):
    begin = time.perf_counter()
    timed[method] = occlusion_scores(net, dog, window=32, stride=32, method=method, batch_size=16)
    print(f"{method}: {time.perf_counter() - begin:.1f} s")
gap = (timed["full"].scores - timed["incremental"].scores).abs().max()
print(f"largest difference: {gap:.0e}")
print(timed["incremental"].note)

# %% [markdown]
# Equal up to rounding. How much *time* is saved depends on your machine: cutting and pasting costs time, too.

# %% claim="both ways give the same scores"
assert gap < 1e-3 * timed["full"].drops().abs().max()

# %% [markdown]
# ## Who wins where?
#
# Zeiler and Fergus draw two more maps. One of them shows not how far one score falls, but **which class wins** when a place is covered. Where the map shows the usual class, the answer survives
# this cover at this place. Where another class appears, the cover was enough to change it. If two classes were nearly tied before, almost anything is enough.

# %% [markdown] notes="1" minutes=10
# Ask first: which class wins when the cat's face is covered? Then 06.5; it is 06.1 with another last line.

# %% [markdown] exercise="06.5" title="The winning class" points=2 difficulty=2 importance=3 minutes=8
# Cover one place after the other with the value `gray`, as in 06.1. For each place write down the index of the class with the largest score.


# %% exercise="06.5"
def winners(net, image, window, stride, gray):
    """The class that wins with the window at each place.

    net: net(image) gives scores (1, classes); image: (1, 3, H, W)
    window, stride: in pixels; gray: the value that covers
    returns: (rows, columns), class indices
    """
    ### BEGIN SOLUTION
    height, width = image.shape[2:]
    rows = math.ceil((height - window) / stride) + 1
    columns = math.ceil((width - window) / stride) + 1
    grid = torch.zeros(rows, columns, dtype=torch.long)
    with torch.no_grad():
        for i in range(rows):
            for j in range(columns):
                top, left = i * stride, j * stride
                covered = image.clone()
                covered[:, :, top : top + window, left : left + window] = gray
                grid[i, j] = net(covered)[0].argmax()
    return grid
    ### END SOLUTION


check("06.5", winners)

# %% [markdown] fold="Hint"
# The loops of 06.1. No target and no clean score are needed: `net(covered)[0]` holds the scores of all classes, and `argmax()` gives the index of the largest one.

# %% [markdown] fold="I get: numbers with a point, such as 2.0"
# `torch.zeros(rows, columns)` holds numbers with a point, and class indices are whole numbers. Both are accepted; `dtype=torch.long` makes whole ones.

# %% picture="06.5"
# your map for two photos: one color for each class that wins somewhere
shades = {
    "red": (0.8, 0.2, 0.2),
    "blue": (0.2, 0.4, 0.8),
    "yellow": (0.9, 0.7, 0.2),
    "green": (0.3, 0.6, 0.3),
}
palette = torch.tensor(list(shades.values()))
pictures, titles, wins = [], [], {}
for name in ("cat", "spoonbill"):
    grid = winners(net, photo(name), 64, 32, 0.5).long()
    clean = [f"{word} {p:.2f}" for word, p in net.predict(photo(name))[0][:2]]
    classes, counts = grid.unique(return_counts=True)
    wins[name] = {net.category(int(c)): int(n) for c, n in zip(classes, counts, strict=True)}
    colors = palette[torch.searchsorted(classes, grid) % len(palette)].permute(2, 0, 1)
    drawn = colors.repeat_interleave(32, 1).repeat_interleave(32, 2)
    pictures += [photo(name)[0], F.pad(drawn, (16, 16, 16, 16), value=1.0)]
    said = [
        f"{shade}: {word}, {n}"
        for shade, (word, n) in zip(shades, wins[name].items(), strict=False)
    ]
    titles += ["not covered:\n" + "\n".join(clean), "\n".join(said)]
show_images(pictures, titles, columns=4)

# %% [markdown]
# One square stands for one place of the window, around its center; the numbers in the titles count them. For the cat two kinds of cat share the map, at its borders as on the face. They were nearly equal before anything was covered: this map shows the tie, not where the cat is. For the bird most squares keep its label. A few change it: nearly all of these windows cover a part of the bird at the left. The bird at the right border can be
# covered without a change.

# %% claim="the cat's map is shared by two cats that were nearly equal; the bird keeps its label at most places, not at all"
cats = net.predict(photo("cat"))[0]
assert cats[0][1] < 1.5 * cats[1][1]
assert min(wins["cat"].values()) >= 8
assert 24 <= wins["spoonbill"]["spoonbill"] < 36
for i_here, j_here in (grid != net.class_index("spoonbill")).nonzero().tolist():
    assert (
        49 - 64 < 32 * i_here < 133 and 75 - 64 < 32 * j_here < 123
    )  # the bird's rows and columns

# %% [markdown]
# ## Explore
#
# Drag the window over the photo and watch the probabilities. Can you cover the dog's head so that another class wins? *Full map* covers every place in turn; a smaller step takes longer.

# %%
# cover a part, and see what the network still believes
explorers.Occlusion(net)

# %% [markdown]
# ## What this picture does not show
#
# **A network that knows nothing.** With random weights, what does the map look like?

# %% [markdown] notes="1" minutes=6
# Votes for one and for two strawberries before the cell. The sentences to keep: no drop is not the same as no use; cover the pair.

# %%
# random weights, the same photo, the same class; each map has its own scale, so compare places. Above: the correlation with the first map
cases = {"trained": (net, "gray"), "blur": (net, "blur")}
cases |= {f"random {seed}": (randomized(net, seed=seed), "gray") for seed in range(3)}
maps, titles, similar = [], [], {}
for name, (one, cover) in cases.items():
    heat = occlusion(one, dog, "dalmatian", stride=32, baseline=cover)[0]
    maps.append(heat / heat.abs().max())
    similar[name] = torch.corrcoef(torch.stack([maps[0], maps[-1]]).flatten(1))[0, 1].item()
    titles.append(f"{name}: {similar[name]:+.2f}")
show_images(maps, titles, columns=5, cmap="RdBu_r", vmin=-1, vmax=1)

# %% [markdown]
# The map of the trained network is gone: other weights change it more than another cover. (But the blur has another darkest place: the forehead, not the ear.) Such a test belongs to every map (Adebayo et al., 2018; lesson 07).

# %% claim="random weights: another map, for three draws; another cover: nearly the same map, but another darkest place"
assert similar["blur"] > 0.7
assert divmod(maps[0].argmax().item(), 224) == (64, 128)
assert divmod(maps[1].argmax().item(), 224) == (32, 64)
assert not maps[1][64, 128] > 0.8
for seed_here in range(3):
    assert abs(similar[f"random {seed_here}"]) < 0.5
    assert not similar[f"random {seed_here}"] > 0.7

# %% [markdown]
# **Two of the same.** Occlusion removes one place at a time. What if the evidence is there twice?
#
# **Predict, run, explain.** Two photos: in the first, the left half shows strawberries and the right half is gray; the second holds the same left half twice. In which of them does the probability $p$ of "strawberry" fall more when one
# window is covered? And the *log-odds* $\log\frac{p}{1 - p}$? They have no flat end near $p = 1$. (Nor has the score; but it also falls when *all* scores fall alike, and $p$ does not.)

# %%
# one copy and two copies of the same evidence, asked in two ways; each row of maps has one scale
half = photo("strawberry", (224, 112))
both = torch.cat([torch.cat([half, right], dim=3) for right in (torch.full_like(half, 0.5), half)])
berry = net.class_index("strawberry")


def log_odds(scores):
    return torch.logit(scores.softmax(1)[:, berry])


asked = occlusion_scores(net, both, log_odds, window=56, stride=28)
ways = {"probability": torch.sigmoid, "log-odds": torch.clone}
pictures, titles, alone = [], [], {}
for of, change in ways.items():
    clean = change(asked.clean)
    grids = clean[:, None, None] - change(asked.scores)
    top = grids.abs().max().item()
    for image, grid in zip(both, grids / top, strict=True):
        drawn = grid.repeat_interleave(28, 0).repeat_interleave(28, 1)
        pictures += [image, F.pad(drawn, (14, 14, 14, 14))]
        titles += ["", f"{of}, {-top:.1f} to {top:.1f}"]
    # mean drop: of the windows on one copy, and of those on the left and on the right of two
    alone[of] = [g.mean().item() for g in (grids[0, :, :3], grids[1, :, :3], grids[1, :, 4:])]
    print(
        f"{of}: clean {clean[0]:.2f} and {clean[1]:.2f}; mean drop: one copy {alone[of][0]:.3f}; two copies, left {alone[of][1]:.3f}, right {alone[of][2]:.3f}"
    )
show_images(pictures, titles, columns=4, cmap="RdBu_r", vmin=-1, vmax=1)

# %% [markdown]
# At the same places the probability falls by less than half as much with two copies, and the log-odds nearly as much. So most of it is the softmax: with two copies the network is *surer*, and where it is sure, the probability hardly moves.
#
# Does one copy also stand in for the other? Then a window *and* its copy cost more than the sum of both. The control: a left window with a right one that is *not* its copy.

# %%
# each of the 21 windows on the left together with one on the right: with its copy (shift 0), and with each of the 20 others
gray = baseline_images(both[1:], "gray")
corners = [(28 * i, 28 * j) for i in range(7) for j in range(3)]
shifted = []
for shift in range(21):
    partners = corners[shift:] + corners[:shift]
    batch = [
        covered_by(both[1:], gray, (t, x, 56), (other_t, other_x + 112, 56))
        for (t, x), (other_t, other_x) in zip(corners, partners, strict=True)
    ]
    with torch.no_grad():
        shifted.append(log_odds(net(torch.cat(batch))))
together = {}
print("mean drop     left + right    with its copy    with another: mean (smallest to largest)")
for of, change in ways.items():
    copied, *others = (change(asked.clean[1]) - change(torch.stack(shifted))).mean(1).tolist()
    together[of] = sum(alone[of][1:]), copied, sum(others) / 20, min(others), max(others)
    print("{:11} {:14.3f} {:16.3f} {:17.3f} ({:.3f} to {:.3f})".format(of, *together[of]))

# %% [markdown]
# A window and its copy cost more than the sum of both, and more than with any of the 20 strangers: this is what you see if one copy stands in for the other. (It is no proof: a copy is also the partner of equal strength, and at the same height.) That is a third more than their mean in the probability, and a sixth in the log-odds, where the nearest stranger comes close. A pale map of probabilities does not mean "the network does not use this". Two methods cover many places at once. LIME cuts the photo into a few dozen pieces, covers random sets of them, and fits a weighted sum of "piece seen or not" to the scores; the weights are its map. RISE covers the photo with random coarse masks and takes the mean of the masks, each weighted by the score that it leaves. (The papers are below.) Other limits:
#
# - A photo with a gray square is unlike nearly all photos of the training. A part of the drop may be surprise, not loss of evidence. (Some networks
#   are trained on photos with random rectangles of noise: Random Erasing, Zhong et al., 2020.)
# - It costs one forward pass for each place; a saliency map (lesson 07) costs one forward and one backward pass in all, but speaks of small changes only.

# %% claim="two copies: both together cost half more than the sum in the probability, little more in the log-odds, with three covers; more than with each of the 20 other windows; log-odds fall nearly as much as with one"
for cover_here in ("mean", "blur"):
    excess = {}
    what_here = baseline_images(both[1:], cover_here)
    covered_here = []
    for shifts in ((0,), (112,), (0, 112)):
        squares_here = [[(t, x + shift, 56) for shift in shifts] for t, x in corners]
        with torch.no_grad():
            batch_here = torch.cat([covered_by(both[1:], what_here, *q) for q in squares_here])
            covered_here.append(log_odds(net(batch_here)))
    for of_here, change_here in (("probability", torch.sigmoid), ("log-odds", torch.clone)):
        left_here, right_here, both_here = (
            (change_here(asked.clean[1]) - change_here(value)).mean().item()
            for value in covered_here
        )
        excess[of_here] = both_here / (left_here + right_here)
    assert 1.27 < excess["probability"] < 1.75
    assert not excess["log-odds"] > 1.27
assert alone["probability"][1] < 0.55 * alone["probability"][0]
assert alone["log-odds"][1] > 0.75 * alone["log-odds"][0]
for in_what, at_least, at_most in (("probability", 1.25, 1.5), ("log-odds", 1.13, 1.23)):
    of_both, with_copy, mean_other, smallest_other, largest_other = together[in_what]
    assert with_copy > 1.05 * of_both
    assert at_least < with_copy / mean_other < at_most
    assert with_copy > 1.02 * largest_other
    assert not mean_other > 1.2 * of_both

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("06")

# %% [markdown]
# ## Summary
#
# - Cover a window, measure the drop of the score, average the drops over the windows of each pixel.
# - Red: lower with the cover than with what was there. Blue: higher. Cover and window are choices, and the sign hangs on both; compare several.
# - A window reaches only a part of the early layers, and in the end the whole map. Recomputing only what it reaches gives the same answer, up to rounding, with fewer multiplications.
# - Test a map on a photo whose answer you know. Where the network is sure, the probability hides what the log-odds show.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Nakandala, Kumar, Papakonstantinou: *Incremental and Approximate Inference for Faster Occlusion-based Deep CNN Explanations*, SIGMOD 2019. Many random places at once: Ribeiro, Singh, Guestrin: *"Why Should I Trust You?" Explaining the Predictions of Any Classifier*, KDD 2016 (LIME). Petsiuk, Das, Saenko: *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018. Adebayo et al.: *Sanity Checks for Saliency Maps*, NeurIPS 2018. Zhong et al.: *Random Erasing Data Augmentation*, AAAI 2020.
