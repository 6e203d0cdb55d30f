# %% [markdown] lesson="13" title="Texture: pixel by pixel, and by Gram matrices" minutes=105 needs="02"
# You will be able to: grow a texture from a small sample, one pixel after the other, without any network; say what a Gram matrix keeps
# and what it throws away; make a texture from noise with the feature maps of VGG-19; and say for each method on which texture it fails.

# %% tags=["setup"]
import time

import torch

from course_utils import check, explorers, layer_outputs, load_network, photo, quiz, show_images
from course_utils.fun import (
    copy_pixels,
    efros_leung,
    efros_leung_sources,
    gram_matrix,
    synthesize_texture,
    texture_loss,
    wei_levoy,
)
from course_utils.hooks import forward_to
from course_utils.networks import randomized
from course_utils.stimuli import on_paper, texture_sample

# %%
# the result first: a small sample, and more of the same
coral = texture_sample("coral", 64)
grown = efros_leung(coral, 96, window=13)
show_images([on_paper(coral, 96), grown], ["the sample", "grown from it"], width=6)

# %% [markdown]
# (The course's coral, leaves, pebbles, scales, weave and wood were drawn by a program; it is in `data/textures`. Brick is a photo.) The right picture is not one copy: compare the islands. Yet you would say that both are the same material. Every pixel was
# taken from the sample, without any network. You will build this first, and then a method that does use a network.

# %% [markdown] notes="1" minutes=4
# Cover the titles and ask which picture is the original. Then ask what "the same texture" means if no two places are equal. Collect answers; come
# back to them at the Gram matrix.

# %% [markdown]
# ## Pixel by pixel
#
# **Efros and Leung (1999)** begin with a seed of $3\times 3$ pixels from the sample and add pixels around it, one at a time. To find the color of the next pixel, look
# at the square window around it. Some of its pixels are already known. Compare this window $W$ with every window $P$ of the sample:
#
# $$d(W, P) = \frac{\sum_{i} m_i\, g_i\, \lVert W_i - P_i \rVert^2}{\sum_{i} m_i\, g_i} .$$
#
# Here $i$ runs over the pixels of the window; $m_i$ is 1 if pixel $i$ is known and 0 if not; $g_i$ is a weight that is large in the middle (a Gaussian); and
# $\lVert W_i - P_i\rVert^2$ adds up the squared differences of the three colors. Then take one of the windows with a small distance, **by chance**, and copy its middle pixel.
#
# So the texture is treated like a language: what usually comes after these neighbors? (The idea comes from Shannon, who in 1948 wrote English-like text by asking which letters follow the last ones.)

# %% [markdown] notes="1" minutes=4
# Play it with the room: you show a window with one pixel missing, they look for the same window in the sample.

# %% [markdown]
# ## In the head first
#
# A picture with one row. The sample is `5 1 2 5 1 2 7 1 2 5`. The picture so far ends with `… 1 2 ?`. You look at
# the two pixels before the question mark. Which values can follow them, and how often each? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=16
# The row of numbers on paper. Type the distance with the room; 13.2 is for them: then their picture grows. Then the map of positions: ask where
# it copies.

# %%
# where does "1 2" occur in the sample, and what follows it?
sample = torch.tensor([5, 1, 2, 5, 1, 2, 7, 1, 2, 5])
pieces = sample.unfold(0, 3, 1)  # all pieces of 3 numbers
matches = pieces[(pieces[:, 0] == 1) & (pieces[:, 1] == 2)]
pieces, matches[:, 2]

# %% [markdown]
# A 5 follows two times, a 7 one time. So draw 5 with probability 2/3 and 7 with probability 1/3. No probability was ever written down: the sample itself is the
# table. In a photo hardly two windows are equal, so all windows that fit *nearly* as well as the best one take part in the draw. How many? You will count.

# %% [markdown] exercise="13.1" title="Build it: the distance of two windows" points=3 difficulty=2 importance=4 minutes=10 own="course_utils.fun.plain_efros_leung:window_errors"
# Compare one window with many patches of the sample, by the formula above. Return one distance for each patch.


# %% exercise="13.1"
def window_distance(window, known, weights, patches):
    """The weighted mean squared difference over the known pixels.

    window: (3, w, w), with 0 where nothing is written yet (a written pixel can be 0 as well)
    known: (w, w), 1 where the window is written and 0 elsewhere
    weights: (w, w), large in the middle
    patches: (n, 3, w, w), windows of the sample
    returns: (n,)
    """
    ### BEGIN SOLUTION
    counts = known * weights
    squares = (patches - window) ** 2
    return (squares * counts).sum(dim=(1, 2, 3)) / counts.sum()
    ### END SOLUTION


check("13.1", window_distance)

# %% [markdown] fold="Hint"
# `patches - window` broadcasts to `(n, 3, w, w)`, and `known * weights` fits to its last two dimensions. Sum over dimensions 1, 2 and 3. The sum below the fraction has no colors
# in it.

# %% picture="13.1"
# your distances: a window of which only the upper half is known, and all places of the sample
patches = coral[0].unfold(1, 13, 1).unfold(2, 13, 1)  # (3, 52, 52, 13, 13)
places = patches.permute(1, 2, 0, 3, 4).reshape(-1, 3, 13, 13)
known = torch.ones(13, 13)
known[6:] = 0
bell = torch.exp(
    -((torch.arange(13) - 6.0) ** 2) / (2 * (13 / 6.4) ** 2)
)  # sigma of the paper: window / 6.4
weights = bell[:, None] * bell
window = places[30 * 52 + 20] * known
distances = window_distance(window, known, weights, places).view(52, 52)
best = places[distances.flatten().argsort()[:3]]  # the first is the window's own place
show_images(
    [window, -distances, *best],
    ["window, half known", "bright: fits well", "best", "second", "third"],
)

# %% [markdown] exercise="13.2" title="Build it: the next pixel" points=2 difficulty=2 importance=4 minutes=6 own="course_utils.fun.plain_efros_leung:plain_efros_leung"
# Of all distances, keep those that are at most $(1 + \text{tolerance})$ times the smallest. Choose one of them with a random number $u$ between 0 and 1, which
# is given: number `int(u * how many)`, counted from 0, in the order in which they stand in `patches` (do not sort). Return the color in the middle of that patch.


# %% exercise="13.2"
def next_pixel(distances, patches, tolerance, u):
    """The color of the next pixel, copied from one of the good matches.

    distances: (n,), patches: (n, 3, w, w), w is odd
    tolerance: such as 0.1, u: a random number, 0 <= u < 1
    returns: (3,), the middle pixel of the chosen patch
    """
    ### BEGIN SOLUTION
    good = (distances <= (1 + tolerance) * distances.min()).nonzero().flatten()
    middle = patches.shape[-1] // 2
    return patches[good[int(u * len(good))], :, middle, middle]
    ### END SOLUTION


check("13.2", next_pixel)

# %% [markdown] fold="Hint"
# `condition.nonzero().flatten()` gives the places where a condition holds. Take one of these places. The middle of a side of 5 is place 2, which is `5 // 2`.

# %% [markdown] solution="13.2"
# `<=` and not `<`: with tolerance 0, or with a distance of exactly 0, the best match itself must stay in the draw.

# %% [markdown]
# These two are the middle of the program. Around them: a seed of 3 × 3 pixels, an order of places (from the seed outward), and a window around each place. Here it is, with *your* two functions inside.

# %% picture="13.2"
# your texture: it grows around the seed, one pixel after the other, from a small piece of wood;
# for each pixel we keep how many windows took part in the draw, and whether the best fits exactly
wood = texture_sample("wood", 32)
side, half = 32, 4  # of the result; half a window: 9 x 9
pieces = wood[0].unfold(1, 9, 1).unfold(2, 9, 1).permute(1, 2, 0, 3, 4).reshape(-1, 3, 9, 9)
bell = torch.exp(-((torch.arange(9) - 4.0) ** 2) / (2 * (9 / 6.4) ** 2))  # sigma as above
mine = torch.zeros(3, side + 2 * half, side + 2 * half)  # with a border that stays unknown
written = torch.zeros(mine.shape[1:])
seed = slice(half + side // 2 - 1, half + side // 2 + 2)
mine[:, seed, seed], written[seed, seed] = wood[0, :, 10:13, 10:13], 1
at = torch.arange(side) - side // 2
# places in the order of square rings around the seed; the small second part orders the places of one ring
rings = torch.maximum(at[:, None].abs(), at.abs()) + (at[:, None].abs() + at.abs()) / 100
stages, dice = [], torch.Generator().manual_seed(0)
several, exact = torch.zeros(side, side), torch.zeros(side, side)
for number, place in enumerate(rings.flatten().argsort().tolist()):
    y, x = place // side, place % side
    if not written[half + y, half + x]:
        around = slice(y, y + 9), slice(x, x + 9)
        fits = window_distance(mine[:, *around], written[around], bell[:, None] * bell, pieces)
        chance = torch.rand(1, generator=dice).item()
        several[y, x], exact[y, x] = (fits <= 1.1 * fits.min()).sum() > 1, fits.min() == 0
        mine[:, half + y, half + x] = next_pixel(fits, pieces, 0.1, chance)
        written[half + y, half + x] = 1
    if number in (8, 120, 480, side * side - 1):
        stages.append(mine[:, half:-half, half:-half].clone())
print(
    f"best window fits exactly: {exact.mean():.0%} of the pixels; more than one window in the draw: {several.mean():.0%}"
)
show_images(
    [wood[0], *stages, exact, several],
    ["the sample", "the seed", "121 pixels", "481", "all 1024", "exact fit", "several fit"],
    columns=7,
    width=10,
)

# %% [markdown]
# (White is yes.) Before you go on: why is there a white block around the seed, and no draw in it?
#
# The seed was copied, so its own place in the sample fits exactly: $d = 0$. And $(1 + 0.1)\cdot 0 = 0$, so nothing else may take part. The same holds for the next pixel, and so on: your first 121 pixels are a piece of the sample, unchanged. This ends where the source comes
# to the rim of the sample, since only whole windows are compared. There *another* place goes on, with an error; even then mostly one window alone lies within a tenth of the best. So in this sample, with only 24 × 24 windows, chance decides little: now and then a pixel outside of the block.

# %% claim="the first 121 pixels are a copied piece of the sample, all pixels are not; no draw where the fit is exact; a draw for few pixels"
assert torch.equal(stages[1][:, 11:22, 11:22], wood[0, :, 6:17, 6:17])
assert not torch.equal(stages[3][:, 5:, 5:], wood[0, :, :27, :27])
assert exact.mean() > 0.3 and several[exact > 0].sum() == 0 and 0.02 < several.mean() < 0.2

# %% [markdown]
# `efros_leung` does the same, and takes those pixels first that have the most neighbors.
#
# **Where do the pixels come from?** Give each pixel of the sample its own color by its position (red grows downward, green to the right), and look at
# these colors in the result.


# %%
# the sample's position of each pixel
def place_colors(places):
    """Places (H, W, 2) in a sample of 64 pixels, as colors (3, H, W)."""
    row, column = places[..., 0] / 63, places[..., 1] / 63
    return torch.stack([row, column, torch.full_like(row, 0.4)])


own_places = torch.stack(torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij"), dim=-1)
pebbles = texture_sample("pebbles", 64)
sources = efros_leung_sources(pebbles, 80, window=11)
key = on_paper(place_colors(own_places)[None], 80)
show_images(
    [on_paper(pebbles, 80), key, copy_pixels(pebbles, sources), place_colors(sources)],
    ["the sample", "its places", "grown", "from where?"],
    columns=4,
    width=9,
)

# %%
# the largest part that moved as one: the most frequent difference between a pixel's place and its source
here = torch.stack(torch.meshgrid(torch.arange(80), torch.arange(80), indexing="ij"), dim=-1)
shifts, counts = (sources - here).flatten(0, 1).unique(dim=0, return_counts=True)
piece = sources.flatten(0, 1)[((sources - here).flatten(0, 1) == shifts[counts.argmax()]).all(1)]
print(
    f"share of the result: {counts.max() / 80**2:.0%}; share of the sample: {len(piece) / 64**2:.0%}"
)

# %% [markdown]
# In each patch of smooth color the program copies a whole piece. Nearly half of the sample stands in the result as *one* piece, the one that began with the seed: **verbatim copying**. Where the color jumps, another piece goes on. You can find such seams in the picture: look for stones of two colors.

# %% claim="one piece is a large part of the sample"
assert len(piece) > 0.3 * 64**2
assert counts.max() > 0.2 * 80**2
assert torch.equal(shifts[counts.argmax()], (sources - here)[40, 40])

# %% [markdown]
# ## How large must the window be?
#
# **Predict, run, explain.** The basket below has bands that are 16 pixels wide. You grow it with windows of 7, 13 and 21 pixels. With which of them will the bands go over and under correctly? Write your answer
# down, then run the cell.

# %% [markdown] notes="1" minutes=5
# Votes for 7, 13, 21 before the cell.

# %%
# the same sample, three windows; below each result, where its pixels come from
basket = texture_sample("weave", 64)
origins = [efros_leung_sources(basket, 64, window=window) for window in (7, 13, 21)]
maps_of = [place_colors(one) for one in (own_places, *origins)]
show_images(
    [basket[0], *[copy_pixels(basket, one)[0] for one in origins], *maps_of],
    ["the sample", "window 7", "window 13", "window 21", "its places", *["from where?"] * 3],
    columns=4,
    width=8,
)

# %% [markdown]
# In each map one large piece is a copy, and inside of it every rule is kept: no merit of the window. (With window 21 the seed's piece is another: the small orange island in the middle.) So look *outside* of it. A pixel there is in step with the piece if their shifts differ by
# whole periods: 32 pixels along an axis, or 16 along both (one more or less is allowed; a blind draw would be right for 2 of 100 pixels).


# %%
# outside of the largest piece: how many pixels are in step with it?
def in_step(sources):
    """The share of the largest piece, the share in step outside of it, and the number of shifts."""
    side = torch.arange(len(sources))
    moves = sources - torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1)
    shifts, counts = moves.flatten(0, 1).unique(dim=0, return_counts=True)
    beyond = moves - shifts[counts.argmax()]
    outside = (beyond != 0).any(-1)
    off = [((beyond + step + 16) % 32 - 16).abs().amax(-1) for step in (0, 16)]  # 0: in step
    right = torch.minimum(*off) <= 1
    return 1 - outside.float().mean().item(), right[outside].float().mean().item(), len(shifts)


for width, one in zip((7, 13, 21), origins, strict=True):
    largest, right, pieces_used = in_step(one)
    print(
        f"window {width:2}: largest piece {largest:.0%}, outside in step {right:.0%}, {pieces_used} shifts"
    )

# %% [markdown]
# Outside of the largest piece only the window of 21 keeps the rule: it is larger than a band (16 pixels), 7 and 13 are not. Two more draws of each say the same: with 21 more than 80 of 100 pixels are in step, with 7 and 13 about half of them at most, by luck. Only about half of a window is written already, and it must see an edge to tell where in a band it is. (Below, a window of 13 does better, from a larger sample: there is no sharp limit.)
# And where a window meets a seam, no window of the sample fits exactly: with 7 and 13 most pieces are only a few pixels large. The price of 21: more pixels to compare, and fewer different pieces.

# %% claim="outside of the largest piece a window of 21 is in step, of 7 and 13 mostly not, in three draws; small pieces with 7 and 13; with 21 the largest is not the seed's"
assert in_step(origins[2])[1] > 0.75 and in_step(origins[2])[0] < 0.6
assert not in_step(origins[0])[1] > 0.55 and not in_step(origins[1])[1] > 0.55
for draw in (1, 2):
    assert in_step(efros_leung_sources(basket, 64, window=21, seed=draw))[1] > 0.8
    for tight in (7, 13):
        assert not in_step(efros_leung_sources(basket, 64, window=tight, seed=draw))[1] > 0.55
piece_sizes = [(1 - in_step(one)[0]) * 64**2 / (in_step(one)[2] - 1) for one in origins]
assert max(piece_sizes[:2]) < 10 < 20 < piece_sizes[2]
of_seed = origins[2] - own_places
assert (of_seed == of_seed[32, 32]).all(-1).float().mean() < 0.1

# %% [markdown] fold="Think: what does the program do when no window fits?"
# It takes the best there is, however bad (see the basket with windows of 7 and 13). Then the next pixel sees a strange neighborhood and finds only bad matches, too, often always the same one. This is how "garbage" begins: one color or one
# stripe that grows and never ends. With `max_error` such pixels can be put off until more neighbors are known. Its default lets nearly everything pass.

# %% [markdown]
# ## Faster: Wei and Levoy
#
# For every pixel, Efros and Leung look through the whole sample. **Wei and Levoy (2000)** write row by row, like a typewriter. Then every pixel asks its neighbors at the *same* places: the
# rows above, and the pixels to its left. So all neighborhoods of the sample can be put in a **search tree** once, and each question is answered without looking at all of
# them. To see large structures with a small window, they write a picture with a quarter of the side first, then one with half the side, then the full one; each pixel also looks at its place in the
# smaller picture.

# %% [markdown] notes="1" minutes=9
# Draw the typewriter: which pixels are known? Ask why this makes a search tree possible.

# %% [markdown] exercise="13.3" title="The neighborhood of a typewriter" points=2 difficulty=2 importance=2 minutes=10 own="course_utils.engines.neighborhoods:causal_offsets"
# Collect the pixels around $(y, x)$ that a typewriter has written before: from `half` rows above, all `2 * half + 1` columns from `x - half` to `x + half`; from the row `y` itself the `half` pixels to the left.
# Go row by row, from left to right. What leaves the picture at one side enters at the other side: row $-1$ is the last row. (So the result can tile a wall.)
# At the rim such a neighbor may not be written yet; then it holds what the picture began with (noise, or the smaller picture enlarged). Take it all the same: always $K$ pixels.


# %% exercise="13.3"
def causal_neighborhood(image, y, x, half):
    """The pixels that are written before (y, x).

    image: (3, H, W), y: row, x: column, half: how far the neighborhood reaches
    returns: (K, 3), with K = half * (2 * half + 1) + half
    """
    ### BEGIN SOLUTION
    _, height, width = image.shape
    pixels = []
    for dy in range(-half, 1):
        for dx in range(-half, half + 1):
            if dy < 0 or dx < 0:
                pixels.append(image[:, (y + dy) % height, (x + dx) % width])
    return torch.stack(pixels)
    ### END SOLUTION


check("13.3", causal_neighborhood)

# %% [markdown] fold="Hint"
# Two loops, over `dy` from `-half` to 0 and over `dx` from `-half` to `half`. Which condition leaves out the pixel itself and those to its right? In Python, `-1 % 10` is 9.

# %% picture="13.3"
# your neighborhoods at three places of the basket (gray: not written yet)
pictures = []
for y, x in ((20, 20), (28, 31), (40, 9)):
    neighbors = causal_neighborhood(basket[0], y, x, 6)
    full = torch.cat([neighbors, torch.full((13 * 13 - len(neighbors), 3), 0.5)])
    pictures.append(full.T.reshape(3, 13, 13))
show_images(pictures, ["(20, 20)", "(28, 31)", "(40, 9)"], width=6)

# %%
# the same samples, both programs, and their seconds
wei_levoy(coral, 16)  # the first call also loads SciPy
pictures, titles = [], []
for name in ("coral", "wood"):
    small = texture_sample(name, 64)
    start = time.perf_counter()
    slow = efros_leung(small, 96, window=11)
    middle = time.perf_counter()
    fast = wei_levoy(small, 96)
    end = time.perf_counter()
    pictures += [on_paper(small, 96), slow, fast]
    titles += [name, f"Efros-Leung, {middle - start:.1f} s", f"Wei-Levoy, {end - middle:.2f} s"]
show_images(pictures, titles, columns=3, width=6)

# %% [markdown]
# Row by row with a tree is many times faster. On these two textures there is no clear difference to see; on leaves and on the basket, further below, it fails. (You compare two programs and not the tree alone: window, sizes and draw differ, too, and the search may miss the best match.)
#
# Both programs can only *copy*. (Efros and Freeman, 2001, copy whole squares and cut them along a good seam: *image quilting*.) Now the other idea: describe a texture by *numbers*, and make a picture with the same numbers.

# %% [markdown]
# ## The Gram matrix
#
# A layer of a network turns a picture into $C$ feature maps. Write map $i$ as a long row of numbers $F_{ip}$, where $p$ counts the $M = H\cdot W$ positions. Which maps are
# active *together*?
#
# $$G_{ij} = \frac{1}{M}\sum_{p=1}^{M} F_{ip}\,F_{jp} .$$
#
# This is the **Gram matrix**, $C\times C$ numbers. $G_{ij}$ is large when channels $i$ and $j$ are often active at the same position, wherever this is.

# %% [markdown] notes="1" minutes=5
# From copying to numbers. Ask what should stay the same when you shuffle the pebbles.

# %% [markdown]
# ## In the head first
#
# Two channels and three positions. $F_1$ = `1 0 2` and $F_2$ = `0 3 1`. What is $G$, with $M = 3$? Then exchange the first and the last position in **both** rows: what changes?
# And if you exchange them in $F_1$ only? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=9
# Two rows of three numbers on paper, then exchange positions. Type the exercise: one matrix product.

# %%
# three Gram matrices by hand
both = torch.tensor([[1.0, 0, 2], [0, 3, 1]])
moved_both = both[:, [2, 1, 0]]
moved_one = torch.stack([both[0, [2, 1, 0]], both[1]])
for features in (both, moved_both, moved_one):
    print(features @ features.T / 3)

# %% [markdown]
# Positions can be exchanged freely as long as all channels move together: a sum does not know its order. If one channel moves alone, $G_{12}$ changes.
#
# There is another way to read the same formula. At each position $p$ stands a column $f_p$ of $C$ numbers, one from each channel. Its **outer product** $f_p f_p^{\mathsf T}$ is a $C\times C$ matrix: the products of every two of them. The Gram matrix is the **mean of these outer products** over all positions.

# %%
# the mean of the outer products of the three columns: the first matrix again
columns = [torch.outer(both[:, p], both[:, p]) for p in range(3)]
columns, sum(columns) / 3

# %% [markdown] exercise="13.4" title="Build it: the Gram matrix" points=3 difficulty=2 importance=5 minutes=8 own="course_utils.fun:gram_matrix"
# For a batch of feature maps, return one Gram matrix for each image, divided by the number of positions.


# %% exercise="13.4"
def gram(features):
    """Gram matrices, divided by the number of positions.

    features: (N, C, H, W)
    returns: (N, C, C)
    """
    ### BEGIN SOLUTION
    rows = features.flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]
    ### END SOLUTION


check("13.4", gram)

# %% [markdown] fold="Hint"
# `features.flatten(2)` has shape `(N, C, H * W)`. The matrix product with its own transpose gives `(N, C, C)`.

# %% [markdown] fold="I get: expected size for first two dimensions of batch2 tensor"
# The two shapes do not fit: for a batch, the transpose exchanges dimensions 1 and 2: `rows.transpose(1, 2)`. (`.T` turns all dimensions around.)

# %% picture="13.4"
# your Gram matrix of pebbles, and of the same features with all positions shuffled
net = load_network("vgg19")
stones = texture_sample("pebbles", 96)
maps = layer_outputs(net, stones, ["relu2_1"])["relu2_1"]
order = torch.randperm(48 * 48, generator=torch.Generator().manual_seed(0))
shuffled = maps.flatten(2)[:, :, order].view_as(maps)
before, after = gram(maps)[0].sqrt(), gram(shuffled)[0].sqrt()
pictures = [maps[0, 3], shuffled[0, 3], before, after]
print(
    f"largest difference: {(gram(maps) - gram(shuffled)).abs().max() / gram(maps).max():.0e} of the largest number"
)
show_images(
    pictures,
    ["one feature map", "shuffled", "Gram matrix (roots)", "of the shuffled (roots)"],
    columns=4,
    width=7.5,
)

# %% [markdown] solution="13.4"
# The two matrices are the same, up to rounding: each number is a sum over all positions, and a sum does not know their order.

# %% [markdown]
# ## A texture from noise
#
# A Gram matrix stays the same when all positions are shuffled: it says which features appear together and how strongly, and nothing about *where*. This is close to what people mean by "the same material". The idea that two textures look alike when enough of their statistics are equal is Julesz's (1962); Heeger and Bergen (1995) and Portilla and Simoncelli (2000) made textures from noise with statistics of filters that they had chosen by hand.
#
# **Gatys, Ecker and Bethge (2015)** turn this around. Take the Gram matrices $A^l$ of the sample in some layers $l$. Begin with noise, and change its pixels until its own Gram matrices $G^l$ are the
# same. The loss of one layer with $C$ channels is
#
# $$E_l = \frac{1}{4\,C^2}\sum_{ij}\bigl(G^l_{ij} - A^l_{ij}\bigr)^2 ,$$
#
# The paper adds these up with a weight for each layer. In the plain VGG-19 the numbers in the layers differ by orders of magnitude; the paper rescales the network so that each channel's mean activation is 1. Here each layer is divided by the size of its own $A^l$ instead:
#
# $$E = \sum_{l} \frac{\lVert G^l - A^l\rVert^2}{\lVert A^l\rVert^2}, \qquad \lVert B \rVert^2 = \sum_{ij} B_{ij}^2 .$$
#
# A layer counts 0 when the two matrices are equal, and 1 when the difference is as large as the texture itself. (The course's `texture_loss` takes the mean over the layers in place of the sum. And the paper takes other layers of VGG-19, with mean pooling in place of maxima; we take `relu1_1` to `relu5_1`, as in lesson 14.) The gradient with respect to the pixels comes from one backward pass.
#
# To go down, we take **Adam** (Kingma & Ba, 2015), the optimizer that most networks are trained with: it gives every pixel a step length of its own. Four lines do one step:

# %% [markdown] notes="1" minutes=16
# Ask: how many numbers does the optimizer turn? 64 x 64 x 3. Type the four lines of Adam on the toy, then the room writes 13.5; the slip
# is the missing `zero_grad`.

# %%
# Adam on a toy: one number, and the loss (x - 3)^2, 40 steps of about 0.1
x = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.Adam([x], lr=0.1)
for _ in range(40):
    optimizer.zero_grad()  # or the gradients of all steps add up
    ((x - 3) ** 2).sum().backward()
    optimizer.step()
x.item()

# %% [markdown] exercise="13.5" title="Build it: a texture from noise" points=3 difficulty=3 importance=5 minutes=14 own="course_utils.fun:synthesize_texture course_utils.fun.texture:texture_loss"
# Go down the loss $E$ of all layers together, with `torch.optim.Adam`, from `start`. After every step, cut the picture off to $[0, 1]$.


# %% exercise="13.5"
def texture_from_noise(net, wanted, start, lr, steps):
    """Change a picture until its Gram matrices are the wanted ones.

    net: a network; wanted: a dictionary, layer's name -> Gram matrix of the sample (1, C, C), divided by H * W
    start: (1, 3, H, W) in [0, 1], it must stay as it is; lr: of Adam; steps: how many
    returns: (1, 3, H, W) in [0, 1]
    """
    ### BEGIN SOLUTION
    pixels = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        maps = forward_to(net, pixels, list(wanted))
        loss = 0
        for layer, target in wanted.items():
            rows = maps[layer].flatten(2)
            now = rows @ rows.transpose(1, 2) / rows.shape[2]
            loss = loss + ((now - target) ** 2).sum() / (target**2).sum()
        loss.backward()
        optimizer.step()
        pixels.data.clamp_(0, 1)
    return pixels.detach()
    ### END SOLUTION


check("13.5", texture_from_noise)

# %% [markdown] fold="Hint"
# `forward_to(net, pixels, list(wanted))` gives a dictionary with the feature maps of these layers, with their graph. The Gram matrix is your line from 13.4. Start with `loss = 0` and add one number for each layer; `loss.backward()` comes after the loop over the layers.

# %% [markdown] fold="I get: a leaf Variable that requires grad is being used in an in-place operation"
# `pixels.clamp_(0, 1)` changes the pixels while PyTorch records. Write `pixels.data.clamp_(0, 1)`, or put it into `with torch.no_grad():`.

# %% picture="13.5"
# your texture from noise: pebbles, three layers, after 0, 10 and 120 steps; then from smooth noise (half a minute)
three = ["relu1_1", "relu2_1", "relu3_1"]
small_stones = texture_sample("pebbles", 64)
wanted = {layer: gram_matrix(one) for layer, one in layer_outputs(net, small_stones, three).items()}
draws = torch.Generator().manual_seed(0)
noise = torch.rand(1, 3, 64, 64, generator=draws)
few = torch.rand(1, 3, 8, 8, generator=draws)
smooth = torch.nn.functional.interpolate(few, 64, mode="bilinear")
mine = [texture_from_noise(net, wanted, noise, 0.05, steps) for steps in (0, 10, 120)]
mine += [texture_from_noise(net, wanted, smooth, 0.05, steps) for steps in (0, 120)]


def color_grain(image):
    """How far each pixel's color is from the mean of the 3 x 3 around it, without brightness."""
    color = image - image.mean(1, keepdim=True)
    return (color[:, :, 1:-1, 1:-1] - torch.nn.functional.avg_pool2d(color, 3, 1)).std().item()


# the picture from noise without its grain: colors become means of 3 x 3, the brightness stays
gray = mine[2].mean(1, keepdim=True)
around = torch.nn.functional.pad(mine[2] - gray, (1, 1, 1, 1), mode="replicate")
no_grain = (gray + torch.nn.functional.avg_pool2d(around, 3, 1)).clamp(0, 1)
three_loss = texture_loss(net, small_stones, three)
names = ["noise", "10 steps", "120 steps", "smooth noise", "120 steps"]
for name, image in zip(
    ["the sample", *names, "third, no grain"], [small_stones, *mine, no_grain], strict=True
):
    print(f"{name:15} grain {color_grain(image):.3f}   loss {three_loss(net, image).item():.4f}")
show_images(
    [small_stones[0], *[one[0] for one in mine]], ["the sample", *names], columns=6, width=9
)

# %% [markdown]
# From a distance there are stones in both. From close up the picture from noise has colored grain, in places a checkerboard. From smooth noise, with as many steps and no larger loss, there is less than half of it. Take the grain out of the picture from noise (last line): the loss does not fall, it even rises a little (compare noise). (The means also blur the true edges between colors, which costs something by itself: a hint, no proof.) So we see no sign that the loss asks for the grain to go. And the search puts some in: from smooth noise the picture ends with several times the grain of its start and of the sample.
#
# `synthesize_texture` starts from *smooth* noise, without detail finer than eight pixels, and goes further down with L-BFGS, which learns from earlier gradients how curved the loss is. Its `steps` count how often the loss is computed.

# %% claim="from smooth noise less than half of the grain, at no larger loss; without grain the loss does not fall; a part of it the search has made"
assert color_grain(mine[4]) < 0.5 * color_grain(mine[2])
assert three_loss(net, mine[4]).item() < 1.2 * three_loss(net, mine[2]).item()
assert color_grain(no_grain) < 0.3 * color_grain(mine[2])
assert three_loss(net, mine[2]).item() < three_loss(net, no_grain).item() < 0.01
assert not three_loss(net, mine[0]).item() < 0.3
assert color_grain(mine[4]) > 3 * max(color_grain(mine[3]), color_grain(small_stones))

# %% [markdown]
# ## What each layer brings
#
# **Predict, run, explain.** You do this four times: with the first layer alone, then with two layers, up to four. One position of `relu1_1` sees 3 × 3 pixels, of `relu3_1` 24 × 24, of `relu4_1` 68 × 68. What will each
# picture look like?

# %% [markdown] notes="1" minutes=6
# Start the cell, it runs for some 20 seconds. Meanwhile: how large is what one position of each layer sees?

# %%
# layer by layer (20 seconds, or more on a slow computer)
net = load_network("vgg19")
stones = texture_sample("pebbles", 96)
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
results = [synthesize_texture(net, stones, layers=layers[: n + 1], steps=50) for n in range(4)]
titles = ["the sample", *[("up to " if n else "only ") + layers[n] for n in range(4)]]
other_start = synthesize_texture(net, stones, layers=layers[:1], steps=50, init="noise")
show_images(
    [stones[0], *results, other_start],
    [*titles, "only relu1_1, from white noise"],
    columns=3,
    width=8,
)

# %%
# a scale for the loss: how far are four *other pieces of the same pebbles* from the sample, by the loss of four layers?
# (the sample is the middle of the whole; each corner shares 3 of 100 pixels with it)
loss_of = texture_loss(net, stones, layers[:4])
whole = texture_sample("pebbles", 256)
other_pieces = [whole[..., y : y + 96, x : x + 96] for y in (0, 160) for x in (0, 160)]
floor = [loss_of(net, piece).item() for piece in other_pieces]
print("other real pieces: " + ", ".join(f"{value:.4f}" for value in floor))
for title, image in zip(titles[1:], results, strict=True):
    print(f"{title:16} {loss_of(net, image).item():.4f}")

# %% [markdown]
# First the numbers. A picture made from four layers is many times *closer* to the sample, by this loss, than another piece of the same pebbles.
#
# The first layer alone gives the colors and hard edges. How large its blobs are comes from the start: from white noise the same layer makes much smaller ones, since it sees 3 × 3 pixels and cannot know how large a stone is. Then come rounded pieces, then stones. A position of
# `relu3_1` sees 24 × 24 pixels, about a typical stone of this sample. The pictures up to `relu3_1` and `relu4_1` look alike. What deeper layers bring to larger elements, this sample cannot show.
#
# No single product in a *Gram matrix* compares two places that are further apart than the field. Overlapping fields can still carry an order further, as the windows of Efros and Leung do. And inside of the field an order *can* be kept, because a feature *is* an order of
# pixels, but it need not be: a Gram matrix holds no more than means of products of two features.

# %% [markdown] fold="How many numbers is that?"
# The four symmetric matrices have 64 · 65 / 2 + 128 · 129 / 2 + 256 · 257 / 2 + 512 · 513 / 2 = 174 560 different entries. They are not all free: `relu4_1` has only 12 × 12 = 144 positions here, so its matrix has at most rank 144, and a matrix of size $C$ and rank $r$ has $rC - r(r-1)/2$ free numbers:
# 63 432 in place of 131 328. About 107 000 remain, nearly four times as many as the 27 648 numbers of the picture. The sample may be nearly the only picture with exactly these matrices; you see pictures at which the search stopped.

# %% claim="a picture from four layers is several times closer to the sample than other pieces of the same pebbles; layer one alone is not"
assert loss_of(net, results[3]).item() < 0.3 * min(floor)
assert loss_of(net, results[0]).item() > min(floor)
assert 64 * 65 // 2 + 128 * 129 // 2 + 256 * 257 // 2 + 512 * 513 // 2 == 174_560
assert 2080 + 8256 + 32_896 + (512 * 144 - 144 * 143 // 2) == 106_664 == 43_232 + 63_432
assert 3.8 < 106_664 / stones.numel() < 3.9
assert layer_outputs(net, stones, ["relu4_1"])["relu4_1"].shape[2:] == (12, 12)
assert other_start.diff(dim=3).abs().mean() > 1.3 * results[0].diff(dim=3).abs().mean()

# %% [markdown]
# ## A picture larger than its sample
#
# The task was *more* texture, not as much as before. Nothing in the loss asks for the sample's size.

# %% [markdown] notes="1" minutes=4
# Ask first: which line of 13.5 would have to change? None. Then look at the middle and at the rim of the picture.

# %%
# twice as high and twice as wide as the sample
few_stones = texture_sample("pebbles", 64)
larger = synthesize_texture(net, few_stones, 128, layers=layers[:4], steps=60)
show_images([on_paper(few_stones, 128), larger], ["the sample", "more of it"], width=6)

# %% [markdown]
# There is no seam, because nothing was put together: all pixels were found at once. But in the outermost pixels the colors are stronger than inside. The loss sees only means over all positions, so it does not forbid this. (Why the rim
# does, we have not tested.)

# %% claim="the outermost four pixels have stronger colors than the inside; in the sample they have not"
for whole_one, stronger in ((larger, True), (few_stones, False)):
    strength = (whole_one.amax(1) - whole_one.amin(1))[0]
    rim = torch.ones_like(strength, dtype=torch.bool)
    rim[4:-4, 4:-4] = False
    assert (strength[rim].mean() > 1.2 * strength[~rim].mean()).item() is stronger

# %% [markdown]
# ## Spot the bug
#
# This function computes $E_l$ between the features of a picture and of a sample. A program with this bug works well for years, until somebody takes a sample of another size: then the sample's matrix is too large or
# too small.

# %% [markdown] notes="1" minutes=6
# Two samples of the same material in two sizes: should the numbers differ? Then run the stub.

# %% [markdown] exercise="13.6" title="Spot the bug: the size of the sample" points=2 difficulty=2 importance=3 minutes=6 own="course_utils.fun:gram_loss"
# Run the cell as it is and read what `check` says. Then correct the function.


# %% exercise="13.6"
def gram_distance(features, wanted):
    """The loss E of one layer.

    features: (C, H, W) of the picture, wanted: (C, h, w) of the sample
    returns: one number
    """
    ### BEGIN SOLUTION
    channels, height, width = features.shape
    now, sample = features.flatten(1), wanted.flatten(1)
    now_gram = now @ now.T / now.shape[1]
    sample_gram = sample @ sample.T / sample.shape[1]
    return ((now_gram - sample_gram) ** 2).sum() / (4 * channels**2)
    ### END SOLUTION
    ### BEGIN STUB
    # channels, height, width = features.shape
    # now, sample = features.flatten(1), wanted.flatten(1)
    # now_gram = now @ now.T / (height * width)
    # sample_gram = sample @ sample.T / (height * width)
    # return ((now_gram - sample_gram) ** 2).sum() / (4 * channels**2)
    ### END STUB


check("13.6", gram_distance)

# %% [markdown] fold="Hint"
# How many positions does `wanted` have?

# %% [markdown] solution="13.6"
# A Gram matrix without division grows with the picture. The mean over a picture's own positions does not: it is comparable between sizes.

# %% uses="13.6"
# your loss: a piece of pebbles of 64 pixels, against pieces of 64 and of 128 pixels of the same pebbles, and against wood
pieces_of = {
    "pebbles, 64": texture_sample("pebbles", 64),
    "pebbles, 128": texture_sample("pebbles", 128),
    "wood, 64": texture_sample("wood", 64),
    "wood, 128": texture_sample("wood", 128),
}
seen = {k: layer_outputs(net, x, ["relu2_1"])["relu2_1"][0] for k, x in pieces_of.items()}
for name in list(pieces_of)[1:]:
    print(f"pebbles, 64 and {name:13} {gram_distance(seen['pebbles, 64'], seen[name]):12.2f}")

# %% [markdown]
# Programs also divide by different numbers: the loss of CS231n (a Stanford course) is 4 times the paper's, the program of Johnson et al. (2016) divides by $C^2$ once more. So a weight of 1000 for this loss (in lesson 14: the *style weight*) is not the same in two programs.

# %% claim="4 times the paper's; the ratio of Johnson's to it is 4 / C^2"
from course_utils.fun import gram_loss

two_grams = [gram_matrix(seen[k][None]) for k in ("wood, 64", "pebbles, 64")]
scales = {k: gram_loss(*two_grams, convention=k).item() for k in ("gatys", "cs231n", "johnson")}
assert abs(scales["cs231n"] / scales["gatys"] - 4) < 1e-3
assert abs(scales["johnson"] / scales["gatys"] * 128**2 / 4 - 1) < 1e-3
assert not abs(scales["johnson"] / scales["gatys"] - 4) < 1

# %% [markdown]
# ## Three methods, four textures
#
# **Predict, run, explain.** Each of the three methods fails on at least one of these textures. Before you run the cell: which method on which texture, and why?

# %% [markdown] notes="1" minutes=7
# Start the cell and collect predictions while it runs: which method fails on which texture?

# %%
# all methods on the same samples (half a minute, or more on a slow computer)
pictures, titles, ends = [], [], []
for name in ("coral", "leaves", "weave", "brick"):
    small = texture_sample(name, 80)
    pictures += [
        small,
        efros_leung(small, 80, window=13),
        wei_levoy(small, 80),
        synthesize_texture(net, small, layers=layers[:4], steps=40),
    ]
    of_this, more = texture_loss(net, small, layers[:4]), texture_sample(name, 256)
    left = of_this(net, pictures[-1]).item()
    corners = [
        of_this(net, more[..., y : y + 80, x : x + 80]).item() for y in (0, 176) for x in (0, 176)
    ]
    print(f"{name:6} other real pieces {min(corners):.4f} to {max(corners):.4f}, Gram {left:.4f}")
    ends.append((left, min(corners)))
    titles += [name, "Efros-Leung", "Wei-Levoy", f"Gram, loss {left:.4f}"]
show_images(pictures, titles, columns=4, width=7.4)

# %% [markdown]
# Read the picture row by row. (One draw of each; on another machine single pieces differ.)
#
# - **Efros–Leung** does well where its window tells how it goes on. On the leaves it tells so locally, and a leaf may never end. Here the basket nearly succeeds (compare with window 13 above). The joints of the bricks are a regular thing larger than the window: look for the places where they break.
# - **Wei–Levoy** can get stuck: a piece that fits to itself is repeated (see the leaves). Its basket is broken. Its joints are straight, but the widths of the bricks are wrong.
# - **Gram matrices** get the colors and the kind of edges nearly right. But the basket is no basket, and the joints are no lines. The field of `relu4_1`, 68 pixels, would be large enough for the basket's period of 32. One known reason is that the loss holds mean products of features at *one* position: products of features at two
#   *different* places keep such rules (Berger and Memisevic, 2017). A loss this small does not force a basket: other real pieces, which *are* baskets and bricks, are further from the sample. Whether many more steps would bring the order, we have not tested.

# %% claim="by the loss each of the four is closer to its sample than other real pieces"
assert all(end < 0.5 * floor_of for end, floor_of in ends)

# %% [markdown]
# ## What does it throw away? A photo instead of a texture
#
# **Predict, run, explain.** A cat is not a texture. You hand its photo in as the sample. Will you see (a) the cat, (b) noise, (c) something else?

# %% [markdown] notes="1" minutes=5
# Votes before the cell. Then ask what was kept and what was lost.

# %%
# from the Gram matrices of a cat; and by the same loss: the cat moved about
cat = photo("cat", 96)
no_cat = synthesize_texture(net, cat, steps=50)
compared = {
    "after 50 steps": no_cat,
    "mirrored": cat.flip(3),
    "moved by 16": torch.nn.functional.pad(cat, (16, 0, 0, 0), mode="reflect")[..., :96],
    "quarters exchanged": cat.roll((48, 48), dims=(2, 3)),
}
cat_grams = [gram_matrix(one) for one in layer_outputs(net, cat, layers).values()]
by_layer = {}
for name, image in compared.items():
    grams = [gram_matrix(one) for one in layer_outputs(net, image, layers).values()]
    by_layer[name] = [
        (((a - b) ** 2).sum() / (b**2).sum()).item() for a, b in zip(grams, cat_grams, strict=True)
    ]
    print(f"{name:18} " + "  ".join(f"{value:.4f}" for value in by_layer[name]))
from_cat = {name: sum(values) / 5 for name, values in by_layer.items()}
show_images(
    [cat, *compared.values()],
    ["the sample", *[f"{name}\nloss {value:.3f}" for name, value in from_cat.items()]],
    columns=5,
    width=9,
)

# %% [markdown]
# Something else: fur and eyes in the right colors, but not the cat. Count the eyes: there need not be two. Yet in each of the five layers (the printed numbers) the picture is closer to the cat than the mirrored cat is. So a loss this small does not force the eyes to their places, although one position of `relu5_1` has a field (156 pixels) larger than the whole photo (96):
# that one position *sees* all of it does not mean that the mean over the positions keeps all of it. Whether more steps would bring the eyes to their places, we have not tested. (On another machine the pieces may lie elsewhere.)
#
# In lesson 14 this is wanted: the *style* of a picture is kept, its content is thrown away.

# %% claim="the picture is closer to the cat than the mirrored cat, in each layer; the loss is not 0, and of moved cats neither"
assert all(
    a < 0.8 * b for a, b in zip(by_layer["after 50 steps"], by_layer["mirrored"], strict=True)
)
assert (
    abs(from_cat["mirrored"] / texture_loss(net, cat, layers)(net, cat.flip(3)).item() - 1) < 0.01
)
assert not from_cat["after 50 steps"] < 0.001 and not min(from_cat.values()) < 0.001

# %% [markdown]
# ## Explore
#
# Both methods, nine samples. The last result stays beside the new one.
#
# - Gram matrices of one layer, of three, of five. How large are the elements that are right?
# - Pixel by pixel with a window of 5, of 11, of 21. From which window on do the elements stay whole?
# - For each sample: which method would you take?

# %%
# make more of any sample, by either method
explorers.Texture(net)

# %% [markdown]
# ## What this picture does not show
#
# The pictures are good. Does this prove that VGG-19's *learned* features are needed? A sanity check: draw all its weights anew, at random, and do the same: the same layers, the same start, the same number of steps. `scale="he"` gives the random weights the size
# at which signals neither fade nor grow on their way through the layers (He et al., 2015). Without this the deep layers would be nearly silent, and the comparison unfair.

# %% [markdown] notes="1" minutes=5
# Ask what random weights can still know: colors. Then look.

# %%
# the same method on a network that has learned nothing
nothing = randomized(net, scale="he")
random_result = synthesize_texture(nothing, stones, layers=layers[:4], steps=50)


def rest(net, image):
    """Of each layer: the Gram matrix of the maps when each channel's mean has been subtracted."""
    maps = forward_to(net, image, layers[:4]).values()
    return [gram_matrix(one - one.mean((2, 3), keepdim=True)) for one in maps]


def rest_loss(now, wanted):
    """The loss of four layers, from these matrices."""
    return sum(((a - b) ** 2).sum() / (b**2).sum() for a, b in zip(now, wanted, strict=True)) / 4


both_losses = {}
for name, network, result in (("trained", net, results[3]), ("random", nothing, random_result)):
    of_stones, wanted_rest = texture_loss(network, stones, layers[:4]), rest(network, stones)
    both_losses[name] = [
        (of_stones(network, image).item(), rest_loss(rest(network, image), wanted_rest).item())
        for image in (result, *other_pieces)
    ]
    for i, kind in enumerate(("loss", "without means")):
        end, *real = [pair[i] for pair in both_losses[name]]
        print(f"{name:7} {kind:13} others {min(real):.4f} to {max(real):.4f}, picture {end:.4f}")

# %% [markdown]
# The losses of two networks cannot be compared with each other, but each with its own scale: the other real pieces. In the lines "loss" both pictures are many times closer than these. But a Gram matrix also holds the products of the channels' means, and where these are large they hide the rest. Subtract them, and its
# picture is about as far away as another piece: there the search has not arrived. So let it go on with both losses.

# %%
# 60 more steps for the random network, on both losses (`of_stones` and `wanted_rest` are still its own)
further = random_result.clone().requires_grad_()
optimizer = torch.optim.Adam([further], lr=0.02)
for _ in range(60):
    optimizer.zero_grad()
    (of_stones(nothing, further) + rest_loss(rest(nothing, further), wanted_rest)).sum().backward()
    optimizer.step()
    further.data.clamp_(0, 1)
further = further.detach()
end, end_rest = of_stones(nothing, further), rest_loss(rest(nothing, further), wanted_rest)
print(f"loss {end.item():.4f}, without means {end_rest.item():.4f}")
show_images(
    [stones, results[3], random_result, further],
    ["the sample", "trained VGG-19", "random weights", "60 steps more"],
    columns=4,
    width=8,
)

# %% [markdown]
# Now it is several times closer than another piece by both losses. It has the colors and bright blobs with dark sides, but no stones. So here the learned features do matter, for this draw of random weights. Two cautions:
#
# - It is not a law. Ustyuzhaninov et al. (2017) made good textures with *random* filters in one layer, when the filters had many sizes, and He, Wang and Hopcroft (2016) report textures from a deep VGG with random weights. A good texture by itself does not prove that the network has learned something.
# - A small loss says that these layers see the same statistics. It does not say that people see the same texture: the random network is the proof.

# %% claim="both pictures are several times closer than other real pieces; without means the random one is not, until 60 steps more; the trained network always sees the difference"
for which in ("trained", "random"):
    losses = [one[0] for one in both_losses[which]]
    assert losses[0] < 0.3 * min(losses[1:])
without = {which: [one[1] for one in both_losses[which]] for which in both_losses}
assert without["trained"][0] < 0.6 * min(without["trained"][1:])
assert not without["random"][0] < 0.8 * min(without["random"][1:])
assert end_rest.item() < 0.5 * min(without["random"][1:])
assert end.item() < 0.5 * min(one[0] for one in both_losses["random"][1:])
assert loss_of(net, random_result).item() > 5 * loss_of(net, results[3]).item()
assert loss_of(net, further).item() > 5 * loss_of(net, results[3]).item()

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=4
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("13")

# %% [markdown]
# ## Summary
#
# - Efros–Leung: compare the known part of a window with all windows of the sample, choose among the good ones, copy the middle pixel. Beside a copied pixel its own place fits exactly, so a piece is copied up to the rim of the sample or a seam. Where a window meets a seam nothing fits exactly, and pieces can be a few pixels small. A window not larger than the largest *regular* element (a band of the basket: 16 pixels, period 32) may lose its order; a clearly larger one is the safer choice, but there is no sharp limit.
# - Wei–Levoy: the same row by row, from small to large, with a search tree. Much faster; no clear difference on coral and wood, but it fails on leaves and basket.
# - Gram matrix: $G = \frac1M F F^{\mathsf T}$. It keeps which features appear together, and throws away where.
# - A texture from noise: make the Gram matrices nearly equal. From `relu1_1` to `relu3_1` whole stones appear; strict regular patterns are lost.
# - In lesson 14 the same loss, together with a second one that keeps *where*, gives neural style transfer.
#
# **Papers.** Efros, Leung: *Texture Synthesis by Non-parametric Sampling*, ICCV 1999. Wei, Levoy: *Fast Texture Synthesis using Tree-structured Vector Quantization*, SIGGRAPH 2000. Gatys, Ecker, Bethge: *Texture Synthesis Using Convolutional Neural Networks*, NeurIPS 2015. He, Wang, Hopcroft: *A Powerful Generative Model Using Random Weights for the Deep Image Representation*, NeurIPS 2016. He, Zhang, Ren, Sun: *Delving Deep into Rectifiers*, ICCV 2015. Johnson, Alahi, Fei-Fei: *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016. Shannon: *A Mathematical Theory of Communication*, 1948. Julesz: *Visual Pattern Discrimination*, IRE Transactions on Information Theory 1962. Heeger, Bergen: *Pyramid-based Texture Analysis/Synthesis*, SIGGRAPH 1995. Portilla, Simoncelli: *A Parametric Texture Model Based on Joint Statistics of Complex Wavelet Coefficients*, IJCV 2000. Efros, Freeman: *Image Quilting for Texture Synthesis and Transfer*, SIGGRAPH 2001. Kingma, Ba: *Adam*, ICLR 2015. Berger, Memisevic: *Incorporating Long-range Consistency in CNN-based Texture Generation*, ICLR 2017. Ustyuzhaninov, Brendel, Gatys, Bethge: *What Does It Take to Generate Natural Textures?*, ICLR 2017 (random networks).
