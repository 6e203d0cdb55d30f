# %% [markdown] lesson="01" title="Filters: what the weights themselves look like" minutes=85 needs="00"
# You will be able to: draw the filters of a network's first layer as pictures and read them; compute what a filter answers at a place of an image; tell
# gray filters from colored ones by a number; and say why the weights of deeper layers cannot be read this way.

# %% tags=["setup"]
import torch

from course_utils import check, gallery, load_network, photo, quiz, show_bars, show_images
from course_utils.errors import WeightsError
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
from course_utils.stimuli import simple_patterns

# %%
# the result first: all 64 filters of VGG-19's first layer
vgg = load_network("vgg19")
weights = filter_weights(vgg)
show_filters(weights, numbers=True, title=f"VGG-19, first layer: {tuple(weights.shape)}")

# %% [markdown]
# Each little picture is one filter: 3 × 3 positions, 3 colors. Nobody drew them. They were random numbers before the training, and a million photos made them into this.
# Some are gray with a dark and a bright side: edges in some direction. Others are patches of one color. Networks that were trained on other photos show the same
# kinds, and cells of the first stage of the visual cortex answer to edges in a direction, too (Hubel & Wiesel, 1959).

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
# for the window that is proportional to the filter (Cauchy–Schwarz). So the picture of a filter **is** the picture of what it looks for. (Here $x$ may be negative: the network takes a mean away first. Of windows between 0 and 1, the best is white where the weight is positive and black where it is negative: the signs of the filter.) In the first layer the three channels are red, green and blue, and you
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
# `weights` has shape `(C, 3, k, k)`: `C` filters. Return pictures of the same shape. Every filter has its own $m$.


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
# Compute $y_{ij}$ for one filter at all positions where the window lies inside the image. `conv2d` does this in one line; here, write the inner product yourself.


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
# test patterns: one known thing in each picture
patterns = simple_patterns(64)
patterns["white / black"] = patterns["black | white"].transpose(2, 3).flip(2)
show_images([p[0] for p in patterns.values()], list(patterns), columns=9, width=9)

# %% [markdown]
# The numbers are large because the weights are: VGG-19 was trained on pixels from 0 to 255. Here pixels go from 0 to 1, so the weights of its first layer were multiplied by 255 when it was loaded. `vgg.normalize` only takes the mean color away.
#
# **Predict, run, explain.** Look at the pictures of the filters 58, 10, 12 and 5 in the first figure. For each one, write down to which of the nine patterns it will answer most strongly. Then run the cell. The
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
# - **Filter 58** answers to vertical edges, dark on the left (black | white). It is an *oriented edge* filter.
# - **Filter 10** answers to horizontal edges, bright above dark (white / black). Both give about 30 % of that to the edge in the other direction: the rows of 58, and the columns of 10, do not each add up to 0.
# - **Filter 12** answers to green, less to yellow, and little to anything gray, however strong the edge.
# - **Filter 5** answers to blue, and little to gray.
#
# Black, gray or white without an edge moves none of them much: over all colors the weights add up to nearly 0. (Not exactly: filter 5 gives 26 to plain gray, because `normalize` takes a slightly reddish mean away, and of the gray something bluish is left.) But 5 and 12 are not edge filters: a plain *colored* area is enough for them.

# %% claim="filters 58 and 10 are edges, 12 and 5 are colors; black and white areas move none; 5 and 12 answer to plain colors"
grays = [name for name in patterns if name.startswith(("stripes", "black", "white"))]
assert answers[58]["stripes 0°"] > 3 * answers[58]["stripes 90°"]
assert answers[58]["black | white"] == max(answers[58].values())
assert answers[10]["white / black"] == max(answers[10].values())
assert 0.2 < answers[10]["black | white"] / answers[10]["white / black"] < 0.45
assert max(answers[12][name] for name in grays) < 0.3 * max(answers[12].values())
assert max(answers[5][name] for name in grays) < 0.3 * max(answers[5].values())
assert answers[12]["red | green"] == max(answers[12].values())
assert answers[5]["blue | yellow"] == max(answers[5].values())
for number, numbers in answers.items():
    for shade in (0.0, 0.5, 1.0):
        area = torch.full((1, 3, 16, 16), shade)
        shade_answer = filter_response(vgg, area, channel=number)[0, 2:-2, 2:-2].abs().max().item()
        assert shade_answer < 0.25 * max(numbers.values())
red_sum, green_sum, blue_sum = weights[12].sum((1, 2)).tolist()
assert red_sum * green_sum < 0
assert red_sum * blue_sum > 0
for color, number in (((0.2, 0.3, 0.9), 5), ((0.1, 0.6, 0.2), 12)):
    area = torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    plain_answer = filter_response(vgg, area, channel=number)[0, 2:-2, 2:-2].abs().max().item()
    assert plain_answer > 0.4 * max(answers[number].values())

# %% [markdown]
# Your eye can be wrong about a picture of nine pixels. So compute what you read:
#
# - **direction**: lay waves of light and dark over the mean of the three colors, in twelve directions, and see to which one the filter answers most (0° are vertical stripes; the waves are complex numbers, so that a shift of the stripes makes no difference; with three pixels a side the answer is rough, and pulled to 0° and 90°);
# - **slope**: which share of its gray part is a plane, brightness that rises evenly in one direction. 1: nothing else; a filter of random numbers has 0.22 on average, and one of ten has more than 0.48;
# - **color axis**: the mix of red, green and blue that the filter's positions share (the first singular vector of its color part);
# - **answer to white**: the sum of all weights divided by the sum of their sizes.

# %%
# what the four filters are, in numbers
import math

side = torch.arange(3) - 1.0
angles = torch.arange(0, 180, 15)
along = [side[None] * math.cos(a) + side[:, None] * math.sin(a) for a in angles.deg2rad().tolist()]
waves = torch.stack([torch.exp(1j * math.pi / 2 * place) for place in along])  # 4 pixels long
planes = torch.stack([side[None].expand(3, 3), side[:, None].expand(3, 3)]) / 6**0.5


def slope(pictures):
    return (pictures[..., None, :, :] * planes).sum((-2, -1)).square().sum(
        -1
    ) / pictures.square().sum((-2, -1))


for channel in (58, 10, 12, 5):
    w = weights[channel]
    gray = w.mean(0)
    answer = (gray * waves).sum((1, 2)).abs()
    axis = torch.linalg.svd((w - gray).flatten(1)).U[:, 0]
    axis = axis * axis[axis.abs().argmax()].sign()
    red, green, blue = axis.tolist()
    print(
        f"filter {channel:2}: direction {angles[answer.argmax()]:3}°, "
        f"slope {slope(gray):.2f};  "
        f"color axis red {red:+.1f}, green {green:+.1f}, blue {blue:+.1f};  "
        f"answer to white {w.sum().abs() / w.abs().sum():.2f}"
    )

# %% [markdown]
# For the color filters, read the axis: filter 12 is green against red and blue together, which is magenta; filter 5 is blue against green and a little red, a yellowish green. For the edge filters, read direction and slope: 58 has vertical edges, 10 horizontal ones, and both are more of a slope than 19 of 20 random filters. (The direction of a filter without slope means nothing: random numbers have a strongest direction, too. A gray filter has a color axis, too, but almost no color; the next section says how much.)

# %% claim="58 is vertical and 10 horizontal; 12 is green against magenta, 5 blue against yellow-green"
facts = {}
for number in (58, 10, 12, 5):
    shape_part = weights[number].mean(0)
    by_angle = (shape_part * waves).sum((1, 2)).abs()
    mix = torch.linalg.svd((weights[number] - shape_part).flatten(1)).U[:, 0]
    facts[number] = (by_angle, mix * mix[mix.abs().argmax()].sign())
assert angles[facts[58][0].argmax()] == 0
assert angles[facts[10][0].argmax()] == 90
assert facts[12][1][1] > 0.5
assert max(facts[12][1][0], facts[12][1][2]) < -0.2
assert facts[5][1][2] > 0.5
assert facts[5][1][1] < -0.4
of_random = slope(torch.randn(20_000, 3, 3, generator=torch.Generator().manual_seed(1)))
assert abs(of_random.mean() - 0.22) < 0.02
assert abs(of_random.quantile(0.9) - 0.48) < 0.03
for number in (58, 10):
    assert slope(weights[number].mean(0)) > 1.1 * of_random.quantile(0.9)
for number in (12, 5):
    assert not slope(weights[number].mean(0)) > of_random.quantile(0.9)
assert abs(answers[58]["white / black"] / answers[58]["black | white"] - 0.3) < 0.06
assert abs(answers[10]["black | white"] / answers[10]["white / black"] - 0.3) < 0.06

# %%
# the same filters in the gallery: the seven photos with the strongest answers. The filter sees what is in the frame
photos = torch.cat([photo(one.name) for one in gallery()])
rows, titles = [], []
for channel in (58, 10, 12, 5):
    best = strongest_windows(vgg, photos, channel, k=7, size=20, per_image=1, framed=True)
    rows += [filters_as_images(weights)[channel], *best]
    titles += [f"filter {channel}", *[""] * len(best)]
show_images(rows, titles, columns=8, width=8)

# %% [markdown]
# Dark to bright from left to right for 58, bright above dark for 10; green and yellow for 12; blue and violet for 5. What stands around the frame may be anything: the filter does not see it.

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
# Return the color share of each filter: shape `(C,)`.


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

# %%
# most of VGG-19's filters are one or the other; few are in between
shares = color_share(weights)
counts = torch.histc(shares, bins=5, min=0, max=1)
names = [f"{20 * i}-{20 * i + 20} %" for i in range(5)]
show_bars(
    list(zip(names, counts.tolist(), strict=True)),
    title="color share of the 64 filters",
    label="filters",
)

# %% [markdown]
# ## Other networks, other tasks
#
# VGG-19 names the objects in photos. What do networks learn that do something else? Four more first layers, each from another task:
#
# - `efficientnet_lite0` names the objects in photos, too, with filters of 3 × 3;
# - `cifar_net` sorts pictures of 32 × 32 pixels into ten classes, with filters of 7 × 7 (you meet it below);
# - dlib's **face network** (King, 2017) has seen about three million faces and no other thing. It says whether two faces are the same person;
# - `StyleNet` names nothing: it paints photos in a style (lesson 15).

# %% [markdown] notes="1" minutes=6
# Hide the titles. Ask which of these networks has seen nothing but faces, and how one could tell. Then the two numbers.

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
    display(show_filters(theirs, title=f"{name}: {tuple(theirs.shape)}"))

# %% [markdown]
# Edges in many directions, spots of one color on another: you find them in most of them, clearly in some and with much grain in others. A filter of $7 \times 7$ pixels has no room for a face, so do not look for one. Count instead. Two numbers for each network: how many filters are nearly gray or nearly pure color, as above; and how **rough** they are: the mean squared
# difference of two neighboring weights, divided by the mean square of all weights: 2 for pure chance, 0 for one flat color.


# %%
# two numbers for five first layers, and the same for filters of random numbers
def clear(filters):
    share = color_share(filters)
    return ((share < 0.1) | (share > 0.9)).float().mean().item()


def roughness(filters):
    steps = filters.diff(dim=2).square().mean() + filters.diff(dim=3).square().mean()
    return (steps / filters.square().mean() / 2).item()


for name, theirs in {"vgg19, things in photos": weights, **others}.items():
    chance = torch.randn(3000, *theirs.shape[1:], generator=torch.Generator().manual_seed(0))
    print(
        f"{name:38} clear cases {clear(theirs):4.0%} (random {clear(chance):.0%}), "
        f"roughness {roughness(theirs):.2f} (random {roughness(chance):.2f})"
    )

# %% [markdown]
# All five are smoother than chance, `efficientnet_lite0` only a little, the faces' network as well as the others; four of five have many more clear cases. StyleNet has only 2 of 24: its filters mix gray and color. (`cifar_net` was *made* smooth, its recipe says so. Of the others we do not know such a recipe.) Where does this come from? Ask the photos, without any network. Cut
# 20,000 windows of $7 \times 7$ pixels out of the gallery, and compute the directions in which they vary most (their principal components; lesson 04 explains them):

# %%
# what windows of photos are made of: their first 24 principal components
color_photos = torch.cat([photo(one.name) for one in gallery() if "(gray)" not in one.source])
windows = color_photos.unfold(2, 7, 7).unfold(3, 7, 7).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))[:20_000]
windows = windows[order].flatten(1)
components = torch.pca_lowrank(windows, q=24, niter=4)[2].T.view(24, 3, 7, 7)
print(f"photos: clear cases {clear(components):.0%}, roughness {roughness(components):.2f}")
# the control: the same windows, the places of their pixels in another order for each window
places = torch.rand(len(windows), 49, generator=torch.Generator().manual_seed(1)).argsort(1)
no_places = windows.view(-1, 3, 49).gather(2, places[:, None].expand(-1, 3, -1)).flatten(1)
of_colors_alone = torch.pca_lowrank(no_places, q=24, niter=4)[2].T.view(24, 3, 7, 7)
print(
    f"places shuffled: clear cases {clear(of_colors_alone):.0%}, roughness {roughness(of_colors_alone):.2f}"
)
show_filters(components, columns=12)

# %% [markdown]
# No network is in this picture, and yet it falls apart into gray ones and colored ones, and smooth edges in several directions are among the first. Shuffle the places of the pixels, and the gray and the colored ones stay, while smoothness goes. So both are in the photos already: what is gray or colored in the colors of single pixels, what
# is smooth in the likeness of neighbors. The lecture says that *whatever* one trains on pictures of the world, the first layer finds edges and opposite colors; for most of our five this holds. But the components are waves over the whole window, while many filters above are edges at *one place*. Photos give that, too, if one asks for a code in which few filters
# are active at a time (Olshausen & Field, 1996).

# %% claim="all five first layers are smoother than chance, four have more clear cases; so have the components of photo windows"
for one_name, theirs_too in {"vgg": weights, **others}.items():
    by_chance = torch.randn(3000, *theirs_too.shape[1:], generator=torch.Generator().manual_seed(1))
    most = 0.95 if "efficientnet" in one_name else 0.7
    assert roughness(theirs_too) < most * roughness(by_chance)
    if "StyleNet" in one_name:
        assert clear(theirs_too) < 0.1
    else:
        assert clear(theirs_too) > 0.15
        assert not clear(by_chance) > 0.1
assert clear(components) > 0.7
assert roughness(components) < 1.2
assert clear(of_colors_alone) > 0.5
assert not roughness(of_colors_alone) < 1.5
assert not roughness(torch.randn(24, 3, 7, 7, generator=torch.Generator().manual_seed(1))) < 1.5

# %% [markdown]
# The lecture (CS231n, "Visualizing and Understanding") shows AlexNet's filters (64 of 3 × 11 × 11 in torchvision's version; the paper of 2012 has 96), and those of ResNet-18, ResNet-101 and DenseNet-121 (64 of 3 × 7 × 7). They do not come with the course: with a connection, the next cell downloads them once.

# %%
# the networks of the lecture, where their weights can be had
missing = []
for name in ("alexnet", "resnet18", "resnet101", "densenet121"):
    try:
        display(show_filters(filter_weights(load_network(name)), title=name))
    except WeightsError:
        missing.append(name)
if missing:
    print(f"Not on this computer, and no connection: {', '.join(missing)}.")

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
# With 7 × 7 positions you see the shapes better than in VGG-19. Filters 3 and 14 are gray: stripes along the two diagonals. Filter 6 is a bright vertical line between dark ones, filter 10 a horizontal one. Filter 8 is a blue spot on orange ground, filter 7 is pink
# above green, and most of the others are edges between two colors. The training pulled neighboring weights of this layer a little together (the card says how strongly), which makes the pictures cleaner.
#
# Remember two of the 16: 4 and 11. They look a little smoother than the others. There is more to them than you can see.

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
    in_order = [f"{c} {alike[c]:.2f}" for c in alike.argsort().tolist()]
    print(
        f"after {step:5,} steps: {alike.mean():5.2f} on average; least: {', '.join(in_order[:3])}; "
        f"most: {', '.join(in_order[-2:])}; strength of 4 and 11: "
        f"{then[4].norm():.2f}, {then[11].norm():.2f}"
    )

# %% [markdown]
# (b): for the first 200 steps the picture stays noise. Then the edges and colors come out of it, and after 1,000 steps, about a fifth of the training, you recognize most of the filters. At that point the network got about half of its training pictures right. The other four
# fifths of the training took it to seven in ten (so says its card). They made the filters clearer; the three least alike (3, 9 and 13) changed much, the other 13 have a likeness of nearly 0.8 on average.
#
# (The step size of this training rises during just this first fifth. So this run alone cannot say whether filters form early by themselves.)
#
# Compare the columns in the first and the last row: hardly anything of what a filter becomes can be seen in the numbers it began with. The mean likeness of the first row is below 0.1. That is little, though not
# quite nothing: for 16 filters of 147 random numbers, chance gives 0, with a spread of about 0.02 (0.08 for a single one). Two filters, 0 and 13, keep more of their beginning.

# %% claim="the beginning says little about the end; after a fifth of the training most filters are there"
steps_kept = sorted(during)
first_alike = torch.cosine_similarity(during[steps_kept[0]].flatten(1), last, dim=1)
assert first_alike.mean() < 0.15
assert first_alike[0] > 0.2
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
# One thing can be read. In the sheet of `conv2`, two **columns** are flat gray: 4 and 11. For the filters 4 and 11 of layer 1, layer 2 has the smallest weights.

# %%
# how strong each filter of layer 1 is, how large its answer gets on the 37 photos, and its weights in layer 2
strength = first.flatten(1).norm(dim=1)
small_photos = torch.cat([photo(one.name, 32) for one in gallery()])
largest = torch.cat(
    [filter_response(cifar, small_photos, channel=c).amax().view(1) for c in range(16)]
)
used = filter_weights(cifar, "conv2").transpose(0, 1).flatten(1).norm(dim=1)
for channel in (3, 6, 8, 14, 4, 11):
    print(
        f"filter {channel:2}: strength {strength[channel]:.2f}, "
        f"largest answer {largest[channel]:5.2f}, weights in conv2 {used[channel]:.2f}"
    )

# %% [markdown]
# Filters 4 and 11 are nearly zero. Their pictures look as strong as the others because every filter is stretched to its full range. And on our photos they are *silent*: their bias is negative, their answers hardly get above 0, and the ReLU lets nothing through. A unit that is silent for all pictures gets no gradient from the loss.
# Then only the two pulls of the recipe are left: the one that makes neighboring weights alike, and weight decay, which pulls all weights toward 0. So these two got weaker during the training, and the others stronger. (The picture of the training cannot show it: each filter in it is stretched, too.) Layer 2 learned to use the others; its weights for these two are the smallest.

# %% claim="4 and 11 are weak, silent on all photos, and conv2 has the smallest weights for them"
silent = torch.zeros(16, dtype=torch.bool)
silent[[4, 11]] = True
assert strength[silent].max() < 0.5 * strength[~silent].min()
assert largest[silent].max() < 0.1
assert largest[~silent].min() > 1.0
assert used[silent].max() < 0.9 * used[~silent].min()
of_steps = {step: then.flatten(1).norm(dim=1) for step, then in during.items()}
for one_step in (700, 1000, 4680):
    assert (of_steps[one_step][silent] < of_steps[200][silent]).all()
assert (of_steps[4680][~silent] > of_steps[200][~silent]).all()

# %% [markdown]
# **Predict, run, explain.** The next cell shows `conv2` beside the same layer with random weights. Neither can be read. Can you still tell which one was trained? By what?

# %%
# conv2, trained and random
random_cifar = randomized(cifar)
pair = [raw_weight_sheet(filter_weights(one, "conv2")) for one in (cifar, random_cifar)]
show_images(pair, ["A", "B"], vmin=0, vmax=1, width=9)

# %% [markdown]
# A was trained. Its neighboring weights agree, so the slices have soft spots and lines, and some columns are stronger than others. So "cannot be read" does not mean "is noise": the structure is there, and a sheet of slices is the wrong way to ask for it.
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
def answers_to(pictures):
    """The largest answer of each unit of conv2 to each picture, all equally strong: (pictures, units)."""
    ground = torch.zeros(len(pictures), 3, 32, 32)  # 0 is the mean color, behind the normalization
    same_strength = pictures / pictures.flatten(1).norm(dim=1)[:, None, None, None]
    wide = pictures.shape[
        -1
    ]  # 19, and the picture comes into the middle; its sum of squares becomes 25 * 25
    middle = slice((32 - wide) // 2, (32 - wide) // 2 + wide)
    ground[:, :, middle, middle] = 25 * same_strength
    with torch.no_grad():
        below = cifar.layer("pool1")(cifar.layer("relu1")(cifar.layer("conv1")(ground)))
        return cifar.layer("conv2")(below).amax((2, 3))


liked = answers_to(expanded).argmax(0)
print(f"{(liked == torch.arange(20)).sum()} of 20 units like their own picture best")
exchanged = expanded_weights(first, deeper[0].roll(1, dims=1), stride=2)
wrong = answers_to(exchanged).argmax(0)
print(f"{(wrong == torch.arange(20)).sum()} of 20 if each slice gets the picture of another filter")
own_answers = answers_to(expanded).diagonal()
no_color = first.mean(1, keepdim=True).expand_as(first)
for change, (below, slices, step) in {
    "places one pixel apart, not two": (first, deeper[0], 1),
    "places three pixels apart": (first, deeper[0], 3),
    "slices turned by 180°": (first, deeper[0].flip(2, 3), 2),
    "gray pictures of layer 1": (no_color, deeper[0], 2),
}.items():
    changed = answers_to(expanded_weights(below, slices, stride=step))
    print(
        f"{(changed.argmax(0) == torch.arange(20)).sum():2} of 20 with {change}; "
        f"its unit's answer is {(changed.diagonal() / own_answers).mean():.0%} of that to the right picture"
    )

# %% [markdown]
# Each unit likes its own picture more than the 19 others (by chance, 1 of 20 would). With the pictures of layer 1 exchanged, hardly any does; with wrong places or turned slices some do, but they give a third of the answer. Without color nearly all do, and with three quarters of the answer: so the places and the shapes are right, and the colors add a part.
# All this holds behind a ReLU, too. (Random weights would pass this test as well. It says that the picture belongs to the unit, not that the unit is good for something.)
#
# What was learned is seen in the pictures: the trained ones have shapes and areas of one color, the random ones are grain. Some can be read: 1 and 18 are slanted stripes, 13 is blue beside yellow, 14 red beside
# blue-green. Others say little to a person. With every layer more, there are more pictures to add and more ReLUs to leave out.
# This is why the rest of the course asks the network other questions: what activates a unit (lessons 02 to 05), what a prediction
# depends on (06 to 08), what image a unit would like best (09).

# %% claim="all 20 units like their own expanded picture best; with the filters exchanged few do, whatever the exchange"
assert (liked == torch.arange(20)).sum() >= 19
for moved in range(1, 16):
    mixed_up = expanded_weights(first, deeper[0].roll(moved, dims=1), stride=2)
    assert not (answers_to(mixed_up).argmax(0) == torch.arange(20)).sum() >= 10
own_answer = answers_to(expanded).diagonal()
for slices_of, step_of, most_of in (
    (deeper[0], 1, 0.5),
    (deeper[0], 3, 0.5),
    (deeper[0].flip(2, 3), 2, 0.5),
):
    otherwise = answers_to(expanded_weights(first, slices_of, stride=step_of))
    assert (otherwise.diagonal() / own_answer).mean() < most_of
    assert not (otherwise.argmax(0) == torch.arange(20)).sum() >= 15
in_gray = answers_to(expanded_weights(no_color, deeper[0], stride=2))
assert (in_gray.argmax(0) == torch.arange(20)).sum() >= 14
assert 0.6 < (in_gray.diagonal() / own_answer).mean() < 0.85
from_photos = cifar.normalize(torch.cat([photo(one.name, 64) for one in gallery()]))
from_photos = from_photos.unfold(2, 19, 9).unfold(3, 19, 9).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
for one_unit in range(20):
    assert own_answer[one_unit] > 1.1 * answers_to(from_photos)[:, one_unit].max()
for draw in range(3):
    random_pictures = torch.randn(20, 16, 7, 7, generator=torch.Generator().manual_seed(draw))
    grain = roughness(expanded_weights(first, random_pictures, stride=2))
    assert roughness(expanded) < 0.9 * grain

# %% [markdown]
# ## What this picture does not show
#
# Two checks before you trust a picture of filters:

# %% [markdown] notes="1" minutes=4
# Hide the titles: which rows are trained, and by what do you tell?

# %%
# trained and random weights, drawn in the same way: cifar_net (7 x 7) and VGG-19 (3 x 3)
nothing = randomized(vgg)
random_first = filter_weights(random_cifar, "conv1")
both = torch.cat([first, random_first])
display(show_filters(both, title="cifar_net: trained (above), random (below)"))
both = torch.cat([weights[:16], filter_weights(nothing)[:16]])
show_filters(both, title="VGG-19: trained (above), random (below)")

# %% [markdown]
# Random filters are colorful as well, since every filter is stretched to its full range. What the trained ones have and the random ones do not is *structure*: neighboring weights agree, gray filters are gray.  (In `cifar_net` a part of it was put in: its training pulled neighboring weights together.)
#
# In numbers: how many filters are nearly gray or nearly pure color?

# %%
# clear cases: color share below 10 % or above 90 %
for name, one in (("trained", vgg), ("random", nothing)):
    share = color_share(filter_weights(one))
    print(
        f"{name}: {((share < 0.1) | (share > 0.9)).float().mean():.0%} of the filters are clear cases"
    )

# %% [markdown]
# - The picture shows what a filter answers to most, not how often that occurs in photos, and not what the network does with the answer.
# - Each filter is stretched by itself: the picture does not show which filters are strong (filters 4 and 11 of `cifar_net`).
# - A unit is more than its filter: batch normalization, bias and ReLU decide when it is silent.

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
# - Networks trained on photos of things, or of faces only, learn oriented edges and color-opponent patches in their first layer.
# - Filters begin as noise. In our one run, whose steps are largest early, most took their form in the first fifth.
# - Deeper weights combine earlier filters; a sheet of their slices cannot be read. Multiplied with the layer below they are color pictures again (Voss et al.), as far as one may leave out the ReLU between.
#
# **Papers.** Krizhevsky, Sutskever, Hinton: *ImageNet Classification with Deep Convolutional Neural Networks*, NeurIPS 2012 (figure 3). Simonyan, Zisserman: *Very Deep Convolutional Networks*, ICLR 2015. Hubel, Wiesel: *Receptive fields of single neurones
# in the cat's striate cortex*, 1959. Voss et al.: *Visualizing Weights*, Distill 2021. King: *dlib-models*, 2017 (the face network). Olshausen, Field: *Emergence of simple-cell receptive field properties by learning a sparse code for natural images*, Nature 1996.
