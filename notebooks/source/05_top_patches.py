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
# (at most one place of each photo). Look along the rows. 355: something round. 386: lines that fan out (look at the wheel, the tripod and the wing). 133: heads, of a bird, a dog and three people. 457: three faces, and then wheels and an eye. 116: what do a page of letters, a wheel
# and a window have in common? These five rows, however, somebody did choose, out of 512. To draw them, two questions must be answered: *which pixels* does a channel see, and *where* does it answer
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
# The field of the last one is larger than the photo of 224 pixels. A unit there *can* see everything. Does it use everything equally? First you need the box of a unit in the photo.

# %% claim="the field of blocks.5.0 is larger than the photo, that of blocks.3.0 is not"
assert (
    receptive_field(net, "blocks.5.0").size[0]
    > 1.1 * 224
    > 1.1 * receptive_field(net, "blocks.3.0").size[0]
)

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
# The boxes lie in each other: what a deep unit sees is all that the units below it see. The patches of the first picture are only 64 pixels wide, cut from the middle of a field of 156 pixels. Is this allowed?
#
# The field says which pixels *can* have an effect. How large is the effect? Take the gradient of the middle unit with respect to every pixel, and average its size over photos. This map is called the
# **effective receptive field** (Luo et al., 2016).
#
# **Predict, run, explain.** The frame in the next picture has half of the box's width and height: a quarter of its area. If all pixels had the same effect, it would hold 25 % of the gradient. How
# much will it hold in VGG-19? And in the same network with random weights? Write both numbers down.

# %%
# the size of the gradient at every pixel, for the middle of relu5_1: trained, and with random weights
some = torch.cat([photo(name, 160) for name in names[::5]])
field = receptive_field(vgg, "relu5_1", size=160)
middle = field.start[0] + 5 * field.stride[0] + field.size[0] // 2
inner = slice(middle - field.size[0] // 4, middle + field.size[0] // 4)
boxes = [field.box(5, 5), (inner.start, inner.start, inner.stop, inner.stop)]
shares = {}
for name, one in (("trained", vgg), ("random weights", randomized(vgg))):
    effect = effective_field(one, some, "relu5_1")
    shares[name] = share_inside(effect[None], inner, inner).item()
    title = f"{name}: {shares[name]:.0%} of the gradient in the inner frame"
    display(
        show_boxes(effect, boxes, ["what it can see", "a quarter of it"], title=title, heat=True)
    )

# %% [markdown]
# More than three quarters of the gradient lie in the inner quarter. Learning is not the reason: with random weights it is nearly the same. A pixel in
# the middle reaches the unit on many paths, a pixel at the rim on few. (The rim of the box is cut at the photo's border. The gradient is a local answer: it says what a *small* change of a pixel does.)
#
# For a large change there is a direct test. Make everything gray but the 64 pixels that the first picture shows. How much of each unit's value is left?

# %%
# the 30 units of the first picture, when they see nothing but their patch
left_over = []
for channel in (355, 386, 133, 457, 116):
    only = torch.full((6, 3, 256, 256), 0.5)
    for rank in range(6):
        top, left, bottom, right = found.boxes[channel, rank].tolist()
        source = photos[found.images[channel, rank]]
        only[rank, :, top:bottom, left:right] = source[:, top:bottom, left:right]
    again = layer_outputs(vgg, only, ["relu5_1"], batch_size=6)["relu5_1"][:, channel]
    rows, columns = found.places[channel].unbind(1)
    left_over.append(again[torch.arange(6), rows, columns] / found.values[channel])
left_over = torch.cat(left_over)
print(
    f"left of the value: {left_over.median():.0%} in the middle of 30, {left_over.min():.0%} at least"
)

# %% [markdown]
# So patches of 64 pixels show most of what matters to these units.

# %% claim="half of the 30 units keep nine tenths of their value when they see only their 64 pixels, and none loses half"
assert left_over.median() > 0.85
assert left_over.min() > 0.5

# %% claim="the inner quarter holds more than three quarters of the gradient, with and without training; uniform would be a quarter"
assert shares["trained"] > 0.77
assert shares["random weights"] > 0.72
even = torch.zeros(1, 160, 160)
whole_box = boxes[0]
even[:, whole_box[0] : whole_box[2], whole_box[1] : whole_box[3]] = 1
assert not share_inside(even, inner, inner).item() > 0.3

# %% [markdown]
# ## Where does a channel answer most?
#
# The output of a layer for `N` photos has shape `(N, C, H, W)`. For each channel you want the `k` strongest places. But the neighbors of a strong place are strong, too, and the row would show
# nearly the same patch again and again. So take only the **best place of each photo**, and then the best photos.

# %% [markdown] notes="1" minutes=17
# Do the small example by hand: which place, which photo? Then type the exercise; `//` and `%` need a drawing. Before the spectrum: what will the lowest patches show?

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
field = receptive_field(vgg, "conv5_1", size=128).middle(48)
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
        top, left, bottom, right = field.box(y, x)
        patches.append(small[image, :, top:bottom, left:right])
        values.append(f"{answers[image, 0, y, x].item():.0f}")
show_images(patches, values, columns=7, width=9, title="conv5_1:355: highest, middle, lowest")

# %% [markdown]
# This is the **spectrum** of a channel (Olah, Mordvintsev, Schubert, 2017). The same function found all three rows: only the sign and the zero were moved. The photos are smaller here than in the first picture, so the channel meets other things, and the highest row is not the same. The middle row
# shows places near the median: half of all answers are higher, half are lower. The ReLU that follows turns the whole lowest row, and the middle one, into the same number, 0: behind the ReLU the network cannot tell them apart. Do you see something
# that the lowest patches share? The network never hears of it from this channel.

# %% claim="most answers of channel 355 are below 0, also the middle one"
assert (maps[:, 355] > 0).float().mean() < 0.4
assert maps[:, 355].median() < 0

# %% [markdown]
# ## Any number of photos
#
# For a million photos you cannot keep all maps. You do not have to: keep only the `k` best so far for each channel, and compare them with each new batch. The memory is channels × k, whatever the number of photos. And two
# computers can each take one half, if their results can be **merged**.

# %% [markdown] notes="1" minutes=20
# Run the stub and ask what belongs together: the value and the number of its image must move together.

# %% [markdown] exercise="05.4" title="Spot the bug: merged, but wrong" points=2 difficulty=3 importance=3 minutes=8
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
    vgg, tiles.images, "relu3_1", k=7, photos=tiles.photos, batch_size=32, progress=False
)
show_patches(counted, tiles.images, channels=[24, 242, 215], title="relu3_1: one patch a photo")

# %% claim="without photos= crops of one photo share a row; with it never"
owners = tiles.photos[torch.as_tensor(numbers).long()]
repeated = torch.tensor([len(set(row)) < 7 for row in owners.tolist()]).float().mean()
assert repeated > 0.5
assert all(len(set(row)) == 7 for row in counted.photos.tolist())

# %%
# the library merges in the same way: two halves give the result of the whole
half = len(tiles.images) // 2
first, second = (
    top_patches(vgg, tiles.images[part], "relu1_1", k=7, photos=tiles.photos[part], progress=False)
    for part in (slice(0, half), slice(half, None))
)
whole = top_patches(vgg, tiles.images, "relu1_1", k=7, photos=tiles.photos, progress=False)
merged = first.merge(second, shift=half)
torch.equal(merged.images, whole.images), torch.equal(merged.places, whole.places)

# %% [markdown]
# **Your own photos, and thousands more.** `top_patches` takes a folder, too: `top_patches(vgg, "my_photos", "relu5_1", window=64)`. The command `course photos` downloads Imagenette, 13,000 small photos of ten kinds of things (about 100 MB, once), and tells you where they
# are. With more photos the rows change: the collection decides what can be on top.

# %% [markdown]
# ## From lines to parts of things
#
# **Predict, run, explain.** The next cell shows three layers of VGG-19, from near the pixels to deep inside. In which of them will the patches of a row agree pixel by pixel? In which only in a shape? And in which will it be hard to
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
# Near the pixels, a channel asks for one border in one direction, in nearly any color: bright above and dark below (34), bright on the left of a slanted line (113). In the middle, it asks for a shape: an arc that falls to the right (225), many small spots side by side
# (198). Deep inside, a row has a name when its patches show the same kind of thing in other colors and sizes: wheels, a badge, a coin and a bowl are round
# (8); a rocket, a lug of a drum, a chimney and a trunk stand upright, and so does a face (437). In their pixels, the patches of a row agree most near the pixels.

# %% claim="relu2_2:34 is brighter above in every patch, 113 is brighter on the left; patches of relu2_2 agree more in their pixels than those of relu5_1"
brightness = [p.mean(1)[0] for p in small_rows["relu2_2"].cut(small, channels=[34])[0]]
assert sum((p[:6].mean() > p[-6:].mean()).item() for p in brightness) == 7
brightness = [p.mean(1)[0] for p in small_rows["relu2_2"].cut(small, channels=[113])[0]]
assert sum((p[:, :6].mean() > p[:, -6:].mean()).item() for p in brightness) >= 6


def pixel_agreement(rows):
    """The mean correlation of the gray patches of each row, 12 pixels a side."""
    gray = torch.stack(
        [
            torch.cat([torch.nn.functional.adaptive_avg_pool2d(p.mean(1), 12) for p in row[:6]])
            for row in rows
        ]
    )
    flat = gray.flatten(2) - gray.flatten(2).mean(2, keepdim=True)
    flat = flat / flat.norm(dim=2, keepdim=True).clamp_min(1e-6)
    return (((flat @ flat.transpose(1, 2)).sum((1, 2)) - 6) / 30).mean().item()


agreement = [pixel_agreement(result.cut(small)) for result in small_rows.values()]
agreement.append(pixel_agreement(found.cut(photos, channels=[8, 437])))
assert agreement[0] > 1.2 * agreement[1]
assert agreement[0] > 1.2 * agreement[2]

# %% [markdown]
# ## Explore
#
# Turn through the channels and guess, before you read on, what the nine patches have in common. Click on a patch to see it in its photo. Which channels can you name in one word, and for which do you find no word? With your own
# pictures: `images, names = load_folder("my_photos", 128)` from `course_utils`, then `explorers.TopPatches(vgg, images=images, names=names)`.

# %%
# what a channel answers to most
explorers.TopPatches(vgg, layer="relu3_3", channel=8, images=small, names=names)

# %% [markdown]
# ## What this picture does not show
#
# **Any channel has a best patch.** Ask a network with random weights: its channels have strongest places, too. (Its biases are 0 and its weights are drawn so that the answers keep their size from layer to layer; He et al., 2015. A network whose answers fade would answer nearly the same everywhere.)

# %% [markdown] notes="1" minutes=8
# Show the random network's rows without the title and let the room name them, too. Then votes: are its rows more alike or less alike than those of the trained network?

# %%
# a network that has learned nothing: four of its channels that answer at all
nothing = randomized(vgg, scale="he")
blind = top_patches(nothing, photos, "relu5_1", k=6, window=64, batch_size=4, progress=False)
alive = [c for c in range(512) if blind.values[c, -1] > 0]
show_patches(blind, photos, channels=alive[:40:10], title="random weights")

# %% [markdown]
# This network has strongest places, and rows, like any other. Have the patches of a row something in common? By eye it is hard to say, so measure it. Let a second network judge: EfficientNet-Lite0, built differently (but trained on the same million photos, with the same labels). Give it the patches,
# take its features at two depths, and measure for each row the mean cosine similarity of its patches, pair by pair (each feature is first shifted and scaled so that its mean is 0 and its spread 1).
# A unit of the early layer sees 7 pixels, enough for colors and edges; a unit of the late layer sees the whole patch. A third judge needs no network: the mean brightness of a patch.
#
# What is **chance**? No row has two patches of one photo. So take all pairs of patches from *two different photos*, whatever their rows, and average their similarity.

# %%
# the mean similarity within a row, by three judges, with 95 % intervals, and chance
dice = torch.Generator().manual_seed(0)


def similarities(vectors):
    """Cosine similarity of all patches, each number first scaled to mean 0 and spread 1: (patches, patches)."""
    vectors = (vectors - vectors.mean(0)) / vectors.std(0).clamp_min(1e-6)
    vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return vectors @ vectors.T


def likeness(vectors, photo_of, k=6):
    """The mean similarity within each row (rows,), and over all pairs from two photos (a number)."""
    table = similarities(vectors)
    rows = len(table) // k
    blocks = table.view(rows, k, rows, k).diagonal(dim1=0, dim2=2)  # (k, k, rows)
    within = (blocks.sum((0, 1)) - blocks.diagonal().sum(1)) / (k * (k - 1))
    return within, table[photo_of[:, None] != photo_of[None]].mean().item()


def interval(rows):
    """The mean over channels, and the middle 95 % of the means of 2000 draws with replacement."""
    draws = rows[torch.randint(len(rows), (2000, len(rows)), generator=dice)].mean(1)
    low, high = draws.quantile(torch.tensor([0.025, 0.975])).tolist()
    return rows.mean().item(), low, high


judges = {"early": "blocks.0.0.bn1.act", "late": "blocks.4.2.bn2.act"}
table = {}
for name, result in (("trained", found), ("random weights", blind)):
    channels = [c for c in range(512) if result.values[c, -1] > 0][::2]
    cut = torch.cat([patch for row in result.cut(photos, channels=channels) for patch in row])
    photo_of = result.images[channels].flatten()
    outputs = layer_outputs(net, cut, list(judges.values()), batch_size=64)
    seen = {judge: outputs[layer].mean((2, 3)) for judge, layer in judges.items()}
    seen["brightness"] = cut.mean((1, 2, 3))[:, None]
    for judge, vectors in seen.items():
        within, chance = likeness(vectors, photo_of)
        table[name, judge] = (*interval(within), chance)
print(f"{'':27}likeness in a row   95 % interval      chance")
for (name, judge), (mean, low, high, chance) in table.items():
    print(f"{name:>15}, {judge:10} {mean:12.3f}        {low:6.3f} to {high:6.3f}   {chance:6.3f}")

# %% [markdown]
# By early features, and already by brightness, the rows of the *random* network are the more alike. By late features, those of the *trained* network are, and the random network's rows are near chance. The intervals do not touch. So
# learning did not make the patches of a row more alike. It changed in what they are alike: less in light and colors, more in something that the late features of another network see as well. And the number is small (1 would mean equal patches): most of the 512 rows are less clear than the
# five at the beginning.

# %% claim="early and by brightness: random rows are more alike; late: trained rows are; the intervals do not touch"
assert receptive_field(net, "blocks.0.0.bn1.act").size[0] == 7
assert receptive_field(net, "blocks.4.2.bn2.act").size[0] > 64
for judge_of in ("early", "brightness"):
    assert table["random weights", judge_of][1] > 1.2 * table["trained", judge_of][2]
assert table["trained", "late"][1] > table["random weights", "late"][2] + 0.02
assert table["trained", "late"][0] < 0.15
late_over_chance = {
    one: table[one, "late"][0] - table[one, "late"][3] for one in ("trained", "random weights")
}
assert late_over_chance["trained"] > 0.03
assert late_over_chance["random weights"] < 0.5 * late_over_chance["trained"]
at_border = {
    one: ((r.places == 0) | (r.places == 15)).any(2)[r.values > 0].float().mean()
    for one, r in (("trained", found), ("random weights", blind))
}
assert at_border["random weights"] > 1.5 * at_border["trained"]

# %% [markdown]
# Other limits:
#
# - The top `k` are the extreme answers. The middle answers of the channel look different (you have seen them).
# - The collection decides. What is not in the photos cannot be on top.
# - A name that you give to a row ("heads") is a hypothesis. Test it on new photos, with and without the thing (lesson 02 does this).
# - A patch does not say which of its pixels mattered. Zeiler and Fergus (2014, figure 2) put beside each patch what their deconvnet draws from it. Lesson 08 makes this figure, and tests such drawings.
# - The channels of this lesson lie behind a ReLU. Not every layer ends in one: `blocks.2.1` of EfficientNet-Lite0 is a *linear bottleneck*. The convolution after it can undo any mixture of its channels, so a single channel there
#   has no special reason to mean one thing. Behind a ReLU it may have one; Szegedy et al. (2013) found that *random mixtures* of channels have rows that look as good, and this lesson did not test it.
# - The strongest places of a random network lie at the border more often than those of a trained one: there its layers see zeros in place of a photo.

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
# - A row of patches shows extremes of one collection. It is a hypothesis; a second network and a control with random weights test it.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Girshick et al.: *Rich Feature Hierarchies*, CVPR 2014 (top regions for a unit). Araujo, Norris, Sim: *Computing Receptive Fields
# of Convolutional Neural Networks*, Distill 2019. Luo, Li, Urtasun, Zemel: *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, NeurIPS 2016. Olah, Mordvintsev, Schubert: *Feature Visualization*, Distill 2017 (the spectrum of a channel). Szegedy et al.: *Intriguing properties of neural networks*, ICLR 2014. He et al.: *Delving Deep into Rectifiers*, ICCV 2015 (the random weights).
