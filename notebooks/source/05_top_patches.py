# %% [markdown] lesson="05" title="Maximally activating patches: what does a channel look for?" minutes=85 needs="02"
# You will be able to: say exactly which pixels a unit can see, and how much each of them matters; find, in any number of photos, the patches that excite a channel most; and
# test what such a row of patches shows.

# %% tags=["setup"]
import torch
from IPython.display import display

from course_utils import (
    check,
    explorers,
    gallery,
    layer_outputs,
    load_network,
    photo,
    quiz,
    show_images,
)
from course_utils.activations import receptive_field, top_patches
from course_utils.figures import show_boxes, show_patches
from course_utils.gradients import effective_field, share_inside
from course_utils.networks import randomized
from course_utils.plots import new_figure
from course_utils.stimuli import photo_tiles

# %%
# the result first: for five channels deep inside VGG-19, the patches of 37 photos that excite them most
vgg = load_network("vgg19")
names = gallery().names
photos = torch.cat([photo(name, 256) for name in names])
found = top_patches(vgg, photos, "relu5_1", k=6, window=64, batch_size=4, progress=False)
show_patches(
    found,
    photos,
    channels=[355, 386, 133, 457, 116],
    title="relu5_1: one row for each channel, strongest first, one patch from each photo",
)

# %% [markdown]
# Every row belongs to one channel; the number above a patch is the channel's value there. Nobody chose the patches: they are the places where this channel answers most, of about ten thousand places in 37 photos
# (at most one place of each photo). Look along the rows. 355: something round. 386: in three of six, lines that fan out (wheel, tripod, wing). 133: heads, of a bird, a dog and three people, and then a tower with two lamps. 457: three faces, and then wheels and an eye. 116: a page of letters,
# a wheel, a window: do you find a word for it? We did not. These five rows, however, somebody did choose, out of 512. To draw them, two questions must be answered: *which pixels* does a channel see, and *where* does it answer
# most? And a third one comes at the end: would a network that has learned nothing give such rows, too?

# %% claim="channel 133: the five strongest photos show heads; 457: the three strongest are people; about ten thousand places"
strongest_photos = {c: [names[i] for i in found.images[c].tolist()] for c in (133, 457)}
heads = {"goose", "bull_mastiff", "astronaut", "camera", "grace_hopper"}
assert len(heads & set(strongest_photos[133])) == 5
people = {"astronaut", "grace_hopper", "camera"}
assert len(people & set(strongest_photos[457])) == 3
assert 8000 < len(photos) * (256 // 16) ** 2 < 12000

# %% [markdown] notes="1" minutes=4
# Show the rows without their numbers. Let people name them: "round", "fans", "heads", ... Write the names down. At the end, ask whether the names were right.

# %% [markdown]
# ## Which pixels does a unit see?
#
# A unit of the first layer with a 3 × 3 kernel sees 3 × 3 pixels. A unit of the second layer sees 3 × 3 units of the first, so 5 × 5 pixels. This region of the image is the unit's
# **receptive field**. Go through the layers one by one and keep three numbers:
#
# - the size $r$ of the field (in the beginning 1: a pixel sees itself);
# - the stride $j$, how many pixels apart two neighboring units look (in the beginning 1);
# - the start $a$, the first pixel of the field of unit 0 (in the beginning 0).
#
# A layer with kernel $k$, stride $s$, padding $p$ and dilation $d$ changes them to
#
# $$r \leftarrow r + (k-1)\,d\,j, \qquad a \leftarrow a - p\,j, \qquad j \leftarrow s\,j .$$
#
# The order matters: $r$ and $a$ use the old $j$. Unit $i$ then sees the pixels from $a + i\,j$ to $a + i\,j + r - 1$.

# %% [markdown] notes="1" minutes=3
# Draw a row of pixels, a row of units above, and connect them. Count the pixels below one unit.

# %% [markdown]
# ## In the head first
#
# A convolution (kernel 3, stride 1, padding 1), a pooling (kernel 2, stride 2), again a convolution like the first. What are size, stride and start? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=24
# The three steps on paper, then the cell. The usual slip in 05.1 is to multiply the stride before the size has grown.
# 05.2 is for the room. Before the picture of the gradient, ask where in the box the effect is largest.

# %%
# the three steps, one line each
size, stride, start = 1, 1, 0
for kernel, step, padding in ((3, 1, 1), (2, 2, 0), (3, 1, 1)):
    size, start, stride = size + (kernel - 1) * stride, start - padding * stride, stride * step
    print(f"kernel {kernel}: size {size}, stride {stride}, start {start}")

# %% [markdown]
# The last convolution adds 4, not 2: after the pooling, two neighbors are two pixels apart. The start is negative: the first unit sees padding.

# %% [markdown] exercise="05.1" title="Build it: the receptive field" points=3 difficulty=3 importance=4 minutes=12 own="course_utils.engines.spans:Axis.slide course_utils.activations:plain_receptive_field"
# Do this for any list of layers. Each layer is given by its four numbers, kernel, stride, padding and dilation; a pooling layer, too. Return the size, the stride and the start of the last layer.


# %% exercise="05.1"
def field_of(layers):
    """The receptive field of the last layer.

    layers: a list of (kernel, stride, padding, dilation), first layer first
    returns: (size, stride, start)
    """
    ### BEGIN SOLUTION
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += (kernel - 1) * dilation * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start
    ### END SOLUTION


check("05.1", field_of)

# %% [markdown] fold="Hint"
# Three variables and one loop. Change the stride last: the other two need the stride *before* this layer.

# %% uses="05.1"
# VGG-19 by hand: the size at the end of each block
layers = []
for block, convolutions in enumerate((2, 2, 4, 4, 4), 1):
    layers += [(3, 1, 1, 1)] * convolutions
    print(f"conv{block}_{convolutions}: size, stride, start = {field_of(layers)}")
    layers += [(2, 2, 0, 1)]

# %%
# the library walks through a real network, also through branches and padding that fits the image
net = load_network("efficientnet_lite0")
for layer in ("conv_stem", "blocks.1.0", "blocks.2.1", "blocks.3.0", "blocks.5.0"):
    field = receptive_field(net, layer)
    print(
        f"{layer:>10}: {field.size[0]:4} pixels, stride {field.stride[0]:2}, start {field.start[0]}"
    )

# %% [markdown]
# The field of the last one is larger than the photo of 224 pixels. A unit in the middle of the map, unit 3, sees the pixels from $-170 + 3 \cdot 32 = -74$ to 328: it *can* see everything. Of the units 0 to 6 only the last cannot: it begins at pixel 22.
# (`conv_stem` starts at 0: its padding fits the image and lies on the right only.)
# Does a unit use everything equally that it can see? First you need its box in the photo.

# %% claim="the field of blocks.5.0 is larger than the photo, that of blocks.3.0 is not; units 0 to 5 of blocks.5.0 can see all 224 pixels, unit 6 begins at pixel 22"
assert (
    receptive_field(net, "blocks.5.0").size[0]
    > 1.1 * 224
    > 1.1 * receptive_field(net, "blocks.3.0").size[0]
)
assert field.start[0] + 3 * 32 == -74
assert field.start[0] + 3 * 32 + field.size[0] - 1 == 328
assert [field.box(i, i) == (0, 0, 224, 224) for i in range(7)] == [True] * 6 + [False]
assert field.box(6, 6)[0] == 22

# %% [markdown] exercise="05.2" title="The patch of a unit" points=2 difficulty=2 importance=4 minutes=8
# Give the box of pixels that the unit in row `y`, column `x` of a map sees. Cut it at the border of the image. `bottom` and `right` are one after the last pixel, as in a slice.


# %% exercise="05.2"
def patch_box(y, x, size, stride, start, height, width):
    """The pixels that a unit sees.

    y, x: row and column of the unit; size, stride, start: of the receptive field; height, width: of the image
    returns: (top, left, bottom, right)
    """
    ### BEGIN SOLUTION
    top, left = start + y * stride, start + x * stride
    return max(0, top), max(0, left), min(height, top + size), min(width, left + size)
    ### END SOLUTION


check("05.2", patch_box)

# %% [markdown] fold="Hint"
# First compute all four numbers without a border. Then cut each one: `max(0, ...)` for top and left, `min(height, ...)` and `min(width, ...)` for bottom and right.

# %% [markdown] solution="05.2"
# Bottom is measured from the uncut top. A patch at the border is smaller than one inside: what is cut off was padding, and there is nothing to show.

# %% picture="05.2"
# your boxes: units of five layers of VGG-19, all in the middle of the same photo
layers = ["conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_1"]
boxes = []
for layer in layers:
    field = receptive_field(vgg, layer, size=256)
    size, stride, start = field.size[0], field.stride[0], field.start[0]
    unit = round((128 - size / 2 - start) / stride)  # the unit whose field lies around pixel 128
    boxes.append(patch_box(unit, unit, size, stride, start, 256, 256))
sizes = [
    f"{layer}: {int(box[2] - box[0])} pixels" for layer, box in zip(layers, boxes, strict=True)
]
show_boxes(photo("dalmatian", 256), boxes, sizes, title="what one unit of each layer can see")

# %% [markdown]
# The boxes lie in each other: what a deep unit sees is all that the units below it see. The patches of the first picture are only 64 pixels wide, cut from the middle of a field of 156 pixels (near the border of a photo the cut is moved inside). Is this allowed?
#
# The field says which pixels *can* have an effect. How large is the effect? Let $f$ be the sum of all 512 channels at the middle place of relu5_1, and $x_{cij}$ the color $c$ of a pixel. The mean of $|\partial f / \partial x_{cij}|$ over colors and photos is a map $E_{ij}$, the
# **effective receptive field** (Luo et al., 2016).
#
# **Predict, run, explain.** The frame in the next picture has half of the box's width and height: a quarter of its area. If all pixels had the same effect, it would hold 25 % of the gradient. How
# much will it hold in VGG-19? And in three networks with random weights? Write both numbers down. (The weights are drawn so that the answers keep their size from layer to layer; He et al., 2015.)

# %%
# the size of the gradient at every pixel, for the middle of relu5_1: trained, and with random weights
some = torch.cat([photo(name, 176) for name in names[::10]])
field = receptive_field(vgg, "relu5_1", size=176)
middle = field.start[0] + 5 * field.stride[0] + field.size[0] // 2
inner = slice(middle - field.size[0] // 4, middle + field.size[0] // 4)
boxes = [field.box(5, 5), (inner.start, inner.start, inner.stop, inner.stop)]
shares = {}
for seed in (None, 0, 1, 2):
    one = vgg if seed is None else randomized(vgg, scale="he", seed=seed)
    name = "trained" if seed is None else f"random weights, draw {seed}"
    effect = effective_field(one, some, "relu5_1")
    shares[name] = share_inside(effect[None], inner, inner).item()
    print(f"{name}: {shares[name]:.0%} of the gradient in the inner frame")
    if seed in (None, 0):
        frames = ["what it can see", "a quarter of it"]
        display(show_boxes(effect, boxes, frames, title=name, heat=True))

# %% [markdown]
# Most of the gradient lies in the inner quarter, also without learning: with random weights it is about three quarters. A pixel in the middle reaches the unit on many paths, a pixel at the rim on few. In the
# trained network it is more, about nine tenths: its field is the narrower one. (Luo et al. report the opposite: in their networks it grew in training.) The gradient is a local answer: it says what a *small* change of a pixel does.
#
# For a large change there is a direct test. Make everything gray but the 64 pixels that the first picture shows. How much of each unit's value is left? And if *only* these pixels are gray, and the rest of the photo stays?

# %%
# the two strongest units of each row: they see only their patch, only 64 other pixels of their field, all but their patch
kinds = ("only the patch", "only 64 pixels in a corner", "all but the patch")
left_over = {kind: [] for kind in kinds}
for channel in (355, 386, 133, 457, 116):
    whole = photos[found.images[channel, :2]]
    only, corner = torch.full((2, 2, 3, 256, 256), 0.5)
    without = whole.clone()
    for rank in range(2):
        top, left, bottom, right = found.boxes[channel, rank].tolist()
        only[rank, :, top:bottom, left:right] = whole[rank, :, top:bottom, left:right]
        without[rank, :, top:bottom, left:right] = 0.5
        y, x = (start + 46 if start + 46 + 64 <= 256 else start - 46 for start in (top, left))
        corner[rank, :, y : y + 64, x : x + 64] = whole[rank, :, y : y + 64, x : x + 64]
    rows, columns = found.places[channel, :2].unbind(1)
    for kind, pictures in zip(kinds, (only, corner, without), strict=True):
        again = layer_outputs(vgg, pictures, ["relu5_1"], batch_size=2)["relu5_1"][:, channel]
        left_over[kind].append(again[[0, 1], rows, columns] / found.values[channel, :2])
for kind, parts in left_over.items():
    part = torch.cat(parts)
    print(
        f"{kind}: {part.median():.0%} is left in the middle, {part.min():.0%} to {part.max():.0%}"
    )

# %% [markdown]
# So for these ten units the patches of 64 pixels show most of what matters, and 64 other pixels of the same field do not. (Zhou et al., 2015, measured fields in a related way: they covered one small square after the other and noted how much the answer changed.)

# %% claim="ten units: most of the value is left when they see only their 64 pixels; control: without them little is left"
assert torch.cat(left_over["only the patch"]).median() > 0.8
assert torch.cat(left_over["only the patch"]).min() > 0.5
assert torch.cat(left_over["all but the patch"]).max() < 0.3
assert not torch.cat(left_over["all but the patch"]).median() > 0.5
assert not torch.cat(left_over["only 64 pixels in a corner"]).median() > 0.5

# %% claim="the inner quarter holds about three quarters of the gradient with three draws of random weights, and more when trained; uniform would be a quarter"
drawn_shares = [share for name, share in shares.items() if name != "trained"]
assert len(drawn_shares) == 3
assert 0.67 < min(drawn_shares) <= max(drawn_shares) < 0.83
assert shares["trained"] > 1.1 * max(drawn_shares)
assert 0.82 < shares["trained"] < 0.98
assert not max(drawn_shares) > shares["trained"]
even = torch.zeros(1, 176, 176)
whole_box = boxes[0]
even[:, whole_box[0] : whole_box[2], whole_box[1] : whole_box[3]] = 1
assert not share_inside(even, inner, inner).item() > 0.3

# %% [markdown]
# ## Where does a channel answer most?
#
# The output of a layer for `N` photos has shape `(N, C, H, W)`. For each channel you want the `k` strongest places. But the neighbors of a strong place are strong, too, and the row would show
# nearly the same patch again and again. So take only the **best place of each photo**, and then the best photos.

# %% [markdown] notes="1" minutes=17
# Do the small example by hand: which place, which photo? Then type the exercise; `//` and `%` need a drawing. Before the spectrum: what will the lowest patches show? Before the arcs: what else did the flip turn?

# %%
# a small example: two photos, one channel, 2 x 3 places
maps = torch.tensor([[[[1.0, 9.0, 8.0], [0.0, 2.0, 1.0]]], [[[3.0, 0.0, 1.0], [5.0, 4.0, 2.0]]]])
best, where = maps.flatten(2).max(dim=2)
best, where, [(int(i) // 3, int(i) % 3) for i in where.flatten()]

# %% [markdown]
# `flatten(2)` makes one row of all places; `max` gives the value and its index. The index counts row by row: with `W` columns, `y = index // W` and `x = index % W`. Photo 0 has its best place at row 0,
# column 1, photo 1 at row 1, column 0. The 8 of photo 0 is larger than the 5 of photo 1, and still it does not count.

# %% [markdown] exercise="05.3" title="Build it: the strongest places" points=3 difficulty=3 importance=5 minutes=15 own="course_utils.activations:plain_top_patches"
# For each channel, return the `k` best photos, strongest first, with the place of their maximum.


# %% exercise="05.3"
def top_places(maps, k):
    """The strongest places of every channel, at most one for each image.

    maps: (N, C, H, W)
    returns: (C, k, 3): image number, row, column; strongest first
    """
    ### BEGIN SOLUTION
    width = maps.shape[3]
    best, where = maps.flatten(2).max(dim=2)
    order = best.argsort(dim=0, descending=True)[:k]
    index = where.gather(0, order)
    return torch.stack([order, index // width, index % width], dim=-1).transpose(0, 1)
    ### END SOLUTION


check("05.3", top_places)

# %% [markdown] fold="Hint"
# (1) `best, where` as in the example, both `(N, C)`. (2) `best.argsort(dim=0, descending=True)[:k]`: the numbers of the best images, `(k, C)`. (3) `where.gather(0, order)` takes their indices. (4)
# Stack image, row, column, and bring the channel to the front.

# %%
# the maps of conv5_1 for all photos: what comes out of the convolution, before the ReLU
small = torch.cat([photo(name, 128) for name in names])
maps = layer_outputs(vgg, small, ["conv5_1"], batch_size=8)["conv5_1"]
maps = maps[:, :, 1:7, 1:7]  # only places whose 48 pixels lie inside of the photo
field = receptive_field(vgg, "conv5_1", size=128).middle(48)  # show the middle 48 of 156 pixels
tuple(maps.shape), f"{(maps[:, 355] > 0).float().mean():.0%} of channel 355 is above 0"

# %% picture="05.3"
# your function three times: the highest answers of channel 355, those nearest to its middle, the lowest
answers = maps[:, 355:356]
orders = {
    "highest": answers,
    "middle": -(answers - answers.median()).abs(),
    "lowest": -answers,
}
patches, values = [], []
for order in orders.values():
    for image, y, x in torch.as_tensor(top_places(order, 7))[0].long().tolist():
        top, left, bottom, right = field.box(y + 1, x + 1)
        patches.append(small[image, :, top:bottom, left:right])
        values.append(f"{answers[image, 0, y, x].item():.0f}")
show_images(patches, values, columns=7, width=9, title="conv5_1:355: highest, middle, lowest")

# %% [markdown]
# This is the **spectrum** of a channel (Olah, Mordvintsev, Schubert, 2017). The photos are smaller than in the first picture. The middle row
# shows places near the median: half of all answers are higher, half are lower. The ReLU that follows turns the whole lowest row, and the middle one, into the same number, 0: behind the ReLU *this channel* no longer tells them apart.
#
# What do the lowest patches share? The rim of a cup, the crown of a helmet, a fender, a snail: most are round, too (the geese and the edge of a roof are not). So the name "something round" does not separate the highest from the lowest. But most of these arcs open
# downward. **Predict, run, explain.** Turn the seven photos upside down. What will the channel answer to the same things? And if the photos are mirrored left to right?

# %%
# the seven lowest places again, in the photos upside down, and mirrored left to right
worst, where = (-maps[:, 355]).flatten(1).max(dim=1)
seven = worst.topk(7).indices
y, x = where[seven] // 6, where[seven] % 6
upside_down = layer_outputs(vgg, small[seven].flip(2), ["conv5_1"])["conv5_1"][:, 355, 1:7, 1:7]
mirrored = layer_outputs(vgg, small[seven].flip(3), ["conv5_1"])["conv5_1"][:, 355, 1:7, 1:7]
turned = {
    "as they are": maps[seven, 355, y, x],
    "upside down": upside_down[torch.arange(7), 5 - y, x],
    "mirrored": mirrored[torch.arange(7), y, 5 - x],
}
for name, numbers in turned.items():
    print(f"{name:>11}: {numbers.round().int().tolist()}")

# %% [markdown]
# Upside down, the answers rise near the middle or above it; mirrored, they stay low. So up and down matter. But the flip turned everything: the light and the ground, too. Is it the arc? Draw nothing else.

# %%
# arcs on gray, open downward and upward, bright and dark; below them the lowest and the highest answer of channel 355
steps = torch.arange(128) - 71
band = ((steps[:, None] ** 2 + steps**2).sqrt() - 18).abs() < 3
arcs = torch.full((4, 3, 128, 128), 0.5)
halves = [(steps < 0, 0.9), (steps < 0, 0.1), (steps > 0, 0.9), (steps > 0, 0.1)]
for arc, (half, shade) in zip(arcs, halves, strict=True):
    arc[:, band & half[:, None]] = shade
to_arcs = layer_outputs(vgg, arcs, ["conv5_1"])["conv5_1"][:, 355, 1:7, 1:7].flatten(1)
ends = [f"{one.min():.0f} to {one.max():.0f}" for one in to_arcs]
show_images(list(arcs), ends, columns=4, width=7, title="conv5_1:355, drawn arcs")

# %% [markdown]
# An arc that opens downward is enough for a low answer, bright or dark. The same arc the other way up gives none so low, and at some place a higher one, though far below the top row's. So for this channel it matters which way up an arc is. The name read off the top row was too wide.

# %% claim="most answers of channel 355 are below 0, also the middle one; the seven lowest rise above -400 upside down, mirrored none does; drawn arcs of three sizes: low only where they open downward"
assert (maps[:, 355] > 0).float().mean() < 0.4
assert maps[:, 355].median() < 0
assert turned["as they are"].max() < -1000
assert turned["upside down"].min() > -400
assert turned["mirrored"].max() < -700
assert not turned["mirrored"].max() > -400
for radius in (14, 18, 24):
    ring = ((steps[:, None] ** 2 + steps**2).sqrt() - radius).abs() < 3
    drawn = torch.full((4, 3, 128, 128), 0.5)
    for one_arc, (on_side, gray_level) in zip(drawn, halves, strict=True):
        one_arc[:, ring & on_side[:, None]] = gray_level
    arc_answers = layer_outputs(vgg, drawn, ["conv5_1"])["conv5_1"][:, 355, 1:7, 1:7].flatten(1)
    assert arc_answers[:2].amin(1).max() < -600
    assert arc_answers[2:].amin(1).min() > -400
    assert not arc_answers[2:].amin(1).min() < -600
assert to_arcs[2:].amax(1).min() > 150 > 1.5 * to_arcs[:2].amax(1).max()

# %% [markdown]
# ## Any number of photos
#
# For a million photos you cannot keep all maps. You do not have to: keep only the `k` best so far for each channel, and compare them with each new batch. The memory is channels × k, whatever the number of photos. And two
# computers can each take one half, if their results can be **merged**.

# %% [markdown] notes="1" minutes=20
# Run the stub and ask what belongs together: the value and the number of its image must move together.

# %% [markdown] exercise="05.4" title="Spot the bug: merged, but wrong" points=2 difficulty=3 importance=3 minutes=8 own="course_utils.engines.top_k:TopPatches._take"
# Each half gives the `k` best values of every channel `(C, k)` and the numbers of their images `(C, k)`. The function returns the right values. What is wrong with it? Repair it.


# %% exercise="05.4"
def merge_top(values_a, images_a, values_b, images_b):
    """The k best of two halves.

    values_a, values_b: (C, k), sorted, largest first; images_a, images_b: (C, k), the images they come from
    returns: (values, images), both (C, k), sorted by value, largest first
    """
    ### BEGIN SOLUTION
    values = torch.cat([values_a, values_b], dim=1)
    images = torch.cat([images_a, images_b], dim=1)
    order = values.argsort(dim=1, descending=True)[:, : values_a.shape[1]]
    return values.gather(1, order), images.gather(1, order)
    ### END SOLUTION
    ### BEGIN STUB
    # k = values_a.shape[1]
    # values = torch.cat([values_a, values_b], dim=1).sort(dim=1, descending=True).values
    # images = torch.cat([images_a, images_b], dim=1).sort(dim=1, descending=True).values
    # return values[:, :k], images[:, :k]
    ### END STUB


check("05.4", merge_top)

# %% [markdown] fold="Hint"
# The numbers of the images are sorted by themselves, so they no longer belong to their values. Sort the values, keep the *order*, and apply the same order to both: `argsort` and `gather`.

# %% uses="05.4"
# the maps of conv5_1 from above, half of the photos at a time; each value should still belong to its photo
every_peak, half = maps.amax((2, 3)).T, len(maps) // 2
one, other = every_peak[:, :half].topk(5), every_peak[:, half:].topk(5)
merged, of_photos = merge_top(one.values, one.indices, other.values, other.indices + half)
print("the same values as from all at once:", torch.equal(merged, every_peak.topk(5).values))
print("each belongs to its photo:", torch.equal(merged, every_peak.gather(1, of_photos)))

# %% [markdown] exercise="05.5" title="Build it: images that stream by" points=3 difficulty=3 importance=4 minutes=12 own="course_utils.engines.top_k:TopPatches.update"
# Now the loop itself. `batches` gives the maps of some images at a time, `(n, C, H, W)`; the last batch may be smaller. An image counts with its best place. Keep only the `k` best images of each channel while the batches pass,
# and number the images through: the first image of the second batch follows the last one of the first. A channel may be negative everywhere. There are at least `k` images in all, but a batch can have fewer.


# %% exercise="05.5"
def stream_top(batches, k):
    """The k strongest images of every channel, one batch in memory at a time.

    batches: gives tensors (n, C, H, W), each of them once; n differs
    returns: (values, images), both (C, k), strongest first
    """
    ### BEGIN SOLUTION
    values, images, seen = None, None, 0
    for maps in batches:
        best = maps.amax(dim=(2, 3)).T
        numbers = torch.arange(seen, seen + len(maps)).expand_as(best)
        seen += len(maps)
        if values is not None:
            best = torch.cat([values, best], dim=1)
            numbers = torch.cat([images, numbers], dim=1)
        order = best.argsort(dim=1, descending=True)[:, :k]
        values, images = best.gather(1, order), numbers.gather(1, order)
    return values, images
    ### END SOLUTION


check("05.5", stream_top)

# %% [markdown] fold="Hint"
# In the loop: (1) the best value of every image, `(n, C)`, turned to `(C, n)`. (2) The numbers of these images, from `seen` to `seen + n - 1`, in the same shape. (3) Put both beside what you have kept so far, and take the `k` best, as in 05.4. (4) `seen += n`.

# %% [markdown] solution="05.5"
# `batches` can be a generator that computes the maps only when they are asked for: then the memory is one batch and `C × k` numbers, for a million images, too. The first batch needs no special values to begin with; who begins with a table takes `-inf`, not 0.

# %%
# hundreds of crops of 64 pixels, cut from the photos at two sizes
tiles = photo_tiles(size=64, zooms=(1, 1.5))
print(len(tiles.images), "crops")

# %% picture="05.5"
# your loop on VGG-19, 32 crops at a time; the seven best crops of three channels
stream = (layer_outputs(vgg, part, ["relu3_1"])["relu3_1"] for part in tiles.images.split(32))
best, numbers = stream_top(stream, 7)
chosen = [24, 242, 215]
crops = [tiles.images[int(i)] for channel in chosen for i in numbers[channel]]
title = f"relu3_1, channels {chosen}: the best of {len(tiles.images)} crops"
show_images(crops, columns=7, width=7, title=title)

# %% [markdown]
# Here the whole crop is shown, not the patch of 24 pixels that the unit sees in it. You will find crops of the same photo in one row: they overlap, and the same place comes back. If a row should say something about many
# things, count for the photo and not for the crop: `top_patches(..., photos=tiles.photos)` takes at most one crop of each photo.

# %%
# the library: the same crops, at most one from each photo, and the patches in them
counted = top_patches(
    vgg,
    tiles.images,
    "relu3_1",
    k=7,
    window=24,
    photos=tiles.photos,
    batch_size=32,
    progress=False,
)
show_patches(counted, tiles.images, channels=[24, 242, 215], title="relu3_1: one patch a photo")

# %% [markdown]
# Now rows can be read. Most patches of 24 show an arc that falls to the right, of 242 a slanted edge, bright on its left, of 215 something upright with parallel sides. (At the border of a crop the patch is moved inside; there the zeros around the crop may be the edge.)

# %% claim="without photos= crops of one photo share a row; with it never"
owners = tiles.photos[torch.as_tensor(numbers).long()]
repeated = torch.tensor([len(set(row)) < 7 for row in owners.tolist()]).float().mean()
assert repeated > 0.5
assert all(len(set(row)) == 7 for row in counted.photos.tolist())

# %% [markdown]
# **Your own photos, and thousands more.** `top_patches` takes a folder, too: `top_patches(vgg, "my_photos", "relu5_1", window=64)`. The command `course photos` downloads Imagenette, 13,000 small photos of ten kinds of things (about 100 MB, once), and tells you where they
# are. (They are a part of ImageNet: the network may have learned from these very photos.) The collection decides what can be on top.

# %% [markdown]
# ## From lines to parts of things
#
# **Predict, run, explain.** The next cell shows three layers of VGG-19, from near the pixels to deep inside. In which of them will the patches of a row share only an edge? In which a shape? And in which will it be hard to
# say what they share? Write your answer down.

# %% [markdown] notes="1" minutes=6
# Votes before the cell, one for each layer. Then take up the names from the beginning.

# %%
# three layers of VGG-19 (16 convolutions), each patch as large as the field, or 64 pixels; at the border it is moved inside
small_rows = {}
for layer, channels in (("relu2_2", [34, 113]), ("relu3_3", [225, 198])):
    width = receptive_field(vgg, layer).size[0]
    small_rows[layer] = top_patches(
        vgg, small, layer, channels=channels, k=7, window=width, progress=False
    )
    title = f"{layer}: the unit sees {width} pixels"
    display(show_patches(small_rows[layer], small, title=title))
show_patches(found, photos, channels=[8, 437], title="relu5_1: the middle 64 of 156 pixels")

# %%
# the same deep patches with their place in the photo
show_patches(found, photos, channels=[8, 437], places=True, title="relu5_1: where the patches are")

# %% [markdown]
# These six channels were chosen, too, and the last layer had larger photos. Near the pixels, row 34 shares a nearly horizontal edge, bright above and dark below; colors and the rest differ. Row 113 shares one thing: a slanted edge with the bright side on its left; what stands beside it differs. In the middle, most patches of a row share a shape: an arc that falls to the right (225), many small spots side by side
# (198). Deep inside, they show the same kind of thing in other colors and sizes: wheels, a badge, a coin and the bowl of a spoon are round
# (8). Row 437 is the hard one. A rocket, a lug of a drum, a stone pillar and a trunk stand upright. Colored glass and a face do not fit.


# %% claim="relu2_2:34 is brighter above in every patch, 113 is brighter on the left in at least six of seven; control: not so at the same places of the next photos"
def brighter(channel, first, last, step=0):
    """In how many of the seven patches the one side is brighter than the other."""
    row = small_rows["relu2_2"].channels.tolist().index(channel)
    count = 0
    for number, box in zip(
        small_rows["relu2_2"].images[row], small_rows["relu2_2"].boxes[row], strict=True
    ):
        gray = small[(number + step) % len(small), :, box[0] : box[2], box[1] : box[3]].mean(0)
        count += int(gray[first].mean() > gray[last].mean())
    return count


top_half, bottom_half = (slice(0, 6),), (slice(-6, None),)
left_half, right_half = (slice(None), slice(0, 6)), (slice(None), slice(-6, None))
assert brighter(34, top_half, bottom_half) == 7
assert brighter(113, left_half, right_half) >= 6
assert not brighter(34, top_half, bottom_half, step=1) >= 7
assert not brighter(113, left_half, right_half, step=1) >= 6

# %% [markdown]
# ## Explore
#
# Turn through the channels and guess what the nine patches have in common. Click on a patch to see it in its photo. With your own
# pictures: `images, names = load_folder("my_photos", 128)` from `course_utils`, then `explorers.TopPatches(vgg, images=images, names=names)`.

# %%
# what a channel answers to most
explorers.TopPatches(vgg, layer="relu3_3", channel=8, images=small, names=names)

# %% [markdown]
# ## What this picture does not show
#
# **Any channel that answers has a best patch.** Ask four controls: two networks with random weights (drawn as before), which have learned nothing, and two in which the trained weights of each layer are shuffled (the learned sizes and biases stay, only the order of the weights is lost).

# %% [markdown] notes="1" minutes=8
# Show the random network's rows without the title and let the room name them, too. Then votes: are its rows more alike or less alike than those of the trained network?


# %%
# the maps of relu5_1 in five networks, only the 6 x 6 places whose 64 pixels lie inside of the photo
def shuffled(one, seed):
    """A copy whose weights change places inside of each convolution."""
    copy, dice = randomized(one, last=0), torch.Generator().manual_seed(seed)
    for layer in copy.model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            order = torch.randperm(layer.weight.numel(), generator=dice)
            layer.weight.data = layer.weight.data.flatten()[order].view_as(layer.weight)
    return copy


def best_six(maps):
    """Of each channel that answers in six photos: its best places (rows, 6), as numbers of patches."""
    best, place = maps.max(dim=2)
    best, number = best.topk(6, dim=0)
    return (number * 36 + place.gather(0, number)).T[best[-1] > 0]


middle_size = torch.cat([photo(name, 160) for name in names])
five = {
    "trained": vgg,
    "random 0": randomized(vgg, scale="he", seed=0),
    "random 1": randomized(vgg, scale="he", seed=1),
    "shuffled 0": shuffled(vgg, 0),
    "shuffled 1": shuffled(vgg, 1),
}
inner_maps = {}
for name, one in five.items():
    whole_maps = layer_outputs(one, middle_size, ["relu5_1"], batch_size=4)["relu5_1"]
    inner_maps[name] = whole_maps[:, :, 2:8, 2:8].flatten(2)
# one more control: the trained maps, mixed at random (turned by an orthogonal 512 x 512 matrix)
turn = torch.linalg.qr(torch.randn(512, 512, generator=torch.Generator().manual_seed(0))).Q
inner_maps["mixtures"] = turn @ inner_maps["trained"]
best_rows = {name: best_six(one) for name, one in inner_maps.items()}

box = receptive_field(vgg, "relu5_1", size=160).middle(64).box
boxes = [box(i, j) for i in range(2, 8) for j in range(2, 8)]
pieces = torch.stack([one[:, t:b, i:j] for one in middle_size for t, i, b, j in boxes])
for name in ("random 0", "trained"):
    show = list(pieces[best_rows[name][:16:4].flatten()])
    title = f"{name}: rows 0, 4, 8 and 12 of {len(best_rows[name])} channels that answer"
    display(show_images(show, columns=6, width=6, title=title))

# %% [markdown]
# Nobody chose these rows: can you name them as easily as the five at the beginning? And why a *channel*? The last control keeps the trained network and asks for another direction: 512 random mixtures of its channels in place of the channels (Szegedy et al., 2014, found their rows as good; Bau et al., 2017, found that mixtures detect far fewer things).
#
# Have the patches of a row something in common? Let a second network judge: EfficientNet-Lite0 (trained on the same photos and labels). Take its features of every patch at two depths, averaged over places: early (a unit sees 7 pixels: colors, edges) and late (it sees the whole patch). Bring each feature to mean 0 and spread 1 over
# the same 1,332 patches for all networks, and take the mean cosine similarity within each row. **Chance** is the mean over all pairs of the network's patches from two *different* photos. In the next picture 0 is chance. **Predict:** which rows are ahead for which judge?


# %%
# how alike the patches of each row are, above chance, by two judges; dotted: two parts of one photo
def likeness(features, rows):
    """For each row how alike its patches are, above chance; and the same for two far parts of one photo."""
    features = (features - features.mean(0)) / features.std(0).clamp_min(1e-6)
    features = features / features.norm(dim=1, keepdim=True).clamp_min(1e-6)
    table, k = features @ features.T, rows.shape[1]
    within = table[rows[:, :, None], rows[:, None]].sum((1, 2)) - table[rows, rows].sum(1)
    photo_of = torch.arange(len(table)) // 36
    other = (photo_of[:, None] != photo_of[None]).float()
    often = torch.bincount(rows.flatten(), minlength=len(table)).float()
    chance = often @ (table * other) @ often / (often @ other @ often)
    corners = table.view(len(table) // 36, 36, -1, 36).diagonal(dim1=0, dim2=2)[[0, 5], [35, 30]]
    return within / (k * (k - 1)) - chance, corners.mean().item()


early, late = "blocks.0.0.bn1.act", "blocks.4.2.bn2.act"
judged = layer_outputs(net, pieces, [early, late], batch_size=64)
judged = {"early": judged[early].mean((2, 3)), "late": judged[late].mean((2, 3))}
alike, error = {judge: {} for judge in judged}, {}
figure, axes = new_figure(1, 2, width=8.5, aspect=0.62, sharey=True)
for ax, (judge, features) in zip(axes[0], judged.items(), strict=True):
    for name, rows in best_rows.items():
        alike[judge][name], ceiling = likeness(features, rows)
        mean = alike[judge][name].mean()
        error[judge, name] = 1.96 * alike[judge][name].std().item() / len(rows) ** 0.5
        if name[-1] != "1":  # the second draws look like the first; their means are printed
            ax.hist(
                alike[judge][name].numpy(),
                bins=torch.linspace(-0.2, 0.5, 29).tolist(),
                weights=[100 / len(rows)] * len(rows),
                histtype="step",
                linewidth=2.5 if name == "trained" else 1.2,
                label=name,
            )
        print(f"{judge:>5}, {name:10} {mean:6.3f} ± {error[judge, name]:.3f} on average")
    ax.axvline(0, color="gray", linewidth=0.8)
    ax.axvline(ceiling, color="gray", linestyle=":")
    ax.set(title=f"{judge} features", xlabel="likeness above chance", ylim=(0, 45))
axes[0, 0].set_ylabel("% of the rows")
axes[0, 1].legend(frameon=False)
figure

# %%
# the two rows of the trained network that are most alike by late features, and the two that are least
order = alike["late"]["trained"].argsort(descending=True)[[0, 1, -2, -1]]
show = list(pieces[best_rows["trained"][order].flatten()])
show_images(show, columns=6, width=6, title=f"channels {order.tolist()}: most alike, least alike")

# %%
# does the cut to 64 pixels favor the trained network? Gray all but the patch, for ten rows of three networks
kept = {}
for name in ("trained", "random 0", "shuffled 0"):
    answering = (inner_maps[name].amax(2) > 0).sum(0) >= 6
    ten = answering.nonzero().flatten()[:40:4]
    first = best_rows[name][:40:4, 0]
    only = torch.full((10, 3, 160, 160), 0.5)
    for picture, number in zip(only, first.tolist(), strict=True):
        top, left, bottom, right = boxes[number % 36]
        picture[:, top:bottom, left:right] = pieces[number]
    again = layer_outputs(five[name], only, ["relu5_1"], batch_size=2)["relu5_1"][:, :, 2:8, 2:8]
    again = again.flatten(2)[torch.arange(10), ten, first % 36]
    kept[name] = again / inner_maps[name][first // 36, ten, first % 36]
    print(f"{name:>10}: {kept[name].median():.0%} is left in the middle")

# %% [markdown]
# The number behind ± is 1.96 standard errors over the rows: if channels were drawn again and again, about 95 of 100 such intervals would hold the mean of all of them. (It says nothing of other photos: all rows share these 37.) By late features the trained rows are ahead, about 0.06 above chance, and their interval meets no other. The random mixtures of the same network have about half of it: a channel is a better direction than a mixture, on average, but no different in kind. With random weights it is less still (about 0.01); with shuffled weights, which keep the learned biases, it is nearly as much as for the mixtures.
# By early features both networks with random weights are ahead: rows that agree in what the early features measure (colors, edges) need no learning. And 0.06 is small: two far parts of one photo have about 0.25 (dotted; there chance is not taken off). Do the two rows that this judge finds most alike look alike to you?
# In the controls, too, most of the value is left in the middle row of ten. That does not yet show that the patch made the value: a unit that hardly depends on the photo keeps its value on plain gray, too. For the trained network the test above excluded this; for the controls we have not tested it.
# (One judge, 37 photos. A judge with random weights cannot be asked: it finds two parts of one photo hardly more alike than parts of two photos.)

# %% claim="late: trained rows about 0.06 above chance, and the 95 % intervals do not touch; networks without learning and three draws of mixtures at most two thirds; early: both random networks ahead; an untrained judge is blind"
assert receptive_field(net, early).size[0] == 7
assert receptive_field(net, late).size[0] > 64
means = {
    judge: {name: one.mean().item() for name, one in of.items()} for judge, of in alike.items()
}
assert 0.045 < means["late"]["trained"] < 0.068
assert max(v for k, v in means["late"].items() if k != "trained") < 0.034
assert (
    not max(v for k, v in means["late"].items() if k != "trained") > 0.7 * means["late"]["trained"]
)
low_end = means["late"]["trained"] - error["late", "trained"]
for control_ in best_rows.keys() - {"trained"}:
    assert low_end > means["late"][control_] + error["late", control_] + 0.005
for draw in (1, 2):
    again_turn = torch.linalg.qr(
        torch.randn(512, 512, generator=torch.Generator().manual_seed(draw))
    ).Q
    mixed_rows = best_six(again_turn @ inner_maps["trained"])
    assert 0.015 < likeness(judged["late"], mixed_rows)[0].mean() < 0.034
for random_one in ("random 0", "random 1"):
    assert means["early"][random_one] > 2 * means["early"]["trained"]
assert not means["early"]["shuffled 1"] > means["early"]["trained"]
assert 0.2 < likeness(judged["late"], best_rows["trained"])[1] < 0.4
assert min(one.median() for one in kept.values()) > 0.7
blind = layer_outputs(randomized(net, scale="he"), pieces, [late], batch_size=64)[late].mean((2, 3))
assert likeness(blind, best_rows["trained"])[1] < 0.1
assert all(likeness(blind, one)[0].mean().abs() < 0.015 for one in best_rows.values())

# %% [markdown]
# Other limits:
#
# - The top `k` are the extreme answers. The middle answers of the channel look different (you have seen them).
# - A name that you give to a row ("heads") is a hypothesis. Test it on new photos, with and without the thing (lesson 02 does this).
# - A patch does not say which of its pixels mattered. Zeiler and Fergus (2014, figure 2) put beside each patch what their deconvnet draws from it. Lesson 08 makes this figure, and tests such drawings.
# - Except in the spectrum, the channels of this lesson lie behind a ReLU. After a *linear bottleneck* (Sandler et al., 2018) the next convolution can undo any mixture of channels, so a single one has no special reason to mean one thing.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("05")

# %% [markdown]
# ## Summary
#
# - Receptive field: size $r$, stride $j$, start $a$; each layer adds $(k-1)\,d\,j$ to the size, and multiplies the stride. Most of the effect comes from its middle.
# - Top patches: the best place of each photo, then the best photos. Count for the photo, not for the crop. Memory is channels × k.
# - Two results merge: put them together, sort values and numbers with one order, keep `k`.
# - A row of patches shows extremes of one collection. Networks with random or shuffled weights, and random mixtures of channels, test whether rows have something in common on average. A name for one row is a hypothesis; new photos test it.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Girshick et al.: *Rich Feature Hierarchies*, CVPR 2014 (top regions for a unit). Araujo, Norris, Sim: *Computing Receptive Fields of Convolutional Neural Networks*, Distill 2019. Luo, Li, Urtasun, Zemel: *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, NeurIPS 2016. Olah, Mordvintsev, Schubert: *Feature Visualization*, Distill 2017 (the spectrum of a channel). Szegedy et al.: *Intriguing Properties of Neural Networks*, ICLR 2014. Zhou et al.: *Object Detectors Emerge in Deep Scene CNNs*, ICLR 2015. Bau et al.: *Network Dissection*, CVPR 2017. He, Zhang, Ren, Sun: *Delving Deep into Rectifiers*, ICCV 2015 (the random weights). Sandler et al.: *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018.
