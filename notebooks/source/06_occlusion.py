# %% [markdown] lesson="06" title="Occlusion: cover a part and see what happens" minutes=80 needs="00"
# You will be able to: measure how much a class score depends on each part of a photo, by covering it; choose window, stride and cover; say what a
# map means when its color is blue; and compute such a map several times faster without changing the answer.

# %% tags=["setup"]
import math
import time

import torch
import torch.nn.functional as F
from IPython.display import display

from course_utils import check, explorers, load_network, photo, quiz, show_heat, show_images
from course_utils.activations import occlusion, occlusion_scores
from course_utils.filters import filter_weights
from course_utils.networks import randomized

# %%
# the result first: where it hurts the score to cover the photo
net = load_network("efficientnet_lite0")
dog = photo("dalmatian")
show_heat(
    dog,
    occlusion(net, dog),
    signed=True,
    title=f"{net.predict(dog)[0][0][0]}: red hurts, blue helps",
)

# %% [markdown]
# A gray square was put on the photo, at 169 places. Where the map is red, the score of the class fell when the square was there. No gradient was
# used, and the inside of the network was not opened: only its answers were compared. The darkest red is on the dog's ear. (Lesson 07 cuts the dog out with the help of another
# map, and part of this ear is then taken for background. Two maps of one photo can disagree; both lessons say how to test a map.)

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
# Let $S_c(x)$ be the score of class $c$ for the image $x$, and $x_w$ the same image with the window $w$ covered. The **drop** of this window is
#
# $$d_w = S_c(x) - S_c(x_w) .$$
#
# The window moves by `stride` pixels. A pixel lies in several windows; its value in the map is the mean of their drops:
#
# $$M_{ij} = \frac{1}{n_{ij}} \sum_{w \ni (i,j)} d_w , \qquad n_{ij} = \text{number of windows over pixel } (i,j) .$$
#
# Red ($d > 0$): what was covered speaks *for* the class. Blue ($d < 0$): it speaks *against* it. (Zeiler & Fergus, 2014, draw the probability of the class. In their
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
# also covered its neighbors. A map is never sharper than its window.

# %% [markdown]
# How many places does a window have? The windows begin at 0, `stride`, 2 `stride`, ... The last one is the first that reaches the border; what hangs over is cut off.

# %%
# a side of 11 pixels, window 4, stride 3: the last window has only 2 pixels
size, window, stride = 11, 4, 3
steps = math.ceil((size - window) / stride) + 1
steps, [i * stride for i in range(steps)]

# %% [markdown] exercise="06.1" title="Build it: the grid of drops" points=3 difficulty=2 importance=5 minutes=15
# Cover one place after the other with the value `gray`, and write down how far the score of `target` falls. The result has one row for each vertical place
# of the window.


# %% exercise="06.1"
def drop_grid(net, image, target, window, stride, gray):
    """How far the score falls with the window at each place.

    net: net(image) gives scores (1, classes); image: (1, 3, H, W); target: a class index
    window, stride: in pixels; gray: the value that covers
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
# your grid for the dog: 36 places, one number each
label = net.class_index("dalmatian")
grid = drop_grid(net, dog, label, 64, 32, 0.5)
top = grid.abs().max().item()
show_images([dog[0], grid], ["photo", "your grid of drops"], cmap="RdBu_r", vmin=-top, vmax=top)

# %% [markdown] exercise="06.2" title="Build it: from the grid to the map" points=2 difficulty=3 importance=4 minutes=12 own="course_utils.activations:plain_occlusion"
# Give every pixel the mean drop of the windows that cover it. Windows over the border are cut.


# %% exercise="06.2"
def spread(drops, height, width, window, stride):
    """The occlusion map from the grid of drops.

    drops: (rows, columns); height, width: of the image; window, stride: in pixels
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
show_heat(dog, spread(scores.drops()[0], 224, 224, 32, 16), signed=True, title="your map")

# %% [markdown]
# ## What do you cover with?
#
# There is no picture of "nothing". A gray square is itself something to see: it has edges and a color.
#
# **Predict, run, explain.** The same photo, covered with gray, with its mean color, with a blurred version of itself, and with noise. Will the four maps
# (a) be equal, (b) agree on the main place and differ elsewhere, (c) have nothing in common? Write your answer down, then run the cell.

# %% [markdown] notes="1" minutes=5
# Ask what a picture of nothing looks like. Then votes, then the cell.

# %%
# four covers, one color scale
covers = ("gray", "mean", "blur", "noise")
maps = [occlusion(net, dog, baseline=cover)[0] for cover in covers]
top = max(heat.abs().max().item() for heat in maps)
show_images(maps, covers, columns=4, cmap="RdBu_r", vmin=-top, vmax=top)

# %% [markdown]
# The main place is the same. Weak places differ, and many change their sign. Trust what survives more than one cover.

# %% claim="four covers: the main place agrees, a fifth of the pixels change their sign"
peaks = torch.tensor([divmod(heat.argmax().item(), 224) for heat in maps])
assert (peaks.max(0).values - peaks.min(0).values).max() <= 32  # one window
positive = torch.stack(maps) > 0
assert (positive.any(0) & ~positive.all(0)).float().mean() > 0.2

# %%
# window and stride: large windows find regions, small ones find parts, and each costs time
sizes = (64, 32, 24)
sweeps = [occlusion_scores(net, dog, window=size, stride=max(size // 2, 12)) for size in sizes]
titles = [
    f"window {size}: {sweep.scores[0].numel()} places"
    for size, sweep in zip(sizes, sweeps, strict=True)
]
maps = [sweep.maps()[0] for sweep in sweeps]
top = max(heat.abs().max().item() for heat in maps)
display(show_images(maps, titles, cmap="RdBu_r", vmin=-top, vmax=top))
for size, sweep in zip(sizes, sweeps, strict=True):
    drops = sweep.drops()
    print(
        f"window {size}: mean size of a drop {drops.abs().mean():.2f}, largest drop {drops.max():.2f}"
    )

# %% [markdown]
# The three maps share one scale. A typical drop is smaller with a small window. The largest drop is not: something that matters much fits into the smallest window, too.

# %% claim="with smaller windows the mean drop shrinks, and the largest one does not"
typical = [sweep.drops().abs().mean().item() for sweep in sweeps]
largest = [sweep.drops().max().item() for sweep in sweeps]
assert typical[0] > 1.15 * typical[1]
assert typical[1] > 1.1 * typical[2]
assert min(largest) > 0.8 * max(largest)

# %% [markdown]
# ## Which class, and where is it?
#
# A map belongs to a class. To see that, put two animals in one photo: a bird on the left, a dalmatian on the right. ImageNet calls the bird a *spoonbill*. Look at its bill: it is
# thin and bent, not flat like a spoon. It is a white ibis, and the label is wrong. A network learns the labels that people gave, with their errors.

# %% [markdown] notes="1" minutes=5
# Ask for the two maps in words before you run the cell: which half is red for which question?

# %%
# the same photo, two questions
pair = torch.cat([photo("spoonbill", (224, 112)), photo("dalmatian", (224, 112))], dim=3)
classes = ["spoonbill", "dalmatian"]
maps = torch.cat([occlusion(net, pair, name, window=64, stride=32) for name in classes])
show_heat(torch.cat([pair, pair]), maps, classes, signed=True)

# %%
# class against background in numbers: the mean drop on each half
for name, heat in zip(classes, maps, strict=True):
    left, right = heat[:, :112].mean(), heat[:, 112:].mean()
    print(f"{name:>10}: {left:+.2f} on the left, {right:+.2f} on the right")

# %% [markdown]
# For each question the drop is larger on the half of its own animal. This is a test with a known answer: you put the animals there yourself. Do such a test before you
# believe a map whose answer you do not know. And do not read more from it than it says. Exchange the two halves: the order stays, but now covering the dog itself *raises* the score of "dalmatian" a little. (One possible reason: a window of
# 64 pixels leaves most of its spots. How would you test this?) The colors depend on the rest of the photo; the order is what the two photos share.

# %% claim="the drop is larger on the own half, also with the halves exchanged; there the dog's own half is not positive"
exchanged = pair.roll(112, dims=3)
for which, heat_here in zip(classes, maps, strict=True):
    halves_here = heat_here[:, :112].mean(), heat_here[:, 112:].mean()
    there = occlusion(net, exchanged, which, window=64, stride=32)[0]
    halves_there = there[:, 112:].mean(), there[:, :112].mean()
    own = 0 if which == "spoonbill" else 1
    assert halves_here[own] - halves_here[1 - own] > 0.2
    assert halves_there[own] - halves_there[1 - own] > 0.2
assert halves_there[1] < 0

# %% [markdown] fold="Think: why can covering the dog raise the score of the spoonbill?"
# One idea: the features of a dog speak against other classes, and when the dog is hidden, that vote is gone. How would you test it? Look at the last linear layer's weights for both classes, or cover the dog with another animal.

# %% [markdown]
# ## Faster, with the same answer
#
# A window of 32 × 32 covers 2 % of the photo. Why run the whole network again? Outside of what the window can reach, every value in every layer is
# the one from the clean photo. Keep the clean values, and recompute only the part that is reached. This is the receptive field (lesson 05), read in the other direction.
#
# Take one axis. The inputs from `start` to `stop - 1` have changed. A layer with kernel $k$, stride $s$ and padding $p$ has outputs $o = 0, 1, \dots$ Output $o$ sees the inputs
# $o\,s - p$ to $o\,s - p + k - 1$. Which outputs can have changed?
#
# In the head: $k = 3$, $s = 1$, $p = 1$; the inputs 4 and 5 have changed. Output 3 sees 2, 3, 4; output 6 sees 5, 6, 7. So it is 3 to 6: one more on each side.

# %% [markdown] notes="1" minutes=19
# Draw the cone from a window upward. 06.3 by hand for one layer first, with kernel 3 and stride 2. If time is short,
# catch up and show only the times.

# %% [markdown] exercise="06.3" title="What does the window reach?" points=2 difficulty=4 importance=3 minutes=15 own="course_utils.engines.incremental:Local.reach"
# Return `(first, last + 1)`: the outputs of one layer that see a changed input, cut to the outputs that exist. There are `(size + 2 * padding - kernel) // stride + 1` of them.


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
# follow a window of 32 pixels through the first layers of VGG-19: how much of each map must be computed again?
start, stop, size = 96, 128, 224
for block, convolutions in enumerate((2, 2, 4, 4, 4), 1):
    for _ in range(convolutions):
        start, stop = reached(start, stop, 3, 1, 1, size)
    print(
        f"block {block}: {stop - start:3} of {size:3} rows, {((stop - start) / size) ** 2:4.0%} of the map"
    )
    start, stop = reached(start, stop, 2, 2, 0, size)
    size = size // 2

# %% [markdown]
# In the first blocks a few percent are enough. At the end the window reaches everything. So there is a limit to what can be saved.

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
# your function on the first layer of VGG-19: the new answers of its 64 filters after a window is covered
weight = filter_weights(load_network("vgg19"), "conv1_1")
y = F.conv2d(dog, weight, padding=1)
patch = torch.full((1, 3, 32, 32), 0.5)
covered = dog.clone()
covered[:, :, 96:128, 96:128] = patch
gap = (update(dog, y, weight, patch, 96, 96) - F.conv2d(covered, weight, padding=1)).abs().max()
print(f"largest difference to the whole convolution: {gap:.0e}")

# %% [markdown]
# `course_utils` does this for every layer of a network: convolutions with any stride, padding, dilation and groups, pooling, batch norm, activations, residual additions and the mean at the
# end. What it does not know gets the whole map, and it says so.

# %%
# the same scores, two ways, and the time of each
timed = {}
for method in ("full", "incremental"):
    begin = time.perf_counter()
    timed[method] = occlusion_scores(net, dog, window=32, stride=32, method=method, batch_size=16)
    print(f"{method:>12}: {time.perf_counter() - begin:.1f} s")
gap = (timed["full"].scores - timed["incremental"].scores).abs().max()
print(f"largest difference: {gap:.0e}")
print(timed["incremental"].note)

# %% [markdown]
# ## Who wins where?
#
# Zeiler and Fergus draw a second map: not how far one score falls, but **which class wins** when a place is covered. Where the map shows the usual class, the answer does not hang on
# this place alone. Where another class appears, it does.

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
    classes, counts = grid.unique(return_counts=True)
    wins[name] = {net.category(int(c)): int(n) for c, n in zip(classes, counts, strict=True)}
    colors = palette[torch.searchsorted(classes, grid) % len(palette)]
    pictures += [photo(name)[0], colors.permute(2, 0, 1)]
    said = [
        f"{shade}: {word}, {n}"
        for shade, (word, n) in zip(shades, wins[name].items(), strict=False)
    ]
    titles += ["photo", "\n".join(said)]
    print(name, [f"{word} {p:.2f}" for word, p in net.predict(photo(name))[0][:3]])
show_images(pictures, titles, columns=4)

# %% [markdown]
# One square stands for one place of the window; the numbers in the titles count them. For the cat two kinds of cat share the map. They were nearly equal before anything was covered (see the printed probabilities), so a small change decides. For the bird most squares keep its label: no such place
# *alone* is needed. A few change it, and the new class need not be near in meaning.

# %% claim="the cat's map is shared by two cats that were nearly equal; the bird keeps its label at most places, not at all"
cats = net.predict(photo("cat"))[0]
assert cats[0][1] < 1.5 * cats[1][1]
assert min(wins["cat"].values()) >= 8
assert 24 <= wins["spoonbill"]["spoonbill"] < 36

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
# Votes for one and for two strawberries before the cell. The sentence to keep: no drop is not the same as no use.

# %%
# random weights, the same photo, the same class; each map has its own scale here, so compare places, not colors
nothing = randomized(net)
maps = [occlusion(one, dog, "dalmatian")[0] for one in (net, nothing)]
scaled = [heat / heat.abs().max() for heat in maps]
names = ["photo", "trained", "random weights"]
show_images([dog[0], *scaled], names, cmap="RdBu_r", vmin=-1.05, vmax=1.05)

# %% [markdown]
# The map of the trained network is gone. What is left is how a gray square changes an arbitrary sum of filters.


# %% claim="random weights: another map, for four draws of the weights; another cover: nearly the same map"
def likeness(one_map, other_map):
    return torch.corrcoef(torch.stack([one_map.flatten(), other_map.flatten()]))[0, 1].item()


for seed in range(4):
    drawn = occlusion(randomized(net, seed=seed), dog, "dalmatian")[0]
    assert abs(likeness(maps[0], drawn)) < 0.5
    assert likeness(maps[0], occlusion(net, dog, "dalmatian", baseline="mean")[0]) > 0.8

# %% [markdown]
# **Two of the same.** Occlusion removes one place at a time. What if the evidence is there twice?
#
# **Predict, run, explain.** Two photos: in the first, the left half shows strawberries and the right half is gray; the second holds the same left half twice. In which of them does the *probability* of "strawberry" fall more when one
# window is covered? And the *score*?

# %%
# one copy and two copies of the same evidence, asked in two ways; the maps share one scale
half = photo("strawberry", (224, 112))
both = torch.cat([torch.cat([half, right], dim=3) for right in (torch.full_like(half, 0.5), half)])
largest_drop = {}
for of in ("probability", "score"):
    found = occlusion_scores(net, both, "strawberry", of=of, window=64, stride=32)
    maps = found.maps()
    top = maps.abs().max().item()
    largest_drop[of] = found.drops().flatten(1).max(1).values.tolist()
    if of == "probability":
        pictures = [both[0], maps[0], both[1], maps[1]]
        display(
            show_images(
                pictures, ["one", "", "two", ""], columns=4, cmap="RdBu_r", vmin=-top, vmax=top
            )
        )
    one, two = largest_drop[of]
    print(f"{of} of the whole photo: {found.clean[0]:.2f} with one, {found.clean[1]:.2f} with two")
    print(f"largest drop of the {of}: {one:.2f} with one, {two:.2f} with two")

# %% [markdown]
# With two copies the probability falls much less. Does the network not need them? Look at the score: it falls nearly as much. With two copies the network is *surer*, and where it is sure the softmax is flat: the score may fall, and the probability hardly moves.
# So a pale map of probabilities does not mean "the network does not use this". Draw the score, and always say which of the two you drew. And other limits:
#
# - The map is as coarse as the window, and its edges are the window's edges.
# - A covered photo is a photo that the network was never trained on. A part of the drop may be surprise, not loss of evidence.
# - It costs one forward pass for each place; a saliency map (lesson 07) costs one forward and one backward pass in all, but speaks of small changes only.

# %% [markdown]
# Two relatives cover many places at once, in random patterns. LIME (2016) hides random sets of regions and fits a linear model to the scores: its weights are the map. RISE (2018) hides with many
# random masks and adds the masks up, each multiplied by the score that was left.

# %% claim="two copies: the probability falls much less; the score, without the softmax, does not"
assert largest_drop["probability"][1] < 0.7 * largest_drop["probability"][0]
assert not largest_drop["score"][1] < 0.7 * largest_drop["score"][0]

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
# - Red: for the class. Blue: against it. The cover is a choice; compare several.
# - A window reaches only a part of each layer. Recomputing only that part gives the same answer in less time.
# - Test a map on a photo whose answer you know. Where the network is sure, the probability hides what the score shows.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Nakandala, Kumar, Papakonstantinou: *Incremental and Approximate Inference for
# Faster Occlusion-based Deep CNN Explanations*, SIGMOD 2019. Ribeiro, Singh, Guestrin: *"Why Should I Trust You?" Explaining the Predictions of Any Classifier* (LIME), KDD 2016. Petsiuk, Das, Saenko: *RISE: Randomized Input Sampling for
# Explanation of Black-box Models*, BMVC 2018. Adebayo et al.: *Sanity Checks for Saliency Maps*, NeurIPS 2018.
