# %% [markdown] lesson="03" title="Nearest neighbors: which pictures are alike?" minutes=65 needs="00"
# You will be able to: measure distances between pictures in pixel space and in feature space without a loop; find nearest neighbors, also with ties and copies; put a number on
# the result; and say what "near" does *not* mean.

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    explorers,
    layer_outputs,
    load_network,
    quiz,
    show_bars,
    show_images,
)
from course_utils.activations import cosine_distances as cosine_of
from course_utils.activations import l2_distances as l2_of
from course_utils.activations import nearest as nearest_of
from course_utils.activations import neighbors, recall_at_k, vectors
from course_utils.figures import show_neighbors
from course_utils.images import resize
from course_utils.networks import randomized
from course_utils.plots import new_figure
from course_utils.stimuli import crop_set, lined_tiles, shuffled_tiles

# %%
# the result first: six pictures of each of six things, and the neighbors of one of them
net = load_network("efficientnet_lite0")
small = crop_set(["bull_mastiff", "strawberry", "jeep", "spoonbill", "coffee", "drum"])
by_pixels = neighbors(None, small.images, k=5, space="pixels").indices
by_features = neighbors(net, small.images, k=5).indices
asked = small.variants.index("left")
both = torch.stack([by_pixels[asked], by_features[asked]])
show_neighbors(
    small.images,
    both,
    query_images=small.images[[asked, asked]],
    framed=small.objects == small.objects[asked],
    labels=["by pixels", "by features"],
)

# %% [markdown]
# On the left a dog, standing left of the middle. Each row shows the five pictures that are nearest to it, among the 35 others. Green frames show the same dog; red frames something else. To the pixels, much is nearer than the same dog one step to the
# right (a hard case: on average, as you will see, they find three of five of the 36, and two of five among all 222 pictures). By what a network hands to its last layer, all five other pictures of the dog come first, also the mirrored one and the one with false colors.

# %% claim="by features all five other pictures of the dog come first, by pixels fewer; random weights do not do it"
dog = small.objects == small.objects[asked]
assert dog[by_features[asked]].sum() == 5
assert dog[by_pixels[asked]].sum() <= 3
for draw in range(3):
    by_dice = neighbors(randomized(net, seed=draw), small.images, k=5).indices[asked]
    assert not dog[by_dice].sum() >= 5

# %% [markdown] notes="1" minutes=4
# Show the query alone and ask: which five of the 35 others would *you* choose? Then show the two rows.

# %% [markdown]
# ## The idea
#
# Write a picture as one long row of numbers. Two ways to do that (later you try more):
#
# - its **pixels**: $3 \times 224 \times 224 = 150\,528$ numbers;
# - its **features**: the 1280 numbers that EfficientNet-Lite0 hands to its last linear layer.
#
# Two pictures $a$ and $b$ are near if the distance of their rows is small. Two measures are common, the **Euclidean** or **L2** distance, and the **cosine** distance:
#
# $$d_2(a,b) = \sqrt{\sum_i (a_i-b_i)^2}, \qquad d_{\cos}(a,b) = 1 - \frac{\sum_i a_i b_i}{|a|\,|b|}, \qquad |a| = \sqrt{\sum_i a_i^2} .$$
#
# The cosine distance compares directions only: 0 for the same direction, 1 for a right angle, 2 for opposite directions.

# %% [markdown] notes="1" minutes=3
# Ask how long the row of a photo is. Two rows on the board, pixels and features, and one distance for both.

# %% [markdown]
# ## In the head first
#
# Three pictures of four pixels in a row, with one white pixel: $a = (1,0,0,0)$, $b = (0,1,0,0)$ (moved by one), and all gray $g = (0.4, 0.4, 0.4, 0.4)$. Which is nearer to $a$ in L2: the same
# thing moved by one pixel, or no thing at all? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=3
# Let the room vote before the cell: the moved pixel, or plain gray? Most choose the moved pixel.

# %%
# a white pixel, the same one place further, and plain gray
a, b, gray = torch.tensor([1.0, 0, 0, 0]), torch.tensor([0.0, 1, 0, 0]), torch.full((4,), 0.4)
(a - b).square().sum().sqrt(), (a - gray).square().sum().sqrt()

# %% [markdown]
# Gray is nearer. A small thing that moves is, for the pixels, one thing that vanishes and another one that appears. This is one trouble with pixel distances.

# %% [markdown]
# ## All distances at once
#
# For $N$ pictures and $M$ others you need $N \times M$ distances. Two loops in Python are slow, and all differences at once, $N \times M \times D$ numbers, do not fit into memory. The way out is the binomial formula:
#
# $$|a-b|^2 = |a|^2 - 2\,a\cdot b + |b|^2 .$$
#
# All products $a \cdot b$ together are **one matrix product**, `a @ b.T`, the thing computers do best.

# %% [markdown] notes="1" minutes=19
# Write the binomial formula for two numbers first, then for rows. Leave out the cut at 0 and let `check` find the NaN.
# Give 03.2 and 03.3 to the room, or catch up.

# %% [markdown] exercise="03.1" title="Build it: L2 distances without a loop" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.activations:l2_distances"
# `a` has shape `(N, D)`, `b` has shape `(M, D)`. Return the table `(N, M)`. `check` also gives you rows that are nearly equal and far from 0: there a square may come out a little below 0. Take it as 0.


# %% exercise="03.1"
def l2_distances(a, b):
    """All Euclidean distances between the rows of a and the rows of b.

    a: (N, D), b: (M, D)
    returns: (N, M)
    """
    ### BEGIN SOLUTION
    squares = a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)[None]
    return squares.clamp(min=0).sqrt()
    ### END SOLUTION


check("03.1", l2_distances)

# %% [markdown] fold="Hint"
# `a.square().sum(1)` has shape `(N,)`. As a column, `[:, None]`, it is added to every entry of its row; the lengths of `b` as a row, `[None]`.

# %% [markdown] fold="I get: The distances between nearly equal rows contain NaN"
# The squares are near 640 000, and the computer keeps about seven digits of them. The true difference is smaller than the last digit, so what remains is an error, and it may be negative. The
# root of a negative number is NaN. Set what is negative to 0 *before* the root. This avoids the NaN, not the error.

# %%
# the trap, in numbers: all squares between eight rows that are nearly equal and far from zero
x = 100 + 1e-4 * torch.randn(8, 64, generator=torch.Generator().manual_seed(0))


def squares_by_formula(rows):
    lengths = rows.square().sum(1)
    return lengths[:, None] - 2 * rows @ rows.T + lengths


true = (x[:, None].double() - x[None].double()).square().sum(2)
for name, squares in {
    "true": true,
    "by the formula": squares_by_formula(x),
    "negative ones set to 0": squares_by_formula(x).clamp(min=0),
    "without the mean row": squares_by_formula(x - x.mean(0)),
}.items():
    print(f"{name:23} from {squares.min():9.1e} to {squares.max():.1e}")

# %% [markdown]
# Negative squares set to 0 give no NaN, but the others are as wrong as before. So first take the mean of all rows away: this changes no distance, and then no row is longer than the largest distance. `course_utils` does it, in double precision.

# %% claim="the formula's squares are negative or far too large; clamping leaves them so; without the mean they are right"
for draw in range(3):
    near_rows = 100 + 1e-4 * torch.randn(8, 64, generator=torch.Generator().manual_seed(draw))
    exact = (near_rows[:, None].double() - near_rows[None].double()).square().sum(2)
    by_formula = squares_by_formula(near_rows)
    assert by_formula.min() < 0
    assert by_formula.clamp(min=0).max() > 100 * exact.max()
    without_mean = squares_by_formula(near_rows - near_rows.mean(0))
    assert not (without_mean - exact).abs().max() > 0.1 * exact.max()

# %% [markdown] exercise="03.2" title="Build it: cosine distances" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.activations:cosine_distances"
# The same table for $1 - \cos$. A row of zeros has no direction; let its distance to everything be 1.


# %% exercise="03.2"
def cosine_distances(a, b):
    """All cosine distances between the rows of a and the rows of b.

    a: (N, D), b: (M, D); a row of zeros has distance 1 to everything
    returns: (N, M), from 0 to 2 (rounding may add a last digit)
    """
    ### BEGIN SOLUTION
    a = a / a.norm(dim=1, keepdim=True).clamp(min=1e-12)
    b = b / b.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return 1 - a @ b.T
    ### END SOLUTION


check("03.2", cosine_distances)

# %% [markdown] fold="Hint"
# Divide each row by its length, `a.norm(dim=1, keepdim=True)`; then one matrix product gives all cosines. A length of 0 must not divide: `.clamp(min=1e-12)` makes it tiny, and $0 / \text{tiny} = 0$.

# %% [markdown] exercise="03.3" title="Build it: the k nearest, with ties" points=2 difficulty=2 importance=4 minutes=6
# Each row of `distances` belongs to one query, each column to one picture of the set. Return the indices of the `k` nearest pictures, nearest first. Among equal distances the lower index comes first, so that everybody gets the same answer.


# %% exercise="03.3"
def k_nearest(distances, k):
    """The k nearest pictures of each query.

    distances: (N, M)
    returns: (N, k) indices, nearest first; ties by the lower index
    """
    ### BEGIN SOLUTION
    return distances.argsort(dim=1, stable=True)[:, :k]
    ### END SOLUTION


check("03.3", k_nearest)

# %% [markdown] fold="Hint"
# `topk` makes no promise about ties. A *stable* sort does: equal values keep their order.

# %% picture="03.3"
# your functions on pixels: what is near to a jeep, a spoonbill and a cup, each at the right
pixels = vectors(None, small.images, space="pixels")
asked = [i for i, v in enumerate(small.variants) if v == "right"][2:5]
table = l2_distances(pixels[asked] - 0.5, pixels - 0.5)
show_neighbors(
    small.images,
    k_nearest(table, 6),
    query_images=small.images[asked],
    labels=[small.names[i] for i in small.objects[asked]],
    distances=table.sort(dim=1).values[:, :6],
)

# %% [markdown]
# The queries are part of the set, so the first neighbor is the picture itself. Its distance should be 0: a small number there is the rounding error of the formula (the cell takes 0.5 from all pixels: smaller numbers, smaller errors). Near to the jeep are, beside
# other jeeps, birds before an empty sky. Is it the gray picture of the beginning again? A *plain* picture is wrong nowhere by much. We count this below. (The dog near the cup is not plain.)

# %% [markdown]
# ## Spot the bug
#
# To leave out the picture itself, many programs drop the first neighbor. It is the nearest, at distance 0, is it not?

# %% [markdown] notes="1" minutes=6
# Ask when the first neighbor is not the picture itself. Two equal pictures are enough.

# %% [markdown] exercise="03.4" title="Spot the bug: who is the first?" points=2 difficulty=3 importance=3 minutes=8 own="course_utils.activations:nearest"
# `distances` is the table of a set with itself. Run the cell as it is and read what `check` says. Then repair it: only the picture itself goes; everything else may stay.


# %% exercise="03.4"
def without_itself(distances, k):
    """The k nearest other pictures of each picture.

    distances: (N, N) of a set with itself
    returns: (N, k) indices, nearest first; ties by the lower index; never the picture itself
    """
    ### BEGIN SOLUTION
    others = distances.clone()
    others.fill_diagonal_(torch.inf)
    return others.argsort(dim=1, stable=True)[:, :k]
    ### END SOLUTION
    ### BEGIN STUB
    # order = distances.argsort(dim=1, stable=True)
    # return order[:, 1 : k + 1]
    ### END STUB


check("03.4", without_itself)

# %% [markdown] fold="Hint"
# Photo collections hold copies. A copy has distance 0, too, and its index may be lower. Which entry of the table is *surely* the picture itself? `fill_diagonal_` works in place: clone first.

# %% [markdown] solution="03.4"
# The diagonal is the picture itself, whatever its distances are. With infinity there it can never be chosen. The old version failed exactly when the set held copies, and then in silence.

# %% [markdown]
# ## A number for it
#
# Krizhevsky et al., 2012, show in their figure 4 the nearest training photos by the last hidden layer: elephants find elephants. Here is an experiment with a number at its end. From each of the 37 photos of the gallery we make six pictures: whole, moved to the left, moved to the right, mirrored (flipped),
# cropped, and recolored (its red numbers become green, green blue, and blue red).

# %% [markdown] notes="1" minutes=16
# Start the long cell before you explain recall. For the six ways, collect an order from the room and keep it on the
# board.

# %%
# the six pictures of one thing
crops = crop_set()
one = crops.objects == crops.names.index("jeep")
show_images(
    crops.images[one], [v for v, chosen in zip(crops.variants, one.tolist(), strict=True) if chosen]
)

# %% [markdown]
# **Recall at 5.** Ask with each picture in turn. Five others show the same thing. Which share of these five is among the 5 nearest? In a perfect space it is 1 for all. By chance, with 222 pictures, it would be about 0.02.

# %% [markdown] exercise="03.5" title="Build it: recall" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.activations:recall_at_k"
# `neighbors` holds the `k` nearest others of each picture, `objects` says what each picture shows. For each picture: the number of neighbors with the same object, divided by the number of **other** pictures of that
# object in the whole set (some objects have more pictures than others, and all have at least two).


# %% exercise="03.5"
def recall(neighbors, objects):
    """Of the other pictures of the same object, the share that was found.

    neighbors: (N, k) indices, without the picture itself; objects: a list of N numbers
    returns: (N,), from 0 to 1
    """
    ### BEGIN SOLUTION
    objects = torch.tensor(objects)
    hits = (objects[neighbors] == objects[:, None]).sum(1)
    others = (objects[:, None] == objects[None]).sum(1) - 1
    return hits / others
    ### END SOLUTION


check("03.5", recall)

# %% [markdown] fold="Hint"
# First make a tensor of the list: `objects = torch.tensor(objects)`. Then `objects[neighbors]` has shape `(N, k)`: what the neighbors show. Compare with `objects[:, None]`. Comparing `objects[:, None] == objects[None]` counts all pictures of the same object, the picture itself included.

# %% uses="03.5"
# all of your functions together, on the 36 pictures of the beginning: the mean recall (about 0.6 and 0.7 for pixels, 1 for features)
own_rows = {
    "pixels": vectors(None, small.images, space="pixels") - 0.5,
    "features": vectors(net, small.images),
}
for name, x in own_rows.items():
    for measure in (l2_distances, cosine_distances):
        found_by_you = recall(without_itself(measure(x, x), 5), small.objects.tolist())
        print(f"{name}, {measure.__name__}: {found_by_you.mean():.2f}")

# %% claim="of the first 36 pictures, 0.6 and 0.7 by pixels, all by features"
for of_rows, by_l2, by_cosine in (("pixels", 0.61, 0.67), ("features", 1.0, 1.0)):
    for its_measure, expected in ((l2_of, by_l2), (cosine_of, by_cosine)):
        its_recall = recall_at_k(its_measure(own_rows[of_rows]), small.objects, 5).mean()
        assert abs(its_recall - expected) < 0.04

# %%
# pixels and features of all 222 pictures, and the recall of both (the longest cell of the lesson)
pixels = (
    vectors(None, crops.images, space="pixels") - 0.5
)  # the cosine counts from mid gray; L2 does not notice
features = vectors(net, crops.images)
tables = {"pixels, L2": l2_of(pixels), "pixels, cosine": cosine_of(pixels)}
tables |= {"features, L2": l2_of(features), "features, cosine": cosine_of(features)}
found = {name: recall_at_k(table, crops.objects, 5).mean().item() for name, table in tables.items()}
ratio = found["features, L2"] / found["pixels, L2"]
show_bars(
    list(found.items()),
    label="recall at 5",
    title=f"features find {ratio:.1f} times as many as pixels",
)

# %%
# asked with the whole photo, and with the recolored one: for how many photos is each other picture among the five nearest? then: what a change costs
changes = crops.variants[:6]
colored = (crops.images - crops.images.mean(1, keepdim=True)).abs().amax((1, 2, 3)) > 0.02
# the six pictures of each photo; without the gray photos: recolored, they are copies of themselves
sixes = [slice(i, i + 6) for i in range(0, len(colored), 6) if colored[i]]


def shares_found(table):
    near = nearest_of(table, 5, exclude_self=True)[0]
    hits = torch.zeros_like(table).scatter_(1, near, 1)
    return torch.stack([hits[six, six] for six in sixes]).mean(0)


def costs(
    table,
):  # distance of the whole photo to its copies; 1: as far as the nearest other whole photo
    other = table[::6, ::6].clone().fill_diagonal_(torch.inf).amin(1)
    return torch.stack([table[six.start, six] / other[six.start // 6] for six in sixes]).mean(0)


by_change = shares_found(tables["pixels, L2"])
print(f"{len(sixes)} photos{'':7}" + "".join(f"{change:>10}" for change in changes))
for asked_with in (0, 5):
    shares = [f"{share:.0%}" for share in by_change[asked_with]]
    shares[asked_with] = "-"
    print(f"{changes[asked_with]:16}" + "".join(f"{share:>10}" for share in shares))
for space in ("pixels", "features"):
    in_units = costs(tables[f"{space}, L2"])
    print(f"{'cost, ' + space:16}" + "".join(f"{cost:10.2f}" for cost in in_units))

# %% [markdown]
# Read the first row. Asked with the whole photo, the pixels find its recolored copy for four photos of five, and each moved or cropped one for about half. New colors cost them least, since nothing moves. Now the second row: asked with the recolored picture they find the whole photo and little else. There both changes add up. The features find nearly all. To them
# (last line; 1 is as far as the nearest other photo) a mirror costs least, cropping and new colors most.

# %% claim="new colors cost pixels least, and both changes add up; to features a mirror costs least"
assert found["features, L2"] > 2 * found["pixels, L2"]
assert crops.variants == ["whole", "left", "right", "flipped", "cropped", "recolored"] * len(
    crops.names
)
assert 0.7 < by_change[0, 5] < 0.93
assert by_change[0, 1:5].min() > 0.35
assert by_change[0, 1:5].max() < 0.65
assert by_change[5, 0] > 0.7
assert by_change[5, 1:5].max() < 0.35
pixel_cost, feature_cost = (costs(tables[f"{space}, L2"]) for space in ("pixels", "features"))
assert pixel_cost[5] < 0.8 * pixel_cost[1:5].min()
assert not feature_cost[5] < 0.8 * feature_cost[1:5].min()
assert feature_cost[3] < 0.8 * feature_cost[[1, 2, 4, 5]].min()
assert feature_cost[[4, 5]].min() > 1.2 * feature_cost[1:4].max()
assert feature_cost[[4, 5]].max() < 0.65
assert feature_cost[[4, 5]].min() > 0.4
mean_of = torch.stack([tables["pixels, L2"][six, six] for six in sixes]).mean(0)
for place in range(1, 5):  # two changes at once: the sum of the squares; one change is not enough
    both_changes = (mean_of[0, place] ** 2 + mean_of[0, 5] ** 2).sqrt()
    assert abs(mean_of[place, 5] / both_changes - 1) < 0.08
    assert not abs(mean_of[place, 0] / both_changes - 1) < 0.08
mixed_up = crops.objects[
    torch.randperm(len(crops.objects), generator=torch.Generator().manual_seed(0))
]
assert recall_at_k(tables["features, L2"], mixed_up, 5).mean() < 0.05

# %%
# whom do the pixels find instead? and do they find more without those?
plainest = pixels[::6].norm(dim=1).argsort()[:5]  # the five whole photos nearest to plain gray
print("the five plainest photos:", ", ".join(crops.names[i] for i in plainest))
near = crops.objects[nearest_of(tables["pixels, L2"], 5, exclude_self=True)[0]]
wrong = torch.bincount(near[near != crops.objects[:, None]], minlength=len(crops.names))
print(f"{wrong[plainest].sum()} of the {wrong.sum()} wrong neighbors show one of these five")


def recall_of_the_others(gone):  # with all photos in the set, and when five have left it
    stays = ~torch.isin(crops.objects, gone)
    small_table = tables["pixels, L2"][stays][:, stays]
    after = recall_at_k(small_table, crops.objects[stays], 5).mean()
    return recall_at_k(tables["pixels, L2"], crops.objects, 5)[stays].mean(), after


with_them, without_them = recall_of_the_others(plainest)
print(f"recall of the other 32: {with_them:.2f}; without the five {without_them:.2f}")

# %% [markdown]
# Half of the wrong neighbors show one of only five photos, those whose pixels are nearest to mid gray; any five of the 37 would have about a seventh of the places. (Plain means only this here: grass and gravel have texture everywhere.) So plainness says *who* comes. Does it also keep the right ones away? Take the five out of the set: the recall of the other 32 rises a little. Mostly another wrong picture takes the place.

# %% claim="the five plainest photos are half of the wrong neighbors; without them the recall is a little higher, and not without five others"
all_wrong = wrong.sum()
assert 0.42 < wrong[plainest].sum() / all_wrong < 0.6
assert 0.03 < without_them - with_them < 0.08
for draw in range(3):  # five photos drawn by chance are fewer, and change less
    some = torch.randperm(len(crops.names), generator=torch.Generator().manual_seed(draw))[:5]
    assert not wrong[some].sum() > 0.42 * all_wrong
    before_after = recall_of_the_others(some)
    assert not before_after[1] - before_after[0] > 0.03

# %% [markdown]
# **Predict, run, explain.** Perhaps no learning is needed for this. Six other ways to make a row of numbers: (a) shrink the pictures to $16 \times 16$, so that a small move matters less; (b) keep only the mean color, three numbers; (c) keep all gray values, but *sort* them: which grays there are, not where; (d) the last-layer features of the network
# with **random** weights; (e) an early layer of that random network, `blocks.2`, the third of its seven groups of layers (the mean of each channel over all places); (f) the same layer of the trained one. Write down an order, then run the cell.

# %%
# the six ways, and three more: the share of moved and cropped copies that is found, and asked with a recolored picture, of all its copies
# not the plain mean of the colors: a recolored copy would have the same one
brightness = torch.tensor([0.30, 0.59, 0.11])[:, None, None]
at_128 = resize(crops.images, 128)  # the networks see pictures of this size


def rows_at(network, images, *layers):  # in one pass: the mean of each channel over all places
    maps = layer_outputs(
        network, images, [*layers, "global_pool"], batch_size=16
    )  # the last features
    return [each.reshape(*each.shape[:2], -1).mean(2) for each in maps.values()]


ways = {
    "pixels": pixels,
    "16 x 16 pixels": resize(crops.images, 16).flatten(1),
    "mean color (3 numbers)": crops.images.mean((2, 3)),
    "gray values, sorted": (at_128 * brightness).sum(1).flatten(1).sort(1).values,
}
blind = randomized(net, refit=at_128[::6])  # random filters; batch norm measured anew with them
ways["random blocks.2"], ways["random last features"] = rows_at(blind, at_128, "blocks.2")
ways["the same, each scaled"] = ways["random last features"] / ways["random last features"].std(0)
trained = ("blocks.2", "blocks.4", "blocks.5")
ways |= dict(zip((*trained, "last features"), rows_at(net, at_128, *trained), strict=True))


def moved_and_recolored(x):
    shares = shares_found(l2_of(x))[:, [0, 1, 2, 4]]  # without the mirror image
    return shares[[0, 1, 2, 4]].sum() / 12, shares[5].mean()


print(f"{'':24}{'moved':>8}{'recolored':>11}")
for name, x in ways.items():
    moved, recolored = moved_and_recolored(x)
    print(f"{name:24}{moved:8.0%}{recolored:11.0%}")

# %% [markdown]
# (Mirror images do not count here: they have the mean color and the sorted grays of their photo by construction.)
#
# Shrunk pictures find a few more of the moved copies than the pixels. Mean color and sorted grays forget *where*, and find about half. The early layer of the random network forgets it, too, and finds about four of five. (It sees the colors and how they are spread; the two rows above see one of both each. Whether the filters add to that, the table does not say.) But more random layers do not help, in this draw: the last layer is a mean over all places, too, and finds
# fewest, also with its channels scaled to the same spread. The trained layers find nearly all.
#
# New colors are harder. The mean color fails, as it must, and the trained `blocks.2` finds about as many as the sorted grays. The later trained layers find nearly all.

# %% claim="moved: mean color and grays half, random blocks.2 more, random last fewest however scaled, trained nearly all; recolored: only late trained layers"
in_numbers = {which: moved_and_recolored(its_rows) for which, its_rows in ways.items()}
by_pixels_moved = in_numbers["pixels"][0]
assert in_numbers["16 x 16 pixels"][0] > 1.1 * by_pixels_moved
for which in ("mean color (3 numbers)", "gray values, sorted"):
    assert 1.15 * by_pixels_moved < in_numbers[which][0] < 0.65
for draw in (0, 1, 2):
    blind_net = randomized(net, refit=at_128[::6], seed=draw)
    early_rows, last_rows = rows_at(blind_net, at_128, "blocks.2")
    drawn_early = moved_and_recolored(early_rows)
    assert 1.2 * in_numbers["mean color (3 numbers)"][0] < drawn_early[0] < 0.92
    assert drawn_early[1] < 0.5
    for scaled in (last_rows, last_rows / last_rows.std(0), last_rows - last_rows.mean(0)):
        assert moved_and_recolored(scaled)[0] < 0.7 * by_pixels_moved
late_ways = {"blocks.4", "blocks.5", "last features"}
assert min(in_numbers[which][0] for which in {"blocks.2", *late_ways}) > 0.93
assert in_numbers["mean color (3 numbers)"][1] < 0.3
assert abs(in_numbers["blocks.2"][1] / in_numbers["gray values, sorted"][1] - 1) < 0.25
assert min(in_numbers[which][1] for which in late_ways) > 0.87
assert not max(in_numbers[which][1] for which in set(ways) - late_ways) > 0.75

# %% [markdown]
# ## Another photo of the same kind of thing
#
# Moved, mirrored and recolored copies come from *one* photo, with one light and one background. The harder question: is another photo of the same kind of thing near? We chose seven kinds that the gallery has twice or more, such as two dogs of different breeds, two jeeps, three birds.
#
# **Predict, run, explain.** Ask with each of these 16 photos. How many have a photo of their own kind as the *nearest* of the 36 others? Write down two numbers, for pixels and for features. By chance it would be 0 to 2, on average 0.6.

# %% [markdown] notes="1" minutes=6
# Show the two jeeps and the two dogs first: what do they share, pixel by pixel? After the run ask which of the failures surprises.

# %%
# how many of the 16 have a photo of their own kind as the nearest one
kinds = {
    "dog": ["bull_mastiff", "dalmatian"],
    "jeep": ["jeep", "jeep_blue"],
    "bird": ["spoonbill", "goose", "bald_eagle"],
    "insect": ["leafhopper", "dung_beetle"],
    "surface": ["grass", "gravel", "brick"],
    "portrait": ["astronaut", "grace_hopper"],
    "writing": ["text", "page"],
}
kind_of = torch.zeros(len(crops.names), dtype=torch.int64)
for number, members in enumerate(kinds.values(), 1):
    kind_of[[crops.names.index(name) for name in members]] = number
queries = kind_of.nonzero().flatten()
layers = ("pixels", "gray values, sorted", *trained, "last features")
by = {name: [ways[name][::6]] for name in layers}  # the whole photos only
whole_128, draws = at_128[::6], ("random blocks.2", "random last features")
by |= {name: [ways[name][::6]] for name in draws}
for seed in range(1, 5):  # four more draws of the random network
    unlearned = rows_at(randomized(net, refit=whole_128, seed=seed), whole_128, "blocks.2")
    for name, rows in zip(draws, unlearned, strict=True):
        by[name].append(rows)
dice = torch.Generator().manual_seed(0)
by["chance"] = [torch.randn(37, 50, generator=dice) for _ in range(200)]


def of_own_kind(rows):  # is the nearest other photo of the own kind? for each of the 16
    first = nearest_of(cosine_of(rows), 1, exclude_self=True)[0].flatten()
    return (kind_of[first] == kind_of)[queries]


def ranks(rows):  # of the nearest photo of the own kind, for each of the 16: 1 is best, 36 worst
    order = nearest_of(cosine_of(rows), 36, exclude_self=True)[0]
    return (kind_of[order] == kind_of[:, None]).int().argmax(1)[queries] + 1


def from_to(values, digits):  # of one or five: all; of 200: nine in ten
    ends = values.float().quantile(torch.tensor([0.05, 0.95] if len(values) > 5 else [0.0, 1.0]))
    return " to ".join(f"{end:.{digits}f}" for end in ends.unique())


print(f"{'':22}{'first':>7}{'mean rank':>14}  " + "".join(f"{kind:>9}" for kind in kinds))
for name, each in by.items():
    hits = torch.stack([of_own_kind(rows) for rows in each])
    means = torch.stack([ranks(rows).float().mean() for rows in each])
    of_kinds = [hits[:, kind_of[queries] == k].sum(1).float().mean() for k in range(1, 8)]
    print(f"{name:22}{from_to(hits.sum(1), 0):>7}{from_to(means, 1):>14}  ", end="")
    print("".join(f"{mean:9.1f}" for mean in of_kinds))

# %%
# one photo of each kind, and its three nearest with their cosine distances: by pixels, and by the last features; green: the same kind
both_found = [
    nearest_of(cosine_of(by[name][0]), 3, exclude_self=True) for name in ("pixels", "last features")
]
nearest_three, how_far = (torch.cat(each) for each in zip(*both_found, strict=True))
firsts = [crops.names.index(members[0]) for members in kinds.values()]
show_neighbors(
    whole_128,
    nearest_three,
    [row for first in firsts for row in (first, first + 37)],
    query_images=whole_128.repeat(2, 1, 1, 1),
    objects=kind_of.repeat(2),
    distances=how_far,
    labels=[label for kind in kinds for label in (f"{kind}, pixels", "features")],
    columns=2,
)

# %%
# the brightness of all photos whose nearest one is the nearly black hubble: counted from mid gray, and from the mean of each
from_gray = by["pixels"][0]
means = from_gray.mean(1, keepdim=True)
for zero, rows in {"mid gray": from_gray, "own mean": from_gray - means}.items():
    hub = nearest_of(cosine_of(rows), 1, exclude_self=True)[0][:, 0] == crops.names.index("hubble")
    print(f"{zero}: {hub.sum()} photos", *[f"{0.5 + mean:.2f}" for mean in means[hub].flatten()])

# %% [markdown]
# Sixteen photos are few, and first places alone mislead. The random `blocks.2` has three to five, the trained one five, and chance 0 to 2, on average 0.6. The random ones are nearly all *surface* and *portrait* (right half: first places by kind, the mean of all draws). Of the three surfaces about two find another one, in these and by sorted grays: this needs no learning. The mean rank asks how far down the list the own kind stands. By it the random networks (12 to 17)
# cannot be told from chance (10 to 22 in nine of ten tries). Sorted grays and the trained `blocks.2` (9.1 and 8.4) stand about half way between chance (on average 16) and the late layers, `blocks.4` (5.4) nearer to these. From `blocks.5` on the own kind is first or second of 36 on average.
#
# Nothing is near to the bull mastiff: its three nearest, the dalmatian among them, are about equally far. The two portraits find each other: by the person, the badges, the pose? From two photos one cannot tell. And the pixels? The nearly black `hubble` is the nearest one to ten of the photos. All are darker than mid gray, some only a little: counted from mid gray they point toward black, and the cosine forgets
# how far. Counted from their own means, it is the nearest of none. (A picture near to too many is called a *hub*.) Try your own: put photos into a folder, and `load_folder("my_folder")` gives you the pictures for `neighbors`.

# %% claim="by the mean rank late layers find the kind first or second, early ones and grays half way, random ones at chance, though random blocks.2 has first places; hubble a hub by brightness"
of_luck = torch.stack([ranks(rows).float().mean() for rows in by["chance"]])
mean_ranks = {which: ranks(its_rows[0]).float().mean() for which, its_rows in by.items()}
for late_one in ("blocks.5", "last features"):
    assert mean_ranks[late_one] < 2
for half_way in ("gray values, sorted", "blocks.2", "blocks.4"):
    assert 0.28 * of_luck.mean() < mean_ranks[half_way] < 0.65 * of_luck.mean()
in_all_draws = torch.stack([of_own_kind(its_rows) for its_rows in by["random blocks.2"]])
assert 2 <= in_all_draws.sum(1).min() <= in_all_draws.sum(1).max() <= 6
assert 4 <= of_own_kind(by["blocks.2"][0]).sum() <= 6
asked_names = [crops.names[q] for q in queries]
for twin in ("grass", "gravel"):
    assert in_all_draws[:, asked_names.index(twin)].all()
    assert of_own_kind(by["gray values, sorted"][0])[asked_names.index(twin)]
low_kinds = torch.tensor([its in kinds["surface"] + kinds["portrait"] for its in asked_names])
assert in_all_draws[:, low_kinds].sum() > 0.75 * in_all_draws.sum()
low_luck, high_luck = of_luck.quantile(torch.tensor([0.05, 0.95]))
for which in draws:
    for its_rows in by[which]:
        assert low_luck < ranks(its_rows).float().mean() < high_luck
        assert not ranks(its_rows).float().mean() < 0.65 * of_luck.mean()
mastiff, its_jeep = (how_far[37 + crops.names.index(its)] for its in ("bull_mastiff", "jeep"))
assert mastiff[2] < 1.08 * mastiff[0]
assert not its_jeep[2] < 1.08 * its_jeep[0]
to_mastiff = cosine_of(by["last features"][0])[crops.names.index("bull_mastiff")]
assert to_mastiff[crops.names.index("dalmatian")] < 1.08 * mastiff[0]
assert of_own_kind(by["last features"][0])[low_kinds].sum() >= 2
hubble_of = []
for its_zero in (0, means):
    nearest_other = nearest_of(cosine_of(from_gray - its_zero), 1, exclude_self=True)[0].flatten()
    hubble_of.append(nearest_other == crops.names.index("hubble"))
assert hubble_of[0].sum() >= 8
assert means[hubble_of[0]].max() < 0
assert means[crops.names.index("hubble")] < -0.35
assert not hubble_of[1].sum() > 2

# %% [markdown]
# ## Explore
#
# Click on a picture. Below are its nearest ones in pixels and in features; ✓ marks those that show the same object. Find a picture for which the pixels do as well as the features. (The pictures are smaller here, and so are the distances.)

# %%
# the nearest in pixels, and in features
explorers.Neighbors(net)

# %% [markdown]
# ## What this picture does not show
#
# "Features agree, so the network understands what the thing is." Test this sentence. Cut a photo into $4 \times 4$ tiles of 56 pixels and shuffle them: the layout is gone, parts are left. A shuffle also makes seams. So draw gray lines over all borders, in the shuffled photo and in the photos that are searched: only the order differs.
#
# **Predict, run, explain.** Is the photo found among the 37? With tiles of 28 pixels, of 14? Or do the lines hide it? (The control: *cropped* photos with the same lines.)

# %% [markdown] notes="1" minutes=5
# Cover the neighbors and let the room vote for each size of tiles. Ask what else than the order a shuffle changes (the seams), and what the
# cropped photos are for.

# %%
# for each size of tiles: the nearest of the 37 whole photos with lines, asked with cropped and with shuffled photos with the same lines
sides, pictured = (56, 28, 14), [crops.names.index(name) for name in ("jeep", "strawberry")]
own, share_found, costs_of, pairs = torch.arange(37), {}, {}, {}
for side in sides:
    searched = lined_tiles(crops.images[::6], side)
    its_features = vectors(net, searched)
    apart = l2_of(its_features).fill_diagonal_(torch.inf).amin(1)  # to the nearest other photo
    shuffled = shuffled_tiles(crops.images[::6], side, seed=1)  # another order for each photo
    for way, changed in {"cropped": crops.images[4::6], "shuffled": shuffled}.items():
        under_lines = lined_tiles(changed, side)
        to_whole = l2_of(vectors(net, under_lines), its_features)
        nearest = to_whole.argmin(1)
        share_found[way, side] = (nearest == own).float().mean().item()
        costs_of[way, side] = (to_whole.diagonal() / apart).mean().item()
        for i in pictured:
            pairs[i, way, side] = under_lines[i], searched[nearest[i]], nearest[i] == i
shown = [(i, way, side) for i in pictured for way in ("cropped", "shuffled") for side in sides]
show_neighbors(
    torch.stack([pairs[key][1] for key in shown]),
    torch.arange(len(shown))[:, None],
    query_images=torch.stack([pairs[key][0] for key in shown]),
    framed=[pairs[key][2] for key in shown],
    labels=[f"{way}, {side} pixels" for _, way, side in shown],
    columns=3,
)

# %%
# over all 37 photos: how many are found, and at what cost
figure, axes = new_figure(1, 2, width=8, aspect=0.62)
for ax, values, title in (
    (axes[0, 0], share_found, "share of 37 photos found"),
    (axes[0, 1], costs_of, "cost (1: the nearest other photo)"),
):
    for way, color in (("cropped", "#3b6ea5"), ("shuffled", "#d95f02")):
        ax.plot(range(3), [values[way, side] for side in sides], "o-", color=color, label=way)
    ax.axhline(1 / 37 if values is share_found else 1, color="gray", linestyle=":")
    ax.set(xticks=range(3), xticklabels=sides, xlabel="side of a tile, pixels", ylim=(0, None))
    ax.set_title(title, fontsize=10)
axes[0, 0].text(0, 0.04, "chance", color="gray", fontsize=9)
axes[0, 0].legend(loc="center left", fontsize=9)
figure

# %% [markdown]
# Shuffled tiles of 56 pixels find every photo. Before you call that understanding: sorted grays would, too, since shuffling does not change them, and 37 photos are few. The cost says more. At 56 it is about that of cropping. At 28 a shuffled photo is as far from itself as the nearest other photo, and about three of four are found; at 14 it is farther, and one of five is found.
# Cropped photos with the same lines are nearly all found, at a cost that hardly changes. So the lines alone do not hide a photo. But finer lines also cover more of each piece, and a cropped photo still has its layout. How much of the fall comes from smaller pieces, and how much from less to see in each, this does not separate. (A cost of 1 does not mean lost: a shuffled photo has moved away from the others, too.)
#
# Brendel & Bethge, 2019, built networks that look at pieces of 9, 17 or 33 pixels one by one; with 33 the right class is among the first five for seven of eight photos of ImageNet. Geirhos et al., 2019, showed that ordinary networks trained on ImageNet mostly decide by texture where
# texture and shape disagree.
#
# Other limits, in one sentence each:
#
# - The crops share their background; the features may compare the meadow and not the dog.
# - The unit of the cost, the nearest other photo, belongs to this gallery.
# - Another network gives other neighbors: near is always near *for somebody*.

# %% claim="under equal lines shuffled tiles of 56 find all photos, those of 28 seven of ten at a cost of 1, those of 14 one of five; cropped photos nearly all, at any size"
bounds = {56: (0.9, 1.0, 0.6, 0.85), 28: (0.55, 0.9, 0.9, 1.12), 14: (0.1, 0.35, 1.1, 1.4)}
for size, (least, most, cheap, dear) in bounds.items():
    lined_features = vectors(net, lined_tiles(crops.images[::6], size))
    distance_apart = l2_of(lined_features).fill_diagonal_(torch.inf).amin(1)
    assert share_found["cropped", size] > 0.9
    assert abs(costs_of["cropped", size] / costs_of["cropped", 28] - 1) < 0.1
    for draw in (1, 2, 3):
        its_tiles = lined_tiles(shuffled_tiles(crops.images[::6], size, seed=draw), size)
        its_table = l2_of(vectors(net, its_tiles), lined_features)
        assert least < (its_table.argmin(1) == own).float().mean() <= most
        shuffle_cost = (its_table.diagonal() / distance_apart).mean()
        assert cheap < shuffle_cost < dear
        if size == 28:  # moved away from the nearest other, too
            from_others = its_table.clone().fill_diagonal_(torch.inf).amin(1)
            assert (from_others / distance_apart).mean() > 1.05
        if size == 56:
            assert shuffle_cost < 1.2 * costs_of["cropped", size]
        else:
            assert not shuffle_cost < 1.2 * costs_of["cropped", size]
some_tiles = shuffled_tiles(crops.images[:6], 14)
some_grays, their_grays = (
    (images * brightness).sum(1).flatten(1).sort(1).values
    for images in (some_tiles, crops.images[:6])
)
assert torch.allclose(some_grays, their_grays)

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("03")

# %% [markdown]
# ## Summary
#
# - $|a-b|^2 = |a|^2 - 2a\cdot b + |b|^2$ gives all distances with one matrix product; negative squares become 0 (no NaN). Without the mean row the numbers are smaller, and so is the error; double precision does the rest.
# - Cosine distances compare directions. Ties need a rule, and the picture itself leaves by the diagonal.
# - Copies of one photo: features find more than twice as many as pixels. Forgetting *where* does a part of it without learning; training does more. Of other photos, one of the same kind stands first or second of 36 on average for late layers, eighth or ninth for the trained `blocks.2` and for sorted grays, about sixteenth by chance. A random early layer has first places, too, but by the mean rank random networks cannot be told from chance.
# - Shuffled pieces of 56 pixels find their photo among 37; smaller ones, under finer lines, less and less. It does not mean "understood".
#
# **Papers.** Krizhevsky, Sutskever, Hinton: *ImageNet Classification with Deep Convolutional Neural Networks*, NeurIPS 2012 (figure 4). Brendel, Bethge: *Approximating CNNs with Bag-of-local-Features Models Works Surprisingly Well on ImageNet*, ICLR 2019. Geirhos et al.: *ImageNet-trained CNNs are biased towards texture; increasing shape bias improves accuracy and robustness*, ICLR 2019.
