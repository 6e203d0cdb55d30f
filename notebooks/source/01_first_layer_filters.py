# %% [markdown] lesson="01" title="Filters: what the weights themselves look like" minutes=85 needs="00"
# You will be able to: draw the filters of a network's first layer as pictures and read them; compute what a filter answers at a place of an image; tell
# gray filters from colored ones by a number; and say why the weights of deeper layers cannot be read this way.

# %% tags=["setup"]
import math

import torch

from course_utils import check, gallery, load_network, photo, quiz, show_bars, show_images
from course_utils.figures import show_filters
from course_utils.filters import (
    color_share,
    expanded_weights,
    filter_response,
    filter_weights,
    filters_as_images,
    raw_weight_sheet,
    strongest_windows,
)
from course_utils.fun import load_style_net
from course_utils.networks import randomized
from course_utils.networks.cifar import first_layer_during_training
from course_utils.networks.faces import face_filters
from course_utils.stimuli import same_spectrum, simple_patterns

# %%
# the result first: all 64 filters of VGG-19's first layer
vgg = load_network("vgg19")
weights = filter_weights(vgg)
show_filters(weights, numbers=True, title=f"VGG-19, first layer: {tuple(weights.shape)}")

# %% [markdown]
# Each little picture is one filter: 3 × 3 positions, 3 colors. Nobody drew them. They began as random numbers, and a million photos made them into this.
# Some are gray with a dark and a bright side: edges in some direction. Others are patches of one color. Do other networks have the same kinds? You will count. Cells of the first stage of the visual cortex answer to edges in a direction (Hubel & Wiesel, 1959).

# %% [markdown] notes="1" minutes=4
# Leave the picture on the screen and ask: which filters look alike? Which would answer to a vertical edge? Write the numbers on the board. They are checked in the section "What a filter answers to".

# %% [markdown]
# ## The idea: a filter is a small picture
#
# A convolution slides a filter $w$ over the image $x$. At the position $(i, j)$ it takes the window of the image that lies under the filter, multiplies number by number, adds everything up, and adds a bias $b$:
#
# $$y_{ij} = b + \sum_{c=1}^{3}\sum_{u,v} w_{cuv}\; x_{c,\,i+u,\,j+v} = b + \langle w,\ \text{window}_{ij}(x) \rangle .$$
#
# Here $k$ is the size of the filter ($k = 3$ in VGG-19), and $u$ and $v$ go from $0$ to $k-1$. This is an **inner product** of two vectors: the filter and the window, each written as a list of $3 \cdot k \cdot k$ numbers. Among all windows of the same length, the inner product is largest
# for the window that is a positive multiple of the filter (Cauchy–Schwarz). So the picture of a filter **is** the picture of what it looks for. (Here $x$ may be negative: the network takes a mean away first. Of windows between 0 and 1, the best is white where the weight is positive and black where it is negative: the signs of the filter.) In the first layer the three channels are red, green and blue, and you
# can draw it.

# %% [markdown] notes="1" minutes=5
# Draw one window and one filter side by side on the board. The sentence to keep: the picture of a filter is the picture
# of what it looks for.

# %% [markdown]
# ## In the head first
#
# A filter of one row: $w = (-1, 0, 1)$, no bias. The image row is $(5, 5, 5, 9, 9, 9)$. What are the four responses? What would they be for the row $(9, 9, 9, 5, 5, 5)$?
# *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=4
# Four numbers on paper, then the cell. Ask for the sum of the weights: 0. That is why a plain area gives 0.

# %%
# slide (-1, 0, 1) over a step up, and over a step down
row_filter = torch.tensor([-1.0, 0.0, 1.0])
for row in ([5.0, 5, 5, 9, 9, 9], [9.0, 9, 9, 5, 5, 5]):
    windows = torch.tensor(row).unfold(0, 3, 1)
    print(row, "->", (windows * row_filter).sum(1).tolist())

# %% [markdown]
# The response is zero where the row is constant, whatever its brightness: the weights add up to 0. At the step it is $+4$ or $-4$. The sign says in which direction the step goes.
#
# `unfold(0, 3, 1)` cut the row into its windows of length 3, one step apart. You can use it below; two loops are fine as well.

# %% [markdown]
# ## Drawing a filter
#
# Weights are positive and negative, pictures go from 0 to 1. A fair drawing keeps two things: weight 0 is always **middle gray** (0.5), and a filter uses its full range, however weak it is. With $m = \max |w|$ of
# one filter, a weight is drawn as $\tfrac12 + \tfrac12\, w/m$.

# %% [markdown] notes="1" minutes=8
# Ask what gray means before you type. Type it with one maximum for all filters first: the weak filters disappear. Then
# one maximum for each.

# %% [markdown] exercise="01.1" title="Filters as pictures" points=2 difficulty=1 importance=4 minutes=7 own="course_utils.filters:filters_as_images"
# `weights` has shape `(C, 3, k, k)`: `C` filters. Return pictures of the same shape. Every filter has its own $m$, and none is all zero.


# %% exercise="01.1"
def filters_to_pictures(weights):
    """Each filter as a picture: weight 0 becomes 0.5, the largest |weight| of each filter becomes 0 or 1.

    weights: (C, 3, k, k)
    returns: (C, 3, k, k), in [0, 1]
    """
    ### BEGIN SOLUTION
    largest = weights.abs().amax(dim=(1, 2, 3), keepdim=True)
    return 0.5 + 0.5 * weights / largest
    ### END SOLUTION


check("01.1", filters_to_pictures)

# %% [markdown] fold="Hint"
# `weights.abs().amax(dim=(1, 2, 3), keepdim=True)` has shape `(C, 1, 1, 1)`: one number for each filter, and it broadcasts.

# %% picture="01.1"
# your pictures of the first 16 filters
show_images(filters_to_pictures(weights)[:16], columns=8)

# %% [markdown] solution="01.1"
# Stretching each filter from its smallest to its largest weight would also fill the range, but then 0 has another gray in each filter, and a filter with only positive weights looks as if it
# had a dark side.

# %% [markdown]
# ## What a filter answers to

# %% [markdown] notes="1" minutes=18
# The core of the lesson. Write the two loops first, then show `unfold`. For the bars, take up the numbers on the board
# from the beginning.

# %% [markdown] exercise="01.2" title="Build it: the response of one filter" points=3 difficulty=2 importance=5 minutes=12 own="course_utils.filters:filter_response"
# Compute $y_{ij}$ for one filter at all positions where the window lies inside the image. `conv2d` does this in one line, and the check takes it; but write the inner product yourself.


# %% exercise="01.2"
def respond(image, weights, bias):
    """The response of one filter at every position inside the image.

    image: (3, H, W), weights: (3, k, k), bias: a number
    returns: (H - k + 1, W - k + 1)
    """
    ### BEGIN SOLUTION
    k = weights.shape[-1]
    windows = image.unfold(1, k, 1).unfold(2, k, 1)  # (3, H - k + 1, W - k + 1, k, k)
    return (windows * weights[:, None, None]).sum(dim=(0, 3, 4)) + bias
    ### END SOLUTION


check("01.2", respond)

# %% [markdown] fold="Hint"
# With loops: make `out = torch.zeros(H - k + 1, W - k + 1, dtype=image.dtype)` and fill `out[i, j] = (image[:, i : i + k, j : j + k] * weights).sum() + bias`.

# %% [markdown] fold="I get: the wrong shape"
# A window of size $k$ fits $H - k + 1$ times into $H$ rows: the last one begins at row $H - k$.

# %% picture="01.2"
# your response of filter 58 on a real photo: bright where dark meets bright in the filter's direction
temple = photo("china", 160)
normalized = vgg.normalize(temple)[0]
answer = respond(normalized, weights[58], 0.0)
show_images([filters_as_images(weights)[58], temple[0], answer], ["filter 58", "photo", "response"])

# %%
# test patterns: one known thing in each picture (the thin frame is only drawn, the filters do not see it)
patterns = {n: p for n, p in simple_patterns(64).items() if "|" in n}
patterns["white | black"] = patterns["black | white"].flip(3)
patterns["white / black"] = patterns["black | white"].transpose(2, 3).flip(2)
plain = {
    "blue": (0.2, 0.3, 0.9),
    "green": (0.1, 0.6, 0.2),
    "white": (1.0, 1, 1),
    "black": (0.0, 0, 0),
}
for name, color in plain.items():
    patterns[name] = torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, 64, 64)
with_frame = [torch.nn.functional.pad(p[0], (1, 1, 1, 1), value=0.6) for p in patterns.values()]
show_images(with_frame, list(patterns), columns=9, width=9)

# %% [markdown]
# The numbers will be large: VGG-19 was trained on pixels from 0 to 255, so the weights of its first layer were multiplied by 255 when it was loaded. `vgg.normalize` only takes the mean color away.
#
# **Predict, run, explain.** Look at the pictures of the filters 58, 10, 12 and 5 in the first figure. For each one, write down to which of the nine patterns it will answer strongly, and to which not at all. Then run the cell. The
# bars show the largest $y$ inside each pattern (the ReLU behind the filter cuts off what is negative).

# %%
# the four filters, and how strongly they answer to each pattern
from IPython.display import display

answers = {}
for channel in (58, 10, 12, 5):
    answers[channel] = {
        name: filter_response(vgg, image, channel=channel)[0, 2:-2, 2:-2].amax().item()
        for name, image in patterns.items()
    }
    bars = list(answers[channel].items())
    display(show_bars(bars, title=f"filter {channel}", label="largest response", width=4.2))

# %% [markdown]
# - **Filter 58** answers to a vertical edge, dark on the left (black | white), and not at all to its reverse (white | black). It is an *oriented edge* filter.
# - **Filter 10** answers to a horizontal edge, bright above dark (white / black). Both give about 30 % of that to an edge in the other direction: the rows of 58, and the columns of 10, do not each add up to 0.
# - **Filter 12** answers to green: to a plain green area as much as to red | green. It needs no edge. To yellow it answers less, to black and white hardly.
# - **Filter 5** answers to blue, with or without an edge.
#
# A plain black or white area moves none of them much: over all colors the weights add up to nearly 0. (Not exactly: black gives 15 % of its best to filter 5. `normalize` takes a slightly reddish mean away, and of black something bluish is left.)

# %% claim="filters 58 and 10 are edges in one direction, 12 and 5 answer to plain colors; black and white areas move none"
assert answers[58]["black | white"] == max(answers[58].values())
assert answers[10]["white / black"] == max(answers[10].values())
assert abs(answers[58]["white / black"] / answers[58]["black | white"] - 0.3) < 0.06
assert abs(answers[10]["black | white"] / answers[10]["white / black"] - 0.3) < 0.06
assert abs(answers[58]["white | black"]) < 0.05 * answers[58]["black | white"]
for number, its_color, its_edge in ((12, "green", "red | green"), (5, "blue", "blue | yellow")):
    assert answers[number][its_color] > 0.95 * answers[number][its_edge]
    assert answers[number][its_edge] > 0.95 * max(answers[number].values())
    assert not answers[number]["black | white"] > 0.25 * answers[number][its_color]
for number in (58, 10):
    assert not max(answers[number][name] for name in ("blue", "green")) > 0.1 * max(
        answers[number].values()
    )
for numbers in answers.values():
    assert max(numbers["black"], numbers["white"]) < 0.25 * max(numbers.values())
assert answers[12]["blue | yellow"] < 0.8 * answers[12]["green"]
assert abs(answers[5]["black"] / answers[5]["blue"] - 0.15) < 0.03

# %%
# the same filters in the gallery: the seven photos (k=7) with the strongest answers. The filter sees what is in the frame
photos = torch.cat([photo(one.name) for one in gallery()])
rows, titles = [], []
for channel in (58, 10, 12, 5):
    best = strongest_windows(vgg, photos, channel, k=7, size=20, per_image=1, framed=True)
    rows += [filters_as_images(weights)[channel], *best]
    titles += [f"filter {channel}", *[""] * len(best)]
show_images(rows, titles, columns=8, width=8)

# %% [markdown]
# Dark to bright from left to right for 58, bright above dark for 10; green and yellow for 12; blue and violet for 5. (The frame itself is magenta.) What stands around the frame may be anything: the filter does not see it.

# %% [markdown]
# ## Gray or color? A number for it
#
# Split a filter $w$ into two parts. Its **gray part** $g$ has at every position the mean over red, green and blue, in all three channels. What is left, $w - g$, is **color**. The energies (sums of squares) of both parts add up to the
# energy of the filter, because the parts are at right angles. So
#
# $$\text{color share} = \frac{\lVert w - g \rVert^2}{\lVert w \rVert^2}$$
#
# lies between 0 (a gray filter) and 1 (a filter that does not see gray at all).

# %% [markdown] notes="1" minutes=9
# Do one pixel by hand: (1, 1, 1) is all gray, (1, -1, 0) has no gray at all. Then the exercise.

# %% [markdown] exercise="01.3" title="The color share" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.filters:color_share"
# Return the color share of each filter: shape `(C,)`. No filter is all zero.


# %% exercise="01.3"
def color_share_of(weights):
    """How much of each filter is color: the energy of what is left after the gray part is taken away.

    weights: (C, 3, k, k)
    returns: (C,), from 0 to 1
    """
    ### BEGIN SOLUTION
    color = weights - weights.mean(dim=1, keepdim=True)
    return color.square().sum(dim=(1, 2, 3)) / weights.square().sum(dim=(1, 2, 3))
    ### END SOLUTION


check("01.3", color_share_of)

# %% [markdown] fold="Hint"
# `weights.mean(dim=1, keepdim=True)` is the mean over the three colors at each position, shape `(C, 1, k, k)`; subtracting it broadcasts over the channels.

# %% picture="01.3"
# VGG-19's filters in the order of your color share: gray ones first
order = color_share_of(weights).argsort()
show_filters(weights[order], title="from gray to color")

# %% [markdown]
# ## Other networks, other tasks
#
# VGG-19 names the objects in photos. What do networks learn that do something else? Four more first layers:
#
# - `efficientnet_lite0` names the objects in photos, too, with filters of 3 × 3;
# - `cifar_net` sorts pictures of 32 × 32 pixels into ten classes, with filters of 7 × 7 (you meet it below);
# - dlib's **face network** (King, 2017) has seen about three million faces and no other thing. It says whether two faces are the same person;
# - `StyleNet` names nothing: it paints photos in a style (lesson 15). But VGG-19 judged its paintings during the training, so its task is not independent.

# %% [markdown] notes="1" minutes=6
# Hide the titles. Ask which of these networks has seen nothing but faces, and how one could tell. Then the table: each number stands beside its chance.

# %%
# first-layer filters of four more networks
cifar = load_network("cifar_net")
others = {
    "efficientnet_lite0, things in photos": filter_weights(load_network("efficientnet_lite0")),
    "cifar_net, ten classes": filter_weights(cifar, "conv1"),
    "dlib's network, faces": face_filters(),
    "StyleNet, painting": load_style_net().first.convolution.weight.detach(),
}
for name, theirs in others.items():
    picture = show_filters(theirs, columns=12, numbers=True, title=f"{name}: {tuple(theirs.shape)}")
    display(picture)

# %% [markdown]
# Edges and spots of one color: you see them in some of these networks, and much grain in others. Count, and give each count its chance:
#
# - **gray** and **colored**: color share below 10 %, and above 90 %. Chance: the same filters, with a random axis in the space of colors in place of the gray one, (1, 1, 1);
# - **edges**: does the gray part change more in one direction than at right angles to it? (Stripes and lines count, too.) Chance: random pictures that are as coarse or fine as the filter, but have the same energy in all directions. An edge beats 95 of 100 of its own, so chance is one in twenty;
# - **roughness**: the mean squared difference of two neighboring weights, divided by the mean square of all weights. 2 for random numbers, 0 for one flat color.


# %%
# four numbers for five first layers, and what chance gives
def roughness(filters):
    steps = filters.diff(dim=2).square().mean() + filters.diff(dim=3).square().mean()
    return (steps / filters.square().mean() / 2).item()


def other_axis(filters, draws=1000):
    """The color shares if gray were a random axis, another one for each filter. (draws, C)"""
    axis = torch.randn(draws, len(filters), 3, generator=torch.Generator().manual_seed(0))
    gray = torch.einsum("tcb,cbij->tcij", axis / axis.norm(dim=2, keepdim=True), filters)
    return 1 - gray.square().sum((2, 3)) / filters.square().sum((1, 2, 3))


def directed(pictures):
    """0: they change equally in all directions, 1: in one direction only. (..., k, k)"""
    right, down = pictures.diff(dim=-1), pictures.diff(dim=-2)
    right, down = right[..., 1:, :] + right[..., :-1, :], down[..., 1:] + down[..., :-1]
    across, both = (right**2 - down**2).sum((-2, -1)), 2 * (right * down).sum((-2, -1))
    return torch.hypot(across, both) / (right**2 + down**2).sum((-2, -1))


def edges(filters):
    """Whose gray part has more of a direction than 95 of 100 random pictures with the same spectrum?"""
    gray = filters.mean(1)
    return directed(gray) > directed(same_spectrum(gray)).quantile(0.95, dim=0)


print(f"{'filters':>44}   gray (chance)   colored       edges        roughness")
for name, theirs in {"vgg19, things in photos": weights, **others}.items():
    share, chance = color_share(theirs), other_axis(theirs)
    gray, gray_chance = (share < 0.1).sum(), (chance < 0.1).sum(1).float().mean()
    colored, colored_chance = (share > 0.9).sum(), (chance > 0.9).sum(1).float().mean()
    print(
        f"{name:37} {len(theirs):6} {gray:6} ({gray_chance:3.1f}) {colored:10} ({colored_chance:4.1f}) "
        f"{edges(theirs).sum():6} ({len(theirs) / 20:3.1f}) {roughness(theirs):10.2f}"
    )

# %% [markdown]
# - **Gray** filters are more than chance in four of the five. (In StyleNet only two, but its filters mix colors, so chance gives none.) `efficientnet_lite0` has no more than chance. **Colored** ones are nowhere clearly more than chance: a filter of one color only, whichever, is at a right angle to a random axis in three cases of ten.
# - **Edges** are many more than chance in the three networks with filters of 5 × 5 and 7 × 7, one of which saw nothing but faces. In the two with 3 × 3 this test finds hardly more than chance. (58 and 10 are edges all the same. But smooth random pictures of nine numbers are so, too.)
# - All five are **smoother** than chance, `efficientnet_lite0` only a little. (`cifar_net` was *made* smooth: its training pulled neighboring weights of this layer together. Of the others we know no such recipe.)
#
# The lecture (CS231n, 2017) says that *whatever* one trains on pictures of the world, the first layer finds edges and opposite colors. In our five this holds for edges where a filter is large enough to tell; color does not stand out. (The lecture shows larger filters, such as AlexNet's with 11 × 11; `load_network("alexnet")` needs a connection.)
#
# Where does this come from? Ask the photos, without any network. Cut 10,000 windows of $7 \times 7$ pixels out of the gallery, and compute the directions in which they vary most (their principal components; lesson 04 explains them). Then once more, with the places of the pixels shuffled in each window: what is left comes from the colors of single pixels.

# %%
# what windows of photos are made of: their first 24 principal components. Below: with the places shuffled
color_photos = torch.cat([photo(one.name) for one in gallery() if "(gray)" not in one.source])
windows = color_photos.unfold(2, 7, 7).unfold(3, 7, 7).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))[:10_000]
windows = windows[order].flatten(1)
places = torch.rand(len(windows), 49, generator=torch.Generator().manual_seed(1)).argsort(1)
shuffled = windows.view(-1, 3, 49).gather(2, places[:, None].expand(-1, 3, -1)).flatten(1)


def main_directions(some):
    """Orthogonal directions in which the rows of `some` vary, the largest first, and their shares."""
    spread, directions = torch.linalg.eigh(some.T.cov())
    return directions.T.flip(0), (spread / spread.sum()).flip(0)


of_photos, of_shuffled = (
    main_directions(some)[0][:24].view(24, 3, 7, 7) for some in (windows, shuffled)
)
for name, parts in (("photos", of_photos), ("places shuffled", of_shuffled)):
    share = color_share(parts)
    print(
        f"{name}: {(share < 0.1).sum()} of 24 gray, {(share > 0.9).sum()} colored, "
        f"roughness {roughness(parts):.2f}"
    )
pixels = windows.view(-1, 3, 49).transpose(1, 2).flatten(0, 1)
for mix, part in zip(*main_directions(pixels), strict=True):
    print(
        f"single pixels: {part:4.0%} of the spread along (red, green, blue) = {mix.numpy().round(1)}"
    )
show_filters(torch.cat([of_photos, of_shuffled]), columns=12)

# %% [markdown]
# No network is in the upper two rows, and yet they fall apart into gray and colored ones, and smooth edges in several directions are among the first. With the places shuffled (lower rows), flat gray, two flat colors and gray grain are left: edges and smoothness come from the likeness of neighbors. That gray stands apart is in the single pixels. Most of their spread is along gray, red
# and green and blue alike; what is left is red against blue, and green against both. But these are waves over the whole window, and many filters above are edges at *one place*. For such a result one asks the photos for a code in which
# few filters are active at a time (Olshausen & Field, 1996).

# %% claim="gray filters beat another axis in four of five networks, colored ones in none; edges beat smooth random pictures where filters are 5 or 7 wide"
few_gray = []
for one_name, theirs_too in {"vgg": weights, **others}.items():
    own_share, of_chance = color_share(theirs_too), other_axis(theirs_too)
    as_many = ((of_chance < 0.1).sum(1) >= (own_share < 0.1).sum()).float().mean()
    if not as_many < 0.02:
        few_gray.append(one_name.split(",")[0])
    assert not (own_share > 0.9).sum() > (of_chance > 0.9).sum(1).float().quantile(0.95)
    gray_part = theirs_too.mean(1)
    for draw in range(5):
        by_spectrum = directed(same_spectrum(gray_part, seed=draw))
        limits = by_spectrum.quantile(0.95, dim=0)
        beyond = (directed(gray_part) > limits).sum() / len(theirs_too)
        if theirs_too.shape[-1] == 3:
            assert not beyond > 0.2
        else:
            assert beyond > 0.22
            random_too = directed(same_spectrum(gray_part, seed=draw + 10))
            assert not (random_too > limits).float().mean() > 0.15
    most = 0.97 if "efficientnet" in one_name else 0.7
    for draw in range(3):
        at_random = torch.randn(
            3000, *theirs_too.shape[1:], generator=torch.Generator().manual_seed(draw)
        )
        assert roughness(theirs_too) < most * roughness(at_random)
assert set(few_gray) == {"efficientnet_lite0"}
one_color = torch.randn(2000, 3, 1, 1, generator=torch.Generator().manual_seed(1)).expand(
    -1, 3, 3, 3
)
assert abs((color_share(one_color) > 0.9).float().mean() - 0.3) < 0.06
photo_share, shuffled_share = color_share(of_photos), color_share(of_shuffled)
assert (photo_share < 0.1).sum() >= 16
assert (photo_share > 0.9).sum() >= 3
assert (shuffled_share < 0.1).sum() >= 19
assert not (shuffled_share > 0.9).sum() > 3
assert roughness(of_photos) < 1.2
assert not roughness(of_shuffled) < 1.5
one_direction, parts_of = main_directions(pixels)
assert parts_of[0] > 0.7
assert one_direction[0].abs().min() > 0.8 * one_direction[0].abs().max()
assert one_direction[1][0] * one_direction[1][2] < 0
assert one_direction[2][1] * one_direction[2][0] < 0
assert one_direction[2][1] * one_direction[2][2] < 0

# %% [markdown]
# ## A network whose every filter can be drawn
#
# VGG-19 has 5,504 filters. For this lesson we trained a network that has 56, in three layers, all of them 7 × 7: `cifar_net`. It sorts pictures of 32 × 32 pixels into the ten classes of CIFAR-10 (airplane, automobile, bird, ...),
# and is right for 72 of 100 pictures that it has not seen (guessing gives 10). `data/weights/cifar_net.md` says how it was trained.
#
# | layer | weights | what one filter takes in |
# |---|---|---|
# | `conv1` | 16 × 3 × 7 × 7 | red, green and blue |
# | `conv2` | 20 × 16 × 7 × 7 | the 16 feature maps of `conv1` |
# | `conv3` | 20 × 20 × 7 × 7 | the 20 feature maps of `conv2` |

# %% [markdown] notes="1" minutes=4
# Ask what the shape of each layer's weights means before you run the cell. 56 filters are few enough to look at all of
# them.

# %%
# layer 1 of cifar_net: all 16 filters
first = filter_weights(cifar, "conv1")
show_filters(first, columns=8, numbers=True, title=f"conv1 of cifar_net: {tuple(first.shape)}")

# %% [markdown]
# With 7 × 7 positions you see the shapes better than in VGG-19. Filters 3 and 14 are gray: stripes along the two diagonals. Filter 6 is a bright vertical line between dark ones, filter 10 a horizontal one. Filter 8 is a blue spot below orange corners, filter 7 is pink
# above green, and most of the others are edges between two colors.

# %% [markdown]
# ## Filters during training
#
# The training began with random numbers. We kept the first layer after some of its 4,680 steps (in one step, the network sees 128 pictures).
#
# **Predict, run, explain.** Will the filters appear (a) near the end, (b) within the first fifth of the training, (c) evenly over the whole training? Write your answer down, then run the cell.

# %% [markdown] notes="1" minutes=6
# Collect votes for (a), (b), (c) before the cell runs.

# %%
# the first layer after so many steps: one row for each time, one column for each filter
during = first_layer_during_training()
times = ", ".join(f"{step:,}" for step in during)
show_filters(torch.cat(list(during.values())), title=f"from top to bottom: after {times} steps")

# %%
# how much a filter already looks like what it will be: the mean cosine of the angle to its last state
last = during[max(during)].flatten(1)
for step, then in during.items():
    alike = torch.cosine_similarity(then.flatten(1), last, dim=1)
    least = ", ".join(f"{c} {alike[c]:.2f}" for c in alike.argsort()[:3].tolist())
    print(f"after {step:5,} steps: {alike.mean():5.2f} on average; least: {least}")

# %% [markdown]
# (b), in this run. (Its step size rises during just this first fifth, so it cannot say whether filters form early by themselves.) For the first 200 steps nearly all stay noise. Then edges and colors come out, and after 1,000 steps you recognize most of the filters. The other four fifths of the
# training made them clearer; the three least alike (3, 9 and 13) changed much, the other 13 have a likeness of nearly 0.8 on average.
#
# Compare the columns in the first and the last row: hardly anything of what a filter becomes can be seen in the numbers it began with. The mean likeness of the first row is below 0.1: little, though not quite nothing (chance: 0, with a spread of 0.02).

# %% claim="the beginning says little about the end; after a fifth of the training most filters are there"
steps_kept = sorted(during)
first_alike = torch.cosine_similarity(during[steps_kept[0]].flatten(1), last, dim=1)
assert first_alike.mean() < 0.15
assert first_alike.mean() > 0.05
fifth = min(steps_kept, key=lambda step: abs(step - 936))
assert torch.cosine_similarity(during[fifth].flatten(1), last, dim=1).mean() > 0.65

# %% [markdown]
# ## Deeper layers cannot be read
#
# `conv2` has weights of shape `(20, 16, 7, 7)`. A filter now has 16 input channels, and these are not colors: they are the responses of the 16 filters above. There is no way to draw 16 channels as one color picture. You can
# draw each 7 × 7 slice in gray: 16 slices for each filter. To lay them out on one sheet, the axes of the tensor must be put into the right order.

# %% [markdown] notes="1" minutes=9
# Run the stub and ask what is wrong with the picture, not with the code. The cure is the order of the axes; draw the
# sheet with its rows and columns on the board.

# %% [markdown] exercise="01.4" title="Spot the bug: a sheet of slices" points=2 difficulty=3 importance=3 minutes=8 own="course_utils.filters:raw_weight_sheet"
# Lay a tensor such as `(20, 16, 7, 7)` out on one sheet: one row of slices for each output channel and one column for each input channel. Slice `weights[o, i]` belongs to the rows `o * h` to `(o + 1) * h` and the columns `i * w` to `(i + 1) * w` of the sheet. The code below gives the
# right shape, and the wrong picture. Find out why, and mend it.


# %% exercise="01.4"
def weight_sheet(weights):
    """All slices of a weight tensor side by side.

    weights: (O, I, h, w)
    returns: (O * h, I * w); row o, column i of the sheet holds the slice weights[o, i]
    """
    out, into, h, w = weights.shape
    ### BEGIN SOLUTION
    return weights.permute(0, 2, 1, 3).reshape(out * h, into * w)
    ### END SOLUTION
    ### BEGIN STUB
    # return weights.reshape(out * h, into * w)
    ### END STUB


check("01.4", weight_sheet)

# %% [markdown] fold="Hint"
# `reshape` never moves numbers; it reads them in the order in which they lie in memory: o, i, h, w. A row of the sheet needs the order o, h, i, w. `permute` changes the order of the axes.

# %% picture="01.4"
# your sheet of conv2: 20 output channels x 16 input channels
second = filter_weights(cifar, "conv2")
sheet = weight_sheet(filters_as_images(second))
show_images([sheet], vmin=0, vmax=1, width=4.5, title=f"conv2, your sheet: {tuple(sheet.shape)}")

# %%
# layers 2 and 3 with a gap between the slices: each row is one filter
deeper = [filter_weights(cifar, layer) for layer in ("conv2", "conv3")]
names = [f"{layer}: {tuple(w.shape)}" for layer, w in zip(("conv2", "conv3"), deeper, strict=True)]
show_images([raw_weight_sheet(w) for w in deeper], names, vmin=0, vmax=1, width=9)

# %% [markdown]
# Can you find a row that tells you what its filter looks for? A slice says where the filter wants to see *an earlier filter* answer. You would have to know all 16 by heart, and for `conv3` the 20 combinations of them.
#
# One thing can be read. In the sheet of `conv2`, two **columns** are flat gray: 4 and 11. What is the matter with the filters 4 and 11 of layer 1?

# %%
# all 16 filters of layer 1, the weakest first; the answers are those before the ReLU, on 37 photos
strength = {step: then.flatten(1).norm(dim=1) for step, then in during.items()}
small_photos = torch.cat([photo(one.name, 32) for one in gallery()])
largest = torch.stack([filter_response(cifar, small_photos, channel=c).amax() for c in range(16)])
bias = cifar.layer("conv1").bias.detach()
used = filter_weights(cifar, "conv2").transpose(0, 1).flatten(1).norm(dim=1)
# the two pulls of the recipe alone, from step 1,000 on: toward the neighbors (0.002) and toward 0 (0.0005)
steps = 904  # the sizes of all the steps that were left, added up, times 10 for the momentum
neighbors = torch.eye(7).diff(dim=0).T @ torch.eye(7).diff(dim=0)
blur = torch.matrix_exp(-2 * 0.002 * steps * neighbors)
left_alone = (blur @ during[1000] @ blur * math.exp(-0.0005 * steps)).flatten(1).norm(dim=1)
print("filter  strength: begin, 1,000 steps, end (pulls only)   bias  largest answer  in conv2")
for c in strength[4680].argsort().tolist():
    begin, later, end = (strength[step][c] for step in (0, 1000, 4680))
    print(
        f"{c:6} {begin:16.2f} {later:12.2f} {end:4.2f} ({left_alone[c]:.2f}) {bias[c]:16.2f} "
        f"{largest[c]:15.2f} {used[c]:9.2f}"
    )

# %% [markdown]
# Filters 4 and 11 began as strong as the others and are nearly zero now. You could not see it: in all the pictures above each filter is stretched to its full range. And on our photos they are *silent*: their answers hardly get above 0, so the ReLU lets nothing through. A unit that is silent for all pictures gets no gradient from the loss. Only two
# pulls of the recipe are left: toward the neighboring weights, and toward 0 (weight decay).
#
# Is that why they are weak? The brackets show what the two pulls alone would have made of each filter from step 1,000 on. The other 14 ended more than twice as strong as that: the loss held them up. For 4 and 11 it did little. Silence is a likely reason, but the table does not show *when* they fell silent: its answers are those of the end. And half of their strength was gone by step 1,000, and filter 4 still changed its picture then. In a second training (in the recipe's card) filter 4 was weak first and silent later; filter 11 stayed strong. So there silence did not begin it. Layer 2 has the smallest weights of all 16 for them. Such a weight gets no gradient, either, while its input is 0.

# %% claim="4 and 11 are weak at the end only, silent on all photos, near what the two pulls leave; conv2 has the smallest weights for them"
silent = torch.zeros(16, dtype=torch.bool)
silent[[4, 11]] = True
assert strength[4680][silent].max() < 0.5 * strength[4680][~silent].min()
assert not strength[0][silent].max() < 0.9 * strength[0][~silent].min()
assert largest[silent].max() < 0.1
assert largest[~silent].min() > 1.0
assert (strength[4680] / left_alone)[silent].max() < 1.9
assert (strength[4680] / left_alone)[~silent].min() > 2.1
assert (strength[1000] / strength[0])[silent].max() < 0.6
assert torch.cosine_similarity(during[1000][4].flatten(), during[700][4].flatten(), dim=0) < 0.8
assert used[silent].max() < 0.9 * used[~silent].min()
by_steps, velocity = during[1000][silent].clone().requires_grad_(), 0
for one_step in range(1000, 4680):
    rate = 0.025 * (1 + math.cos(math.pi * (one_step - 936) / 3744))
    uneven = by_steps.diff(dim=2).square().sum() + by_steps.diff(dim=3).square().sum()
    (pull,) = torch.autograd.grad(0.002 * uneven + 0.00025 * by_steps.square().sum(), by_steps)
    velocity = 0.9 * velocity + pull
    by_steps.data -= rate * (pull + 0.9 * velocity)
made_by_steps = by_steps.detach().flatten(1).norm(dim=1)
assert ((made_by_steps / left_alone[silent]) - 1).abs().max() < 0.05

# %% [markdown]
# **Predict, run, explain.** The next cell shows `conv2` beside the same layer with random weights. Neither can be read. Can you still tell which one was trained? By what?

# %%
# conv2, trained and random
random_cifar = randomized(cifar)
pair = [raw_weight_sheet(filter_weights(one, "conv2")) for one in (cifar, random_cifar)]
show_images(pair, ["A", "B"], vmin=0, vmax=1, width=9)

# %% [markdown]
# A was trained. In most slices neighboring weights agree (no pull of the recipe acted on this layer), so the slices have soft spots and lines, and some columns are stronger than others. So "cannot be read" does not mean "is noise": the structure is there, and a sheet of slices is the wrong way to ask for it.
#
# ## Two layers as one picture
#
# You know what each filter of layer 1 looks for: it is a color picture. So put that picture at each place where a filter of layer 2 wants to see it, times the weight in the slice, and add everything up:
#
# $$E_o = \sum_{i=1}^{16} \sum_{u,v} w^{(2)}_{o\,i\,u\,v} \cdot \text{picture } w^{(1)}_i \text{ moved by } (2u, 2v) .$$
#
# (By $2u$, not $u$: between the layers a pooling halves the map, so two neighbors there are two pixels apart.) These are **expanded weights** (Voss et al., 2021): 20 filters of layer 2 as 20 color pictures of $6 \cdot 2 + 7 = 19$ pixels. They
# leave out what the ReLU and the pooling do between the layers. So they are a guess, and you can test it: show each picture to the network.

# %% [markdown] notes="1" minutes=5
# Draw one slice and one color filter on the board, and put the filter at two places. Ask what the ReLU does to this
# picture. Then run the test.

# %%
# the 20 filters of conv2 as color pictures; below, 20 with a random conv2 on the same conv1
expanded = expanded_weights(first, deeper[0], stride=2)
display(show_filters(expanded, columns=10, numbers=True, title="conv2 of cifar_net, on its conv1"))
random_second = filter_weights(random_cifar, "conv2")
show_filters(
    expanded_weights(first, random_second, stride=2),
    columns=10,
    title="a random conv2 on the same conv1",
)


# %%
# the test: show each picture to the real network. Which of the 20 units of conv2 likes which picture best?
def answers_to(pictures, layer):
    """The largest answer of each unit of a conv2 to each picture, all equally strong: (pictures, units)."""
    ground = torch.zeros(len(pictures), 3, 32, 32)  # 0 is the mean color, behind the normalization
    wide = pictures.shape[-1]  # 19, and the picture comes into the middle
    middle = slice((32 - wide) // 2, (32 - wide) // 2 + wide)
    # its sum of squares becomes 25 * 25: so strong that a few of its pixels are brighter than white
    ground[:, :, middle, middle] = (
        25 * pictures / pictures.flatten(1).norm(dim=1)[:, None, None, None]
    )
    with torch.no_grad():
        return layer(cifar.layer("pool1")(cifar.layer("relu1")(cifar.layer("conv1")(ground)))).amax(
            (2, 3)
        )


def cosine(pictures):
    """Of each picture and the unit's own one, where they fit best: what a network without ReLU would answer."""
    fits = [
        torch.nn.functional.conv2d(one[None], own[None], padding=18).max() / one.norm() / own.norm()
        for one, own in zip(pictures, expanded, strict=True)
    ]
    return torch.stack(fits).mean()


conv2 = cifar.layer("conv2")
own_answers = answers_to(expanded, conv2).diagonal()
no_color = first.mean(1, keepdim=True).expand_as(first)
print(f"{'':34} own is best   answer   without ReLU")
for change, (below, slices, step) in {
    "the right picture": (first, deeper[0], 2),
    "gray pictures of layer 1": (no_color, deeper[0], 2),
    "places one pixel apart, not two": (first, deeper[0], 1),
    "slices turned by 180°": (first, deeper[0].flip(2, 3), 2),
    "each slice with another's picture": (first, deeper[0].roll(1, dims=1), 2),
}.items():
    changed = expanded_weights(below, slices, stride=step)
    theirs = answers_to(changed, conv2)
    print(
        f"{change:34} {(theirs.argmax(0) == torch.arange(20)).sum():5} of 20 "
        f"{(theirs.diagonal() / own_answers).mean():8.0%} {cosine(changed):14.0%}"
    )
random_pictures = expanded_weights(first, random_second, stride=2)
liked = answers_to(random_pictures, random_cifar.layer("conv2")).argmax(0)
print(f"{'a random conv2, its own pictures':34} {(liked == torch.arange(20)).sum():5} of 20")
from_photos = cifar.normalize(torch.nn.functional.interpolate(photos, 64, mode="area"))
from_photos = from_photos.unfold(2, 19, 9).unfold(3, 19, 9).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
best = answers_to(from_photos, conv2).amax(0) / own_answers
print(f"{f'the best of {len(from_photos):,} windows of photos':34} {best.mean():20.0%}")

# %% [markdown]
# Each unit likes its own picture more than the 19 others. But so does a random `conv2`, and look at the last column. All pictures are equally strong, so a network without ReLU and pooling would answer to a changed picture with its cosine to the right one. The real answers are within about ten points of that. So the table says mostly this: ReLU and pooling
# do not spoil the pictures. The best of 1,332 windows of photos reaches 38 % of a unit's answer to its own picture, on average. (That is a weak test: photos look little like these pictures.) The picture belongs to the unit. Whether the unit is good for something, it does not say.
#
# What was learned is seen in the pictures: the trained ones have shapes and areas of one color, the random ones are grain. Some can be read: 1 and 18 are slanted stripes, 13 is blue beside yellow, 14 red beside
# blue-green. The others say little. With every layer more, there are more pictures to add and more ReLUs to leave out.
# This is why the rest of the course asks the network other questions: what activates a unit (lessons 02 to 05), what a prediction
# depends on (06 to 08), what image a unit would like best (09).

# %% claim="every unit likes its own expanded picture best, also with a random conv2; the answers are near the cosines; no photo beats a picture"
assert (answers_to(expanded, conv2).argmax(0) == torch.arange(20)).sum() >= 17
assert (liked == torch.arange(20)).sum() >= 17
for moved in range(1, 16):
    mixed_up = expanded_weights(first, deeper[0].roll(moved, dims=1), stride=2)
    assert not (answers_to(mixed_up, conv2).argmax(0) == torch.arange(20)).sum() >= 10
for in_color, slices_of, step_of in (
    (no_color, deeper[0], 2),
    (first, deeper[0], 1),
    (first, deeper[0].flip(2, 3), 2),
    (first, deeper[0].roll(1, dims=1), 2),
):
    otherwise = expanded_weights(in_color, slices_of, stride=step_of)
    its_answer = (answers_to(otherwise, conv2).diagonal() / own_answers).mean()
    assert abs(its_answer - cosine(otherwise)) < 0.13
    assert not abs(its_answer - 1) < 0.13
assert best.max() < 0.9
for draw in range(3):
    random_slices = torch.randn(20, 16, 7, 7, generator=torch.Generator().manual_seed(draw))
    assert roughness(expanded) < 0.9 * roughness(expanded_weights(first, random_slices, stride=2))

# %% [markdown]
# ## What this picture does not show
#
# What would random weights look like?

# %% [markdown] notes="1" minutes=4
# Hide the titles: which rows are trained, and by what do you tell?

# %%
# trained and random weights, drawn in the same way
random_first = filter_weights(random_cifar, "conv1")
both = torch.cat([first, random_first])
show_filters(both, title="cifar_net: trained (above), random (below)")

# %% [markdown]
# - Random filters are colorful as well, since each is stretched to its full range. What the trained ones have is *structure*: edges, lines and spots, and a few gray filters. (That neighboring weights agree was helped by the recipe.)
# - The picture shows what a filter answers to most, not how often that occurs in photos, and not what the network does with the answer.
# - It does not show which filters are strong (filters 4 and 11 of `cifar_net`), nor the bias, which decides with the ReLU when a unit is silent.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("01")

# %% [markdown]
# ## Summary
#
# - A first-layer filter is a small color picture; its response is the inner product with a window of the image, and it is largest for a window that looks like the filter.
# - Other tasks give gray filters, too: they are more than chance in four of our five networks. Colored ones are so in none. Edges (and stripes) are more than chance in the three whose filters are larger than 3 × 3; one of these saw faces only.
# - Filters begin as noise. In our one run most took their form in the first fifth, while the step size rose to its largest value.
# - Deeper weights combine earlier filters; a sheet of their slices cannot be read. Multiplied with the layer below they are color pictures again (Voss et al.), as far as one may leave out the ReLU between.
#
# **Papers.** Krizhevsky, Sutskever, Hinton: *ImageNet Classification with Deep Convolutional Neural Networks*, NeurIPS 2012 (figure 3). Simonyan, Zisserman: *Very Deep Convolutional Networks*, ICLR 2015. Hubel, Wiesel: *Receptive fields of single neurones in the cat's striate cortex*, Journal of Physiology 1959. Voss et al.: *Visualizing Weights*, Distill 2021. King: *dlib-models*, 2017 (the face network). Olshausen, Field: *Emergence of simple-cell receptive field properties by learning a sparse code for natural images*, Nature 1996.
