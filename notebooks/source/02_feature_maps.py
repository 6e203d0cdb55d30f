# %% [markdown] lesson="02" title="Feature maps: what does a channel answer to?" minutes=75 needs="00"
# You will be able to: record what a layer puts out and draw all its channels; follow a photo down two networks; find
# a channel that seems to answer to faces, to letters, to dog heads; and test whether it deserves this name.

# %% tags=["setup"]
import torch

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
from course_utils.activations import channels, feature_maps, scale_maps, tile
from course_utils.activations import separation as separation_of
from course_utils.figures import show_channel, show_layers, show_maps, show_separation
from course_utils.networks import randomized
from course_utils.stimuli import face_patches, paste, write_word

# %%
# the result first: one of the 512 channels of a layer of VGG-19, light where it answers
net = load_network("vgg19")
some = ["coffee", "grace_hopper", "bottlecap", "cat", "motorcycle", "astronaut"]
some_photos = torch.cat([photo(name) for name in some])
maps = feature_maps(net, some_photos, "relu5_1")
show_channel(
    some_photos,
    maps[:, 457],
    some,
    columns=6,
    title="channel 457 of relu5_1; the number is its largest value",
)

# %% [markdown]
# The photos are dark and gray where the channel is silent, and have their light and colors where it answers. It answers to two faces, and much less to the rest. Nobody asked for a face
# channel: VGG-19 was trained to name 1000 kinds of things, and "face" is not one of them. How do you find such a channel, and how do you know
# that it is what it seems?

# %% [markdown] notes="1" minutes=5
# Cover the title. Ask: what do the light places have in common? Somebody will say "faces", somebody "skin" or "round". Write all three on the board. The lesson
# ends with experiments that decide between them.

# %% [markdown]
# ## The idea
#
# A convolutional layer has $C$ filters. Filter $k$ slides over what came before and writes one number at each position $(i,j)$:
#
# $$A_k(i,j) = \max\Bigl(0,\; b_k + \sum_{c}\sum_{u,v} W_{k}(c,u,v)\, X_c(i+u,\,j+v)\Bigr).$$
#
# $X_c$ are the channels that come in, with zeros around them (the *padding*); $u$ and $v$ run over the window of the filter, $W_k$ are its weights, $b_k$ is its bias; $\max(0,\cdot)$ is the ReLU. So $A_k$ is a small gray picture, the
# **feature map** of channel $k$: bright where the photo holds what filter $k$ looks for.

# %% [markdown] notes="1" minutes=3
# One sentence for the formula: slide, multiply, add, cut off below 0. Ask what the ReLU throws away.

# %% [markdown]
# ## In the head first
#
# One row of pixels, and a filter with two weights, `[-1, 1]`, bias 0. At each position it computes *right pixel minus left pixel*. Where is its map
# bright, before the ReLU and after it? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=14
# The row of pixels on paper first. In exercise 02.1 forget the constant map on purpose: `check` finds the division by
# 0. Give 02.2 to the room and continue with the catch-up cell if it takes longer.

# %%
# an edge, dark to light and back, and its feature map before and after the ReLU
row = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
before = row[1:] - row[:-1]
before, before.clamp(min=0)

# %% [markdown]
# The filter answers to a step from dark to light, at that place only. The step down gives $-1$, and the ReLU makes it $0$: this channel does not tell "nothing here" from
# "the opposite here". Another channel has to do that.

# %%
# the first 32 maps of the first layer for one photo: edges in all directions, and colors
astronaut = photo("astronaut")
first = feature_maps(net, astronaut, "relu1_1")
show_maps(first, count=32, columns=8, scaling="own", width=5.5)

# %% [markdown] exercise="02.1" title="Build it: from maps to gray pictures" points=2 difficulty=2 importance=4 minutes=10 own="course_utils.activations:scale_maps"
# A map has its own unit; a picture needs numbers from 0 (black) to 1 (white). Take the smallest value away and divide by the range, *largest minus smallest*. With `own=True` each map
# has its own smallest and largest value; with `own=False` all maps of the layer share them. Where the range is 0, there is nothing to stretch: return 0. With `own=True` this is so for each constant map.


# %% exercise="02.1"
def to_gray(maps, own):
    """Feature maps as gray pictures.

    maps: (C, h, w); own: True to stretch each map by itself, False for one scale for all
    returns: (C, h, w), from 0 to 1
    """
    ### BEGIN SOLUTION
    over = (1, 2) if own else (0, 1, 2)
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    span = torch.where(high > low, high - low, 1.0)
    return (maps - low) / span
    ### END SOLUTION


check("02.1", to_gray)

# %% [markdown] fold="Hint"
# `maps.amin(dim=(1, 2), keepdim=True)` has shape `(C, 1, 1)`: one number for each map, ready to be subtracted. Over `(0, 1, 2)` it is one number for all. Where the
# range is 0, divide by 1 in its place: `torch.where(span > 0, span, 1.0)`.

# %% [markdown] fold="I get: contains NaN"
# One map is constant, so you divide 0 by 0. Networks have such maps: a channel that is silent for this photo.

# %% [markdown] exercise="02.2" title="Build it: the contact sheet" points=2 difficulty=3 importance=3 minutes=10 own="course_utils.activations:tile"
# Lay the maps out as one picture, row by row, `columns` side by side, without gaps. The last row may not be full: its empty places are 0.


# %% exercise="02.2"
def contact_sheet(maps, columns):
    """All maps as one picture.

    maps: (C, h, w); columns: how many side by side
    returns: (rows * h, columns * w)
    """
    ### BEGIN SOLUTION
    count, h, w = maps.shape
    rows = -(-count // columns)  # rounded up
    places = torch.zeros(rows * columns, h, w, dtype=maps.dtype)
    places[:count] = maps
    return places.view(rows, columns, h, w).permute(0, 2, 1, 3).reshape(rows * h, columns * w)
    ### END SOLUTION


check("02.2", contact_sheet)

# %% [markdown] fold="Hint"
# Fill a tensor of zeros `(rows * columns, h, w)`. View it as `(rows, columns, h, w)`. In the finished picture, the lines of *one* row of maps come one after the other: grid row, map
# line, grid column, map column. So `permute(0, 2, 1, 3)` first, then `reshape`.

# %% picture="02.2"
# your two functions on 48 channels of a middle layer, own scaling
middle = feature_maps(net, astronaut, "relu3_1")[0]
show_images([contact_sheet(to_gray(middle[:48], True), 12)], width=6.5)

# %% [markdown] solution="02.2"
# The dimensions of a tensor are in the order in which the numbers lie in memory. `reshape` keeps that order and only puts new borders between them, so the lines have to be brought into order
# before.

# %% [markdown]
# ## Shared or own?
#
# **Predict, run, explain.** Below are 96 channels of the last layer of VGG-19, first with own scaling, then with shared scaling. How many of them will still be visible in the second picture: nearly all,
# about half, or a few? Write your answer down.

# %% [markdown] notes="1" minutes=3
# Votes before the cell: nearly all, half, a few. Most rooms say half.

# %%
# the same maps twice
last = feature_maps(net, astronaut, "relu5_4")[0, :96]
both = [tile(scale_maps(last, scaling=scaling), columns=12) for scaling in ("own", "shared")]
tops = last.amax((1, 2)) / last.max()
print(
    f"of 96: {int((tops == 0).sum())} silent, {int((tops > 0.1).sum())} above a tenth of the largest value, "
    f"{int((tops > 0.25).sum())} above a quarter, {int((tops > 0.5).sum())} above half"
)
show_images(both, ["own", "shared"], columns=2, width=9)

# %% [markdown]
# With own scaling nearly every map shows something, and you cannot see how weak most of it is; with shared scaling a few are bright, most are dim, and one in ten is black: silent for this photo. Two thirds have a value above a tenth of the largest, a third above a quarter: how many do you call visible?
# And of all *places* in these 96 maps more than two thirds are exactly 0: the layer is **sparse** for this photo. Use shared scaling to ask *which* channel answers, own scaling to ask *where*.

# %% claim="of 96 channels few are bright on a shared scale, most are dim, some silent; most places are 0"
assert (tops > 0.5).float().mean() < 0.25 and 0.28 < (tops > 0.25).float().mean() < 0.42
assert 0.6 < (tops > 0.1).float().mean() < 0.75
assert 5 <= (tops == 0).sum() <= 15
assert (last == 0).float().mean() > 0.7

# %% [markdown]
# ## From edges to objects
#
# Follow a photo down the layers: can you see the objects come? Each row shows the six channels with the largest values; the number above a map is its channel.

# %% [markdown] notes="1" minutes=5
# Go down the rows slowly and ask at each: could you draw the person from this map? Stop where the room says no.

# %%
# a person, through VGG-19
layers = ["relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"]
show_layers(net, astronaut, layers, k=6, title="VGG-19", width=6.5)

# %%
# a motorcycle, through the same layers
show_layers(net, photo("motorcycle"), layers, k=6, title="VGG-19", width=6.5)

# %% [markdown]
# In the first rows you can still draw the object from the maps: lines, edges, areas of one color. Further down the maps become small ($14 \times 14$ at the end), and you could not draw the person from them. Whether a bright spot stands for an object, a map alone does not say: that needs many photos, and tests.

# %%
# another network, built differently, with the same story
lite = load_network("efficientnet_lite0")
names = ["bn1.act", *(f"blocks.{i}.0.bn1.act" for i in (1, 2, 4, 6))]
show_layers(
    lite, photo("motorcycle"), names, k=6, by="spread", title="EfficientNet-Lite0", width=6.5
)

# %% [markdown]
# This network uses ReLU6, $\min(6, \max(0, x))$: several channels can reach the same largest value, 6. So the picture shows the six channels whose
# values vary most. This prefers maps that are half dark: do not compare their darkness with VGG-19's. Again: lines and areas first, then small maps, the last of only $7 \times 7$ positions.

# %% [markdown]
# ## Spot the bug
#
# To record a layer you give PyTorch a **hook**: a function that is called each time the layer has run, with the module, its inputs and its output. Here is one. The question is about the maps of a
# convolution *before* its ReLU, with their negative values.

# %% [markdown] notes="1" minutes=6
# Run the stub. Do not tell that the ReLU works in place; let the room print the smallest value before and after the
# forward pass.

# %% [markdown] exercise="02.3" title="Spot the bug: where are the negative values?" points=2 difficulty=3 importance=4 minutes=8 own="course_utils.hooks:capture course_utils.hooks:_recording"
# Run the cell as it is and read what `check` says. The function has one fault. With it, the last code cell of this section says 0 % three times.


# %% exercise="02.3"
def record(net, images, layer):
    """The output of a layer.

    net: a network; net.layer(layer) is the module of this name; images: (N, 3, H, W)
    returns: the output of the layer, (N, C, h, w)
    """
    ### BEGIN SOLUTION
    seen = []
    handle = net.layer(layer).register_forward_hook(
        lambda module, inputs, output: seen.append(output.clone())
    )
    with torch.no_grad():
        net(images)
    handle.remove()
    return seen[0]
    ### END SOLUTION
    ### BEGIN STUB
    # seen = []
    # handle = net.layer(layer).register_forward_hook(
    #     lambda module, inputs, output: seen.append(output)
    # )
    # with torch.no_grad():
    #     net(images)
    # handle.remove()
    # return seen[0]
    ### END STUB


check("02.3", record)

# %% [markdown] fold="Hint"
# The next layer is `ReLU(inplace=True)`: to save memory it writes its result over its input. Who else holds that input?

# %% uses="02.3"
# what three ReLUs of VGG-19 take away from the astronaut: the negative numbers of the convolutions before them
for layer in ("conv1_1", "conv3_1", "conv5_1"):
    before = record(net, astronaut, layer)
    print(f"{layer}: {(before < 0).float().mean():.0%} below 0, the smallest {before.min():.1f}")

# %% [markdown] solution="02.3"
# The hook keeps a reference, not a copy. After the layer comes an in-place ReLU, and the list then holds the rectified numbers. `clone()` in the hook keeps what the layer really put out. `layer_outputs` of this course does
# that for you.

# %% [markdown]
# ## One channel over many photos
#
# One photo cannot tell what a channel answers to. So take all photos of the gallery and keep the largest value of each map: one row for each photo, one column for each channel.

# %% [markdown] notes="1" minutes=11
# Start the long cell first and explain selectivity while it runs. Two extremes by hand: answers to one photo only, and
# to all alike.

# %%
# 37 photos, three layers, one pass (the longest cell of the lesson)
photos = torch.cat([photo(name) for name in gallery().names])
titles = gallery().names
outputs = layer_outputs(net, photos, ["relu5_1", "relu5_2", "relu5_4"], batch_size=8)
peaks = {layer: values.amax((2, 3)) for layer, values in outputs.items()}
{layer: tuple(values.shape) for layer, values in peaks.items()}

# %% [markdown]
# Some channels answer to every photo, some to very few, some to none. A measure from brain research (Vinje & Gallant, 2000) puts a number on it. With $r_n$ the response to image $n$ of $N$ (here the map's largest value):
#
# $$S = \Bigl(1 - \frac{(\frac1N\sum_n r_n)^2}{\frac1N\sum_n r_n^2}\Bigr) \Big/ \Bigl(1 - \frac1N\Bigr).$$
#
# In the head: for four images with responses $1,1,1,1$ the mean is $1$, the mean square is $1$, so $S=0$. For $4,0,0,0$ the mean is $1$, the mean square $4$, so $S = (1-\frac14)/(1-\frac14) = 1$.

# %% [markdown] exercise="02.4" title="Build it: selectivity" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.activations:selectivity"
# `responses` has shape `(N, C)`, nothing in it is negative. Return one number for each channel. A channel that is silent for all images selects nothing: 0.


# %% exercise="02.4"
def selectivity(responses):
    """How few images each channel answers to.

    responses: (N, C), not negative
    returns: (C,), from 0 (all alike) to 1 (a single image); 0 for a silent channel
    """
    ### BEGIN SOLUTION
    power = responses.square().mean(0)
    share = torch.where(
        power > 0, responses.mean(0).square() / torch.where(power > 0, power, 1.0), 1.0
    )
    return (1 - share) / (1 - 1 / len(responses))
    ### END SOLUTION


check("02.4", selectivity)

# %% [markdown] fold="Hint"
# `responses.mean(0)` is one mean per channel. First square, then mean: `responses.square().mean(0)`. It is 0 only for a silent channel; set the share to 1 there, so that $S = 0$.

# %% picture="02.4"
# the most and the least selective channels of relu5_1 by your measure, over 8 photos
measure = selectivity(peaks["relu5_1"])
order = measure.argsort(descending=True)
alive = order[peaks["relu5_1"][:, order].amax(0) > 0]
picked = [int(alive[0]), int(alive[1]), int(alive[-2]), int(alive[-1])]
rows = [
    outputs["relu5_1"][n, c] / outputs["relu5_1"][:, c].max()
    for c in picked
    for n in range(0, 24, 3)
]
show_images(
    [*photos[0:24:3], *rows],
    columns=8,
    vmin=0,
    vmax=1,
    title="photos · two selective channels · two that answer to everything",
)

# %%
# the same kind of numbers for another network: dead, selective and strongest channels, from one call
found = channels(lite, photos, "bn2.act")
print(
    f"EfficientNet-Lite0, last layer: {int(found.dead.sum())} of {len(found.dead)} channels "
    f"are silent in all {len(photos)} photos"
)
print(f"half of the channels have a selectivity above {found.selectivity.median():.2f}")
for k in (12, 4):
    of_k = ((1 - k / len(photos)) / (1 - 1 / len(photos))) - 1e-6
    print(
        f"equal answers to {k} of {len(photos)} photos give {of_k:.2f}: "
        f"{int((found.selectivity > of_k).sum())} channels have more"
    )
at_top = (feature_maps(lite, photo("cat"), "bn2.act").amax((2, 3)) >= 6).sum()
print(f"for the cat, {int(at_top)} channels reach 6, the largest value that ReLU6 allows")

# %% [markdown]
# No channel is dead over these photos. And the median is about as selective as a channel that answers equally to 12 of the 37 photos (0.694; the median lies just below); hardly one is as selective as one that answers to four.
#
# Look again at the last two rows of the picture above: channels of relu5_1 of VGG-19 that answer to every photo, mostly at its border. Perhaps they see the zeros of the padding. Test it with a gray picture: are the two numbers of `feature_maps(net, torch.full((1, 3, 224, 224), 0.5), "relu5_1")[0, picked[2:]].amax((1, 2))` as large as the photos' `peaks["relu5_1"][:, picked[2:]]`? Then it is the padding.

# %% claim="half of Lite0's channels are about as selective as 12 photos of 37; fewer than ten of 1280 as four; VGG's least selective channels answer at the border"
assert abs(found.selectivity.median() - (1 - 12 / 37) / (1 - 1 / 37)) < 0.05
assert (found.selectivity > (1 - 4 / 37) / (1 - 1 / 37)).sum() < 10
for least in picked[2:]:
    at_least = outputs["relu5_1"][:, least].flatten(1).argmax(1)
    assert ((at_least // 14) % 13 * ((at_least % 14) % 13) == 0).float().mean() > 0.7

# %% [markdown]
# ## Looking for a face channel
#
# Three photos show a person's face: `astronaut`, `grace_hopper`, `camera`. (The heads on `coins` count as others.) A face channel should answer more to these than to any other photo. One number for this is the probability that a random photo of the group gives a higher response
# than a random other photo; an equal response counts one half. (Statisticians call it the *area under the ROC curve*.)

# %% [markdown] notes="1" minutes=14
# Let the room name channel 480 a face channel before you run the test. The disappointment is the lesson: what chose a
# channel cannot judge it.

# %% [markdown] exercise="02.5" title="Build it: separation" points=3 difficulty=3 importance=4 minutes=10 own="course_utils.activations:separation"
# Compare every image of the group with every other image, for each channel. Return the share of pairs that the group wins, with one half for a tie.


# %% exercise="02.5"
def separation(responses, group):
    """How well each channel tells a group of images from the others.

    responses: (N, C); group: a list of N booleans
    returns: (C,), from 0 to 1
    """
    ### BEGIN SOLUTION
    chosen = torch.tensor(group)
    inside, outside = responses[chosen][:, None], responses[~chosen][None]
    wins = (inside > outside).double() + (inside == outside).double() / 2
    return wins.mean(dim=(0, 1))
    ### END SOLUTION


check("02.5", separation)

# %% [markdown] fold="Hint"
# `responses[chosen][:, None]` has shape `(inside, 1, C)` and `responses[~chosen][None]` has shape `(1, outside, C)`. Comparing the two gives all pairs at once: `(inside, outside, C)`.

# %% picture="02.5"
# the channels of relu5_1 and relu5_4 that separate the three face photos perfectly, by your function
people = [name in ("astronaut", "grace_hopper", "camera") for name in titles]
for layer in ("relu5_1", "relu5_4"):
    perfect = torch.nonzero(separation(peaks[layer], people) == 1)[:, 0].tolist()
    print(f"{layer}: channels {perfect} of 512")
show_separation(
    peaks["relu5_1"][:, 457], people, titles, title="relu5_1:457, the three face photos in orange"
)

# %% [markdown]
# Several channels pass. Are they all face channels? Look at two of them:

# %%
# two channels that put the three face photos first
people = [name in ("astronaut", "grace_hopper", "camera") for name in titles]
show_channel(
    photos, outputs["relu5_1"][:, 457], titles, count=6, marked=people, title="relu5_1:457"
)

# %%
# the other one
show_channel(
    photos, outputs["relu5_4"][:, 480], titles, count=6, marked=people, title="relu5_4:480"
)

# %% [markdown]
# Both have the three photos in front. But in the one face photo where you can see the light of the second one, the astronaut's, it is *beside* the face. A photo that chose a channel cannot judge it. So take pictures that had no part in the choice: small gray patches
# (a part of the set *Labeled Faces in the Wild* that scikit-image ships: 25 x 25 pixels, enlarged to 96), half of them faces of other people, half of them pieces of the backgrounds.

# %%
# the test: faces and no faces that neither channel was chosen on
patches, is_face = face_patches(50)
show_images([*patches[:8], *patches[-8:]], columns=8, width=8)

# %%
# all channels that were perfect on the gallery, on the test: the share of pairs that the faces win
tested = layer_outputs(net, patches, ["relu5_1", "relu5_4"], batch_size=25)
for layer in ("relu5_1", "relu5_4"):
    perfect = torch.nonzero(separation_of(peaks[layer], people) == 1)[:, 0].tolist()
    scores = separation_of(tested[layer].amax((2, 3)), is_face)
    print(layer, *[f"{channel}: {scores[channel]:.0%} " for channel in perfect])

# %% [markdown]
# Equal on the gallery, they are not equal here. Channel 457, the only one of relu5_1, wins nearly all pairs, although the patches are gray and tiny: it is not the color of skin. Channel 480 of relu5_4 wins fewer than a coin would. Was it *luck* that it passed?
# Its numbers are 80, 75, then 58 for `camera` and 56 for `retina`: a perfect separation does not say by how much. A channel that has a reason for two of the photos gets the third by luck in 1 of 35 cases. Or photos of people have something else in common, a **confound**. We cannot tell which.
#
# And how good is our test? Many of the other patches are nearly blank. A number that no network computed, the mean difference between neighboring pixels, tells faces from them as well:

# %% claim="channel 480 of relu5_4 has two photos of people far ahead, the third hardly ahead of the retina"
of_480 = peaks["relu5_4"][:, 480]
best_of_480 = of_480.sort(descending=True)
assert [titles[i] for i in best_of_480.indices[:3]] == ["grace_hopper", "astronaut", "camera"]
assert best_of_480.values[1] > 1.2 * best_of_480.values[2]
assert of_480[titles.index("camera")] < 1.1 * of_480[titles.index("retina")]


# %%
# the same test without a network: how much do neighboring pixels differ?
def edge_strength(images):
    return images.mean(1).diff(dim=2).abs().mean((1, 2))[:, None]


edges = edge_strength(patches)
print(
    f"edge strength tells faces from other patches in {separation_of(edges, is_face).item():.0%} of the pairs"
)

# %% [markdown]
# So "457 passes" is worth little as long as the others are blank: a good control differs from a face in few things. The same faces upside down have the same edges, and so have their negatives, with every part in its place. The same faces in 16 shuffled blocks have most parts in wrong places,
# but also borders that no face has. So a control for them: the intact face, its blocks lighter and darker like the squares of a chessboard, with borders about as strong (steps of 0.2). Its name, "borders only", says too much: one eye also gets lighter, the other darker. And three heads of animals, four times each.


# %%
# harder controls: upside down, negative, blocks shuffled, borders only; heads of animals
def coarse(images):
    small = torch.nn.functional.interpolate(images.mean(1, keepdim=True), 25, mode="area")
    return torch.nn.functional.interpolate(small, 96, mode="bilinear").expand(-1, 3, -1, -1)


def in_blocks(images, change):
    tiles = images.unfold(2, 24, 24).unfold(3, 24, 24).flatten(2, 3)
    return change(tiles).unflatten(2, (4, 4)).permute(0, 1, 2, 4, 3, 5).reshape(images.shape)


def shuffled(tiles, seed=0):  # another order for each face
    draw = torch.Generator().manual_seed(seed)
    return torch.stack([one[:, torch.randperm(16, generator=draw)] for one in tiles])


def as_on_a_chessboard(tiles, step=0.12):  # lighter, darker, lighter, ...
    signs = torch.tensor([(-1.0) ** (row + column) for row in range(4) for column in range(4)])
    return (tiles + step * signs.view(1, 1, 16, 1, 1)).clamp(0, 1)


resize = torch.nn.functional.interpolate
faces = patches[is_face]
whole_heads = {
    "cat": (0, 224, 0, 224),
    "dalmatian": (10, 190, 48, 200),
    "bull_mastiff": (70, 153, 45, 121),
}
heads_of_animals = torch.cat(
    [
        coarse(resize(photo(name)[:, :, top + k : bottom - k, left + k : right - k], size=(96, 96)))
        for name, (top, bottom, left, right) in whole_heads.items()
        for k in (0, 2, 4, 6)
    ]
)
controls = {
    "upside down": faces.flip(2),
    "negative": 1 - faces,
    "blocks shuffled": in_blocks(faces, shuffled),
    "borders only": in_blocks(faces, as_on_a_chessboard),
    "animals": heads_of_animals,
}
seen = [controls[name][0] for name in list(controls)[:4]]
show_images(
    [faces[0], *seen, *heads_of_animals[::4]],
    ["face", *list(controls)[:4], *whole_heads],
    columns=8,
    width=9,
)


# %%
# channel 457 against each control: what is left of its answer, its rank among 512, edge strength; then random weights
def against_controls(network):
    """For each control: the share of pairs that the faces win, and the mean answer in units of that to faces."""
    of_faces = feature_maps(network, faces, "relu5_1", batch_size=25).amax((2, 3))
    shares, left = {}, {}
    for name, others in controls.items():
        of_others = feature_maps(network, others, "relu5_1", batch_size=25).amax((2, 3))
        group = [True] * len(faces) + [False] * len(others)
        shares[name] = separation_of(torch.cat([of_faces, of_others]), group)
        left[name] = of_others.mean(0) / of_faces.mean(0)
    return shares, left


trained_shares, left_of_answer = against_controls(net)
for name, shares in trained_shares.items():
    of_edges = edge_strength(torch.cat([faces, controls[name]]))
    group = [True] * len(faces) + [False] * len(controls[name])
    print(
        f"{name:15} {left_of_answer[name][457]:4.0%} of the answer to faces; faces win {shares[457]:.0%} of the pairs, "
        f"{int((shares > shares[457]).sum()):2} of 511 others do better; edge strength {separation_of(of_edges, group).item():.0%}"
    )
random_shares, _ = against_controls(randomized(net))
for name, shares in (("trained", trained_shares), ("random weights", random_shares)):
    worst = torch.stack(list(shares.values())).amin(0)  # of the five controls, for each channel
    print(
        f"{name}, hardest control: 457 {worst[457]:.0%}, the median channel {worst.median():.0%}, the best {worst.max():.0%}"
    )

# %%
# a gray bar, 18 rows high, over the middle of the face: what is left of 457's answer?
intact = feature_maps(net, faces, "relu5_1", batch_size=25)[:, 457].amax((1, 2))
left_over = {}
for top in range(0, 79, 6):
    without = faces.clone()
    without[:, :, top : top + 18, 20:76] = faces.mean((1, 2, 3)).view(-1, 1, 1, 1)
    its_answers = feature_maps(net, without, "relu5_1", batch_size=25)[:, 457].amax((1, 2))
    left_over[top] = (its_answers.mean() / intact.mean()).item()
print("first row of the bar:", *[f"{top:4}" for top in left_over])
print("left of the answer:  ", *[f"{x:4.0%}" for x in left_over.values()])
covered = faces[0].clone()
covered[:, 36:54, 20:76] = faces[0].mean()
show_images([faces[0], covered], ["face", "bar from row 36 on"], columns=2, width=3)

# %% [markdown]
# A share of pairs says that faces win, not by how much. So read the first number, too. Shuffling the blocks leaves 38 percent of the answer. But lighter and darker blocks, with every part in its place, leave as little. So the shuffled blocks say nothing about the places of the parts.
# With equal edges, six tenths of the answer are left upside down, and a little less in the negative. So the channel does mind which way up a face is, and which parts are dark.
# A gray bar costs something wherever it lies on the face: most, about four tenths, over the eyes, over the nose and between (first rows 18 to 42), and little at the chin. Everywhere more than half is left: no single part carries the answer.
#
# Is that much? On its hardest control, upside down, channel 457 wins 84 % of the pairs; hardly any other channel of the layer does better on its own hardest. The faces and the first four controls had no part in choosing it. The animals had: it had to beat the photos from which they are cut, so their line is no test. With random weights the *best* of 512 wins 71 %: so much comes from looking for the best. But weights drawn like this can hide the photo behind a bright border (the last row of maps in this lesson). `randomized(net, scale="he")` keeps the signals at one size: try this fairer control. That is what "face channel" means here, and no more.

# %% claim="457 wins against every control; most blocks are in wrong places; a chessboard has borders like theirs, and costs as much, for three strengths; upside down six tenths are left, in the negative a little less; a bar costs most from the eyes to the nose, nowhere half; a median channel with random weights wins half at most, the best more"
for shares_of_it in trained_shares.values():
    assert shares_of_it[457] > 0.8
    assert shares_of_it[457] >= trained_shares["upside down"][457]
kept_in_place = shuffled(torch.arange(16.0).expand(25, 1, 16)) == torch.arange(16.0)
assert kept_in_place.sum(-1).max() <= 4
for with_borders in ("blocks shuffled", "borders only"):
    jumps_across = [controls[with_borders].mean(1).diff(dim=axis).abs() for axis in (1, 2)]
    assert 0.17 < jumps_across[0][:, 23::24].mean() < 0.28
    assert 0.17 < jumps_across[1][..., 23::24].mean() < 0.28
kept_of_it = {control: of_control[457].item() for control, of_control in left_of_answer.items()}
assert 0.33 < kept_of_it["blocks shuffled"] < 0.43
assert abs(kept_of_it["borders only"] - kept_of_it["blocks shuffled"]) < 0.05
for strength in (0.1, 0.15):
    by_borders = in_blocks(faces, lambda tiles, step=strength: as_on_a_chessboard(tiles, step))
    its_answer = feature_maps(net, by_borders, "relu5_1", batch_size=25)[:, 457].amax((1, 2)).mean()
    assert abs(its_answer / intact.mean() - kept_of_it["blocks shuffled"]) < 0.07
hardest_of_trained = torch.stack(list(trained_shares.values())).amin(0)
assert (hardest_of_trained > hardest_of_trained[457]).sum() <= 3
assert 0.55 < kept_of_it["upside down"] < 0.67 and 0.5 < kept_of_it["negative"] < 0.6
assert 0.5 < min(left_over.values()) < 0.6
costly = {first_row: left_over[first_row] for first_row in (18, 24, 30, 36, 42)}
assert all(share_left < 0.67 for share_left in costly.values())
assert max(costly.values()) < min(left_over[row_] for row_ in left_over if row_ not in costly)
mean_face = faces.mean((0, 1))[20:60]
dark_rows = mean_face[:, 24:42].mean(1) + mean_face[:, 54:72].mean(1)
assert 28 <= 20 + dark_rows.argmin() <= 36  # the eyes
assert max(left_over.values()) < 1 and left_over[78] > 0.9
for shares_by_dice in (random_shares, against_controls(randomized(net, seed=1))[0]):
    hardest = torch.stack(list(shares_by_dice.values())).amin(0)
    assert 0.62 < hardest.max() < 0.9 and hardest.median() < 0.55
    assert not hardest[457] > 0.6
sideways = edge_strength(torch.cat([faces, faces.flip(2)]))
assert not separation_of(sideways, [True] * 25 + [False] * 25).item() > 0.55
assert separation_of(edges, is_face) > 0.95

# %% [markdown]
# ## Letters: plant the cause
#
# Of all gallery photos, channel 116 of relu5_1 likes the printed page best. Does it read? For faces you had new pictures. Here you can do better: make the cause yourself. Write a word into photos that have none, and, as controls, put other things of its size in its place: the word mirrored, turned, or cut into strips or squares of 4 pixels and shuffled; its plate without a word; bars; and blocks of 5 pixels.

# %% [markdown] notes="1" minutes=7
# Ask for controls before you show ours: what else should be pasted in, if you doubt that it reads?

# %%
# words; mirrored, turned by 180°, in strips, in squares; an empty plate, bars, and blocks, on photos without text
places = ["rocket", "flower", "dung_beetle"]
plain = torch.cat([photo(name) for name in places])
words = torch.cat(
    [
        write_word(plain[i : i + 1], word, height=0.16)
        for i, word in enumerate(["paper", "LOOK", "river"])
    ]
)
controls = {
    "nothing": plain,
    "word": words,
    "mirrored": words.clone(),
    "turned": words.clone(),
    "plate": plain.clone(),
    "strips": words.clone(),
    "squares": words.clone(),
    "bars": plain.clone(),
    "blocks": plain.clone(),
}
generator = torch.Generator().manual_seed(5)


def in_strips(piece):
    """The columns of a picture (3, H, W), four at a time, in random order."""
    cut = piece.unflatten(2, (-1, 4))
    return cut[:, :, torch.randperm(cut.shape[2], generator=generator)].flatten(2)


def in_squares(piece):
    """The squares of 4 x 4 pixels of a picture, in random order."""
    cut = (
        piece.unflatten(2, (-1, 4)).unflatten(1, (-1, 4)).transpose(2, 3)
    )  # (3, rows, columns, 4, 4)
    flat = cut.flatten(1, 2)[:, torch.randperm(cut.shape[1] * cut.shape[2], generator=generator)]
    return flat.unflatten(1, cut.shape[1:3]).transpose(2, 3).reshape(piece.shape)


for i in range(len(plain)):
    down, right = torch.nonzero((words[i] != plain[i]).any(0), as_tuple=True)
    box = (
        i,
        slice(None),
        slice(int(down.min()), int(down.max()) + 1),
        slice(int(right.min()), int(right.max()) + 1),
    )
    high, wide = words[box].shape[1:]
    controls["mirrored"][box] = words[box].flip(2)
    controls["turned"][box] = words[box].flip(1, 2)
    controls["plate"][box] = 0
    inside = (slice(None), slice(high // 4 * 4), slice(wide // 4 * 4))
    controls["strips"][box][inside] = in_strips(words[box][inside])
    controls["squares"][box][inside] = in_squares(words[box][inside])
    controls["bars"][box] = (torch.arange(wide) // 4 % 2).float()
    noise = (torch.rand(-(-high // 5), -(-wide // 5), generator=generator) > 0.5).float()
    controls["blocks"][box] = noise.repeat_interleave(5, 0).repeat_interleave(5, 1)[:high, :wide]
everything = torch.cat(list(controls.values()))
answers = feature_maps(net, everything, "relu5_1", batch_size=8)[:, 116]
labels = [name for name in controls for _ in plain]
show_channel(
    everything, answers, labels, order=False, columns=9, title="channel 116 of relu5_1", width=9
)

# %% [markdown]
# **Predict, run, explain.** If the channel *reads*, the mirrored word must mean less to it. If it wants *whole letters*, strips of a word must do worse. If any pieces of letters will do, small squares of a word do as well. If it answers to any black and white pattern, bars must do as well as words.

# %%
# the mean answer to each kind
values = answers.amax((1, 2)).view(len(controls), -1).mean(1)
for name, value in zip(controls, values.tolist(), strict=True):
    print(f"{name:12s} {value / values[1].item():4.0%} of the answer to a word")

# %% [markdown]
# Mirrored and turned words do as well as real ones: it does not read. Shuffled strips of these words do as well, too: whole letters are not needed. Squares of a word, the same ink in pieces of 4 pixels, do little; so does an empty plate. So is it long strokes? The bars are the longest, the blocks have few, and both do little more than half. And the gallery's `text`, ink strokes on gray paper, is not among the first six below: after the page come car wheels, a white wall and the letters of a bottle cap. We have refuted a name, and have no better one.

# %% claim="mirrored and turned words do as well as words; shuffled strips, too, and with other words more than six tenths; squares do little, for three sets of words and two draws; bars and blocks more than half; a plate little; of the gallery the page is first, and text gives less than half of a word"
by_kind = dict(zip(controls, (values / values[1]).tolist(), strict=True))
for as_good in ("mirrored", "turned"):
    assert 0.85 < by_kind[as_good] < 1.2
assert 0.85 < by_kind["strips"] < 1.2 and by_kind["squares"] < 0.4
assert 0.5 < by_kind["bars"] < 0.65 and 0.5 < by_kind["blocks"] < 0.7
of_116 = peaks["relu5_1"][:, 116]
assert titles[of_116.argmax()] == "page"
assert of_116[titles.index("text")] < 0.5 * values[1]
assert by_kind["plate"] < 0.25
assert by_kind["nothing"] < 0.25
for three_words in (
    ("Fragen", "RGFJ", "beauty"),
    ("ABCDE", "Hemd", "Kugel"),
    ("paper", "LOOK", "river"),
):
    of_kinds = []
    for which_photo, one_word in enumerate(three_words):
        written = write_word(plain[which_photo : which_photo + 1], one_word, height=0.16)[0]
        y_of, x_of = torch.nonzero((written != plain[which_photo]).any(0), as_tuple=True)
        area = (
            slice(None),
            *(
                slice(int(k.min()), int(k.min()) + (int(k.max()) + 1 - int(k.min())) // 4 * 4)
                for k in (y_of, x_of)
            ),
        )
        of_kinds.append(written)
        for cut_up in (in_strips, in_squares, in_squares):
            of_kinds.append(written.clone())
            of_kinds[-1][area] = cut_up(written[area])
    their = (
        feature_maps(net, torch.stack(of_kinds), "relu5_1", batch_size=6)[:, 116]
        .amax((1, 2))
        .view(3, 4)
        .mean(0)
    )
    assert their[1] > 0.65 * their[0] and their[2:].max() < 0.4 * their[0]

# %%
# the same channel over the gallery
show_channel(photos, outputs["relu5_1"][:, 116], titles, count=6, title="relu5_1:116")

# %% [markdown]
# ## Dog heads: cut and paste
#
# Two photos show a dog. We looked through the channels of relu5_2 for one that puts them first, with a clear lead: channel 365.

# %%
# channel 365 over the gallery, the two dogs in orange
dogs = [name in ("bull_mastiff", "dalmatian") for name in titles]
show_separation(peaks["relu5_2"][:, 365], dogs, titles, title="relu5_2:365, the dogs in orange")

# %% [markdown]
# Is it the head, the fur, or the grass they stand on? Cut out pieces of 64 x 64 pixels, and paste them into photos without a dog. (The cat's head fills its photo: it is made smaller.)

# %% [markdown] notes="1" minutes=3
# Ask which of the eight pieces will move it most: head, fur or ground. Who chose the channel?

# %%
# eight pieces
cuts = {
    "mastiff head": ("bull_mastiff", 78, 53),
    "mastiff back": ("bull_mastiff", 18, 50),
    "grass": ("bull_mastiff", 20, 0),
    "dalmatian head": ("dalmatian", 50, 90),
    "dalmatian leg": ("dalmatian", 128, 0),
    "forest floor": ("dalmatian", 160, 120),
    "woman": ("astronaut", 10, 60),
}
pieces = [photo(n)[0, :, top : top + 64, left : left + 64] for n, top, left in cuts.values()]
pieces.append(resize(photo("cat"), size=(64, 64), mode="bilinear", antialias=True)[0])
show_images(pieces, [*cuts, "cat"], columns=8, width=9)

# %%
# each of them on two grounds, and the grounds alone
grounds = torch.cat([photo(name) for name in ("flower", "loafer")])
pasted = torch.cat([grounds, *[paste(grounds, piece) for piece in pieces]])
heads = feature_maps(net, pasted, "relu5_2", batch_size=8)[:, 365]
names = ["nothing", *cuts, "cat"]
order = list(range(0, len(pasted), 2)) + list(range(1, len(pasted), 2))
show_channel(
    pasted[order],
    heads[order],
    [name.replace(" ", "\n") for name in names * 2],
    order=False,
    columns=9,
    title="relu5_2:365",
    width=9,
)

# %% [markdown]
# Two pieces do it, on both grounds: the mastiff's head, and "dalmatian head". All others give less than half of it, some no more than the ground alone. But look at the dalmatian's piece: cheek, spots and ear, no eye and no nose. So a whole head is not needed; and no other piece is mostly spotted fur: spots may do. And the photos chose the channel: the test says *where* in them, not which other things would do.
#
# You have now tested three names. *Faces*: new pictures, and controls that differ in few things. *Letters*: planted, and not the right name. *Dog heads*: cut and pasted, but only two dogs, and of one a piece of the head. Test it with dogs of your own.

# %% claim="365 puts the two dogs first; both heads, on both grounds, give twice what every other piece gives"
of_365 = peaks["relu5_2"][:, 365]
assert sorted(titles[i] for i in of_365.argsort(descending=True)[:2]) == [
    "bull_mastiff",
    "dalmatian",
]
assert of_365.sort(descending=True).values[1] > 1.3 * of_365.sort(descending=True).values[2]
strengths = dict(zip(names, heads.amax((1, 2)).view(len(names), 2).tolist(), strict=True))
weakest_head = min(strengths["mastiff head"] + strengths["dalmatian head"])
for piece_name, two_values in strengths.items():
    if "head" not in piece_name:
        assert weakest_head > 2 * max(two_values)

# %% [markdown]
# ## Explore
#
# Choose a layer and turn through its channels. Click on the large map: the frame in the photo shows what this place can see. Find a channel that is silent on this photo, and a photo (or a picture of your own) that wakes it up.

# %%
# one channel, one place, and what it can see
explorers.FeatureMaps(net)

# %% [markdown]
# ## What this picture does not show
#
# How many "perfect" channels does luck alone give? Choose three photos **at random** as the group, and count the channels that separate them perfectly. In the head first: each channel has one top three, and there are 7770 ways to choose three of 37. So over all groups the average is at most $512 / 7770 = 0.07$ channels, whatever the network; a sample of groups may give more or less. How many has the best of 200 groups?

# %% [markdown] notes="1" minutes=3
# The number of perfect channels by luck alone: ask for a guess first.

# %%
# perfect channels of relu5_4 for 200 random groups of three photos
generator = torch.Generator().manual_seed(0)
counts = []
for _ in range(200):
    chosen = torch.zeros(len(photos), dtype=torch.bool)
    chosen[torch.randperm(len(photos), generator=generator)[:3]] = True
    counts.append(int((separation_of(peaks["relu5_4"], chosen) == 1).sum()))
counts = torch.tensor(counts)
of_faces = int((separation_of(peaks["relu5_4"], people) == 1).sum())
print(f"the three face photos: {of_faces} perfect channels")
print(
    f"a random group: {counts.float().mean():.2f} on average, at most {int(counts.max())}; "
    f"none at all in {(counts == 0).float().mean():.0%}"
)

# %%
# and a network that has learned nothing: its first-layer and last-layer maps of the same photo
nothing = randomized(net)
show_layers(
    nothing,
    astronaut,
    ["relu1_2", "relu3_4", "relu5_4"],
    k=6,
    title="VGG-19 with random weights",
    width=6.5,
)

# %% [markdown]
# Two warnings:
#
# - A group of random photos also gets a "channel of its own" now and then. The more channels you search, the more you find. Always test a channel on pictures that did not choose it.
# - With random weights, too, you see the photo in the early maps: it shines through any filter. A pretty early map is no evidence of learning. In the last layer, with weights drawn like this, the border is brightest and hides what else there may be.
#
# And in one sentence each: a channel may answer to several things (look at the tail of each list); a thing may be coded by many channels together; and a strong answer does not say that the network *uses* it for its decision (lesson 11 asks that).

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("02")

# %% [markdown]
# ## Summary
#
# - A feature map $A_k$ is a small gray picture: where does channel $k$ answer? Clone what a hook records.
# - Shared scaling shows which channels speak, own scaling shows where.
# - Early maps follow edges and areas; late maps are small. In the last layer of VGG-19 most places are 0 for the astronaut, although nine of ten of the channels we looked at answer somewhere.
# - A name for a channel is a hypothesis. New pictures, planted causes and controls that differ in few things test it, and may refute it.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Yosinski, Clune, Nguyen, Fuchs, Lipson: *Understanding Neural Networks Through Deep Visualization*, ICML Workshop 2015 (a face channel found by looking). Vinje, Gallant: *Sparse coding and decorrelation in primary visual cortex*, Science 2000. Bau et al.: *Network Dissection*, CVPR 2017.
