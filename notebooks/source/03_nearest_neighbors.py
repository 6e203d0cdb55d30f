# %% [markdown] lesson="03" title="Nearest neighbors: which pictures are alike?" minutes=65 needs="00"
# You will be able to: measure distances between pictures in pixel space and in feature space without a loop; find nearest neighbors, also with ties and copies; put a number on
# the result; and say what "near" does *not* mean.

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    explorers,
    gallery,
    load_network,
    photo,
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
from course_utils.stimuli import crop_set

# %%
# the result first: six pictures of each of six things, and the neighbors of one of them
net = load_network("efficientnet_lite0")
small = crop_set(["bull_mastiff", "strawberry", "jeep", "spoonbill", "coffee", "drum"])
by_pixels = neighbors(None, small.images, k=5, space="pixels").indices
by_features = neighbors(net, small.images, k=5).indices
asked_dog = asked = small.variants.index("left")
both = torch.stack([by_pixels[asked], by_features[asked]])
show_neighbors(
    small.images,
    both,
    query_images=small.images[[asked, asked]],
    framed=small.objects == small.objects[asked],
    labels=["by pixels", "by features"],
)

# %% [markdown]
# On the left a dog, standing left of the middle. Each row shows the five pictures that are nearest to it, among 36. Green frames show the same dog; red frames something else. To the pixels, much is nearer than the same dog one step to the
# right. To the last layer of a network, all five other pictures of the dog come first, also the mirrored one and the one with false colors.

# %% claim="by features all five other pictures of the dog come first, by pixels fewer; random weights do not do it"
dog = small.objects == small.objects[asked]
assert dog[by_features[asked]].sum() == 5
assert dog[by_pixels[asked]].sum() <= 3
for draw in range(3):
    blind = neighbors(randomized(net, seed=draw), small.images, k=5).indices[asked]
    assert not dog[blind].sum() >= 5

# %% [markdown] notes="1" minutes=4
# Show the query alone and ask: which five of the 36 would *you* choose? Then show the two rows.

# %% [markdown]
# ## The idea
#
# Write a picture as one long row of numbers. There are two ways to do that:
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
# Gray is nearer. A small thing that moves is, for the pixels, one thing that vanishes and another one that appears. This is the whole trouble with pixel distances.

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
# root of a negative number is NaN. Set what is negative to 0 *before* the root.

# %%
# the trap, in numbers: two nearly equal rows, far from zero
x = torch.full((1, 64), 100.0)
y = x + 1e-4
true = (x.double() - y.double()).square().sum().sqrt()
formula = x.square().sum() - 2 * (x * y).sum() + y.square().sum()
print(f"the true square: {true.square():.1e};  the square by the formula: {formula:.4f}")
print(f"its root: {formula.sqrt():.4f}")

# %% [markdown] solution="03.1"
# Clamping removes the NaN but not the error. If the small distances matter, take the mean of all rows away first (this changes no distance and makes the numbers small) and compute in double precision. That is what
# `course_utils` does.

# %% [markdown] exercise="03.2" title="Build it: cosine distances" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.activations:cosine_distances"
# The same table for $1 - \cos$. A row of zeros has no direction; let its distance to everything be 1.


# %% exercise="03.2"
def cosine_distances(a, b):
    """All cosine distances between the rows of a and the rows of b.

    a: (N, D), b: (M, D); a row of zeros has distance 1 to everything
    returns: (N, M), from 0 to 2
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
asked = [i for i, v in enumerate(small.variants) if v == "right" and i > 11][:3]
table = l2_distances(pixels[asked] - 0.5, pixels - 0.5)
show_neighbors(
    small.images,
    k_nearest(table, 6),
    query_images=small.images[asked],
    distances=table.sort(dim=1).values[:, :6],
)

# %% [markdown]
# The queries are part of the set, so the first neighbor is the picture itself. Its distance should be 0: if you see a small
# number there, it is the rounding error of the formula (the cell takes 0.5 from all pixels: smaller numbers, smaller errors). After the first few come pictures that show something else and are *plain*: a bird in front of a gray sky, a dark wall. It is the gray picture of the beginning
# again: a plain picture is wrong nowhere by much. How much does it explain?

# %%
# a picture that is gray all over, as an answer to the dog of the beginning
gray_all_over = torch.full((1, 3, 224, 224), 0.5)
to_all = l2_of(small.images[[asked_dog]].flatten(1), small.images.flatten(1))[0].sort().values
to_gray = l2_of(small.images[[asked_dog]].flatten(1), gray_all_over.flatten(1)).item()
print(f"to the nearest of the 35 others {to_all[1]:.1f}, to plain gray {to_gray:.1f}")

# %% claim="plain gray is nearer to the dog than any of the 35 others"
assert to_gray < 0.95 * to_all[1]

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
# The lecture shows an elephant, left and right in two photos. Here is the same experiment with a number at its end. From each of the 37 photos of the gallery we make six pictures: whole, moved to the left, moved to the right, mirrored (flipped),
# cropped, and recolored (its red numbers become green, green blue, and blue red).

# %% [markdown] notes="1" minutes=16
# Start the long cell before you explain recall. For the four cures, collect an order from the room and keep it on the
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
# object in the whole set (some objects have more pictures than others).


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
# `objects[neighbors]` has shape `(N, k)`: what the neighbors show. Compare with `objects[:, None]`. Comparing `objects[:, None] == objects[None]` counts all pictures of the same object, the picture itself included.

# %% uses="03.5"
# all of your functions together, on the 36 pictures of the beginning: the mean recall
own_rows = {
    "pixels": vectors(None, small.images, space="pixels") - 0.5,
    "features": vectors(net, small.images),
}
for name, x in own_rows.items():
    for measure in (l2_distances, cosine_distances):
        found_by_you = recall(without_itself(measure(x, x), 5), small.objects.tolist())
        print(f"{name}, {measure.__name__}: {found_by_you.mean():.2f}")

# %%
# pixels and features of all 222 pictures, and the recall of both (the longest cell of the lesson)
pixels = vectors(None, crops.images, space="pixels")
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
# where it goes wrong: the share of neighbors found, for each kind of picture asked with
colored = (crops.images - crops.images.mean(1, keepdim=True)).abs().amax((1, 2, 3)) > 0.02
rows = []
for name in ("pixels, L2", "features, L2"):
    values = recall_at_k(tables[name], crops.objects, 5)
    for kind in ("whole", "left", "right", "flipped", "cropped", "recolored"):
        chosen = torch.tensor([v == kind for v in crops.variants]) & colored
        rows.append((f"{name.split(',')[0]}: {kind}", values[chosen].mean().item()))
print(f"{(~colored).sum() // 6} gray photos are left out: recolored, they are copies of themselves")
show_bars(rows, label="recall at 5")

# %% [markdown]
# For the pixels every change costs about the same, a move as much as new colors. Asked with the whole picture they find more, since it lies between the others: it is moved *half* as far from the left one as the right one is. The features find nearly all, whatever the change. In the two tables below, look for blocks of light along the diagonal, and for light rows and
# columns far from it: these are the plain photos, near to everything.

# %% claim="features find more than twice as many; without the gray photos a new color costs pixels about as much as a move"
assert found["features, L2"] > 2 * found["pixels, L2"]
shares = dict(rows)
for kind_of_change in ("left", "right", "flipped", "cropped"):
    assert abs(shares["pixels: recolored"] - shares[f"pixels: {kind_of_change}"]) < 0.08
with_gray = recall_at_k(tables["pixels, L2"], crops.objects, 5)
with_gray = with_gray[torch.tensor([v == "recolored" for v in crops.variants])].mean()
assert not abs(with_gray - shares["pixels: recolored"]) < 0.03  # the copies would have hidden it
mixed_up = crops.objects[
    torch.randperm(len(crops.objects), generator=torch.Generator().manual_seed(0))
]
assert recall_at_k(tables["features, L2"], mixed_up, 5).mean() < 0.05

# %%
# the two tables of distances for 12 things, light is near; blocks on the diagonal are pictures of one thing
first = slice(0, 72)
show_images(
    [
        1 - t[first, first] / t[first, first].max()
        for t in (tables["pixels, L2"], tables["features, L2"])
    ],
    ["pixels", "features"],
    columns=2,
    cmap="magma",
)

# %% [markdown]
# **Predict, run, explain.** Perhaps no learning is needed for this. Six other ways to make a row of numbers: (a) shrink the pictures to $16 \times 16$, so that a small move matters less; (b) keep only the mean color, three numbers; (c) keep all gray values, but *sort* them: which grays there are, not where; (d) the last-layer features of the network
# with **random** weights; (e) a middle layer of that random network (the mean of each channel over all places); (f) the same middle layer of the trained one. Write down an order, then run the cell.

# %%
# the six ways
tiny = resize(crops.images, 16).flatten(1)
mean_color = crops.images.mean((2, 3))
at_128 = resize(crops.images, 128)  # all three networks below see pictures of this size
cures = {
    "pixels": l2_of(pixels),
    "16 x 16 pixels": l2_of(tiny),
    "mean color (3 numbers)": l2_of(mean_color),
    "gray values, sorted": l2_of(at_128.mean(1).flatten(1).sort(1).values),
    "random network, last": l2_of(vectors(randomized(net), at_128)),
    "random network, middle": l2_of(vectors(randomized(net), at_128, layer="blocks.2")),
    "middle layer": l2_of(vectors(net, at_128, layer="blocks.2")),
    "last features": l2_of(vectors(net, at_128)),
}
cured = {name: recall_at_k(t, crops.objects, 5).mean().item() for name, t in cures.items()}
show_bars(list(cured.items()), label="recall at 5")

# %% [markdown]
# All ways that forget *where* do better than the pixels, even three numbers. The sorted gray values find two thirds, and they have learned nothing. A new color is the end of the mean color: asked with a recolored color photo it finds less than a tenth, the pixels about a third.
#
# The random network is a lesson in itself. Its last layer finds fewer than the pixels, its middle layer more. So the architecture alone, filters and a mean over all places, does a part of it, and a deep stack of random layers loses it again. Training does the rest: the trained middle layer finds far more, and the last one nearly all.
#
# But look at the size of that rest. Copies of *one* photo share their grays, their colors and their textures, so a high recall on them says little about things. The next experiment says more.

# %% claim="mean color and sorted grays beat pixels; random networks: the middle more than pixels, the last fewer; trained: far more"
assert cured["mean color (3 numbers)"] > 1.05 * cured["pixels"]
assert cured["gray values, sorted"] > 1.3 * cured["pixels"]
assert cured["16 x 16 pixels"] > 1.05 * cured["pixels"]
recolored = torch.tensor([v == "recolored" for v in crops.variants]) & colored
by_color = recall_at_k(cures["mean color (3 numbers)"], crops.objects, 5)[recolored].mean()
assert by_color < 0.4 * shares["pixels: recolored"]
for draw in range(3):
    for layer, sign in ((None, -1), ("blocks.2", 1)):
        untrained = l2_of(vectors(randomized(net, seed=draw), at_128, layer=layer))
        found_untrained = recall_at_k(untrained, crops.objects, 5).mean()
        assert sign * found_untrained > sign * (1 + 0.1 * sign) * cured["pixels"]
        assert found_untrained < 0.75 * cured["middle layer"]
assert cured["last features"] > 1.05 * cured["middle layer"]

# %% [markdown]
# ## Another photo of the same kind of thing
#
# Moved, mirrored and recolored copies come from *one* photo, with one light and one background. The harder question, and that of the lecture's elephant: is another photo of the same kind of thing near? The gallery has seven kinds twice or more, such as two dogs of different breeds, two jeeps, three birds.
#
# **Predict, run, explain.** Ask with each of these 16 photos. How many have a photo of their own kind as the *nearest* of the 36 others? Write down two numbers, for pixels and for features. By chance it would be fewer than one.

# %% [markdown] notes="1" minutes=6
# Show the two jeeps and the two dogs first: what do they share, pixel by pixel? After the run ask which of the failures surprises.

# %%
# how many of the 16 have a photo of their own kind as the nearest one
kinds = {
    "dog": ["bull_mastiff", "dalmatian"],
    "jeep": ["jeep", "jeep_blue"],
    "bird": ["spoonbill", "goose", "bald_eagle"],
    "insect": ["leafhopper", "dung_beetle"],
    "ground": ["grass", "gravel", "brick"],
    "portrait": ["astronaut", "grace_hopper"],
    "writing": ["text", "page"],
}
all_names = [one.name for one in gallery()]
kind_of = torch.zeros(len(all_names), dtype=torch.int64)
for number, members in enumerate(kinds.values(), 1):
    kind_of[[all_names.index(name) for name in members]] = number
everything = torch.cat([photo(name) for name in all_names])
by = {
    "pixels, cosine": cosine_of(vectors(None, everything, space="pixels")),
    "features, L2": l2_of(vectors(net, everything)),
    "features, cosine": cosine_of(vectors(net, everything)),
    "middle layer, cosine": cosine_of(vectors(net, everything, layer="blocks.2")),
    "random middle, cosine": cosine_of(vectors(randomized(net), everything, layer="blocks.2")),
    "sorted grays, cosine": cosine_of(everything.mean(1).flatten(1).sort(1).values),
}
queries = kind_of.nonzero().flatten()
for name, table in by.items():
    the_nearest = nearest_of(table, 1, exclude_self=True)[0].flatten()
    right = (kind_of[the_nearest] == kind_of)[queries]
    print(f"{name:22}: {right.sum():2} of {len(queries)}")
same_kind = torch.tensor([(kind_of == kind_of[q]).sum() - 1 for q in queries])
print(f"by chance             : {(same_kind / (len(all_names) - 1)).sum():.1f} of {len(queries)}")

# %%
# one photo of each kind, and its four nearest by features; green: the same kind
show_neighbors(
    everything,
    nearest_of(by["features, cosine"], 4, exclude_self=True)[0],
    [all_names.index(members[0]) for members in kinds.values()],
    objects=kind_of,
    labels=list(kinds),
    width=5.5,
)

# %% [markdown]
# Now the ways that need no learning fall far behind, and so does the middle layer: what they find is mostly gravel beside grass. The last layer finds most with the cosine distance, and half with L2: here the measure matters.
#
# Look at who fails. Both dogs do, though the network knows both breeds by name. Both portraits are found, though no class of ImageNet is called *person*. So do not explain single cases with the list of classes. And sixteen photos are few: a difference of two or three of them is no result, eleven against four is. Try your own: put photos into a folder, and `load_folder("my_folder")` gives you the pictures for `neighbors`.

# %% claim="of 16 photos the last layer finds the kind of most by cosine and half by L2; what has learned nothing finds few"
kinds_found = {
    name: (kind_of[nearest_of(t, 1, exclude_self=True)[0].flatten()] == kind_of)[queries].sum()
    for name, t in by.items()
}
assert kinds_found["features, cosine"] >= 10
assert 7 <= kinds_found["features, L2"] <= 9
for way in (
    "pixels, cosine",
    "sorted grays, cosine",
    "random middle, cosine",
    "middle layer, cosine",
):
    assert kinds_found[way] <= 6
for draw in range(3):
    for layer in (None, "blocks.2"):
        drawn = cosine_of(vectors(randomized(net, seed=draw), everything, layer=layer))
        first_drawn = nearest_of(drawn, 1, exclude_self=True)[0].flatten()
        assert not (kind_of[first_drawn] == kind_of)[queries].sum() >= 8
found_by_features = nearest_of(by["features, cosine"], 1, exclude_self=True)[0].flatten()
for which, expected in (("dog", 0), ("portrait", 2)):
    its_photos = [all_names.index(one) for one in kinds[which]]
    assert (kind_of[found_by_features] == kind_of)[its_photos].sum() == expected

# %% [markdown]
# ## Explore
#
# Click on a picture. Below are its nearest ones in pixels and in features; ✓ marks those that show the same object. Find a picture for which the pixels do as well as the features. Which change of the photo do pixels survive?

# %%
# the nearest in pixels, and in features
explorers.Neighbors(net)

# %% [markdown]
# ## What this picture does not show
#
# "Features agree, so the network understands what the thing is." Test this sentence. Cut a photo into $4 \times 4$ tiles of 56 pixels and shuffle them. The whole thing is gone; parts of it are left. Then ask for the neighbors of the broken picture.

# %% [markdown] notes="1" minutes=5
# Cover the tiles' neighbors and ask what the network will find without a whole thing left.

# %%
# shuffled tiles, and their nearest pictures in feature space
generator = torch.Generator().manual_seed(1)
names = ["bull_mastiff", "jeep", "strawberry", "spoonbill"]
photos = torch.cat([photo(name) for name in names])
tiles = photos.unfold(2, 56, 56).unfold(3, 56, 56).flatten(2, 3)
mixed = (
    tiles[:, :, torch.randperm(16, generator=generator)]
    .unflatten(2, (4, 4))
    .permute(0, 1, 2, 4, 3, 5)
    .reshape(photos.shape)
)
table = l2_of(vectors(net, mixed), features)
nearest = table.argsort(dim=1, stable=True)[:, :5]
show_neighbors(
    crops.images,
    nearest,
    query_images=mixed,
    labels=[f"shuffled {name}" for name in names],
    names=[crops.names[i] for i in crops.objects],
)

# %%
# smaller and smaller tiles: how many of the five nearest show the thing whose tiles were shuffled, over all 37 photos
whole = crops.images[[i for i, v in enumerate(crops.variants) if v == "whole"]]


def shuffled_tiles(images, side, seed=1):
    count = 224 // side
    cut = images.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)
    order = torch.randperm(count * count, generator=torch.Generator().manual_seed(seed))
    back = cut[:, :, order].unflatten(2, (count, count))
    return back.permute(0, 1, 2, 4, 3, 5).reshape(images.shape)


def share_found(rows, of_crops):
    hits = crops.objects[l2_of(rows, of_crops).argsort(dim=1)[:, :5]] == torch.arange(37)[:, None]
    return hits.float().mean().item()


sorted_grays = crops.images.mean(1).flatten(1).sort(1).values
by_side = {}
for side in (56, 28, 14):
    broken = shuffled_tiles(whole, side)
    by_side[side] = (
        share_found(vectors(net, broken), features),
        share_found(broken.flatten(1), pixels),
        share_found(broken.mean(1).flatten(1).sort(1).values, sorted_grays),
    )
    of_features, of_pixels, of_grays = by_side[side]
    print(
        f"tiles of {side} pixels: features {of_features:.0%}, pixels {of_pixels:.0%}, "
        f"sorted gray values {of_grays:.0%}"
    )

# %% [markdown]
# With tiles of 56 pixels, the features still find the right photo nearly always. Before you call that understanding, look at the last number: a list of gray values does not notice any shuffling, and it finds nine in ten. To be found is no achievement here; there are only 37 photos. What the smaller tiles say is more: the features notice when pieces
# of 28 pixels change their places, and with 14 pixels they are lost. So they hold more than grays and colors: structure of a few dozen pixels, in any order. (Brendel & Bethge, 2019, built a network that looks at tiles of 9 to 33 pixels, one by one, and names most of ImageNet's photos; Geirhos et al., 2019, showed that
# such networks decide by texture where texture and shape disagree.)
#
# Other limits, in one sentence each:
#
# - The crops share their background; the features may compare the meadow and not the dog.
# - Distances in 1280 dimensions have no unit: "twice as far" means nothing by itself.
# - Another network gives other neighbors: near is always near *for somebody*.

# %% claim="the features survive shuffled tiles of 56 pixels, half survive 28, none 14; sorted grays do not notice"
for draw in (1, 2):
    of_side = {
        side: share_found(vectors(net, shuffled_tiles(whole, side, seed=draw)), features)
        for side in (56, 28, 14)
    }
    assert of_side[56] > 0.85
    assert 0.45 < of_side[28] < 0.8
    assert of_side[14] < 0.35
assert min(one[2] for one in by_side.values()) > 0.8
assert by_side[56][2] == by_side[14][2]

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
# - $|a-b|^2 = |a|^2 - 2a\cdot b + |b|^2$ gives all distances with one matrix product; set negative squares to 0.
# - Cosine distances compare directions. Ties need a rule, and the picture itself leaves by the diagonal.
# - Recall at 5 on crops of one photo: features more than twice as good as pixels, but much of it comes from forgetting *where*, without learning. In other photos of the same kind only the last layer finds most.
# - Near in feature space means: same structures of a few dozen pixels, in any place and color. It does not mean "understood".
#
# **Papers.** Krizhevsky, Sutskever, Hinton: *ImageNet Classification with Deep Convolutional Neural Networks*, NeurIPS 2012 (figure 4). Brendel, Bethge: *Approximating CNNs with Bag-of-local-Features Models*, ICLR 2019. Geirhos et al.: *ImageNet-trained CNNs are biased towards texture*, ICLR 2019.
