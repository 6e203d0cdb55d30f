# %% [markdown] lesson="05" title="Maximally activating patches: what does a channel look for?" minutes=65 needs="02"
# You will be able to: say exactly which pixels a unit can see; find, in any number of photos, the patches that excite a channel most; and say what such a row of
# patches does *not* prove.

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
from course_utils.figures import show_patches
from course_utils.networks import randomized

# %%
# the result first: for a few channels of a middle layer, the patches that excite them most
net = load_network("efficientnet_lite0")
photos = torch.cat([photo(one.name) for one in gallery()])
found = top_patches(net, photos, "blocks.2.1", k=8)
show_patches(
    found,
    photos,
    channels=[0, 3, 8, 14, 21],
    title="blocks.2.1: one row for each channel, strongest first",
)

# %% [markdown]
# Every row belongs to one channel; the number above a patch is the channel's value there. Nobody chose the patches: they are the places where this channel answers most, in the whole collection. Look along a row: many of its patches share
# something, a slanted edge or an arc, although the things in them differ. To draw them, two questions must be answered: *where* does a channel answer most, and *which pixels* does it see there?

# %% [markdown] notes="1" minutes=4
# Show the rows without their numbers. Let people name them: "dark spots", "slanted lines", ... Write the names down. At the end, ask whether the names were right.

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

# %% [markdown] notes="1" minutes=17
# The three steps on paper, then the cell. The usual slip in 05.1 is to multiply the stride before the size has grown.
# 05.2 is for the room.

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
for layer in ("conv_stem", "blocks.1.0", "blocks.2.1", "blocks.3.0", "blocks.5.0"):
    field = receptive_field(net, layer)
    print(
        f"{layer:>10}: {field.size[0]:4} pixels, stride {field.stride[0]:2}, start {field.start[0]}"
    )

# %% [markdown]
# Deep fields are larger than the photo. A unit there *can* see everything. That it does not use everything equally is a different question (see the quiz).

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

# %% [markdown]
# ## Where does a channel answer most?
#
# The output of a layer for `N` photos has shape `(N, C, H, W)`. For each channel you want the `k` strongest places. But the neighbors of a strong place are strong, too, and the row would show
# nearly the same patch again and again. So take only the **best place of each photo**, and then the best photos.

# %% [markdown] notes="1" minutes=14
# Do the small example by hand: which place, which photo? Then type the exercise; `//` and `%` need a drawing.

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

# %% picture="05.3"
# your function on real feature maps: the strongest place of channel 8 in six photos, cut out
outputs = layer_outputs(net, photos, ["blocks.2.1"], batch_size=16)["blocks.2.1"]
field = receptive_field(net, "blocks.2.1")
patches = []
for image, y, x in top_places(outputs, 6)[8].long().tolist():
    top, left, bottom, right = field.box(y, x)
    patches.append(photos[image, :, top:bottom, left:right])
show_images(patches, columns=6, title="channel 8, strongest first")

# %% [markdown]
# ## Any number of photos
#
# For a million photos you cannot keep all maps. You do not have to: keep only the `k` best so far for each channel, and compare them with each new batch. The memory is channels × k, whatever the number of photos. And two
# computers can each take one half, if their results can be **merged**.

# %% [markdown] notes="1" minutes=8
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

# %%
# the library merges in the same way: two halves give the result of the whole
half = len(photos) // 2
first, second = (
    top_patches(net, photos[:half], "blocks.2.1", k=8),
    top_patches(net, photos[half:], "blocks.2.1", k=8),
)
merged = first.merge(second, shift=half)
torch.equal(merged.images, found.images), torch.equal(merged.places, found.places)

# %% [markdown]
# ## From edges to larger things
#
# **Predict, run, explain.** The next cell shows three layers of VGG-19, from near the pixels to deep inside. In which of them will the patches of a row agree pixel by pixel? In which only in a shape? And in which will it be hard to
# say what they share? Write your answer down.

# %% [markdown] notes="1" minutes=7
# Votes before the cell, one for each layer. Then take up the names from the beginning.

# %%
# three layers of VGG-19 (16 convolutions); only a few photos, so that it takes seconds
vgg = load_network("vgg19")
some = photos[:18]
for layer, channels in (("relu1_2", [5, 20]), ("relu3_1", [10, 47]), ("relu5_1", [12, 100])):
    result = top_patches(vgg, some, layer, channels=channels, k=7)
    display(
        show_patches(
            result,
            some,
            title=f"{layer}: the unit sees {receptive_field(vgg, layer).size[0]} pixels",
        )
    )

# %%
# the same deep patches with their place in the photo
show_patches(result, some, places=True, title="relu5_1: where the patches are")

# %% [markdown]
# Near the pixels, a channel asks for one edge in one direction, in nearly any color. In the middle, it asks for more: slanted edges of some length, and other things for which it is hard to find one word. Deep inside, a patch is most of a photo, and a row can only be read with care: much
# of each patch may not matter.

# %% [markdown]
# ## Explore
#
# Turn through the channels and guess, before you read on, what the nine patches have in common. Click on a patch to see it in its photo. Which channels can you name in one word, and for which do you find no word?

# %%
# what a channel answers to most
explorers.TopPatches(net, layer="blocks.2.1")

# %% [markdown]
# ## What this picture does not show
#
# **Any channel has a best patch.** Ask a network with random weights: its channels have strongest places, too.

# %% [markdown] notes="1" minutes=6
# Show the random network's rows without the title and let the room name them, too.

# %%
# a network that has learned nothing
nothing = randomized(net)
blind = top_patches(nothing, photos, "blocks.2.1", channels=[0, 3, 8, 14, 21], k=8)
show_patches(blind, photos, title="random weights")

# %% [markdown]
# (The numbers may be negative: this layer ends without a ReLU. Only their order matters. Such a layer is a *linear bottleneck*: the next layer can undo any mixture of its channels, so a single channel
# has no special reason to mean one thing. Behind a ReLU it has.)
#
# The random network has its favorites, too: one row holds smooth dark patches, another one rough textures. So patches that share something are no
# evidence of learning by themselves; even random filters answer to contrast and texture. Other limits:
#
# - The top `k` are the extreme answers. The many middle answers of the channel may look different.
# - The collection decides. What is not in the photos cannot be on top.
# - A name that you give to a row ("dog faces") is a hypothesis. Test it on new photos, with and without the thing (lesson 02 does this).

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
# - Receptive field: size $r$, stride $j$, start $a$; each layer adds $(k-1)\,d\,j$ to the size, and multiplies the stride.
# - Top patches: the best place of each photo, then the best photos. Memory is channels × k.
# - Two results merge: put them together, sort values and numbers with one order, keep `k`.
# - A row of patches shows extremes of one collection. It is a hypothesis.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Girshick et al.: *Rich Feature Hierarchies*, CVPR 2014 (top regions for a unit). Araujo, Norris, Sim: *Computing Receptive Fields
# of Convolutional Neural Networks*, Distill 2019. Luo et al.: *Understanding the Effective Receptive Field*, NeurIPS 2016.
